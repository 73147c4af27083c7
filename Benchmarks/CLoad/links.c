// Links to a server; cload_links.h says what each function is for.
#define _GNU_SOURCE
#include "links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// ---------------------------------------------------------------------------------------------------- bytes

void bytes_append(struct bytes *bytes, const void *start, size_t count) {
    if (bytes->count + count > bytes->capacity) {
        size_t capacity = bytes->capacity * 2 > bytes->count + count ? bytes->capacity * 2 : bytes->count + count;
        bytes->start = realloc(bytes->start, capacity);
        if (bytes->start == NULL) abort();
        bytes->capacity = capacity;
    }
    memcpy(bytes->start + bytes->count, start, count);
    bytes->count += count;
}

void bytes_remove(struct bytes *bytes, size_t count) {
    bytes->count -= count;
    if (bytes->count > 0) memmove(bytes->start, bytes->start + count, bytes->count);
}

void bytes_free(struct bytes *bytes) {
    free(bytes->start);
    *bytes = (struct bytes){NULL, 0, 0};
}

/// Numbers in a row.
static void push(struct bytes *numbers, int32_t number) { bytes_append(numbers, &number, sizeof number); }

// ---------------------------------------------------------------------------------------------------- the set

struct cload_links *cload_links_create(const struct cload_links_options *options) {
    struct cload_links *set = calloc(1, sizeof *set);
    if (set == NULL) return NULL;
    set->options = *options;
    set->raw = malloc(READ_BYTES);
    set->plain = malloc(PLAIN_BYTES);
    set->frames = malloc(FRAMES_MAX * sizeof *set->frames);
    set->inbox = is_datagrams(set) ? cload_inbox_create() : NULL;
    bool has_room = set->raw != NULL && set->plain != NULL && set->frames != NULL;
    bool has_inbox = !is_datagrams(set) || set->inbox != NULL;
    if (!has_room || !has_inbox || (options->transport != CLOAD_TCP && !tls_create(set))) {
        cload_links_destroy(set);
        return NULL;
    }
    return set;
}

void cload_links_destroy(struct cload_links *set) {
    for (int32_t number = 0; number < set->count; number += 1) cload_links_close(set, number);
    for (int32_t number = 0; number < set->count; number += 1) free(set->links[number]);
    tls_destroy(set);
    if (set->inbox != NULL) cload_inbox_destroy(set->inbox);
    bytes_free(&set->free);
    bytes_free(&set->dirty);
    free(set->links);
    free(set->raw);
    free(set->plain);
    free(set->frames);
    free(set);
}

static struct link *find(const struct cload_links *set, int32_t number) {
    if (number < 0 || number >= set->count) abort();
    return set->links[number];
}

int32_t cload_links_descriptor(const struct cload_links *set, int32_t number) { return find(set, number)->fd; }
int32_t cload_links_state(const struct cload_links *set, int32_t number) { return find(set, number)->state; }
int32_t cload_links_error(const struct cload_links *set, int32_t number) { return find(set, number)->error; }
const struct cload_frame *cload_links_frames(const struct cload_links *set) { return set->frames; }
const uint8_t *cload_links_bytes(const struct cload_links *set) { return set->plain; }
const char *cload_links_protocol(const struct cload_links *set) { return set->protocol; }
struct cload_handshakes cload_links_handshakes(const struct cload_links *set) { return set->handshakes; }

bool cload_links_waits(const struct cload_links *set, int32_t number) {
    const struct link *link = find(set, number);
    return link->fd >= 0 && link->out.count > 0;
}

// ---------------------------------------------------------------------------------------------------- opening

static struct link *vacant(struct cload_links *set) {
    if (set->free.count > 0) {
        int32_t number;
        set->free.count -= sizeof number;
        memcpy(&number, set->free.start + set->free.count, sizeof number);
        return set->links[number];
    }
    if (set->count == set->capacity) {
        int32_t capacity = set->capacity == 0 ? 64 : 2 * set->capacity;
        struct link **links = realloc(set->links, (size_t)capacity * sizeof *links);
        if (links == NULL) return NULL;
        set->links = links;
        set->capacity = capacity;
    }
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL) return NULL;
    link->number = set->count;
    link->fd = -1;
    link->set = set;
    set->links[set->count++] = link;
    return link;
}

