// The handshakes and records of links: OpenSSL between two places in memory, so that how the kernel is asked is the
// same for all of them.
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "links.h"

static int bio_read(BIO *bio, char *bytes, int count) {
    struct cload_links *set = ((struct link *)BIO_get_data(bio))->set;
    BIO_clear_retry_flags(bio);
    if (set->input_count == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t taken = set->input_count < (size_t)count ? set->input_count : (size_t)count;
    memcpy(bytes, set->input, taken);
    // What is left of a datagram is gone, as from a socket.
    size_t gone = is_datagrams(set) ? set->input_count : taken;
    set->input += gone;
    set->input_count -= gone;
    return (int)taken;
}

static int bio_write(BIO *bio, const char *bytes, int count) {
    struct link *link = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    uint32_t length = (uint32_t)count;
    bytes_append(&link->out, bytes, length);
    if (is_datagrams(link->set)) bytes_append(&link->pieces, &length, sizeof length);
    link_is_dirty(link);
    return count;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

/// The last session is the one to go on from.
static int keep_session(SSL *ssl, SSL_SESSION *session) {
    struct cload_links *set = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(set->session);
    set->session = session;
    return 1;
}

bool tls_create(struct cload_links *set) {
    set->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 0x7E, "link");
    set->context = SSL_CTX_new(is_datagrams(set) ? DTLS_client_method() : TLS_client_method());
    if (set->method == NULL || set->context == NULL) return false;
    BIO_meth_set_read(set->method, bio_read);
    BIO_meth_set_write(set->method, bio_write);
    BIO_meth_set_ctrl(set->method, bio_control);
    BIO_meth_set_create(set->method, bio_create);
    SSL_CTX_set_verify(set->context, SSL_VERIFY_NONE, NULL);
    // Ten thousand silent links are not to need buffers.
    SSL_CTX_set_mode(set->context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(set->context, 1);
    SSL_CTX_set_app_data(set->context, set);
    if (set->options.is_tls12 && SSL_CTX_set_max_proto_version(set->context, TLS1_2_VERSION) != 1) return false;
    if (set->options.resumes) {
        SSL_CTX_set_session_cache_mode(set->context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(set->context, keep_session);
    }
    return true;
}

void tls_destroy(struct cload_links *set) {
    SSL_SESSION_free(set->session);
    SSL_CTX_free(set->context);
    BIO_meth_free(set->method);
}

bool tls_open(struct link *link) {
    BIO *bio = BIO_new(link->set->method);
    link->ssl = SSL_new(link->set->context);
    if (bio == NULL || link->ssl == NULL) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, link);
    SSL_set_bio(link->ssl, bio, bio);
    SSL_set_connect_state(link->ssl);
    if (is_datagrams(link->set)) {
        SSL_set_options(link->ssl, SSL_OP_NO_QUERY_MTU);
        (void)SSL_set_mtu(link->ssl, 1200);
    }
    if (link->set->session != NULL) (void)SSL_set_session(link->ssl, link->set->session);
    link->state = CLOAD_LINK_SHAKING;
    tls_shake(link);
    return true;
}

static void end_unless_waiting(struct link *link, int result) {
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return;
    case SSL_ERROR_ZERO_RETURN: return link_end(link, 0);
    default: return link_end(link, EPROTO);
    }
}

void tls_shake(struct link *link) {
    struct cload_links *set = link->set;
    ERR_clear_error();
    int result = SSL_do_handshake(link->ssl);
    if (result != 1) return end_unless_waiting(link, result);
    link->state = CLOAD_LINK_OPEN;
    set->handshakes.finished += 1;
    set->handshakes.resumed += (uint64_t)SSL_session_reused(link->ssl);
    snprintf(set->protocol, sizeof set->protocol, "%s, %s", SSL_get_version(link->ssl), SSL_get_cipher(link->ssl));
    if (link->early.count > 0) tls_seal(link, link->early.start, link->early.count);
    bytes_free(&link->early);
}

void tls_seal(struct link *link, const uint8_t *bytes, size_t count) {
    ERR_clear_error();
    // All of it: what is written to memory finds room.
    int result = SSL_write(link->ssl, bytes, (int)count);
    if (result != (int)count) link_end(link, EPROTO);
}

void tls_unseal(struct link *link) {
    struct cload_links *set = link->set;
    if (link->state == CLOAD_LINK_SHAKING) tls_shake(link);
    while (link->state == CLOAD_LINK_OPEN && set->plain_count + 16384 <= PLAIN_BYTES) {
        ERR_clear_error();
        int result = SSL_read(link->ssl, set->plain + set->plain_count, (int)(PLAIN_BYTES - set->plain_count));
        if (result <= 0) return end_unless_waiting(link, result);
        if (is_datagrams(set) && set->frame_count < FRAMES_MAX)
            set->frames[set->frame_count++] = (struct cload_frame){(uint32_t)set->plain_count, (uint32_t)result};
        set->plain_count += (size_t)result;
    }
}

void tls_retransmit(struct link *link) {
    ERR_clear_error();
    if (DTLSv1_handle_timeout(link->ssl) < 0) link_end(link, ETIMEDOUT);
}

void tls_close(struct link *link) {
    ERR_clear_error();
    if (link->state == CLOAD_LINK_OPEN) (void)SSL_shutdown(link->ssl);
}
