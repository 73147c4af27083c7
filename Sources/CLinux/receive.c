// Batched receive: all headers are laid out once, and what the kernel reports is turned into one compact record a slot.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "addresses.h"

/// Packet information, the drop counter and the size of a train's datagrams. A socket that asks for none of them, or a
/// datagram that has none, costs nothing: the kernel leaves the room alone.
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint32_t)) + CMSG_SPACE(sizeof(int))];
};

struct tern_receive_batch {
    uint32_t slots;
    struct mmsghdr *messages;
    struct iovec *vectors;
    union tern_sockaddr *names;
    union control *controls;
    struct tern_datagram *datagrams;
};

void *tern_map_region(size_t bytes) {
    void *region = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) return NULL;
    // Most datagrams fill one page of a slot of sixteen. A huge page would make every byte of the region resident.
    (void)madvise(region, bytes, MADV_NOHUGEPAGE);
    return region;
}

void tern_unmap_region(void *region, size_t bytes) { (void)munmap(region, bytes); }

static void prepare(struct tern_receive_batch *batch, uint32_t index) {
    struct msghdr *header = &batch->messages[index].msg_hdr;
    header->msg_namelen = sizeof batch->names[index];
    header->msg_controllen = sizeof batch->controls[index];
}

struct tern_receive_batch *tern_receive_batch_create(uint8_t *region, const struct tern_slot_layout *layout) {
    struct tern_receive_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL) return NULL;
    batch->slots = layout->slots;
    batch->messages = calloc(layout->slots, sizeof *batch->messages);
    batch->vectors = calloc(layout->slots, sizeof *batch->vectors);
    batch->names = calloc(layout->slots, sizeof *batch->names);
    batch->controls = calloc(layout->slots, sizeof *batch->controls);
    batch->datagrams = aligned_alloc(64, layout->slots * sizeof *batch->datagrams);
    if (!batch->messages || !batch->vectors || !batch->names || !batch->controls || !batch->datagrams) {
        tern_receive_batch_destroy(batch);
        return NULL;
    }
    memset(batch->datagrams, 0, layout->slots * sizeof *batch->datagrams);
    for (uint32_t i = 0; i < layout->slots; i += 1) {
        batch->vectors[i].iov_base = region + (size_t)i * layout->stride + layout->headroom;
        batch->vectors[i].iov_len = layout->capacity;
        batch->messages[i].msg_hdr = (struct msghdr){.msg_name = &batch->names[i], .msg_iov = &batch->vectors[i],
                                                     .msg_iovlen = 1, .msg_control = &batch->controls[i]};
        prepare(batch, i);
    }
    return batch;
}

void tern_receive_batch_destroy(struct tern_receive_batch *batch) {
    free(batch->messages);
    free(batch->vectors);
    free(batch->names);
    free(batch->controls);
    free(batch->datagrams);
    free(batch);
}

const struct tern_datagram *tern_receive_batch_datagrams(const struct tern_receive_batch *batch) {
    return batch->datagrams;
}

static void take_control(struct tern_datagram *datagram, struct msghdr *header) {
    for (struct cmsghdr *message = CMSG_FIRSTHDR(header); message != NULL; message = CMSG_NXTHDR(header, message)) {
        if (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(message), sizeof info);
            // Not ipi_addr: for a broadcast that one is no address of ours, and an answer cannot come from it.
            tern_address_set_ipv4(&datagram->local, info.ipi_spec_dst, 0);
        } else if (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(message), sizeof info);
            if (!IN6_IS_ADDR_MULTICAST(&info.ipi6_addr)) tern_address_set_ipv6(&datagram->local, &info.ipi6_addr, 0);
        } else if (message->cmsg_level == SOL_SOCKET && message->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&datagram->dropped, CMSG_DATA(message), sizeof datagram->dropped);
            datagram->flags |= TERN_DATAGRAM_HAS_DROPS;
        } else if (message->cmsg_level == SOL_UDP && message->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(message), sizeof size);
            if (size > 0) datagram->segment_bytes = (uint32_t)size;
        }
    }
}

static void convert(struct tern_receive_batch *batch, uint32_t index) {
    struct tern_datagram *datagram = &batch->datagrams[index];
    struct msghdr *header = &batch->messages[index].msg_hdr;
    tern_address_from_kernel(&datagram->source, &batch->names[index]);
    datagram->local.family = TERN_FAMILY_NONE;
    datagram->length = batch->messages[index].msg_len;
    datagram->segment_bytes = 0;
    datagram->flags = (header->msg_flags & MSG_TRUNC) != 0 ? TERN_DATAGRAM_TRUNCATED : 0;
    if (header->msg_controllen > 0) take_control(datagram, header);
    // The kernel overwrote the two lengths; only headers that it used need them again.
    prepare(batch, index);
}

int32_t tern_receive_batch_receive(struct tern_receive_batch *batch, int32_t fd, uint32_t first, uint32_t limit) {
    if (first >= batch->slots) return -EINVAL;
    if (limit > batch->slots - first) limit = batch->slots - first;
    int count;
    do {
        count = recvmmsg(fd, batch->messages + first, limit, MSG_DONTWAIT, NULL);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return errno == EAGAIN ? 0 : -errno;
    for (uint32_t i = first; i < first + (uint32_t)count; i += 1) convert(batch, i);
    return count;
}
