// What opening a socket takes, whatever its kind. Private to this target.
#ifndef TERN_SOCKETS_H
#define TERN_SOCKETS_H

#include <errno.h>
#include <net/if.h>

#include "addresses.h"

static inline int set_int(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value);
}

static inline int fail(struct tern_failure *failure, const char *operation) {
    failure->operation = operation;
    failure->error = errno;
    return -1;
}

static inline int bind_to_device(int fd, const char *device, struct tern_failure *failure) {
    if (device == NULL) return 0;
    socklen_t length = (socklen_t)strnlen(device, IFNAMSIZ);
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, length) == 0) return 0;
    return fail(failure, "setsockopt(SO_BINDTODEVICE)");
}

static inline int bind_and_name(int fd, const struct tern_address *address, struct tern_address *local,
                                struct tern_failure *failure) {
    union tern_sockaddr name;
    socklen_t length = tern_address_to_kernel(address, &name);
    if (bind(fd, &name.any, length) != 0) return fail(failure, "bind");
    // Only of what the caller left open there is something to learn, and a relay socket leaves nothing open.
    if (address->port != 0) {
        *local = *address;
        return 0;
    }
    length = sizeof name;
    if (getsockname(fd, &name.any, &length) != 0) return fail(failure, "getsockname");
    tern_address_from_kernel(local, &name);
    return 0;
}

#endif
