// One connection: bytes of the network in, plain text out, and the other way.
#include "internal.h"

enum {
    RECORD_MAX = SSL3_RT_MAX_PLAIN_LENGTH,
    /// More than a record adds to its plain text, together with an alert or a key update that goes before it.
    OVERHEAD_MAX = 512,
};

struct tern_tls_session *tern_tls_session_make(struct tern_tls_context *context) {
    struct tern_tls_session *session = OPENSSL_zalloc(sizeof *session);
    if (session == NULL) return NULL;
    session->context = context;
    session->ssl = SSL_new(context->ssl);
    BIO *bio = session->ssl == NULL ? NULL : tern_tls_bio_make(session);
    if (bio == NULL) {
        tern_tls_session_free(session);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_bio(session->ssl, bio, bio);
    SSL_set_app_data(session->ssl, session);
    SSL_set_accept_state(session->ssl);
    if (context->datagrams) {
        SSL_set_mtu(session->ssl, (long)context->payload_max);
        DTLS_set_timer_cb(session->ssl, tern_dtls_timer);
    }
    ERR_clear_error();
    return session;
}

void tern_tls_session_free(struct tern_tls_session *session) {
    SSL_free(session->ssl);
    OPENSSL_free(session);
}

// ---------------------------------------------------------------------------------------------------- failures

static uint8_t failure_of(int reason) {
    switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG: return TERN_TLS_FAILURE_NOT_TLS;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_VERSION_TOO_HIGH:
    case SSL_R_INAPPROPRIATE_FALLBACK: return TERN_TLS_FAILURE_VERSION;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_GROUPS: return TERN_TLS_FAILURE_NO_SHARED_CIPHER;
    case SSL_R_NO_APPLICATION_PROTOCOL: return TERN_TLS_FAILURE_NO_APPLICATION_PROTOCOL;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return TERN_TLS_FAILURE_CLIENT_CERTIFICATE;
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: return TERN_TLS_FAILURE_BAD_RECORD;
    case SSL_R_READ_TIMEOUT_EXPIRED: return TERN_TLS_FAILURE_TIMEOUT;
    case ERR_R_MALLOC_FAILURE: return TERN_TLS_FAILURE_MEMORY;
    default: return TERN_TLS_FAILURE_PROTOCOL;
    }
}

static int32_t fail(struct tern_tls_session *session) {
    int reason = ERR_GET_REASON(ERR_peek_error());
    if (reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + 255) {
        session->failure = TERN_TLS_FAILURE_PEER_ALERT;
        session->alert = (uint8_t)(reason - SSL_AD_REASON_OFFSET);
    } else {
        session->failure = failure_of(reason);
    }
    ERR_clear_error();
    return TERN_TLS_FAILED;
}

/// What a call that returned `result` means to the caller.
static int32_t status_of(struct tern_tls_session *session, int result) {
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ: return TERN_TLS_NEEDS_INPUT;
    case SSL_ERROR_WANT_WRITE: return TERN_TLS_OUTPUT_FULL;
    case SSL_ERROR_ZERO_RETURN: session->has_closed = true; return TERN_TLS_CLOSED;
    default: return fail(session);
    }
}

// ---------------------------------------------------------------------------------------------------- a call

static void begin(struct tern_tls_session *session, struct tern_tls_io *io) {
    // What others left in the queue of this thread would be taken for ours.
    ERR_clear_error();
    session->io = io;
    // Does nothing where there are buffers.
    if (session->context->datagrams && session->is_established) SSL_alloc_buffers(session->ssl);
}

static int32_t end(struct tern_tls_session *session, int32_t status) {
    session->io = NULL;
    // OpenSSL releases the buffers of streams by itself, those of datagrams only on demand: 34 KB for each session.
    if (session->context->datagrams && session->is_established && SSL_has_pending(session->ssl) == 0)
        SSL_free_buffers(session->ssl);
    ERR_clear_error();
    return status;
}

