// Clients of a server by TCP, TLS or DTLS: what is sent is gathered and leaves together, what arrives is cut into
// messages. Certificates are not looked at. Unless said otherwise a function returns a value >= 0, or the negated
// errno.
//
// A link is known by its number within a set, which is given again after `cload_links_close`. A link that has ended, by
// the server or by an error, closes its descriptor by itself, and keeps its number until then.
#ifndef TERN_CLOAD_LINKS_H
#define TERN_CLOAD_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

enum { CLOAD_TCP = 1, CLOAD_TLS = 2, CLOAD_DTLS = 3 };

/// Connected, as far as we can know, but the handshake is under way; open for messages; of no more use.
enum { CLOAD_LINK_SHAKING = 1, CLOAD_LINK_OPEN = 2, CLOAD_LINK_ENDED = 3 };

struct cload_links;

struct cload_links_options {
    int32_t transport;
    /// TLS 1.3 is not offered; of DTLS OpenSSL knows no such version.
    bool is_tls12;
    /// Handshakes go on from the last session that the server gave (RFC 8446 §2.2, RFC 5077).
    bool resumes;
    /// Takes trains of datagrams in one piece; see cload_take_trains.
    bool takes_trains;
};

/// NULL when the system has no memory, or OpenSSL does not want.
struct cload_links *_Nullable cload_links_create(const struct cload_links_options *options);
void cload_links_destroy(struct cload_links *links);

/// Begins to connect, and does not wait. Addresses are those of IPv4 in host order; `source` is ours. Returns the
/// link's number.
int32_t cload_links_open(struct cload_links *links, uint32_t source, uint32_t server, uint16_t port);

/// Takes leave (close_notify), and closes.
void cload_links_close(struct cload_links *links, int32_t number);

int32_t cload_links_descriptor(const struct cload_links *links, int32_t number);
int32_t cload_links_state(const struct cload_links *links, int32_t number);
/// Why a link has ended: an errno; 0 when the server took its leave.
int32_t cload_links_error(const struct cload_links *links, int32_t number);

/// Has messages of `segment` bytes each, but for the last, leave with the next flush; those of a link whose handshake
/// is under way follow it. Every message is a record of its own. Refused with -EAGAIN when too much waits already.
int32_t cload_links_put(struct cload_links *links, int32_t number, const void *bytes, size_t count, size_t segment);

/// Writes what was put to any link. Returns how many links have more than the kernel would take; call again then.
uint32_t cload_links_flush(struct cload_links *links);

/// Whether bytes wait for room in the kernel, or for the connection.
bool cload_links_waits(const struct cload_links *links, int32_t number);

/// What lies in the bytes of a set after `cload_links_receive`.
struct cload_frame {
    uint32_t start;
    uint32_t count;
};

/// Reads once what waits at a link, and goes on with its handshake. Returns the number of whole messages; whether the
/// link has ended is told by its state.
int32_t cload_links_receive(struct cload_links *links, int32_t number);
const struct cload_frame *cload_links_frames(const struct cload_links *links);
const uint8_t *cload_links_bytes(const struct cload_links *links);

/// Sends the last flight of a DTLS handshake again if it is time (RFC 6347 §4.2.4).
void cload_links_retransmit(struct cload_links *links, int32_t number);

/// Version and cipher suite of the last handshake that was finished; empty before that, and for TCP.
const char *cload_links_protocol(const struct cload_links *links);

/// Handshakes that were finished, and how many of them went on from an earlier session.
struct cload_handshakes {
    uint64_t finished;
    uint64_t resumed;
};

struct cload_handshakes cload_links_handshakes(const struct cload_links *links);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
