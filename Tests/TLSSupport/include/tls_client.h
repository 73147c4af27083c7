// A client of TLS and DTLS for tests, and certificates made on the spot. It shares nothing with the code under test.
#ifndef TERN_TLS_CLIENT_H
#define TERN_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

enum { TEST_KEY_RSA = 1, TEST_KEY_EC = 2, TEST_KEY_RSA_WEAK = 3 };

/// A key and a self-signed certificate for turn.example and 192.0.2.1, valid from 2020 to 2040, both PEM and ended by a
/// zero byte. With a password the key is encrypted.
bool test_identity(int32_t kind, const char *_Nullable password, uint8_t *certificate, size_t certificate_capacity,
                   uint8_t *key, size_t key_capacity);

/// The same with an end of its own, as ASN.1 writes it, and other names, as OpenSSL's configuration has them.
bool test_identity_for(int32_t kind, const char *_Nullable password, const char *not_after, const char *names,
                       uint8_t *certificate, size_t certificate_capacity, uint8_t *key, size_t key_capacity);

struct test_client;

struct test_client_options {
    bool datagrams;
    int32_t version;                        // the only one; 0 for what OpenSSL does
    const char *_Nullable ciphers;
    const char *_Nullable signatures;       // algorithms that the client can check
    const uint8_t *_Nullable protocols;     // ALPN as on the wire
    size_t protocols_count;
    const uint8_t *_Nullable certificate;   // PEM, of the client
    const uint8_t *_Nullable key;
    uint32_t retransmission_milliseconds;   // of datagrams; doubles
};

struct test_client *_Nullable test_client_make(const struct test_client_options *options);
void test_client_free(struct test_client *client);

/// Bytes of the server; for datagrams one.
void test_client_input(struct test_client *client, const uint8_t *bytes, size_t count);

/// 1 when the handshake is complete, 0 when it goes on, -1 when it failed.
int32_t test_client_handshake(struct test_client *client);

/// Plain text: the count, 0 for none yet, -1 for close_notify, -2 for a failure.
int64_t test_client_read(struct test_client *client, uint8_t *bytes, size_t capacity);
bool test_client_write(struct test_client *client, const uint8_t *bytes, size_t count);
void test_client_close(struct test_client *client);
/// Asks for new keys, and so does a server of TLS 1.3.
bool test_client_update_keys(struct test_client *client);
/// Resends what is unanswered, when it is time by the wall clock.
void test_client_handle_timeout(struct test_client *client);

/// What the client wants sent, one piece for each write. The count; 0 when there is none.
size_t test_client_output(struct test_client *client, uint8_t *bytes, size_t capacity);

int32_t test_client_version(const struct test_client *client);
/// TEST_KEY_RSA or TEST_KEY_EC, of the server's certificate.
int32_t test_client_server_key(const struct test_client *client);
/// SHA-256 of the server's certificate, 32 bytes; false when there is none.
bool test_client_server_fingerprint(const struct test_client *client, uint8_t *digest);
size_t test_client_protocol(const struct test_client *client, uint8_t *name, size_t capacity);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
