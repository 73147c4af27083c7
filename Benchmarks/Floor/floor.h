// What the engines of the floor share: flows, their sockets, and how a datagram is framed.
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The token of the socket that clients speak to; those of relay sockets are indices of flows.
#define LISTENER UINT32_MAX
/// The token of the socket that takes connections, and the bit of those of connections, beside the flow's index.
#define STREAM_LISTENER (UINT32_MAX - 1)
#define STREAM 0x40000000u

enum {
    /// Datagrams taken from one socket before the others get their turn.
    BATCH = 64,
    /// The longest header towards clients: that of a Data indication.
    HEADER_MAX = 36,
};

/// One client, its relay socket and its peer.
struct flow {
    struct sockaddr_in client;
    struct sockaddr_in peer;
    int relay;
    /// The chain of the hash table, one more than an index.
    uint32_t next;
    /// The first and the last datagram for the peer within the batch at hand, one more than an index.
    uint32_t batch_first, batch_last;
    /// The client's connection, 0 when there is none, and what has come of a frame that is not whole.
    int stream;
    uint8_t *rest;
    size_t rest_count;
};

struct options {
    bool is_connected, has_gso, has_gro, has_streams, speaks_indications;
    long gather_microseconds;
};

extern struct options options;
extern struct flow flows[];
extern int listener;

extern int stream_listener;

/// A flow with a relay socket, or NULL when there are too many.
struct flow *add_flow(void);

/// Names the peer, whose address and port these bytes are; the response is where it is to send.
void aim(struct flow *flow, const uint8_t *bytes, uint8_t response[6]);

void watch(int fd, uint32_t token);

/// The flow of a client, or NULL.
struct flow *find_flow(const struct sockaddr_in *client);

/// Answers a Binding request or opens a flow; anything else is dropped.
void answer(const uint8_t *bytes, size_t count, const struct sockaddr_in *client);

/// What a ChannelData message or a Send indication carries to the peer of the flow, or NULL.
const uint8_t *unframed(const struct flow *flow, const uint8_t *bytes, size_t count, size_t *length);

/// Whether the bytes may be ChannelData or a Send indication, so that their flow is worth a look-up.
static inline bool is_for_peer(const uint8_t *bytes, size_t count) {
    return count >= 4 && (bytes[0] == 0x40 || (bytes[0] == 0x00 && bytes[1] == 0x16));
}

/// Writes what precedes a payload of `length` bytes on its way to the client; the result is how many bytes that is.
size_t write_header(const struct flow *flow, size_t length, uint8_t *header);

/// Bytes of padding behind the payload on its way to the client: attributes end at multiples of four (RFC 8489 §14).
static inline size_t padding_of(size_t length) { return options.speaks_indications ? -length & 3 : 0; }

/// One receive and one send a datagram. The result is how many there were.
int drain_plain(uint32_t token);

/// One receive a batch, one send a run of datagrams of one flow and length.
int drain_batched(uint32_t token);

/// Takes the connections that wait.
void accept_streams(void);

/// One receive of a connection, one send a datagram.
int drain_stream(struct flow *flow);

/// One receive a batch, one send for all of it.
int drain_to_stream(struct flow *flow);
