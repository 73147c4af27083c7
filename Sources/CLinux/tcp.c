// Listening, and what is done with the connections that come of it.
#define _GNU_SOURCE
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sockets.h"

/// Set on the listener: Linux hands all of these on to the connections it accepts, which saves five calls for each.
static int set_connection_options(int fd, const struct tern_tcp_options *options, struct tern_failure *failure) {
    // Messages are written whole, so waiting for more to fill a segment would only delay them.
    if (set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1) != 0) return fail(failure, "setsockopt(TCP_NODELAY)");
    if (set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options->user_timeout) != 0)
        return fail(failure, "setsockopt(TCP_USER_TIMEOUT)");
    if (set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1) != 0) return fail(failure, "setsockopt(SO_KEEPALIVE)");
    if (set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, options->keepalive_idle) != 0)
        return fail(failure, "setsockopt(TCP_KEEPIDLE)");
    if (set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, options->keepalive_interval) != 0)
        return fail(failure, "setsockopt(TCP_KEEPINTVL)");
    if (options->unsent_max > 0 && set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, options->unsent_max) != 0)
        return fail(failure, "setsockopt(TCP_NOTSENT_LOWAT)");
    return 0;
}

static int set_listener_options(int fd, bool v6, const struct tern_tcp_options *options,
                                struct tern_failure *failure) {
    // A socket per family, as for UDP.
    if (v6 && set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0) return fail(failure, "setsockopt(IPV6_V6ONLY)");
    // Connections of the last run that are in TIME_WAIT would keep the next one from starting.
    if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0) return fail(failure, "setsockopt(SO_REUSEADDR)");
    if (options->reuse_port && set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0)
        return fail(failure, "setsockopt(SO_REUSEPORT)");
    if (bind_to_device(fd, options->device, failure) != 0) return -1;
    return set_connection_options(fd, options, failure);
}

int32_t tern_tcp_listen(const struct tern_address *address, const struct tern_tcp_options *options,
                        struct tern_address *local, struct tern_failure *failure) {
    bool v6 = address->family == TERN_FAMILY_IPV6;
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail(failure, "socket");
    if (set_listener_options(fd, v6, options, failure) != 0 || bind_and_name(fd, address, local, failure) != 0) {
        close(fd);
        return -1;
    }
    // With SO_REUSEADDR two sockets can have bound the same address; it is listen that finds out.
    if (listen(fd, options->backlog) != 0) {
        (void)fail(failure, "listen");
        close(fd);
        return -1;
    }
    // Only now: asked for before, it would have let the socket be bound beside the listener of somebody else.
    if (options->lends_address && set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0) {
        (void)fail(failure, "setsockopt(SO_REUSEPORT)");
        close(fd);
        return -1;
    }
    return fd;
}

int32_t tern_tcp_accept(int32_t fd, struct tern_address *remote, struct tern_address *local) {
    union tern_sockaddr name;
    socklen_t length = sizeof name;
    int connection = accept4(fd, &name.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) return -errno;
    tern_address_from_kernel(remote, &name);
    if (local == NULL) return connection;
    length = sizeof name;
    if (getsockname(connection, &name.any, &length) != 0) {
        int error = errno;
        close(connection);
        return -error;
    }
    tern_address_from_kernel(local, &name);
    return connection;
}

/// Without a port it is the kernel's choice; made only when it connects, it has to be free for that peer alone. With
/// one the address is a listener's, and other connections may have it too.
static int bind_source(int fd, const struct tern_address *local, struct tern_failure *failure) {
    if (local->family == TERN_FAMILY_NONE) return 0;
    union tern_sockaddr name;
    socklen_t length = tern_address_to_kernel(local, &name);
    if (local->port == 0) {
        if (set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1) != 0)
            return fail(failure, "setsockopt(IP_BIND_ADDRESS_NO_PORT)");
    } else {
        if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0) return fail(failure, "setsockopt(SO_REUSEADDR)");
        if (set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0) return fail(failure, "setsockopt(SO_REUSEPORT)");
    }
    return bind(fd, &name.any, length) == 0 ? 0 : fail(failure, "bind");
}

int32_t tern_tcp_connect(const struct tern_address *remote, const struct tern_address *local,
                         struct tern_failure *failure) {
    int family = remote->family == TERN_FAMILY_IPV6 ? AF_INET6 : AF_INET;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail(failure, "socket");
    union tern_sockaddr name;
    socklen_t length = tern_address_to_kernel(remote, &name);
    if (set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1) != 0) {
        (void)fail(failure, "setsockopt(TCP_NODELAY)");
    } else if (bind_source(fd, local, failure) == 0) {
        if (connect(fd, &name.any, length) == 0 || errno == EINPROGRESS) return fd;
        (void)fail(failure, "connect");
    }
    close(fd);
    return -1;
}

int32_t tern_tcp_connect_result(int32_t fd) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return -errno;
    return -error;
}

int32_t tern_tcp_wait_for_reader(int32_t fd) {
    return set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 0) == 0 ? 0 : -errno;
}

int64_t tern_tcp_read(int32_t fd, void *buffer, size_t capacity) {
    ssize_t count;
    do count = recv(fd, buffer, capacity, 0);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

static int64_t write_one(int32_t fd, const struct tern_piece *piece) {
    ssize_t written;
    do written = send(fd, piece->start, piece->count, MSG_NOSIGNAL);
    while (written < 0 && errno == EINTR);
    return written < 0 ? -errno : written;
}

int64_t tern_tcp_write(int32_t fd, const struct tern_piece *pieces, size_t count) {
    // The usual case, for which the kernel need not copy a list of pieces.
    if (count == 1) return write_one(fd, pieces);
    struct iovec parts[TERN_PIECES_MAX];
    if (count > TERN_PIECES_MAX) count = TERN_PIECES_MAX;
    for (size_t i = 0; i < count; i += 1)
        parts[i] = (struct iovec){.iov_base = (void *)pieces[i].start, .iov_len = pieces[i].count};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    ssize_t written;
    do written = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (written < 0 && errno == EINTR);
    return written < 0 ? -errno : written;
}

int32_t tern_tcp_shutdown_writes(int32_t fd) { return shutdown(fd, SHUT_WR) == 0 ? 0 : -errno; }

int32_t tern_tcp_reset_on_close(int32_t fd) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0 ? 0 : -errno;
}

int32_t tern_tcp_unsent(int32_t fd) {
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : -errno;
}
