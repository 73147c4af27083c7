// TLS and DTLS. Every certificate is taken, so that more can be said of it than that it was refused.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "internal.h"

static bool is_numeric(const char *name) {
    struct in6_addr ignored;
    return inet_pton(AF_INET, name, &ignored) == 1 || inet_pton(AF_INET6, name, &ignored) == 1;
}

static void note(struct tern_client_failure *failure, int32_t stage, int32_t error) {
    failure->stage = stage;
    failure->error = error;
    unsigned long code = ERR_get_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    if (reason != NULL) snprintf((char *)failure->text, sizeof failure->text, "%s", reason);
}

static bool make_session(struct tern_client *client, const struct tern_client_plan *plan,
                         struct tern_client_failure *failure) {
    client->context = SSL_CTX_new(client->is_datagrams ? DTLS_client_method() : TLS_client_method());
    if (client->context == NULL) return note(failure, TERN_CLIENT_HANDSHAKE, ENOMEM), false;
    SSL_CTX_set_verify(client->context, SSL_VERIFY_NONE, NULL);
    int is_loaded = plan->authorities == NULL ? SSL_CTX_set_default_verify_paths(client->context)
                                              : SSL_CTX_load_verify_file(client->context, plan->authorities);
    if (is_loaded != 1 && plan->authorities != NULL) return note(failure, TERN_CLIENT_AUTHORITIES, 0), false;
    client->ssl = SSL_new(client->context);
    BIO *bio = client->is_datagrams ? BIO_new_dgram(client->fd, BIO_NOCLOSE) : BIO_new_socket(client->fd, BIO_NOCLOSE);
    if (client->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        return note(failure, TERN_CLIENT_HANDSHAKE, ENOMEM), false;
    }
    if (client->is_datagrams) {
        struct sockaddr_storage peer;
        socklen_t length = sizeof peer;
        if (getpeername(client->fd, (struct sockaddr *)&peer, &length) == 0)
            BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &peer);
        SSL_set_options(client->ssl, SSL_OP_NO_QUERY_MTU);
        (void)SSL_set_mtu(client->ssl, 1200);
    }
    SSL_set_bio(client->ssl, bio, bio);
    SSL_set_connect_state(client->ssl);
    // An address is no name to ask for (RFC 6066 section 3).
    if (plan->server_name != NULL && !is_numeric(plan->server_name))
        (void)SSL_set_tlsext_host_name(client->ssl, plan->server_name);
    return true;
}

/// Waits for what a call of OpenSSL wants. 0, or the negated errno; -EPROTO when OpenSSL has failed for good, and
/// -EPIPE at the end of the session.
static int wait_for_ssl(struct tern_client *client, int result, int64_t deadline) {
    int error = errno;
    switch (SSL_get_error(client->ssl, result)) {
    case SSL_ERROR_WANT_WRITE: return wait_for(client->fd, POLLOUT, deadline);
    case SSL_ERROR_ZERO_RETURN: return -EPIPE;
    case SSL_ERROR_SYSCALL: return error == 0 ? -EPIPE : -error;
    case SSL_ERROR_WANT_READ: break;
    default: return -EPROTO;
    }
    int64_t soonest = deadline;
    struct timeval left;
    bool has_timer = client->is_datagrams && DTLSv1_get_timeout(client->ssl, &left) == 1;
    if (has_timer) {
        int64_t timer = now_milliseconds() + (int64_t)left.tv_sec * 1000 + left.tv_usec / 1000 + 1;
        if (timer < soonest) soonest = timer;
    }
    int waited = wait_for(client->fd, POLLIN, soonest);
    if (waited == -ETIMEDOUT && soonest < deadline) {
        (void)DTLSv1_handle_timeout(client->ssl);
        return 0;
    }
    return waited;
}

bool secure(struct tern_client *client, const struct tern_client_plan *plan, struct tern_client_failure *failure) {
    ERR_clear_error();
    if (!make_session(client, plan, failure)) return false;
    // Reading the authorities of a system takes a busy machine a second, which is no fault of the network.
    int64_t deadline = now_milliseconds() + plan->milliseconds;
    while (true) {
        errno = 0;
        ERR_clear_error();
        int result = SSL_do_handshake(client->ssl);
        if (result == 1) return true;
        int waited = wait_for_ssl(client, result, deadline);
        if (waited == 0) continue;
        note(failure, TERN_CLIENT_HANDSHAKE, -waited);
        return false;
    }
}

int64_t secure_receive(struct tern_client *client, uint8_t *bytes, size_t capacity, int64_t deadline) {
    while (true) {
        errno = 0;
        ERR_clear_error();
        int count = SSL_read(client->ssl, bytes, (int)capacity);
        if (count > 0) return count;
        int waited = wait_for_ssl(client, count, deadline);
        if (waited == -EPIPE) return 0;
        if (waited != 0) return waited;
    }
}

int32_t secure_send(struct tern_client *client, const uint8_t *bytes, size_t count, int64_t deadline) {
    while (true) {
        errno = 0;
        ERR_clear_error();
        int taken = SSL_write(client->ssl, bytes, (int)count);
        if (taken > 0) return 0;
        int waited = wait_for_ssl(client, taken, deadline);
        if (waited != 0) return waited;
    }
}

void secure_close(struct tern_client *client) {
    if (client->ssl != NULL && SSL_is_init_finished(client->ssl)) (void)SSL_shutdown(client->ssl);
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    ERR_clear_error();
}

// ---------------------------------------------------------------------------------------------------- certificates

static int64_t seconds_of(const ASN1_TIME *time) {
    struct tm parts = {0};
    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
    return (int64_t)timegm(&parts);
}

bool tern_client_certificate(const struct tern_client *client, struct tern_client_certificate *certificate) {
    memset(certificate, 0, sizeof *certificate);
    X509 *peer = client->ssl != NULL ? SSL_get0_peer_certificate(client->ssl) : NULL;
    if (peer == NULL) return false;
    certificate->not_before = seconds_of(X509_get0_notBefore(peer));
    certificate->not_after = seconds_of(X509_get0_notAfter(peer));
    X509_NAME_oneline(X509_get_subject_name(peer), (char *)certificate->subject, sizeof certificate->subject);
    long result = SSL_get_verify_result(client->ssl);
    // Its time is judged apart, because people mend that by other means.
    certificate->is_trusted =
        result == X509_V_OK || result == X509_V_ERR_CERT_HAS_EXPIRED || result == X509_V_ERR_CERT_NOT_YET_VALID;
    snprintf((char *)certificate->reason, sizeof certificate->reason, "%s", X509_verify_cert_error_string(result));
    return true;
}

bool tern_client_certificate_is_for(const struct tern_client *client, const char *name) {
    X509 *peer = client->ssl != NULL ? SSL_get0_peer_certificate(client->ssl) : NULL;
    if (peer == NULL) return false;
    if (is_numeric(name)) return X509_check_ip_asc(peer, name, 0) == 1;
    return X509_check_host(peer, name, strlen(name), 0, NULL) == 1;
}
