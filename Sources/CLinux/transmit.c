// Batched send. Entries are chained by descriptor, each chain goes out in order, and an entry that fails is counted and
// stepped over.
//
// A call for each datagram, and not sendmmsg: the cost of a call is less than what the kernel pays to copy and check a
// msghdr, which sendto does without. What a call for many saves, segmentation offload (UDP_SEGMENT) saves as well, and
// more; it belongs into send_chain: a run of equal-sized entries for one destination can share a header there, without
// a change for callers.
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "addresses.h"

enum { NO_ENTRY = -1 };

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/// The first and last entry of the chain of a descriptor.
struct chain {
    int32_t fd;
    int32_t head;
    int32_t tail;
};

struct tern_transmit_batch {
    struct tern_outgoing *entries;
    struct chain *chains;
    int16_t *buckets;  // open addressing over chains, twice as many places as entries
    uint32_t bucket_mask;
};

struct tern_transmit_batch *tern_transmit_batch_create(uint32_t entries) {
    if (entries == 0 || entries > INT16_MAX) return NULL;
    struct tern_transmit_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL) return NULL;
    uint32_t buckets = 2;
    while (buckets < 2 * entries) buckets *= 2;
    batch->bucket_mask = buckets - 1;
    batch->entries = calloc(entries, sizeof *batch->entries);
    batch->chains = calloc(entries, sizeof *batch->chains);
    batch->buckets = calloc(buckets, sizeof *batch->buckets);
    if (!batch->entries || !batch->chains || !batch->buckets) {
        tern_transmit_batch_destroy(batch);
        return NULL;
    }
    return batch;
}

void tern_transmit_batch_destroy(struct tern_transmit_batch *batch) {
    free(batch->entries);
    free(batch->chains);
    free(batch->buckets);
    free(batch);
}

struct tern_outgoing *tern_transmit_batch_entries(struct tern_transmit_batch *batch) { return batch->entries; }

// ---------------------------------------------------------------------------------------------------- one datagram

static void set_source(struct msghdr *header, union control *control, const struct tern_address *local) {
    header->msg_control = control;
    control->header.cmsg_len = 0;
    if (local->family == TERN_FAMILY_IPV4) {
        struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl((uint32_t)local->low)};
        header->msg_controllen = CMSG_SPACE(sizeof info);
        control->header.cmsg_level = IPPROTO_IP;
        control->header.cmsg_type = IP_PKTINFO;
        control->header.cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(&control->header), &info, sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_addr = tern_in6_from_address(local)};
        header->msg_controllen = CMSG_SPACE(sizeof info);
        control->header.cmsg_level = IPPROTO_IPV6;
        control->header.cmsg_type = IPV6_PKTINFO;
        control->header.cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(&control->header), &info, sizeof info);
    }
}

