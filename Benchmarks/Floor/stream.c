// Clients on connections (TCP); peers stay on datagrams. One receive takes what has come of a stream, and what one
// relay socket has for its client leaves by one send. No queues: a client that does not read holds all others up.
#define _GNU_SOURCE
#include "floor.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_BYTES = 256 << 10,
    FRAME_MAX = 20 + 65535 + 4,
    /// Of the channel by which a client opens its flow: number, length, the peer's address and port, padding.
    OPENING_BYTES = 12,
};

int stream_listener;

static size_t padded(size_t length) { return (length + 3) & ~(size_t)3; }

void accept_streams(void) {
    int fd, yes = 1;
    while ((fd = accept4(stream_listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct flow *flow = add_flow();
        if (flow == NULL) {
            close(fd);
            continue;
        }
        flow->stream = fd;
        watch(fd, STREAM | (uint32_t)(flow - flows));
    }
}

static void end(struct flow *flow) {
    close(flow->stream);
    close(flow->relay);
    free(flow->rest);
    *flow = (struct flow){.stream = -1, .relay = -1};
}

/// Where the frame at the start of the bytes ends; 0 when it has not come whole.
static size_t frame_bytes(const uint8_t *bytes, size_t count) {
    if (count < 4) return 0;
    size_t length = (size_t)bytes[2] << 8 | bytes[3];
    size_t whole = bytes[0] >= 0x40 ? 4 + padded(length) : 20 + length;
    return whole <= count ? whole : 0;
}

static void take(struct flow *flow, const uint8_t *frame, size_t count) {
    if (frame[0] == 0x4F && count == OPENING_BYTES) {
        uint8_t response[OPENING_BYTES] = {0x4F, 0x00, 0x00, 0x06};
        aim(flow, frame + 4, response + 4);
        (void)send(flow->stream, response, sizeof response, MSG_NOSIGNAL);
        return;
    }
    size_t length;
    const uint8_t *payload = unframed(flow, frame, count, &length);
    if (payload == NULL) return;
    const struct sockaddr *peer = options.is_connected ? NULL : (const struct sockaddr *)&flow->peer;
    (void)sendto(flow->relay, payload, length, MSG_DONTWAIT, peer, peer == NULL ? 0 : sizeof flow->peer);
}

int drain_stream(struct flow *flow) {
    static uint8_t bytes[FRAME_MAX + READ_BYTES];
    if (flow->stream < 0) return 0;
    size_t count = flow->rest_count, start = 0, frame;
    if (count > 0) memcpy(bytes, flow->rest, count);
    ssize_t got = recv(flow->stream, bytes + count, READ_BYTES, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (got <= 0) {
        end(flow);
        return 0;
    }
    count += (size_t)got;
    int handled = 0;
    while ((frame = frame_bytes(bytes + start, count - start)) > 0) {
        take(flow, bytes + start, frame);
        start += frame;
        handled += 1;
    }
    flow->rest_count = count - start;
    if (flow->rest_count > 0) {
        if (flow->rest == NULL) flow->rest = malloc(FRAME_MAX);
        if (flow->rest == NULL) abort();
        memcpy(flow->rest, bytes + start, flow->rest_count);
    }
    return handled;
}

int drain_to_stream(struct flow *flow) {
    static uint8_t payloads[BATCH][65536], frames[BATCH * (HEADER_MAX + 65536)];
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    struct sockaddr_in names[BATCH];
    if (flow->stream < 0) return 0;
    for (int i = 0; i < BATCH; i += 1) {
        vectors[i] = (struct iovec){payloads[i], sizeof payloads[i]};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1, .msg_name = &names[i],
                                              .msg_namelen = sizeof names[i]};
    }
    int count = recvmmsg(flow->relay, messages, BATCH, MSG_DONTWAIT, NULL);
    size_t end = 0;
    for (int i = 0; i < count; i += 1) {
        bool is_peer = options.is_connected || (names[i].sin_port == flow->peer.sin_port
                                                && names[i].sin_addr.s_addr == flow->peer.sin_addr.s_addr);
        if (!is_peer) continue;
        size_t length = messages[i].msg_len;
        end += write_header(flow, length, frames + end);
        memcpy(frames + end, payloads[i], length);
        memset(frames + end + length, 0, padded(length) - length);
        end += padded(length);
    }
    // Waits for room: a frame must not end within.
    for (size_t sent = 0; sent < end;) {
        ssize_t taken = send(flow->stream, frames + sent, end - sent, MSG_NOSIGNAL);
        if (taken < 0) break;
        sent += (size_t)taken;
    }
    return count < 0 ? 0 : count;
}