// ---------------------------------------------------------------------------------------------------- receiving

/// Goes on with the handshake. TERN_TLS_MORE when it is complete.
static int32_t shake_hands(struct tern_tls_session *session, struct tern_tls_io *io) {
    size_t before = io->input_taken;
    int result = SSL_do_handshake(session->ssl);
    session->handshake_bytes += (uint32_t)(io->input_taken - before);
    if (result == 1) {
        session->is_established = true;
        return TERN_TLS_MORE;
    }
    int32_t status = status_of(session, result);
    if (status == TERN_TLS_NEEDS_INPUT && session->handshake_bytes > session->context->handshake_bytes_max) {
        session->failure = TERN_TLS_FAILURE_TOO_LONG;
        return TERN_TLS_FAILED;
    }
    return status;
}

static int32_t read_plain(struct tern_tls_session *session, struct tern_tls_io *io, uint8_t *plain, size_t capacity,
                          size_t *produced) {
    while (*produced < capacity) {
        size_t count = 0;
        int result = SSL_read_ex(session->ssl, plain + *produced, capacity - *produced, &count);
        if (result != 1) return status_of(session, result);
        *produced += count;
        // A record of datagrams is a message; two of them must not run together.
        if (session->context->datagrams) break;
    }
    bool is_done = io->input_taken == io->input_count && SSL_has_pending(session->ssl) == 0;
    return is_done ? TERN_TLS_NEEDS_INPUT : TERN_TLS_MORE;
}

int32_t tern_tls_receive(struct tern_tls_session *session, struct tern_tls_io *io, uint8_t *plain, size_t capacity,
                         size_t *produced) {
    *produced = 0;
    if (session->failure != TERN_TLS_FAILURE_NONE) return TERN_TLS_FAILED;
    if (session->has_closed) return TERN_TLS_CLOSED;
    begin(session, io);
    int32_t status = TERN_TLS_MORE;
    if (!session->is_established) status = shake_hands(session, io);
    if (status == TERN_TLS_MORE) status = read_plain(session, io, plain, capacity, produced);
    return end(session, status);
}

// ---------------------------------------------------------------------------------------------------- sending

/// How much of `count` can be encrypted so that it fits whole: half a record would have to be kept.
static size_t sendable(const struct tern_tls_session *session, const struct tern_tls_io *io, size_t count) {
    size_t room = io->output_capacity - io->output_count;
    if (room <= OVERHEAD_MAX) return 0;
    room -= OVERHEAD_MAX;
    if (session->context->datagrams) {
        return count <= room && count <= RECORD_MAX && io->ends_count < io->ends_capacity ? count : 0;
    }
    if (count > RECORD_MAX) count = RECORD_MAX;
    return count < room ? count : room;
}

int32_t tern_tls_send(struct tern_tls_session *session, struct tern_tls_io *io, const uint8_t *plain, size_t count,
                      size_t *taken) {
    *taken = 0;
    if (session->failure != TERN_TLS_FAILURE_NONE) return TERN_TLS_FAILED;
    if (!session->is_established || session->has_sent_close) return TERN_TLS_NEEDS_INPUT;
    begin(session, io);
    int32_t status = TERN_TLS_NEEDS_INPUT;
    while (*taken < count) {
        size_t part = sendable(session, io, count - *taken);
        if (part == 0) {
            status = TERN_TLS_OUTPUT_FULL;
            break;
        }
        size_t written = 0;
        int result = SSL_write_ex(session->ssl, plain + *taken, part, &written);
        if (result != 1) {
            status = status_of(session, result);
            break;
        }
        *taken += written;
    }
    return end(session, status);
}

int32_t tern_tls_close(struct tern_tls_session *session, struct tern_tls_io *io) {
    if (session->failure != TERN_TLS_FAILURE_NONE) return TERN_TLS_FAILED;
    // Nobody can be told before there are keys; the end of the connection says it.
    if (!session->is_established) return TERN_TLS_NEEDS_INPUT;
    begin(session, io);
    session->has_sent_close = true;
    int result = SSL_shutdown(session->ssl);
    return end(session, result >= 0 ? TERN_TLS_NEEDS_INPUT : status_of(session, result));
}