static int32_t connected_socket(const struct cload_links *set, uint32_t source, uint32_t server, uint16_t port) {
    int type = is_datagrams(set) ? SOCK_DGRAM : SOCK_STREAM, yes = 1, room = 4 << 20;
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    if (type == SOCK_STREAM) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        // The port is chosen when both ends are known.
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    } else {
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
            (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        if (set->options.takes_trains) (void)cload_take_trains(fd);
    }
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
    struct sockaddr_in remote = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(server)};
    if (bind(fd, (struct sockaddr *)&name, sizeof name) == 0
        && (connect(fd, (struct sockaddr *)&remote, sizeof remote) == 0 || errno == EINPROGRESS))
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

static void flush_link(struct link *link);

int32_t cload_links_open(struct cload_links *set, uint32_t source, uint32_t server, uint16_t port) {
    struct link *link = vacant(set);
    if (link == NULL) return -ENOMEM;
    link->fd = connected_socket(set, source, server, port);
    if (link->fd < 0) {
        int32_t error = link->fd;
        link->fd = -1;
        push(&set->free, link->number);
        return error;
    }
    link->state = CLOAD_LINK_OPEN;
    link->error = 0;
    if (set->options.transport == CLOAD_TCP) return link->number;
    if (!tls_open(link)) {
        cload_links_close(set, link->number);
        return -ENOMEM;
    }
    flush_link(link);
    return link->number;
}

void link_end(struct link *link, int32_t error) {
    if (link->fd >= 0) close(link->fd);
    link->fd = -1;
    link->state = CLOAD_LINK_ENDED;
    link->error = error;
    link->out.count = link->pieces.count = link->rest.count = 0;
}

void cload_links_close(struct cload_links *set, int32_t number) {
    struct link *link = find(set, number);
    if (link->state == 0) return;
    if (link->ssl != NULL) {
        tls_close(link);
        flush_link(link);
        SSL_free(link->ssl);
        link->ssl = NULL;
    }
    link_end(link, 0);
    link->state = 0;
    bytes_free(&link->early);
    bytes_free(&link->out);
    bytes_free(&link->pieces);
    bytes_free(&link->rest);
    push(&set->free, number);
}

// ---------------------------------------------------------------------------------------------------- sending

void link_is_dirty(struct link *link) {
    if (link->is_dirty) return;
    link->is_dirty = true;
    push(&link->set->dirty, link->number);
}

int32_t cload_links_put(struct cload_links *set, int32_t number, const void *bytes, size_t count, size_t segment) {
    struct link *link = find(set, number);
    if (link->fd < 0) return -EPIPE;
    if (link->out.count + link->early.count + count > WAITING_MAX) return -EAGAIN;
    if (link->state == CLOAD_LINK_SHAKING) {
        // Of datagrams one waits; the others are lost, as they may be.
        if (!is_datagrams(set) || link->early.count == 0) bytes_append(&link->early, bytes, count);
        return 0;
    }
    if (link->ssl == NULL) {
        bytes_append(&link->out, bytes, count);
        link_is_dirty(link);
        return 0;
    }
    for (size_t offset = 0; offset < count && link->fd >= 0; offset += segment)
        tls_seal(link, (const uint8_t *)bytes + offset, count - offset < segment ? count - offset : segment);
    return link->fd < 0 ? -EPIPE : 0;
}

/// Pieces of one length leave as a train. What finds no room is lost.
static void send_datagrams(struct link *link) {
    const uint32_t *lengths = (const uint32_t *)(const void *)link->pieces.start;
    size_t pieces = link->pieces.count / sizeof *lengths, first = 0, offset = 0;
    while (first < pieces) {
        size_t length = lengths[first], run = 1;
        size_t run_max = length < 1000 ? 64 : 65000 / length;
        while (first + run < pieces && run < run_max && lengths[first + run] == length) run += 1;
        const uint8_t *start = link->out.start + offset;
        if (run == 1) (void)cload_send(link->fd, start, length);
        else (void)cload_send_train(link->fd, start, run * length, (uint16_t)length);
        first += run;
        offset += run * length;
    }
    link->out.count = link->pieces.count = 0;
}

