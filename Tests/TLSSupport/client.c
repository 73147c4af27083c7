// The client of tests: an OpenSSL client between two memory queues.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "tls_client.h"

struct piece {
    struct piece *next;
    size_t count;
    uint8_t bytes[];
};

struct test_client {
    SSL_CTX *context;
    SSL *ssl;
    BIO_METHOD *method;
    struct piece *output;
    struct piece **output_end;
    uint8_t *input;
    size_t input_count;
    unsigned int retransmission_microseconds;
    bool datagrams;
};

static int client_read(BIO *bio, char *bytes, int count) {
    struct test_client *client = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (client->input_count == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t taken = client->input_count < (size_t)count ? client->input_count : (size_t)count;
    memcpy(bytes, client->input, taken);
    size_t gone = client->datagrams ? client->input_count : taken;
    memmove(client->input, client->input + gone, client->input_count - gone);
    client->input_count -= gone;
    return (int)taken;
}

static int client_write(BIO *bio, const char *bytes, int count) {
    struct test_client *client = BIO_get_data(bio);
    struct piece *piece = malloc(sizeof *piece + (size_t)count);
    if (piece == NULL) abort();
    piece->next = NULL;
    piece->count = (size_t)count;
    memcpy(piece->bytes, bytes, (size_t)count);
    *client->output_end = piece;
    client->output_end = &piece->next;
    return count;
}

static long client_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int client_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

static BIO *client_bio(struct test_client *client) {
    // One for each client: tests run in parallel, and this is less than a lock.
    client->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 0x7F, "test client");
    BIO_meth_set_read(client->method, client_read);
    BIO_meth_set_write(client->method, client_write);
    BIO_meth_set_ctrl(client->method, client_control);
    BIO_meth_set_create(client->method, client_create);
    BIO *bio = BIO_new(client->method);
    BIO_set_data(bio, client);
    return bio;
}

static bool set_identity(SSL_CTX *context, const struct test_client_options *options) {
    if (options->certificate == NULL) return true;
    BIO *certificate = BIO_new_mem_buf(options->certificate, -1);
    BIO *key = BIO_new_mem_buf(options->key, -1);
    X509 *leaf = PEM_read_bio_X509(certificate, NULL, NULL, NULL);
    EVP_PKEY *secret = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
    bool is_good = SSL_CTX_use_certificate(context, leaf) == 1 && SSL_CTX_use_PrivateKey(context, secret) == 1;
    X509_free(leaf);
    EVP_PKEY_free(secret);
    BIO_free(certificate);
    BIO_free(key);
    return is_good;
}

static unsigned int client_timer(SSL *ssl, unsigned int microseconds) {
    const struct test_client *client = SSL_get_app_data(ssl);
    return microseconds == 0 ? client->retransmission_microseconds : 2 * microseconds;
}

struct test_client *test_client_make(const struct test_client_options *options) {
    struct test_client *client = calloc(1, sizeof *client);
    if (client == NULL) return NULL;
    client->datagrams = options->datagrams;
    client->output_end = &client->output;
    client->context = SSL_CTX_new(options->datagrams ? DTLS_client_method() : TLS_client_method());
    SSL_CTX_set_security_level(client->context, 0);
    if (options->version != 0) {
        SSL_CTX_set_min_proto_version(client->context, options->version);
        SSL_CTX_set_max_proto_version(client->context, options->version);
    }
    if (options->ciphers != NULL) SSL_CTX_set_cipher_list(client->context, options->ciphers);
    if (options->signatures != NULL) SSL_CTX_set1_sigalgs_list(client->context, options->signatures);
    if (options->protocols != NULL)
        SSL_CTX_set_alpn_protos(client->context, options->protocols, (unsigned int)options->protocols_count);
    set_identity(client->context, options);
    client->ssl = SSL_new(client->context);
    BIO *bio = client_bio(client);
    SSL_set_bio(client->ssl, bio, bio);
    SSL_set_connect_state(client->ssl);
    SSL_set_app_data(client->ssl, client);
    client->retransmission_microseconds = options->retransmission_milliseconds * 1000;
    if (options->datagrams) {
        SSL_set_options(client->ssl, SSL_OP_NO_QUERY_MTU);
        SSL_set_mtu(client->ssl, 1200);
        DTLS_set_timer_cb(client->ssl, client_timer);
    }
    return client;
}

void test_client_free(struct test_client *client) {
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    BIO_meth_free(client->method);
    uint8_t bytes[1];
    while (client->output != NULL) test_client_output(client, bytes, sizeof bytes);
    free(client->input);
    free(client);
}

void test_client_input(struct test_client *client, const uint8_t *bytes, size_t count) {
    client->input = realloc(client->input, client->input_count + count + 1);
    if (client->input == NULL) abort();
    memcpy(client->input + client->input_count, bytes, count);
    client->input_count += count;
}

int32_t test_client_handshake(struct test_client *client) {
    ERR_clear_error();
    int result = SSL_do_handshake(client->ssl);
    if (result == 1) return 1;
    return SSL_get_error(client->ssl, result) == SSL_ERROR_WANT_READ ? 0 : -1;
}

int64_t test_client_read(struct test_client *client, uint8_t *bytes, size_t capacity) {
    ERR_clear_error();
    int result = SSL_read(client->ssl, bytes, (int)capacity);
    if (result > 0) return result;
    switch (SSL_get_error(client->ssl, result)) {
    case SSL_ERROR_WANT_READ: return 0;
    case SSL_ERROR_ZERO_RETURN: return -1;
    default: return -2;
    }
}

bool test_client_write(struct test_client *client, const uint8_t *bytes, size_t count) {
    ERR_clear_error();
    return SSL_write(client->ssl, bytes, (int)count) == (int)count;
}

void test_client_close(struct test_client *client) {
    ERR_clear_error();
    SSL_shutdown(client->ssl);
}

bool test_client_update_keys(struct test_client *client) {
    return SSL_key_update(client->ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(client->ssl) == 1;
}

void test_client_handle_timeout(struct test_client *client) { DTLSv1_handle_timeout(client->ssl); }

size_t test_client_output(struct test_client *client, uint8_t *bytes, size_t capacity) {
    struct piece *piece = client->output;
    if (piece == NULL) return 0;
    size_t count = piece->count;
    if (count <= capacity) memcpy(bytes, piece->bytes, count);
    client->output = piece->next;
    if (client->output == NULL) client->output_end = &client->output;
    free(piece);
    return count;
}

int32_t test_client_version(const struct test_client *client) { return SSL_version(client->ssl); }

int32_t test_client_server_key(const struct test_client *client) {
    EVP_PKEY *key = X509_get0_pubkey(SSL_get0_peer_certificate(client->ssl));
    return key == NULL ? 0 : EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? TEST_KEY_RSA : TEST_KEY_EC;
}

bool test_client_server_fingerprint(const struct test_client *client, uint8_t *digest) {
    X509 *certificate = SSL_get0_peer_certificate(client->ssl);
    return certificate != NULL && X509_digest(certificate, EVP_sha256(), digest, NULL) == 1;
}

size_t test_client_protocol(const struct test_client *client, uint8_t *name, size_t capacity) {
    const unsigned char *chosen = NULL;
    unsigned int count = 0;
    SSL_get0_alpn_selected(client->ssl, &chosen, &count);
    if (chosen == NULL || count > capacity) return 0;
    memcpy(name, chosen, count);
    return count;
}
