// Opening UDP sockets and reading their error queues.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <time.h>  // before errqueue.h, which needs struct timespec and does not say so
#include <unistd.h>

#include <linux/errqueue.h>
#include <linux/sock_diag.h>

#include "sockets.h"

_Static_assert(sizeof(struct tern_address) == 24, "Swift and C agree on the size of an address");
_Static_assert(sizeof(struct tern_datagram) == 64, "one datagram is one cache line");

/// The FORCE variant passes net.core.[rw]mem_max but needs CAP_NET_ADMIN; without it the kernel gives what it may. A
/// smaller buffer than asked for is no reason to refuse service, so nothing is reported.
static void set_buffer(int fd, int forced, int plain, int32_t bytes) {
    if (bytes <= 0) return;
    if (set_int(fd, SOL_SOCKET, forced, bytes) != 0) (void)set_int(fd, SOL_SOCKET, plain, bytes);
}

/// Without `dont_fragment` a datagram goes out as it comes, fragmented where it must be: a relay passes on what it was
/// given, and the DF bit is the client's to ask for (RFC 8656 §14.3). The kernel's default (WANT) would set it.
///
/// Not DONT for IPv4: then the kernel hides "fragmentation needed", which comes when the one datagram with DF has long
/// been sent, caches the MTU, and refuses the next one itself. OMIT delivers the error, which the client shall see
/// (RFC 8656 §11.5), and gives forged ones no hold on the cache. IPv6 must know the path MTU, because no router
/// fragments for it, and delivers the error anyway.
static int set_mtu_discovery(int fd, bool v6, bool dont_fragment) {
    if (v6) return set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, dont_fragment ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT);
    return set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, dont_fragment ? IP_PMTUDISC_DO : IP_PMTUDISC_OMIT);
}

static int set_family_options(int fd, bool v6, const struct tern_udp_options *options, struct tern_failure *failure) {
    int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    // A socket per family: a dual-stack one would see IPv4 clients under a second spelling.
    if (v6 && set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0) return fail(failure, "setsockopt(IPV6_V6ONLY)");
    if (set_mtu_discovery(fd, v6, false) != 0) return fail(failure, "setsockopt(MTU_DISCOVER)");
    if (options->packet_info && set_int(fd, level, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1) != 0)
        return fail(failure, "setsockopt(PKTINFO)");
    if (options->receive_errors && set_int(fd, level, v6 ? IPV6_RECVERR : IP_RECVERR, 1) != 0)
        return fail(failure, "setsockopt(RECVERR)");
    return 0;
}

static int set_options(int fd, bool v6, const struct tern_udp_options *options, struct tern_failure *failure) {
    if (set_family_options(fd, v6, options, failure) != 0) return -1;
    if (options->reuse_port && set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0)
        return fail(failure, "setsockopt(SO_REUSEPORT)");
    if (options->reports_drops && set_int(fd, SOL_SOCKET, SO_RXQ_OVFL, 1) != 0)
        return fail(failure, "setsockopt(SO_RXQ_OVFL)");
    // A kernel that cannot coalesce hands over each datagram alone, which is as right and costs more.
    if (options->coalesces) (void)set_int(fd, SOL_UDP, UDP_GRO, 1);
    if (bind_to_device(fd, options->device, failure) != 0) return -1;
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options->receive_buffer);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options->send_buffer);
    return 0;
}

