// Batched send. Entries are chained by flow (socket and both addresses), and each chain goes out in order. Runs of a
// flow whose datagrams are of one size leave by one call, which the kernel cuts into datagrams again (UDP_SEGMENT,
// udp(7)): the price of a send is the way through the stack, and a run pays it once. The kernel gathers a run from
// pieces, so that a header need not lie before its payload. An entry that fails is counted and stepped over.
//
// Single datagrams leave by sendto and not by sendmmsg: the cost of a call is less than what the kernel pays to copy
// and check a msghdr.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>

#include "addresses.h"

enum {
    NO_ENTRY = -1,
    /// Datagrams of a run; kernels before 6.9 take no more.
    RUN_ENTRIES_MAX = 64,
    /// Bytes of a run, which has to fit into one IP packet before it is cut: 65,535 less the headers of IPv4 and UDP.
    RUN_BYTES_MAX = 65507,
    /// Head, bytes and padding of an entry.
    ENTRY_PIECES_MAX = 3,
};

static const uint8_t zeros[TERN_PADDING_MAX];

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
};

/// The first and last entry of a flow.
struct chain {
    int32_t head;
    int32_t tail;
};

/// Entries of one flow and size, the last of which may be shorter.
struct run {
    const struct tern_outgoing *first;
    struct iovec vectors[RUN_ENTRIES_MAX * ENTRY_PIECES_MAX];
    uint32_t pieces;
    uint32_t count;
};

struct tern_transmit_batch {
    struct tern_outgoing *entries;
    uint8_t *heads;
    struct chain *chains;
    int16_t *buckets;  // open addressing over chains, twice as many places as entries
    uint32_t bucket_mask;
    bool cannot_segment;  // the network device said so
};

struct tern_transmit_batch *tern_transmit_batch_create(uint32_t entries) {
    if (entries == 0 || entries > INT16_MAX) return NULL;
    struct tern_transmit_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL) return NULL;
    uint32_t buckets = 2;
    while (buckets < 2 * entries) buckets *= 2;
    batch->bucket_mask = buckets - 1;
    batch->entries = calloc(entries, sizeof *batch->entries);
    batch->heads = aligned_alloc(TERN_HEAD_BYTES, (size_t)entries * TERN_HEAD_BYTES);
    batch->chains = calloc(entries, sizeof *batch->chains);
    batch->buckets = calloc(buckets, sizeof *batch->buckets);
    if (!batch->entries || !batch->heads || !batch->chains || !batch->buckets) {
        tern_transmit_batch_destroy(batch);
        return NULL;
    }
    memset(batch->heads, 0, (size_t)entries * TERN_HEAD_BYTES);
    return batch;
}

void tern_transmit_batch_destroy(struct tern_transmit_batch *batch) {
    free(batch->entries);
    free(batch->heads);
    free(batch->chains);
    free(batch->buckets);
    free(batch);
}

struct tern_outgoing *tern_transmit_batch_entries(struct tern_transmit_batch *batch) { return batch->entries; }

uint8_t *tern_transmit_batch_heads(struct tern_transmit_batch *batch) { return batch->heads; }

// ---------------------------------------------------------------------------------------------------- one datagram

static uint32_t datagram_bytes(const struct tern_outgoing *entry) {
    return entry->head_length + entry->length + entry->padding;
}

/// Writes the pieces of an entry in order and returns how many there are.
static uint32_t add_pieces(const struct tern_transmit_batch *batch, const struct tern_outgoing *entry,
                           struct iovec *pieces) {
    uint32_t count = 0;
    if (entry->head_length > 0) {
        uint8_t *end = batch->heads + (size_t)(entry - batch->entries + 1) * TERN_HEAD_BYTES;
        pieces[count++] = (struct iovec){.iov_base = end - entry->head_length, .iov_len = entry->head_length};
    }
    pieces[count++] = (struct iovec){.iov_base = (void *)(uintptr_t)entry->bytes, .iov_len = entry->length};
    if (entry->padding > 0)
        pieces[count++] = (struct iovec){.iov_base = (void *)(uintptr_t)zeros, .iov_len = entry->padding};
    return count;
}

/// Appends a control message to those of `header`.
static void add_control(struct msghdr *header, union control *control, int level, int type, const void *data,
                        size_t size) {
    if (header->msg_control == NULL) header->msg_control = control;
    struct cmsghdr *message = (struct cmsghdr *)(control->bytes + header->msg_controllen);
    message->cmsg_level = level;
    message->cmsg_type = type;
    message->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(message), data, size);
    header->msg_controllen += CMSG_SPACE(size);
}

