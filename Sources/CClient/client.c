// Opens, reads, writes and closes; TLS is in secure.c.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

int64_t now_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int wait_for(int fd, short events, int64_t deadline) {
    while (true) {
        int64_t left = deadline - now_milliseconds();
        if (left < 0) left = 0;
        struct pollfd entry = {.fd = fd, .events = events};
        int result = poll(&entry, 1, (int)left);
        if (result > 0) return 0;
        if (result == 0) return -ETIMEDOUT;
        if (errno != EINTR) return -errno;
    }
}

// ---------------------------------------------------------------------------------------------------- opening

struct name {
    struct sockaddr_storage storage;
    socklen_t length;
};

static int numeric_name(const char *host, uint16_t port, struct name *name) {
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, service, &hints, &found) != 0) return -EINVAL;
    memcpy(&name->storage, found->ai_addr, found->ai_addrlen);
    name->length = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int unix_name(const char *path, struct name *name) {
    struct sockaddr_un *address = (struct sockaddr_un *)&name->storage;
    if (strlen(path) >= sizeof address->sun_path) return -ENAMETOOLONG;
    address->sun_family = AF_UNIX;
    strcpy(address->sun_path, path);
    name->length = sizeof *address;
    return 0;
}

static int finish_connecting(int fd, int64_t deadline) {
    int result = wait_for(fd, POLLOUT, deadline);
    if (result != 0) return result;
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return -errno;
    return -error;
}

/// A connected socket, or the negated errno.
static int open_socket(const struct tern_client_plan *plan, int64_t deadline) {
    struct name name = {0};
    bool is_unix = plan->kind == TERN_CLIENT_UNIX;
    int result = is_unix ? unix_name(plan->host, &name) : numeric_name(plan->host, plan->port, &name);
    if (result != 0) return result;
    bool is_datagrams = plan->kind == TERN_CLIENT_UDP || plan->kind == TERN_CLIENT_DTLS;
    int type = (is_datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(name.storage.ss_family, type, 0);
    if (fd < 0) return -errno;
    if (connect(fd, (struct sockaddr *)&name.storage, name.length) != 0)
        result = errno == EINPROGRESS ? finish_connecting(fd, deadline) : -errno;
    if (result != 0) {
        close(fd);
        return result;
    }
    int one = 1;
    if (!is_datagrams && !is_unix) (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

struct tern_client *tern_client_open(const struct tern_client_plan *plan, struct tern_client_failure *failure) {
    memset(failure, 0, sizeof *failure);
    struct tern_client *client = calloc(1, sizeof *client);
    failure->stage = TERN_CLIENT_CONNECTING;
    failure->error = ENOMEM;
    if (client == NULL) return NULL;
    client->is_datagrams = plan->kind == TERN_CLIENT_UDP || plan->kind == TERN_CLIENT_DTLS;
    client->fd = open_socket(plan, now_milliseconds() + plan->milliseconds);
    if (client->fd < 0) {
        failure->error = -client->fd;
        free(client);
        return NULL;
    }
    bool is_secure = plan->kind == TERN_CLIENT_TLS || plan->kind == TERN_CLIENT_DTLS;
    if (is_secure && !secure(client, plan, failure)) {
        tern_client_close(client);
        return NULL;
    }
    return client;
}

void tern_client_close(struct tern_client *client) {
    if (client->context != NULL) secure_close(client);
    close(client->fd);
    free(client);
}

// ---------------------------------------------------------------------------------------------------- bytes

int32_t tern_client_send(struct tern_client *client, const uint8_t *bytes, size_t count, int32_t milliseconds) {
    int64_t deadline = now_milliseconds() + milliseconds;
    if (client->ssl != NULL) return secure_send(client, bytes, count, deadline);
    while (count > 0) {
        ssize_t sent = send(client->fd, bytes, count, MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes += sent;
            count -= (size_t)sent;
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return -errno;
        int result = wait_for(client->fd, POLLOUT, deadline);
        if (result != 0) return result;
    }
    return 0;
}

int64_t tern_client_receive(struct tern_client *client, uint8_t *bytes, size_t capacity, int32_t milliseconds) {
    int64_t deadline = now_milliseconds() + milliseconds;
    if (client->ssl != NULL) return secure_receive(client, bytes, capacity, deadline);
    while (true) {
        ssize_t count = recv(client->fd, bytes, capacity, 0);
        if (count >= 0) return count;
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return -errno;
        int result = wait_for(client->fd, POLLIN, deadline);
        if (result != 0) return result;
    }
}

// ---------------------------------------------------------------------------------------------------- addresses

bool tern_client_local(const struct tern_client *client, char *text, size_t capacity, uint16_t *port) {
    struct name name = {.length = sizeof name.storage};
    char service[8];
    if (getsockname(client->fd, (struct sockaddr *)&name.storage, &name.length) != 0) return false;
    if (name.storage.ss_family == AF_UNIX) return false;
    if (getnameinfo((struct sockaddr *)&name.storage, name.length, text, (socklen_t)capacity, service, sizeof service,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    *port = (uint16_t)atoi(service);
    return true;
}

int64_t tern_client_resolve(const char *name, char *texts, size_t capacity, char *reason, size_t reason_capacity) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int result = getaddrinfo(name, NULL, &hints, &found);
    if (result != 0) {
        snprintf(reason, reason_capacity, "%s", result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result));
        return -1;
    }
    size_t count = 0;
    for (struct addrinfo *entry = found; entry != NULL; entry = entry->ai_next) {
        char text[INET6_ADDRSTRLEN + 16];
        if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0) continue;
        size_t length = strlen(text) + 1;
        if (count + length > capacity) break;
        memcpy(texts + count, text, length);
        count += length;
    }
    freeaddrinfo(found);
    return (int64_t)count;
}