int32_t tern_udp_open(const struct tern_address *address, const struct tern_udp_options *options,
                      struct tern_address *local, struct tern_failure *failure) {
    bool v6 = address->family == TERN_FAMILY_IPV6;
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail(failure, "socket");
    if (set_options(fd, v6, options, failure) != 0 || bind_and_name(fd, address, local, failure) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/// Binds and connects a socket to the address that `beside` has. Both allow it for as long as it takes and not longer:
/// whoever came later with the same permission could take over the port. Between the two calls datagrams of any source
/// may reach the new socket.
static int share_address(int fd, int beside, const union tern_sockaddr *own, socklen_t own_length,
                         const struct tern_address *peer, struct tern_failure *failure) {
    union tern_sockaddr name;
    if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0 || set_int(beside, SOL_SOCKET, SO_REUSEADDR, 1) != 0)
        return fail(failure, "setsockopt(SO_REUSEADDR)");
    int bound = bind(fd, &own->any, own_length);
    if (bound != 0) (void)fail(failure, "bind");
    (void)set_int(beside, SOL_SOCKET, SO_REUSEADDR, 0);
    if (bound != 0) return -1;
    (void)set_int(fd, SOL_SOCKET, SO_REUSEADDR, 0);
    socklen_t length = tern_address_to_kernel(peer, &name);
    return connect(fd, &name.any, length) == 0 ? 0 : fail(failure, "connect");
}

int32_t tern_udp_open_connected(int32_t beside, const struct tern_address *peer,
                                const struct tern_udp_options *options, struct tern_address *local,
                                struct tern_failure *failure) {
    bool v6 = peer->family == TERN_FAMILY_IPV6;
    union tern_sockaddr own;
    socklen_t length = sizeof own;
    if (getsockname(beside, &own.any, &length) != 0) return fail(failure, "getsockname");
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail(failure, "socket");
    if (set_options(fd, v6, options, failure) != 0 || share_address(fd, beside, &own, length, peer, failure) != 0) {
        close(fd);
        return -1;
    }
    tern_address_from_kernel(local, &own);
    return fd;
}

uint32_t tern_udp_drops(int32_t fd) {
    uint32_t values[SK_MEMINFO_VARS];
    socklen_t length = sizeof values;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &length) != 0 || length <= SK_MEMINFO_DROPS * sizeof *values)
        return 0;
    return values[SK_MEMINFO_DROPS];
}

int32_t tern_set_dont_fragment(int32_t fd, bool on) {
    int domain = 0;
    socklen_t length = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0) return -errno;
    return set_mtu_discovery(fd, domain == AF_INET6, on) == 0 ? 0 : -errno;
}

void tern_close(int32_t fd) {
    // Linux frees the number even when close reports EINTR, so trying again could close somebody else's descriptor.
    (void)close(fd);
}

// ---------------------------------------------------------------------------------------------------- error queue

static bool is_extended_error(const struct cmsghdr *message) {
    return (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_RECVERR) ||
           (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_RECVERR);
}

/// True when the message carries an ICMP error, which is then stored.
static bool take_icmp_error(struct msghdr *header, struct tern_icmp_error *error) {
    for (struct cmsghdr *message = CMSG_FIRSTHDR(header); message != NULL; message = CMSG_NXTHDR(header, message)) {
        struct sock_extended_err detail;
        if (!is_extended_error(message) || message->cmsg_len < CMSG_LEN(sizeof detail)) continue;
        memcpy(&detail, CMSG_DATA(message), sizeof detail);
        bool v4 = detail.ee_origin == SO_EE_ORIGIN_ICMP;
        if (!v4 && detail.ee_origin != SO_EE_ORIGIN_ICMP6) continue;
        bool has_mtu = v4 ? detail.ee_type == ICMP_DEST_UNREACH && detail.ee_code == ICMP_FRAG_NEEDED
                          : detail.ee_type == ICMP6_PACKET_TOO_BIG;
        tern_address_from_kernel(&error->peer, header->msg_name);
        error->info = has_mtu ? detail.ee_info : 0;
        error->family = v4 ? TERN_FAMILY_IPV4 : TERN_FAMILY_IPV6;
        error->type = detail.ee_type;
        error->code = detail.ee_code;
        return true;
    }
    return false;
}

int32_t tern_read_error_queue(int32_t fd, struct tern_icmp_error *error) {
    enum { DISCARDED_MAX = 64 };
    for (int round = 0; round < DISCARDED_MAX; round += 1) {
        union tern_sockaddr name;
        _Alignas(struct cmsghdr) char control[512];
        // No buffer for the offending datagram: its destination and the ICMP type are all that RFC 8656 §11.5 wants.
        struct msghdr header = {.msg_name = &name, .msg_namelen = sizeof name,
                                .msg_control = control, .msg_controllen = sizeof control};
        memset(&name, 0, sizeof name);
        if (recvmsg(fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
            if (errno == EAGAIN) return 0;
            if (errno == EINTR) continue;
            return -errno;
        }
        if (take_icmp_error(&header, error)) return 1;
    }
    return 0;
}
