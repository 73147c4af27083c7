// What links.c and links_tls.c share.
#pragma once
#include <openssl/ssl.h>

#include "include/cload.h"
#include "include/cload_links.h"

struct bytes {
    uint8_t *start;
    size_t count, capacity;
};

struct link {
    struct cload_links *set;
    int32_t number;
    int32_t fd;  // -1 when it has ended
    int32_t state;
    int32_t error;
    bool is_dirty;
    SSL *ssl;
    /// Plain text that waits for the handshake.
    struct bytes early;
    /// What is to be written next, and for datagrams the lengths of the pieces, as uint32_t.
    struct bytes out, pieces;
    /// The beginning of a message.
    struct bytes rest;
};

enum {
    READ_BYTES = 256 << 10,
    DATAGRAM_SLOTS = 16,
    /// What one call reads, or as many trains, behind the beginning of the longest message.
    PLAIN_BYTES = (DATAGRAM_SLOTS + 2) * 65664,
    /// The shortest message is the header of ChannelData alone.
    FRAMES_MAX = PLAIN_BYTES / 4,
    /// Bytes that wait until no more are taken.
    WAITING_MAX = 1 << 20,
};

struct cload_links {
    struct cload_links_options options;
    struct link **links;
    int32_t count, capacity;
    /// Numbers that are free, and those of links that have something to write.
    struct bytes free, dirty;
    /// What was read and is not yet decrypted: one read, or one datagram.
    const uint8_t *input;
    size_t input_count;
    uint8_t *raw, *plain;
    size_t plain_count;
    struct cload_frame *frames;
    uint32_t frame_count;
    struct cload_inbox *inbox;
    SSL_CTX *context;
    BIO_METHOD *method;
    SSL_SESSION *session;
    struct cload_handshakes handshakes;
    char protocol[96];
};

void bytes_append(struct bytes *bytes, const void *start, size_t count);
void bytes_remove(struct bytes *bytes, size_t count);
void bytes_free(struct bytes *bytes);

static inline bool is_datagrams(const struct cload_links *set) { return set->options.transport == CLOAD_DTLS; }

/// Closes the descriptor; the number stays.
void link_end(struct link *link, int32_t error);
void link_is_dirty(struct link *link);

bool tls_create(struct cload_links *set);
void tls_destroy(struct cload_links *set);
bool tls_open(struct link *link);
/// Goes on with the handshake; what waited for it is sealed when it is finished.
void tls_shake(struct link *link);
void tls_seal(struct link *link, const uint8_t *bytes, size_t count);
/// Decrypts the input behind what is in `plain`. Messages of datagrams become frames.
void tls_unseal(struct link *link);
void tls_retransmit(struct link *link);
void tls_close(struct link *link);
