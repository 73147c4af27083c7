// Conversions between the kernel's socket addresses and ours. Private to this target.
#ifndef TERN_ADDRESSES_H
#define TERN_ADDRESSES_H

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "include/clinux.h"

/// Room for either kind of socket address, and nothing more: sockaddr_storage would cost two more cache lines.
union tern_sockaddr {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static inline void tern_address_set_ipv4(struct tern_address *out, struct in_addr in, in_port_t port) {
    out->high = 0;
    out->low = ntohl(in.s_addr);
    out->port = ntohs(port);
    out->family = TERN_FAMILY_IPV4;
}

/// An IPv4-mapped address becomes plain IPv4, so that one host has one spelling (RFC 4291 §2.5.5.2).
static inline void tern_address_set_ipv6(struct tern_address *out, const struct in6_addr *in, in_port_t port) {
    uint64_t halves[2];
    memcpy(halves, in, sizeof halves);
    out->high = be64toh(halves[0]);
    out->low = be64toh(halves[1]);
    out->port = ntohs(port);
    out->family = TERN_FAMILY_IPV6;
    if (out->high == 0 && out->low >> 32 == 0xFFFF) {
        out->low &= 0xFFFFFFFF;
        out->family = TERN_FAMILY_IPV4;
    }
}

static inline void tern_address_from_kernel(struct tern_address *out, const union tern_sockaddr *in) {
    switch (in->any.sa_family) {
    case AF_INET:
        tern_address_set_ipv4(out, in->v4.sin_addr, in->v4.sin_port);
        break;
    case AF_INET6:
        tern_address_set_ipv6(out, &in->v6.sin6_addr, in->v6.sin6_port);
        break;
    default:
        memset(out, 0, sizeof *out);
    }
}

static inline struct in6_addr tern_in6_from_address(const struct tern_address *in) {
    uint64_t halves[2] = {htobe64(in->high), htobe64(in->low)};
    struct in6_addr out;
    memcpy(&out, halves, sizeof out);
    return out;
}

/// Returns the length of the socket address.
static inline socklen_t tern_address_to_kernel(const struct tern_address *in, union tern_sockaddr *out) {
    if (in->family == TERN_FAMILY_IPV4) {
        memset(&out->v4, 0, sizeof out->v4);
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(in->port);
        out->v4.sin_addr.s_addr = htonl((uint32_t)in->low);
        return sizeof out->v4;
    }
    memset(&out->v6, 0, sizeof out->v6);
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(in->port);
    out->v6.sin6_addr = tern_in6_from_address(in);
    return sizeof out->v6;
}

#endif