static void set_source(struct msghdr *header, union control *control, const struct tern_address *local) {
    if (local->family == TERN_FAMILY_IPV4) {
        struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl((uint32_t)local->low)};
        add_control(header, control, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else if (local->family == TERN_FAMILY_IPV6) {
        struct in6_pktinfo info = {.ipi6_addr = tern_in6_from_address(local)};
        add_control(header, control, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
}

static ssize_t send_message(const struct tern_transmit_batch *batch, const struct tern_outgoing *entry,
                            struct sockaddr *name, socklen_t length) {
    union control control = {0};
    struct iovec pieces[ENTRY_PIECES_MAX];
    struct msghdr header = {.msg_name = name, .msg_namelen = length, .msg_iov = pieces};
    header.msg_iovlen = add_pieces(batch, entry, pieces);
    set_source(&header, &control, &entry->local);
    return sendmsg(entry->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/// 0, or the errno.
static int send_once(const struct tern_transmit_batch *batch, const struct tern_outgoing *entry) {
    bool is_plain = entry->local.family == TERN_FAMILY_NONE && entry->head_length == 0 && entry->padding == 0;
    union tern_sockaddr name;
    bool is_connected = (entry->flags & TERN_OUTGOING_CONNECTED) != 0;
    socklen_t length = is_connected ? 0 : tern_address_to_kernel(&entry->destination, &name);
    struct sockaddr *to = is_connected ? NULL : &name.any;
    ssize_t sent;
    do {
        sent = is_plain
                   ? sendto(entry->fd, entry->bytes, entry->length, MSG_DONTWAIT | MSG_NOSIGNAL, to, length)
                   : send_message(batch, entry, to, length);
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

static void send_entry(const struct tern_transmit_batch *batch, const struct tern_outgoing *entry,
                       struct tern_transmit_counters *counters) {
    int error = send_once(batch, entry);
    if (error != 0 && may_be_pending(error)) {
        int second = send_once(batch, entry);
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
static void send_unfragmented(const struct tern_transmit_batch *batch, const struct tern_outgoing *entry,
                              struct tern_transmit_counters *counters) {
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
    send_entry(batch, entry, counters);
    (void)setsockopt(entry->fd, level, option, &before, sizeof before);
}

/// 0, or the errno. The kernel sends all of a run or nothing.
static int send_run_once(struct run *run) {
    const struct tern_outgoing *first = run->first;
    union tern_sockaddr name;
    union control control = {0};
    uint16_t size = (uint16_t)datagram_bytes(first);
    struct msghdr header = {.msg_iov = run->vectors, .msg_iovlen = run->pieces};
    if ((first->flags & TERN_OUTGOING_CONNECTED) == 0) {
        header.msg_name = &name;
        header.msg_namelen = tern_address_to_kernel(&first->destination, &name);
    }
    set_source(&header, &control, &first->local);
    add_control(&header, &control, SOL_UDP, UDP_SEGMENT, &size, sizeof size);
    ssize_t sent;
    do {
        sent = sendmsg(first->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

/// False when the entries have to be sent one by one: they are larger than the path's MTU, or the device cannot compute
/// checksums.
static bool send_run(struct tern_transmit_batch *batch, struct run *run, struct tern_transmit_counters *counters) {
    int error = send_run_once(run);
    if (error != 0 && may_be_pending(error)) {
        int second = send_run_once(run);
        if (second == 0) counters->refused += 1;
        error = second;
    }
    if (error == 0) {
        counters->sent += run->count;
        return true;
    }
    // The one number that only the device gives. Others can be had by ICMP too, and what a peer can cause must neither
    // change how everybody's datagrams are sent nor cost a whole run.
    if (error == EIO) batch->cannot_segment = true;
    if (error == EIO || error == EINVAL || may_be_pending(error)) return false;
    for (uint32_t i = 0; i < run->count; i += 1) count_failure(error, counters);
    return true;
}

/// Gathers the run that begins with entry `first`; returns the entry behind it.
static int32_t gather_run(const struct tern_transmit_batch *batch, int32_t first, struct run *run) {
    const struct tern_outgoing *entries = batch->entries;
    uint32_t size = datagram_bytes(&entries[first]);
    uint32_t next_size = size;
    uint32_t bytes = 0;
    int32_t i = first;
    run->first = &entries[first];
    run->pieces = 0;
    run->count = 0;
    do {
        run->pieces += add_pieces(batch, &entries[i], run->vectors + run->pieces);
        run->count += 1;
        bytes += next_size;
        bool is_last = next_size < size;
        i = entries[i].next;
        if (is_last || i == NO_ENTRY) break;
        next_size = datagram_bytes(&entries[i]);
    } while (run->count < RUN_ENTRIES_MAX && next_size > 0 && next_size <= size &&
             bytes + next_size <= RUN_BYTES_MAX && (entries[i].flags & TERN_OUTGOING_DONT_FRAGMENT) == 0);
    return i;
}

/// Sends one flow, in order.
static void send_chain(struct tern_transmit_batch *batch, const struct chain *chain,
                       struct tern_transmit_counters *counters) {
    int32_t i = chain->head;
    while (i != NO_ENTRY) {
        const struct tern_outgoing *entry = &batch->entries[i];
        if ((entry->flags & TERN_OUTGOING_DONT_FRAGMENT) != 0) {
            send_unfragmented(batch, entry, counters);
        } else if (entry->next == NO_ENTRY || batch->cannot_segment) {
            send_entry(batch, entry, counters);
        } else {
            struct run run;
            int32_t behind = gather_run(batch, i, &run);
            if (run.count > 1 && send_run(batch, &run, counters)) {
                i = behind;
                continue;
            }
            for (; entry->next != behind; entry = &batch->entries[entry->next]) send_entry(batch, entry, counters);
            send_entry(batch, entry, counters);
            i = behind;
            continue;
        }
        i = entry->next;
    }
}

static bool is_same_address(const struct tern_address *left, const struct tern_address *right) {
    return left->high == right->high && left->low == right->low && left->port == right->port &&
           left->family == right->family;
}

static bool is_same_flow(const struct tern_outgoing *left, const struct tern_outgoing *right) {
    return left->fd == right->fd && is_same_address(&left->destination, &right->destination) &&
           is_same_address(&left->local, &right->local);
}

static uint32_t flow_hash(const struct tern_outgoing *entry) {
    uint64_t bits = entry->destination.high ^ entry->destination.low ^ (uint64_t)entry->destination.port << 32 ^
                    (uint64_t)(uint32_t)entry->fd << 48;
    return (uint32_t)(bits * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

/// The chain of the entry's flow; number `chains`, which is none yet, for a flow that appears for the first time.
static uint32_t find_chain(struct tern_transmit_batch *batch, const struct tern_outgoing *entry, uint32_t chains) {
    uint32_t place = flow_hash(entry) & batch->bucket_mask;
    while (batch->buckets[place] >= 0 &&
           !is_same_flow(&batch->entries[batch->chains[batch->buckets[place]].head], entry))
        place = (place + 1) & batch->bucket_mask;
    if (batch->buckets[place] < 0) batch->buckets[place] = (int16_t)chains;
    return (uint32_t)batch->buckets[place];
}

/// Chains the entries by flow, in order of first appearance; returns the number of chains. A batch is small enough
/// for a stranger who chooses addresses that collide to gain nothing.
static uint32_t build_chains(struct tern_transmit_batch *batch, uint32_t count) {
    uint32_t chains = 0;
    uint32_t chain = 0;
    memset(batch->buckets, 0xFF, (batch->bucket_mask + 1) * sizeof *batch->buckets);
    for (uint32_t i = 0; i < count; i += 1) {
        struct tern_outgoing *entry = &batch->entries[i];
        entry->next = NO_ENTRY;
        // The datagrams of a train stand next to each other.
        if (i == 0 || !is_same_flow(entry - 1, entry)) chain = find_chain(batch, entry, chains);
        if (chain == chains) {
            batch->chains[chains] = (struct chain){.head = (int32_t)i, .tail = (int32_t)i};
            chains += 1;
        } else {
            batch->entries[batch->chains[chain].tail].next = (int32_t)i;
            batch->chains[chain].tail = (int32_t)i;
        }
    }
    return chains;
}

void tern_transmit_batch_flush(struct tern_transmit_batch *batch, uint32_t count,
                               struct tern_transmit_counters *counters) {
    uint32_t chains = build_chains(batch, count);
    for (uint32_t i = 0; i < chains; i += 1) send_chain(batch, &batch->chains[i], counters);
}