static void flush_link(struct link *link) {
    if (link->fd < 0 || link->out.count == 0) return;
    if (is_datagrams(link->set)) return send_datagrams(link);
    ssize_t sent;
    do {
        sent = send(link->fd, link->out.start, link->out.count, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) bytes_remove(&link->out, (size_t)sent);
    // A connection that is not there yet takes nothing.
    else if (errno != EAGAIN && errno != ENOTCONN) link_end(link, errno);
}

uint32_t cload_links_flush(struct cload_links *set) {
    int32_t *numbers = (int32_t *)(void *)set->dirty.start;
    size_t count = set->dirty.count / sizeof *numbers, left = 0;
    for (size_t i = 0; i < count; i += 1) {
        struct link *link = set->links[numbers[i]];
        flush_link(link);
        if (link->fd >= 0 && link->out.count > 0) numbers[left++] = numbers[i];
        else link->is_dirty = false;
    }
    set->dirty.count = left * sizeof *numbers;
    return (uint32_t)left;
}

void cload_links_retransmit(struct cload_links *set, int32_t number) {
    struct link *link = find(set, number);
    if (!is_datagrams(set) || link->state != CLOAD_LINK_SHAKING) return;
    tls_retransmit(link);
    flush_link(link);
}

// ---------------------------------------------------------------------------------------------------- receiving

/// Cuts what is in `plain` into messages, and keeps the beginning of the next: STUN tells its own length (RFC 8489
/// §6.2.2), and so does ChannelData, which is padded to four bytes (RFC 8656 §12.5).
static void cut(struct link *link) {
    struct cload_links *set = link->set;
    size_t start = 0;
    while (start + 4 <= set->plain_count) {
        const uint8_t *head = set->plain + start;
        size_t length = (size_t)head[2] << 8 | head[3];
        bool is_channel_data = head[0] >= 64 && head[0] < 80;
        if (!is_channel_data && head[0] > 3) return link_end(link, EPROTO);
        size_t count = is_channel_data ? 4 + ((length + 3) & ~(size_t)3) : 20 + length;
        if (start + count > set->plain_count) break;
        set->frames[set->frame_count++] = (struct cload_frame){(uint32_t)start, (uint32_t)count};
        start += count;
    }
    link->rest.count = 0;
    if (start < set->plain_count) bytes_append(&link->rest, set->plain + start, set->plain_count - start);
}

static void receive_datagrams(struct link *link) {
    struct cload_links *set = link->set;
    int32_t slots = cload_receive(set->inbox, link->fd, DATAGRAM_SLOTS);
    const struct cload_received *received = cload_inbox_received(set->inbox);
    for (int32_t slot = 0; slot < slots; slot += 1) {
        const uint8_t *start = cload_inbox_bytes(set->inbox) + (size_t)slot * CLOAD_SLOT_STRIDE;
        uint32_t total = received[slot].bytes, segment = received[slot].segment;
        for (uint32_t offset = 0; offset < total && link->fd >= 0; offset += segment) {
            set->input = start + offset;
            set->input_count = total - offset < segment ? total - offset : segment;
            tls_unseal(link);
        }
    }
}

static void receive_bytes(struct link *link) {
    struct cload_links *set = link->set;
    bool is_sealed = link->ssl != NULL;
    set->plain_count = link->rest.count;
    if (link->rest.count > 0) memcpy(set->plain, link->rest.start, link->rest.count);
    uint8_t *room = is_sealed ? set->raw : set->plain + set->plain_count;
    ssize_t count = recv(link->fd, room, READ_BYTES, MSG_DONTWAIT);
    if (count == 0) return link_end(link, 0);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) link_end(link, errno);
        return;
    }
    if (is_sealed) {
        set->input = set->raw;
        set->input_count = (size_t)count;
        tls_unseal(link);
    } else {
        set->plain_count += (size_t)count;
    }
    cut(link);
}

int32_t cload_links_receive(struct cload_links *set, int32_t number) {
    struct link *link = find(set, number);
    set->frame_count = 0;
    set->plain_count = 0;
    set->input_count = 0;
    if (link->fd < 0) return 0;
    if (is_datagrams(set)) receive_datagrams(link);
    else receive_bytes(link);
    // An answer within a handshake has to leave although nobody has put anything.
    if (link->ssl != NULL) flush_link(link);
    return (int32_t)set->frame_count;
}
