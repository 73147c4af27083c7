// Connections of a program that asks one thing at a time and waits for the answer: Unix sockets, UDP, TCP, TLS, DTLS.
//
// The server never waits and has LinuxSockets; the commands of operators have this. Every call ends by its deadline.
#ifndef TERN_CCLIENT_H
#define TERN_CCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

enum tern_client_kind {
    TERN_CLIENT_UNIX = 0,
    TERN_CLIENT_UDP,
    TERN_CLIENT_TCP,
    TERN_CLIENT_TLS,
    TERN_CLIENT_DTLS,
};

/// Where something failed.
enum tern_client_stage {
    TERN_CLIENT_CONNECTING = 1,
    TERN_CLIENT_HANDSHAKE,
    TERN_CLIENT_AUTHORITIES,  // the file of authorities cannot be read
};

struct tern_client_failure {
    int32_t stage;
    int32_t error;      // an errno; 0 when only `text` says what it was
    uint8_t text[160];  // what OpenSSL says, ended by a zero byte, perhaps empty
};

struct tern_client_plan {
    int32_t kind;
    const char *_Nonnull host;               // a numeric address, or the path of a Unix socket
    uint16_t port;
    int32_t milliseconds;                    // until the connection stands
    const char *_Nullable server_name;       // for TLS: the name that is asked for
    const char *_Nullable authorities;       // a file with PEM; null for those of the system
};

struct tern_client;

/// Null when there is no connection, and `*failure` says why.
struct tern_client *_Nullable tern_client_open(const struct tern_client_plan *plan,
                                               struct tern_client_failure *failure);
void tern_client_close(struct tern_client *client);

/// Sends all of it: 0, or the negated errno.
int32_t tern_client_send(struct tern_client *client, const uint8_t *bytes, size_t count, int32_t milliseconds);

/// Bytes of a stream, or one datagram; 0 at the end of the stream, else the negated errno: -ETIMEDOUT if nothing came.
int64_t tern_client_receive(struct tern_client *client, uint8_t *bytes, size_t capacity, int32_t milliseconds);

/// Our own address as text, ended by a zero byte, and its port; false when there is none.
bool tern_client_local(const struct tern_client *client, char *text, size_t capacity, uint16_t *port);

/// What a server's certificate says, and what the authorities say of it.
struct tern_client_certificate {
    int64_t not_before;  // seconds since 1970
    int64_t not_after;
    bool is_trusted;     // but for its time and its name
    uint8_t reason[160];
    uint8_t subject[160];
};

/// False when there is none.
bool tern_client_certificate(const struct tern_client *client, struct tern_client_certificate *certificate);

/// Whether the certificate is for a DNS name, or for a numeric address.
bool tern_client_certificate_is_for(const struct tern_client *client, const char *name);

/// Writes the numeric addresses of a name, each ended by a zero byte. The number of bytes; negative when there are
/// none, and `reason` says why.
int64_t tern_client_resolve(const char *name, char *texts, size_t capacity, char *reason, size_t reason_capacity);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
