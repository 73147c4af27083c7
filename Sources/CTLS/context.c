// What the sessions of a listener have in common: versions, ciphers, identities, ALPN.
#include "internal.h"

/// Forward secrecy and authenticated encryption; the operator's list takes the place of it.
static const char ciphers_by_default[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_count,
                           const unsigned char *offered, unsigned int offered_count, void *pointer) {
    struct tern_tls_context *context = pointer;
    unsigned char *name = NULL;
    (void)ssl;
    // RFC 7301 §3.2: who offers only protocols that we do not speak is told so. Who offers none gets no answer here.
    if (SSL_select_next_proto(&name, chosen_count, context->protocols, context->protocols_count, offered, offered_count)
        != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = name;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_versions(SSL_CTX *ssl, const struct tern_tls_options *options) {
    if (options->datagrams) {
        return SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) == 1
               && SSL_CTX_set_max_proto_version(ssl, DTLS1_2_VERSION) == 1;
    }
    return SSL_CTX_set_min_proto_version(ssl, options->refuses_1_2 ? TLS1_3_VERSION : TLS1_2_VERSION) == 1
           && SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) == 1;
}

static void set_behaviour(SSL_CTX *ssl, const struct tern_tls_options *options) {
    // No renegotiation, which lets a client ask for handshakes without end; no compression (CRIME). No resumption: a
    // session is one call or one page, and a ticket's key would have to be shared, changed and forgotten.
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE
                                 | SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ssl, 0);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    // Idle sessions keep no buffers, and who sends need not repeat a call with the same address.
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
                              | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // The longest message of a handshake that memory is taken for at the word of its first fragment, which for
    // datagrams is done for ten messages ahead. Only certificates are longer than a record, where any are asked for.
    SSL_CTX_set_max_cert_list(ssl, options->authorities == NULL ? 1024 : options->handshake_bytes_max);
    if (options->datagrams) {
        // There is no socket that could be asked.
        SSL_CTX_set_options(ssl, SSL_OP_NO_QUERY_MTU | SSL_OP_COOKIE_EXCHANGE);
        SSL_CTX_set_cookie_generate_cb(ssl, tern_dtls_make_cookie);
        SSL_CTX_set_cookie_verify_cb(ssl, tern_dtls_check_cookie);
    }
}

static bool set_identities(SSL_CTX *ssl, struct tern_tls_identity *const *identities, size_t count,
                           struct tern_tls_problem *problem) {
    for (size_t index = 0; index < count; index++) {
        struct tern_tls_identity *identity = identities[index];
        // Without overriding: a second one of the same kind would silently take the place of the first.
        if (SSL_CTX_use_cert_and_key(ssl, identity->leaf, identity->key, identity->chain, 0) == 1) continue;
        bool is_second = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_NOT_REPLACING_CERTIFICATE;
        tern_tls_fail(problem, is_second ? TERN_TLS_IDENTITY_TWICE : TERN_TLS_IDENTITY_REFUSED, true);
        problem->index = (int32_t)index;
        return false;
    }
    return true;
}

static bool set_authorities(SSL_CTX *ssl, const struct tern_tls_options *options, struct tern_tls_problem *problem) {
    if (options->authorities == NULL) return true;
    STACK_OF(X509) *found = tern_tls_certificates(options->authorities, options->authorities_count);
    bool is_good = found != NULL;
    for (int index = 0; is_good && index < sk_X509_num(found); index++) {
        X509 *authority = sk_X509_value(found, index);
        is_good = X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), authority) == 1
                  && SSL_CTX_add_client_CA(ssl, authority) == 1;
    }
    sk_X509_pop_free(found, X509_free);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (!is_good) tern_tls_fail(problem, TERN_TLS_AUTHORITIES, true);
    return is_good;
}

static bool set_protocols(struct tern_tls_context *context, const struct tern_tls_options *options) {
    if (options->protocols_count == 0) return true;
    context->protocols = OPENSSL_memdup(options->protocols, options->protocols_count);
    context->protocols_count = (unsigned int)options->protocols_count;
    SSL_CTX_set_alpn_select_cb(context->ssl, choose_protocol, context);
    return context->protocols != NULL;
}

static bool fill(struct tern_tls_context *context, const struct tern_tls_options *options,
                 struct tern_tls_identity *const *identities, size_t count, struct tern_tls_problem *problem) {
    context->ssl = SSL_CTX_new(options->datagrams ? DTLS_server_method() : TLS_server_method());
    if (context->ssl == NULL || !set_versions(context->ssl, options) || !set_protocols(context, options)) {
        tern_tls_fail(problem, TERN_TLS_OTHER, true);
        return false;
    }
    set_behaviour(context->ssl, options);
    if (SSL_CTX_set_cipher_list(context->ssl, options->ciphers == NULL ? ciphers_by_default : options->ciphers) != 1) {
        tern_tls_fail(problem, TERN_TLS_CIPHERS, true);
        return false;
    }
    if (options->groups != NULL && SSL_CTX_set1_groups_list(context->ssl, options->groups) != 1) {
        tern_tls_fail(problem, TERN_TLS_GROUPS, true);
        return false;
    }
    return set_authorities(context->ssl, options, problem)
           && set_identities(context->ssl, identities, count, problem);
}

struct tern_tls_context *tern_tls_context_make(const struct tern_tls_options *options,
                                               struct tern_tls_identity *const *identities, size_t count,
                                               struct tern_tls_problem *problem) {
    ERR_clear_error();
    struct tern_tls_context *context = OPENSSL_zalloc(sizeof *context);
    if (context == NULL) {
        tern_tls_fail(problem, TERN_TLS_OTHER, true);
        return NULL;
    }
    context->datagrams = options->datagrams;
    context->handshake_bytes_max = options->handshake_bytes_max;
    context->payload_max = options->payload_max;
    context->retransmission_microseconds = options->retransmission_milliseconds * 1000;
    if (fill(context, options, identities, count, problem)) return context;
    tern_tls_context_free(context);
    return NULL;
}

void tern_tls_context_free(struct tern_tls_context *context) {
    SSL_CTX_free(context->ssl);
    OPENSSL_free(context->protocols);
    OPENSSL_free(context);
}
