// One receive and one send a datagram.
#define _GNU_SOURCE
#include "floor.h"

#include <string.h>
#include <sys/socket.h>

static void to_peer(const uint8_t *bytes, size_t count, const struct sockaddr_in *client) {
    const struct flow *flow = is_for_peer(bytes, count) ? find_flow(client) : NULL;
    if (flow == NULL) return answer(bytes, count, client);
    size_t length;
    const uint8_t *payload = unframed(flow, bytes, count, &length);
    if (payload == NULL) return;
    const struct sockaddr *peer = options.is_connected ? NULL : (const struct sockaddr *)&flow->peer;
    (void)sendto(flow->relay, payload, length, MSG_DONTWAIT, peer, peer == NULL ? 0 : sizeof flow->peer);
}

/// The payload has room for a header before it, and for padding behind.
static void to_client(const struct flow *flow, uint8_t *payload, size_t length, const struct sockaddr_in *peer) {
    // The kernel has checked the peer of a connected socket.
    bool is_peer = options.is_connected
        || (peer->sin_port == flow->peer.sin_port && peer->sin_addr.s_addr == flow->peer.sin_addr.s_addr);
    if (!is_peer) return;
    uint8_t header[HEADER_MAX];
    size_t header_bytes = write_header(flow, length, header);
    memcpy(payload - header_bytes, header, header_bytes);
    memset(payload + length, 0, padding_of(length));
    (void)sendto(listener, payload - header_bytes, header_bytes + length + padding_of(length), MSG_DONTWAIT,
                 (const struct sockaddr *)&flow->client, sizeof flow->client);
}

int drain_plain(uint32_t token) {
    static uint8_t buffer[HEADER_MAX + 65536 + 4];
    uint8_t *bytes = buffer + HEADER_MAX;
    int fd = token == LISTENER ? listener : flows[token].relay;
    bool wants_name = token == LISTENER || !options.is_connected;
    for (int i = 0; i < BATCH; i += 1) {
        struct sockaddr_in name;
        socklen_t length = sizeof name;
        ssize_t count = recvfrom(fd, bytes, 65536, MSG_DONTWAIT, wants_name ? (struct sockaddr *)&name : NULL,
                                 wants_name ? &length : NULL);
        if (count < 0) return i;
        if (token == LISTENER) to_peer(bytes, (size_t)count, &name);
        else to_client(&flows[token], bytes, (size_t)count, &name);
    }
    return BATCH;
}
