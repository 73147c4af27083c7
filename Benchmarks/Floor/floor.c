// The floor: a forwarder that does for ChannelData what the kernel must do for any TURN server in user space, and as
// little else as possible. One receive and one send a datagram, no authentication, timers, quotas or logs; one thread.
//
// A client opens a flow by one datagram, 0xF1 0x00, the peer's IPv4 address and port, and is answered by the relay's
// address and port. From then on its channel is 0x4000. Binding requests are answered too.
//
//     cc -O2 -o floor floor.c && ./floor PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUCKETS = 1 << 16, FLOWS_MAX = 20000, RECEIVES_PER_EVENT = 64 };
#define LISTENER UINT32_MAX

struct flow {
    struct sockaddr_in client;
    struct sockaddr_in peer;
    int relay;
    uint32_t next;
};

static struct flow flows[FLOWS_MAX];
static uint32_t flow_count;
static uint32_t buckets[BUCKETS];  // one more than the flow's index
static int listener, poller;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static uint32_t bucket_of(const struct sockaddr_in *name) {
    uint64_t key = (uint64_t)name->sin_addr.s_addr << 16 | name->sin_port;
    return (uint32_t)(key * 0x9E3779B97F4A7C15 >> 48);
}

static struct flow *find(const struct sockaddr_in *client) {
    for (uint32_t i = buckets[bucket_of(client)]; i != 0; i = flows[i - 1].next) {
        struct flow *flow = &flows[i - 1];
        if (flow->client.sin_port == client->sin_port && flow->client.sin_addr.s_addr == client->sin_addr.s_addr)
            return flow;
    }
    return NULL;
}

static int open_socket(uint16_t port) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int bytes = 4 << 20;
    if (fd < 0) die("socket");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) != 0) die("bind");
    return fd;
}

static void watch(int fd, uint32_t token) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = token};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

static void reply(const void *bytes, size_t count, const struct sockaddr_in *client) {
    (void)sendto(listener, bytes, count, MSG_DONTWAIT, (const struct sockaddr *)client, sizeof *client);
}

static void open_flow(const uint8_t *bytes, const struct sockaddr_in *client) {
    struct flow *flow = find(client);
    if (flow == NULL) {
        if (flow_count == FLOWS_MAX) return;
        flow = &flows[flow_count++];
        flow->client = *client;
        flow->relay = open_socket(0);
        flow->next = buckets[bucket_of(client)];
        buckets[bucket_of(client)] = flow_count;
        watch(flow->relay, flow_count - 1);
    }
    flow->peer = (struct sockaddr_in){.sin_family = AF_INET};
    memcpy(&flow->peer.sin_addr, bytes + 2, 4);
    memcpy(&flow->peer.sin_port, bytes + 6, 2);
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    if (getsockname(flow->relay, (struct sockaddr *)&name, &length) != 0) die("getsockname");
    uint8_t answer[6];
    memcpy(answer, &name.sin_addr, 4);
    memcpy(answer + 4, &name.sin_port, 2);
    reply(answer, sizeof answer, client);
}

/// XOR-MAPPED-ADDRESS of the client (RFC 8489 §14.2).
static void answer_binding(const uint8_t *request, const struct sockaddr_in *client) {
    uint8_t answer[32] = {0x01, 0x01, 0x00, 0x0C};
    memcpy(answer + 4, request + 4, 16);
    answer[21] = 0x20;
    answer[23] = 8;
    answer[25] = 1;
    uint16_t port = client->sin_port ^ htons(0x2112);
    uint32_t address = client->sin_addr.s_addr ^ htonl(0x2112A442);
    memcpy(answer + 26, &port, 2);
    memcpy(answer + 28, &address, 4);
    reply(answer, sizeof answer, client);
}

static void from_client(uint8_t *bytes, ssize_t count, const struct sockaddr_in *client) {
    if (count >= 4 && bytes[0] == 0x40 && bytes[1] == 0x00) {
        size_t length = (size_t)bytes[2] << 8 | bytes[3];
        struct flow *flow = find(client);
        if (flow == NULL || length + 4 > (size_t)count) return;
        (void)sendto(flow->relay, bytes + 4, length, MSG_DONTWAIT, (struct sockaddr *)&flow->peer, sizeof flow->peer);
    } else if (count == 8 && bytes[0] == 0xF1) {
        open_flow(bytes, client);
    } else if (count >= 20 && bytes[0] == 0x00 && bytes[1] == 0x01) {
        answer_binding(bytes, client);
    }
}

static void from_peer(const struct flow *flow, uint8_t *header, ssize_t count, const struct sockaddr_in *peer) {
    if (peer->sin_port != flow->peer.sin_port || peer->sin_addr.s_addr != flow->peer.sin_addr.s_addr) return;
    header[0] = 0x40;
    header[1] = 0x00;
    header[2] = (uint8_t)(count >> 8);
    header[3] = (uint8_t)count;
    reply(header, (size_t)count + 4, &flow->client);
}

static void drain(uint32_t token) {
    static uint8_t buffer[4 + 65536];
    int fd = token == LISTENER ? listener : flows[token].relay;
    for (int i = 0; i < RECEIVES_PER_EVENT; i += 1) {
        struct sockaddr_in name;
        socklen_t length = sizeof name;
        ssize_t count = recvfrom(fd, buffer + 4, 65536, MSG_DONTWAIT, (struct sockaddr *)&name, &length);
        if (count < 0) return;
        if (token == LISTENER) from_client(buffer + 4, count, &name);
        else from_peer(&flows[token], buffer, count, &name);
    }
}

int main(int argc, char **argv) {
    int port = argc == 2 ? atoi(argv[1]) : 0;
    if (port <= 0 || port > 65535) {
        fprintf(stderr, "usage: floor PORT\n");
        return 2;
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) die("epoll_create1");
    listener = open_socket((uint16_t)port);
    watch(listener, LISTENER);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(poller, events, 256, -1);
        if (count < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < count; i += 1) drain(events[i].data.u32);
    }
}
