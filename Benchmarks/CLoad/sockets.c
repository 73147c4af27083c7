// Sending and receiving for the load generator; cload.h says what each function is for.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "include/cload.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

enum { MEMINFO_DROPS = 8, MEMINFO_VALUES = 9 };

int32_t cload_connect(int32_t fd, uint32_t address, uint16_t port) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    return connect(fd, (struct sockaddr *)&name, sizeof name) == 0 ? 0 : -errno;
}

int64_t cload_local_address(int32_t fd) {
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0) return -errno;
    return ntohl(name.sin_addr.s_addr);
}

int32_t cload_take_trains(int32_t fd) {
    int on = 1;
    return setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) == 0 ? 0 : -errno;
}

int64_t cload_drops(int32_t fd) {
    uint32_t values[MEMINFO_VALUES] = {0};
    socklen_t length = sizeof values;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &length) != 0) return -errno;
    return length > MEMINFO_DROPS * sizeof values[0] ? values[MEMINFO_DROPS] : -EOPNOTSUPP;
}

// ---------------------------------------------------------------------------------------------------- sending

int32_t cload_send(int32_t fd, const void *bytes, size_t count) {
    ssize_t sent;
    do {
        sent = send(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 1;
}

int32_t cload_send_train(int32_t fd, const void *bytes, size_t count, uint16_t segment) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof segment)];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec vector = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1,
                             .msg_control = &control, .msg_controllen = sizeof control.bytes};
    control.header.cmsg_level = SOL_UDP;
    control.header.cmsg_type = UDP_SEGMENT;
    control.header.cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(&control.header), &segment, sizeof segment);
    ssize_t sent;
    do {
        sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : (int32_t)((count + segment - 1) / segment);
}

// ---------------------------------------------------------------------------------------------------- receiving

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

struct cload_inbox {
    uint8_t *region;
    struct mmsghdr messages[CLOAD_SLOTS];
    struct iovec vectors[CLOAD_SLOTS];
    union control controls[CLOAD_SLOTS];
    struct cload_received received[CLOAD_SLOTS];
};

static const size_t region_bytes = (size_t)CLOAD_SLOTS * CLOAD_SLOT_STRIDE;

struct cload_inbox *cload_inbox_create(void) {
    struct cload_inbox *inbox = calloc(1, sizeof *inbox);
    if (inbox == NULL) return NULL;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    inbox->region = mmap(NULL, region_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (inbox->region == MAP_FAILED) {
        free(inbox);
        return NULL;
    }
    for (uint32_t i = 0; i < CLOAD_SLOTS; i += 1) {
        inbox->vectors[i] = (struct iovec){inbox->region + (size_t)i * CLOAD_SLOT_STRIDE, 65535};
        // No address is asked for: the sockets are connected.
        inbox->messages[i].msg_hdr = (struct msghdr){.msg_iov = &inbox->vectors[i], .msg_iovlen = 1,
                                                     .msg_control = &inbox->controls[i],
                                                     .msg_controllen = sizeof inbox->controls[i].bytes};
    }
    return inbox;
}

void cload_inbox_destroy(struct cload_inbox *inbox) {
    (void)munmap(inbox->region, region_bytes);
    free(inbox);
}

const struct cload_received *cload_inbox_received(const struct cload_inbox *inbox) { return inbox->received; }

const uint8_t *cload_inbox_bytes(const struct cload_inbox *inbox) { return inbox->region; }

static void note(struct cload_inbox *inbox, uint32_t index, uint32_t bytes) {
    struct msghdr *header = &inbox->messages[index].msg_hdr;
    struct cload_received *received = &inbox->received[index];
    *received = (struct cload_received){bytes, bytes};
    if (header->msg_controllen >= sizeof(struct cmsghdr)) {
        struct cmsghdr *message = CMSG_FIRSTHDR(header);
        if (message != NULL && message->cmsg_level == SOL_UDP && message->cmsg_type == UDP_GRO) {
            int segment;
            memcpy(&segment, CMSG_DATA(message), sizeof segment);
            if (segment > 0) received->segment = (uint32_t)segment;
        }
    }
    // The kernel wrote down how much of it it used.
    header->msg_controllen = sizeof inbox->controls[index].bytes;
}

int32_t cload_receive(struct cload_inbox *inbox, int32_t fd, uint32_t limit) {
    int count;
    if (limit == 1) {
        // A call of its own is a quarter cheaper than a batch of one, which looks for a second datagram as well.
        ssize_t bytes = recvmsg(fd, &inbox->messages[0].msg_hdr, MSG_DONTWAIT);
        count = bytes < 0 ? -1 : 1;
        if (count == 1) inbox->messages[0].msg_len = (unsigned)bytes;
    } else {
        count = recvmmsg(fd, inbox->messages, limit < CLOAD_SLOTS ? limit : CLOAD_SLOTS, MSG_DONTWAIT, NULL);
    }
    if (count < 0) {
        // Refusals of a peer that is gone reach us here; whoever misses the datagrams will say so.
        bool is_nothing = errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED;
        return is_nothing ? 0 : -errno;
    }
    for (uint32_t i = 0; i < (uint32_t)count; i += 1) note(inbox, i, inbox->messages[i].msg_len);
    return count;
}
