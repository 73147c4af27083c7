// TLS and DTLS of a server by OpenSSL, as plain prototypes over structures of our own.
//
// Most of what OpenSSL calls a function here is a macro, which Swift does not import, and its callbacks want C. So all
// of it stays behind this header, which names no type of OpenSSL. Nothing below opens a socket or waits.
#ifndef TERN_CTLS_H
#define TERN_CTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

// ---------------------------------------------------------------------------------------------------- problems

/// What is wrong with what the operator gave. TERN_TLS_OTHER is explained by `text` alone.
enum {
    TERN_TLS_FINE = 0,
    TERN_TLS_CHAIN_NOT_PEM,
    TERN_TLS_CHAIN_MALFORMED,
    TERN_TLS_KEY_NOT_PEM,
    TERN_TLS_KEY_MALFORMED,
    TERN_TLS_KEY_ENCRYPTED,
    TERN_TLS_KEY_WRONG_PASSWORD,
    TERN_TLS_KEY_UNSUPPORTED,
    TERN_TLS_KEY_MISMATCH,
    TERN_TLS_IDENTITY_REFUSED,
    TERN_TLS_IDENTITY_TWICE,
    TERN_TLS_CIPHERS,
    TERN_TLS_GROUPS,
    TERN_TLS_AUTHORITIES,
    TERN_TLS_UNREADABLE,
    TERN_TLS_TOO_LONG,
    TERN_TLS_OTHER,
};

/// `text` is what OpenSSL or the system says about it, ended by a zero byte, perhaps empty.
struct tern_tls_problem {
    int32_t code;
    int32_t index;  // of the identity that it is about
    uint8_t text[160];
};

/// Reads a whole file of at most `capacity` bytes into `bytes`. The number read, or -1 with TERN_TLS_UNREADABLE or
/// TERN_TLS_TOO_LONG.
int64_t tern_tls_read_file(const char *path, uint8_t *bytes, size_t capacity, struct tern_tls_problem *problem);

// ---------------------------------------------------------------------------------------------------- identities

/// A certificate, those that lead from it to an authority, and its private key. Never changes.
struct tern_tls_identity;

/// Null when something is wrong. Both texts are PEM; `password` is null when there is none.
struct tern_tls_identity *_Nullable tern_tls_identity_make(const uint8_t *chain, size_t chain_count,
                                                           const uint8_t *key, size_t key_count,
                                                           const char *_Nullable password,
                                                           struct tern_tls_problem *problem);
void tern_tls_identity_free(struct tern_tls_identity *identity);

enum { TERN_TLS_KEY_RSA = 1, TERN_TLS_KEY_EC = 2, TERN_TLS_KEY_ED25519 = 3 };

/// What a certificate says of itself. Times are seconds since 1970.
struct tern_tls_facts {
    int64_t not_before;
    int64_t not_after;
    int32_t key_kind;
    int32_t key_bits;
    int32_t chain_count;
    uint8_t fingerprint[32];  // SHA-256 of the certificate
};

void tern_tls_identity_facts(const struct tern_tls_identity *identity, struct tern_tls_facts *facts);

/// Writes the DNS names and addresses of the certificate, or its common name when it has none, each ended by a zero
/// byte. Names that do not fit are left away. The number of bytes.
size_t tern_tls_identity_names(const struct tern_tls_identity *identity, uint8_t *names, size_t capacity);

// ---------------------------------------------------------------------------------------------------- contexts

/// What all sessions of a listener have in common. Never changes; several threads may make sessions from it.
struct tern_tls_context;

struct tern_tls_options {
    bool datagrams;                         // DTLS
    bool refuses_1_2;                       // TLS 1.3 only
    const char *_Nullable ciphers;          // of TLS 1.2 and DTLS 1.2, in OpenSSL's spelling
    const char *_Nullable groups;           // curves
    const uint8_t *_Nullable protocols;     // ALPN, as on the wire, in order of preference
    size_t protocols_count;
    const uint8_t *_Nullable authorities;   // PEM; a client then needs a certificate of one of them
    size_t authorities_count;
    uint32_t handshake_bytes_max;           // that a client may send before the handshake is complete
    uint32_t payload_max;                   // of a datagram of the handshake
    uint32_t retransmission_milliseconds;   // until the first one; doubles up to a minute
};