// ---------------------------------------------------------------------------------------------------- queries

bool tern_tls_is_established(const struct tern_tls_session *session) { return session->is_established; }

bool tern_tls_has_closed(const struct tern_tls_session *session) { return session->has_closed; }

int32_t tern_tls_failure(const struct tern_tls_session *session) { return session->failure; }

int32_t tern_tls_alert(const struct tern_tls_session *session) { return session->alert; }

int32_t tern_tls_version(const struct tern_tls_session *session) { return SSL_version(session->ssl); }

const char *tern_tls_cipher(const struct tern_tls_session *session) { return SSL_get_cipher_name(session->ssl); }

size_t tern_tls_protocol(const struct tern_tls_session *session, uint8_t *name, size_t capacity) {
    const unsigned char *chosen = NULL;
    unsigned int count = 0;
    SSL_get0_alpn_selected(session->ssl, &chosen, &count);
    if (chosen == NULL || count > capacity) return 0;
    memcpy(name, chosen, count);
    return count;
}

// ---------------------------------------------------------------------------------------------------- datagrams

int tern_dtls_make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *count) {
    const struct tern_tls_session *session = SSL_get_app_data(ssl);
    if (session->cookie == NULL) return 0;
    memcpy(cookie, session->cookie, session->cookie_count);
    *count = session->cookie_count;
    return 1;
}

int tern_dtls_check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int count) {
    const struct tern_tls_session *session = SSL_get_app_data(ssl);
    if (session->cookie == NULL || count != session->cookie_count) return 0;
    int differs = CRYPTO_memcmp(cookie, session->cookie, count);
    int differs_before = CRYPTO_memcmp(cookie, session->cookie_before, count);
    return differs == 0 || differs_before == 0;
}

unsigned int tern_dtls_timer(SSL *ssl, unsigned int microseconds) {
    const struct tern_tls_session *session = SSL_get_app_data(ssl);
    if (microseconds == 0) return session->context->retransmission_microseconds;
    // RFC 6347 §4.2.4.1: twice the time at each retransmission, up to a minute.
    return microseconds < 30000000 ? 2 * microseconds : 60000000;
}

int32_t tern_dtls_listen(struct tern_tls_session *session, struct tern_tls_io *io, const uint8_t *cookie,
                         const uint8_t *cookie_before, size_t cookie_count) {
    BIO_ADDR *nobody = BIO_ADDR_new();
    if (nobody == NULL) return 0;
    begin(session, io);
    session->cookie = cookie;
    session->cookie_before = cookie_before;
    session->cookie_count = (uint32_t)cookie_count;
    int result = DTLSv1_listen(session->ssl, nobody);
    BIO_ADDR_free(nobody);
    if (result == 1) {
        // Its answer is the first flight, and the cookie is checked once more on the way.
        (void)shake_hands(session, io);
    }
    session->cookie = NULL;
    session->cookie_before = NULL;
    end(session, TERN_TLS_NEEDS_INPUT);
    return result == 1 ? 1 : 0;
}

int64_t tern_dtls_remaining(struct tern_tls_session *session) {
    struct timeval left;
    if (session->failure != TERN_TLS_FAILURE_NONE || DTLSv1_get_timeout(session->ssl, &left) != 1) return -1;
    return (int64_t)left.tv_sec * 1000000 + left.tv_usec;
}

int32_t tern_dtls_handle_timeout(struct tern_tls_session *session, struct tern_tls_io *io) {
    if (session->failure != TERN_TLS_FAILURE_NONE) return TERN_TLS_FAILED;
    begin(session, io);
    int32_t status = DTLSv1_handle_timeout(session->ssl) < 0 ? fail(session) : TERN_TLS_NEEDS_INPUT;
    return end(session, status);
}
