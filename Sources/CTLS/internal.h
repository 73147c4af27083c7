// What the files of this target share.
#ifndef TERN_CTLS_INTERNAL_H
#define TERN_CTLS_INTERNAL_H

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "ctls.h"

struct tern_tls_identity {
    X509 *leaf;
    STACK_OF(X509) *chain;
    EVP_PKEY *key;
};

struct tern_tls_context {
    SSL_CTX *ssl;
    uint8_t *protocols;
    unsigned int protocols_count;
    uint32_t handshake_bytes_max;
    uint32_t payload_max;
    uint32_t retransmission_microseconds;
    bool datagrams;
};

struct tern_tls_session {
    SSL *ssl;
    struct tern_tls_context *context;
    struct tern_tls_io *io;  // null between calls
    const uint8_t *cookie;   // these three while a ClientHello is looked at
    const uint8_t *cookie_before;
    uint32_t cookie_count;
    uint32_t handshake_bytes;
    uint8_t failure;
    uint8_t alert;
    bool is_established;
    bool has_closed;
    bool has_sent_close;
};

/// Notes what is wrong, with the last thing that OpenSSL said about it when `says` is true, and clears its queue.
void tern_tls_fail(struct tern_tls_problem *problem, int32_t code, bool says);

/// The one kind of BIO here: it reads from and writes to the `io` of the session. Null when there is no memory.
BIO *tern_tls_bio_make(struct tern_tls_session *session);

/// Certificates from PEM, up to the end; null when there is none or one is broken.
STACK_OF(X509) *tern_tls_certificates(const uint8_t *text, size_t count);

/// Callbacks of OpenSSL that datagrams need.
int tern_dtls_make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *count);
int tern_dtls_check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int count);
unsigned int tern_dtls_timer(SSL *ssl, unsigned int microseconds);

#endif