/// Null when something is wrong.
struct tern_tls_context *_Nullable
tern_tls_context_make(const struct tern_tls_options *options,
                      struct tern_tls_identity *_Nonnull const *_Nonnull identities, size_t count,
                      struct tern_tls_problem *problem);
void tern_tls_context_free(struct tern_tls_context *context);

// ---------------------------------------------------------------------------------------------------- sessions

/// One connection. It must not outlive its context.
struct tern_tls_session;

/// The memory of the caller that a call works on; nobody remembers it afterwards.
struct tern_tls_io {
    const uint8_t *_Nullable input;
    size_t input_count;
    size_t input_taken;
    uint8_t *_Nullable output;
    size_t output_capacity;
    size_t output_count;
    uint32_t *_Nullable ends;  // where each datagram ends in the output; null for streams
    size_t ends_capacity;
    size_t ends_count;
    size_t lost;               // datagrams that had no room
};

enum {
    TERN_TLS_NEEDS_INPUT = 0,
    TERN_TLS_MORE,        // the room for plain text is used up
    TERN_TLS_OUTPUT_FULL,
    TERN_TLS_CLOSED,      // by close_notify of the peer
    TERN_TLS_FAILED,
};

enum {
    TERN_TLS_FAILURE_NONE = 0,
    TERN_TLS_FAILURE_NOT_TLS,
    TERN_TLS_FAILURE_VERSION,
    TERN_TLS_FAILURE_NO_SHARED_CIPHER,
    TERN_TLS_FAILURE_NO_APPLICATION_PROTOCOL,
    TERN_TLS_FAILURE_CLIENT_CERTIFICATE,
    TERN_TLS_FAILURE_BAD_RECORD,
    TERN_TLS_FAILURE_PEER_ALERT,
    TERN_TLS_FAILURE_TOO_LONG,
    TERN_TLS_FAILURE_TIMEOUT,
    TERN_TLS_FAILURE_MEMORY,
    TERN_TLS_FAILURE_PROTOCOL,
};

/// Null when there is no memory.
struct tern_tls_session *_Nullable tern_tls_session_make(struct tern_tls_context *context);
void tern_tls_session_free(struct tern_tls_session *session);

/// Takes input and writes plain text: of a stream as much as there is, of datagrams one record. `*produced` is set
/// whatever is returned.
int32_t tern_tls_receive(struct tern_tls_session *session, struct tern_tls_io *io, uint8_t *_Nullable plain,
                         size_t capacity, size_t *produced);

/// Encrypts as much of a stream as there is room for, or one whole datagram, and says how much. TERN_TLS_FAILED is
/// the only bad status.
int32_t tern_tls_send(struct tern_tls_session *session, struct tern_tls_io *io, const uint8_t *_Nullable plain,
                      size_t count, size_t *taken);

/// Sends close_notify, once.
int32_t tern_tls_close(struct tern_tls_session *session, struct tern_tls_io *io);

bool tern_tls_is_established(const struct tern_tls_session *session);
bool tern_tls_has_closed(const struct tern_tls_session *session);
int32_t tern_tls_failure(const struct tern_tls_session *session);
int32_t tern_tls_alert(const struct tern_tls_session *session);

/// 0x0304 for TLS 1.3, 0x0303 for TLS 1.2, 0xFEFD for DTLS 1.2.
int32_t tern_tls_version(const struct tern_tls_session *session);
/// A string that lives as long as the process.
const char *tern_tls_cipher(const struct tern_tls_session *session);
/// The protocol that ALPN chose, at most 255 bytes; 0 when there is none.
size_t tern_tls_protocol(const struct tern_tls_session *session, uint8_t *name, size_t capacity);

// ---------------------------------------------------------------------------------------------------- datagrams

/// Looks at a ClientHello. 1 when it brought one of the two cookies, and the session goes on with `tern_tls_receive`
/// within the same call of the caller; 0 when it did not, and the output holds the challenge, if it deserved one. The
/// session can then be used for the next ClientHello of anybody.
int32_t tern_dtls_listen(struct tern_tls_session *session, struct tern_tls_io *io, const uint8_t *cookie,
                         const uint8_t *cookie_before, size_t cookie_count);

/// Microseconds until `tern_dtls_handle_timeout` has something to do; -1 when it has not.
int64_t tern_dtls_remaining(struct tern_tls_session *session);
int32_t tern_dtls_handle_timeout(struct tern_tls_session *session, struct tern_tls_io *io);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
