// One receive a batch, and one send a run: what is for one peer, or one client, within a batch leaves by UDP_SEGMENT as
// long as lengths are equal. With UDP_GRO a run that arrives together is one message, which is cut into its segments.
#define _GNU_SOURCE
#include "floor.h"

#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    /// What the kernel takes in a run: 64 segments (128 since Linux 6.9), and the bytes of the largest datagram.
    SEGMENTS_MAX = 64,
    RUN_BYTES_MAX = 65507,
    /// A slot for one datagram, and one for a run. Odd multiples of a cache line, so that slots do not share sets.
    SLOT_SMALL = 33 * 64,
    SLOT_LARGE = 1029 * 64,
    PIECES_MAX = BATCH * SEGMENTS_MAX,
};

// MARK: - Receiving

/// Where a batch is received: all share the memory of the slots, and what is set up once differs.
struct inbox {
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    struct sockaddr_in names[BATCH];
    _Alignas(struct cmsghdr) char controls[BATCH][CMSG_SPACE(sizeof(int))];
    /// How many of the messages bear the marks of the last batch.
    int used;
};

static uint8_t slots[BATCH * SLOT_LARGE];
static struct inbox client_inbox = {.used = BATCH}, peer_inbox = {.used = BATCH};

static uint8_t *slot_at(int index) { return slots + (size_t)index * (options.has_gro ? SLOT_LARGE : SLOT_SMALL); }

static int receive(int fd, struct inbox *inbox) {
    // The kernel overwrites lengths. Who sent is asked for only where it may be anybody.
    for (int i = 0; i < inbox->used; i += 1) {
        struct sockaddr_in *name = inbox == &client_inbox ? &inbox->names[i] : NULL;
        inbox->vectors[i] = (struct iovec){
            .iov_base = slot_at(i), .iov_len = options.has_gro ? SLOT_LARGE : SLOT_SMALL};
        inbox->messages[i].msg_hdr = (struct msghdr){
            .msg_name = name, .msg_namelen = name == NULL ? 0 : sizeof *name,
            .msg_iov = &inbox->vectors[i], .msg_iovlen = 1,
            .msg_control = options.has_gro ? inbox->controls[i] : NULL,
            .msg_controllen = options.has_gro ? sizeof inbox->controls[i] : 0};
    }
    int count = recvmmsg(fd, inbox->messages, BATCH, MSG_DONTWAIT, NULL);
    inbox->used = count < 0 ? 0 : count;
    return inbox->used;
}

/// The length of the segments that a message consists of; the last one may be shorter.
static size_t segment_of(const struct mmsghdr *message) {
    size_t segment = message->msg_len;
    struct cmsghdr *control = options.has_gro ? CMSG_FIRSTHDR(&message->msg_hdr) : NULL;
    if (control != NULL && control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO) {
        int value;
        memcpy(&value, CMSG_DATA(control), sizeof value);
        if (value > 0) segment = (size_t)value;
    }
    return segment;
}

// MARK: - Sending

/// A run in the making.
static struct {
    int fd;
    const struct sockaddr_in *to;
    /// Non-null when payloads get a header, as they do on their way to the client.
    const struct flow *framed;
    size_t segment, bytes;
    int count, vector_count;
    bool is_complete;
    size_t header_bytes;
    /// All segments have the same header; the last one has another when it is shorter.
    uint8_t headers[2][HEADER_MAX];
    struct iovec vectors[3 * SEGMENTS_MAX];
} run;

static void send_run(void) {
    if (run.count == 0) return;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control;
    struct msghdr message = {.msg_name = (void *)(uintptr_t)run.to, .msg_namelen = run.to == NULL ? 0 : sizeof *run.to,
                             .msg_iov = run.vectors, .msg_iovlen = (size_t)run.vector_count};
    if (run.count > 1) {
        uint16_t segment = (uint16_t)run.segment;
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = sizeof control.bytes;
        control.header.cmsg_level = SOL_UDP;
        control.header.cmsg_type = UDP_SEGMENT;
        control.header.cmsg_len = CMSG_LEN(sizeof segment);
        memcpy(CMSG_DATA(&control.header), &segment, sizeof segment);
    }
    (void)sendmsg(run.fd, &message, MSG_DONTWAIT);
    run.count = run.vector_count = 0;
    run.bytes = 0;
    run.is_complete = false;
}