static ssize_t send_from(const struct tern_outgoing *entry, union tern_sockaddr *name, socklen_t length) {
    union control control;
    struct iovec vector = {.iov_base = (void *)(uintptr_t)entry->bytes, .iov_len = entry->length};
    struct msghdr header = {.msg_name = name, .msg_namelen = length, .msg_iov = &vector, .msg_iovlen = 1};
    set_source(&header, &control, &entry->local);
    return sendmsg(entry->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/// 0, or the errno.
static int send_once(const struct tern_outgoing *entry) {
    union tern_sockaddr name;
    socklen_t length = tern_address_to_kernel(&entry->destination, &name);
    ssize_t sent;
    do {
        sent = entry->local.family == TERN_FAMILY_NONE
                   ? sendto(entry->fd, entry->bytes, entry->length, MSG_DONTWAIT | MSG_NOSIGNAL, &name.any, length)
                   : send_from(entry, &name, length);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

// ---------------------------------------------------------------------------------------------------- failures

/// Whether the call may have reported an old ICMP error instead of sending (IP_RECVERR, ip(7)). Those come with the
/// same numbers as failures of the send itself, so the entry is simply tried once more. The numbers left out cannot be
/// of that kind; after ENOBUFS in particular the datagram has been consumed.
static bool may_be_pending(int error) {
    switch (error) {
    case EAGAIN: case ENOBUFS: case ENOMEM: case EBADF: case EINVAL: case EFAULT: case EPERM: case ENOTSOCK:
        return false;
    default:
        return true;
    }
}

static void count_failure(int error, struct tern_transmit_counters *counters) {
    switch (error) {
    case EAGAIN: case ENOBUFS: case ENOMEM:
        counters->would_block += 1;
        break;
    case EMSGSIZE:
        counters->message_too_long += 1;
        break;
    case EPERM: case EACCES:
        counters->not_permitted += 1;
        break;
    case ECONNREFUSED: case EHOSTUNREACH: case ENETUNREACH: case EHOSTDOWN: case ENETDOWN:
        counters->unreachable += 1;
        break;
    default:
        counters->other += 1;
    }
}

static void send_entry(const struct tern_outgoing *entry, struct tern_transmit_counters *counters) {
    int error = send_once(entry);
    if (error != 0 && may_be_pending(error)) {
        int second = send_once(entry);
        if (second == 0) counters->refused += 1;
        error = second;
    }
    if (error == 0) {
        counters->sent += 1;
    } else {
        count_failure(error, counters);
    }
}

// ---------------------------------------------------------------------------------------------------- many

/// The DF bit is a property of the socket, so a datagram that wants it travels alone. Rare (RFC 8656 §14.3).
static void send_unfragmented(const struct tern_outgoing *entry, struct tern_transmit_counters *counters) {
    bool v6 = entry->destination.family == TERN_FAMILY_IPV6;
    int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int option = v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
    int on = v6 ? IPV6_PMTUDISC_DO : IP_PMTUDISC_DO;
    int before = 0;
    socklen_t length = sizeof before;
    if (getsockopt(entry->fd, level, option, &before, &length) != 0 ||
        setsockopt(entry->fd, level, option, &on, sizeof on) != 0) {
        counters->other += 1;
        return;
    }
    send_entry(entry, counters);
    (void)setsockopt(entry->fd, level, option, &before, sizeof before);
}

static void send_chain(struct tern_transmit_batch *batch, const struct chain *chain,
                       struct tern_transmit_counters *counters) {
    for (int32_t i = chain->head; i != NO_ENTRY; i = batch->entries[i].next) {
        const struct tern_outgoing *entry = &batch->entries[i];
        if ((entry->flags & TERN_OUTGOING_DONT_FRAGMENT) != 0) {
            send_unfragmented(entry, counters);
        } else {
            send_entry(entry, counters);
        }
    }
}

/// Chains the entries by descriptor, in order of first appearance; returns the number of chains.
static uint32_t build_chains(struct tern_transmit_batch *batch, uint32_t count) {
    uint32_t chains = 0;
    memset(batch->buckets, 0xFF, (batch->bucket_mask + 1) * sizeof *batch->buckets);
    for (uint32_t i = 0; i < count; i += 1) {
        struct tern_outgoing *entry = &batch->entries[i];
        entry->next = NO_ENTRY;
        uint32_t place = (uint32_t)entry->fd & batch->bucket_mask;
        while (batch->buckets[place] >= 0 && batch->chains[batch->buckets[place]].fd != entry->fd)
            place = (place + 1) & batch->bucket_mask;
        if (batch->buckets[place] < 0) {
            batch->buckets[place] = (int16_t)chains;
            batch->chains[chains] = (struct chain){.fd = entry->fd, .head = (int32_t)i, .tail = (int32_t)i};
            chains += 1;
        } else {
            struct chain *chain = &batch->chains[batch->buckets[place]];
            batch->entries[chain->tail].next = (int32_t)i;
            chain->tail = (int32_t)i;
        }
    }
    return chains;
}

void tern_transmit_batch_flush(struct tern_transmit_batch *batch, uint32_t count,
                               struct tern_transmit_counters *counters) {
    uint32_t chains = build_chains(batch, count);
    for (uint32_t i = 0; i < chains; i += 1) send_chain(batch, &batch->chains[i], counters);
}