static void add_vector(const void *bytes, size_t count) {
    run.vectors[run.vector_count++] = (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
}

static void add_to_run(const uint8_t *payload, size_t length) {
    static const uint8_t zeros[4];
    size_t header_bytes = run.framed == NULL ? 0 : options.speaks_indications ? HEADER_MAX : 4;
    size_t padding = run.framed == NULL ? 0 : padding_of(length);
    size_t whole = header_bytes + length + padding;
    bool is_full = run.count == SEGMENTS_MAX || run.bytes + whole > RUN_BYTES_MAX;
    // Nothing of an empty datagram would be left in a run.
    if (run.is_complete || is_full || whole > run.segment || whole == 0) send_run();
    if (run.count == 0) run.segment = whole;
    // A shorter one may end a run. One that is equal only with its padding needs a header of its own just as well.
    bool differs = run.count > 0 && length != run.vectors[header_bytes > 0 ? 1 : 0].iov_len;
    run.is_complete = differs || whole == 0;
    if (header_bytes > 0) {
        uint8_t *header = run.headers[differs ? 1 : 0];
        if (run.count == 0 || differs) write_header(run.framed, length, header);
        add_vector(header, header_bytes);
    }
    add_vector(payload, length);
    if (padding > 0) add_vector(zeros, padding);
    run.bytes += whole;
    run.count += 1;
}

// MARK: - From socket to socket

/// A payload within the batch, and the next one of its flow, one more than an index.
struct piece {
    const uint8_t *bytes;
    size_t length;
    uint32_t next;
};

static struct piece pieces[PIECES_MAX];
static struct flow *touched[PIECES_MAX];
static uint32_t piece_count, touched_count;

static void add_piece(struct flow *flow, const uint8_t *bytes, size_t length) {
    pieces[piece_count++] = (struct piece){.bytes = bytes, .length = length};
    if (flow->batch_first == 0) {
        touched[touched_count++] = flow;
        flow->batch_first = piece_count;
    } else {
        pieces[flow->batch_last - 1].next = piece_count;
    }
    flow->batch_last = piece_count;
}

static void send_pieces(void) {
    for (uint32_t i = 0; i < touched_count; i += 1) {
        struct flow *flow = touched[i];
        run.fd = flow->relay;
        run.to = NULL;
        run.framed = NULL;
        for (uint32_t at = flow->batch_first; at != 0; at = pieces[at - 1].next)
            add_to_run(pieces[at - 1].bytes, pieces[at - 1].length);
        send_run();
        flow->batch_first = flow->batch_last = 0;
    }
    piece_count = touched_count = 0;
}

static int from_clients(void) {
    int count = receive(listener, &client_inbox), handled = 0;
    for (int i = 0; i < count; i += 1) {
        const struct mmsghdr *message = &client_inbox.messages[i];
        const struct sockaddr_in *client = &client_inbox.names[i];
        const uint8_t *bytes = slot_at(i);
        size_t segment = segment_of(message), rest = message->msg_len;
        struct flow *flow = is_for_peer(bytes, rest) ? find_flow(client) : NULL;
        while (rest > 0) {
            size_t length, here = rest < segment ? rest : segment;
            bool is_relayed = flow != NULL && is_for_peer(bytes, here);
            const uint8_t *payload = is_relayed ? unframed(flow, bytes, here, &length) : NULL;
            if (!is_relayed) answer(bytes, here, client);
            else if (payload != NULL && piece_count < PIECES_MAX) add_piece(flow, payload, length);
            bytes += here;
            rest -= here;
            handled += 1;
        }
    }
    send_pieces();
    return handled;
}

static int from_peer(const struct flow *flow) {
    int count = receive(flow->relay, &peer_inbox), handled = 0;
    run.fd = listener;
    run.to = &flow->client;
    run.framed = flow;
    for (int i = 0; i < count; i += 1) {
        const uint8_t *bytes = slot_at(i);
        size_t segment = segment_of(&peer_inbox.messages[i]), rest = peer_inbox.messages[i].msg_len;
        // Once for an empty datagram, which is relayed too.
        do {
            size_t here = rest < segment ? rest : segment;
            add_to_run(bytes, here);
            bytes += here;
            rest -= here;
            handled += 1;
        } while (rest > 0);
    }
    send_run();
    return handled;
}

int drain_batched(uint32_t token) { return token == LISTENER ? from_clients() : from_peer(&flows[token]); }
