// Certificates and keys, and what can be wrong with them.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <time.h>

#include "internal.h"

/// More certificates than any chain has.
enum { CERTIFICATES_MAX = 16 };

void tern_tls_fail(struct tern_tls_problem *problem, int32_t code, bool says) {
    problem->code = code;
    problem->text[0] = 0;
    const char *reason = says ? ERR_reason_error_string(ERR_peek_last_error()) : NULL;
    if (reason != NULL) snprintf((char *)problem->text, sizeof problem->text, "%s", reason);
    ERR_clear_error();
}

int64_t tern_tls_read_file(const char *path, uint8_t *bytes, size_t capacity, struct tern_tls_problem *problem) {
    FILE *file = fopen(path, "rbe");
    int error = errno;
    size_t count = 0;
    if (file != NULL) {
        // Unbuffered, so that a private key leaves no copy behind.
        setvbuf(file, NULL, _IONBF, 0);
        count = fread(bytes, 1, capacity, file);
        error = ferror(file) ? errno : 0;
        bool is_whole = count < capacity || fgetc(file) == EOF;
        fclose(file);
        if (error == 0 && is_whole) return (int64_t)count;
    }
    problem->code = error == 0 ? TERN_TLS_TOO_LONG : TERN_TLS_UNREADABLE;
    char buffer[128];
    const char *text = error == 0 ? "" : strerror_r(error, buffer, sizeof buffer);
    snprintf((char *)problem->text, sizeof problem->text, "%s", text);
    return -1;
}

static bool contains(const uint8_t *text, size_t count, const char *part) {
    return memmem(text, count, part, strlen(part)) != NULL;
}

/// What a file may ask, and whether it did.
struct password {
    const char *text;
    bool was_asked;
};

static int give_password(char *buffer, int capacity, int is_writing, void *pointer) {
    struct password *password = pointer;
    (void)is_writing;
    password->was_asked = true;
    if (password->text == NULL) return -1;
    size_t count = strlen(password->text);
    if (count > (size_t)capacity) return -1;
    memcpy(buffer, password->text, count);
    return (int)count;
}

STACK_OF(X509) *tern_tls_certificates(const uint8_t *text, size_t count) {
    if (count == 0 || count > INT32_MAX) return NULL;
    BIO *bio = BIO_new_mem_buf(text, (int)count);
    STACK_OF(X509) *found = sk_X509_new_null();
    struct password none = {NULL, false};
    bool is_good = bio != NULL && found != NULL;
    while (is_good) {
        X509 *certificate = PEM_read_bio_X509_AUX(bio, NULL, give_password, &none);
        if (certificate == NULL) {
            // No further one is how it has to end.
            is_good = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE && sk_X509_num(found) > 0;
            break;
        }
        is_good = sk_X509_num(found) < CERTIFICATES_MAX && sk_X509_push(found, certificate) > 0;
        if (!is_good) X509_free(certificate);
    }
    BIO_free(bio);
    if (is_good) {
        ERR_clear_error();
        return found;
    }
    sk_X509_pop_free(found, X509_free);
    return NULL;
}

static EVP_PKEY *read_key(const uint8_t *text, size_t count, const char *text_of_password,
                          struct tern_tls_problem *problem) {
    if (count > INT32_MAX || !contains(text, count, "PRIVATE KEY-----")) {
        tern_tls_fail(problem, TERN_TLS_KEY_NOT_PEM, false);
        return NULL;
    }
    struct password password = {text_of_password, false};
    BIO *bio = BIO_new_mem_buf(text, (int)count);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, give_password, &password);
    BIO_free(bio);
    if (key == NULL) {
        int32_t code = !password.was_asked     ? TERN_TLS_KEY_MALFORMED
                       : password.text == NULL ? TERN_TLS_KEY_ENCRYPTED
                                               : TERN_TLS_KEY_WRONG_PASSWORD;
        tern_tls_fail(problem, code, code == TERN_TLS_KEY_MALFORMED);
    }
    return key;
}

static int32_t kind_of(const EVP_PKEY *key) {
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS: return TERN_TLS_KEY_RSA;
    case EVP_PKEY_EC: return TERN_TLS_KEY_EC;
    case EVP_PKEY_ED25519: return TERN_TLS_KEY_ED25519;
    default: return 0;
    }
}

struct tern_tls_identity *tern_tls_identity_make(const uint8_t *chain, size_t chain_count, const uint8_t *key,
                                                 size_t key_count, const char *password,
                                                 struct tern_tls_problem *problem) {
    ERR_clear_error();
    if (!contains(chain, chain_count, "CERTIFICATE-----")) {
        tern_tls_fail(problem, TERN_TLS_CHAIN_NOT_PEM, false);
        return NULL;
    }
    struct tern_tls_identity *identity = OPENSSL_zalloc(sizeof *identity);
    if (identity == NULL) {
        tern_tls_fail(problem, TERN_TLS_OTHER, true);
        return NULL;
    }
    identity->chain = tern_tls_certificates(chain, chain_count);
    if (identity->chain == NULL) {
        tern_tls_fail(problem, TERN_TLS_CHAIN_MALFORMED, true);
        tern_tls_identity_free(identity);
        return NULL;
    }
    identity->leaf = sk_X509_shift(identity->chain);
    identity->key = read_key(key, key_count, password, problem);
    int32_t code = TERN_TLS_FINE;
    if (identity->key == NULL) {
        code = problem->code;
    } else if (kind_of(identity->key) == 0) {
        tern_tls_fail(problem, code = TERN_TLS_KEY_UNSUPPORTED, false);
    } else if (X509_check_private_key(identity->leaf, identity->key) != 1) {
        tern_tls_fail(problem, code = TERN_TLS_KEY_MISMATCH, false);
    }
    ERR_clear_error();
    if (code == TERN_TLS_FINE) return identity;
    tern_tls_identity_free(identity);
    return NULL;
}

void tern_tls_identity_free(struct tern_tls_identity *identity) {
    X509_free(identity->leaf);
    sk_X509_pop_free(identity->chain, X509_free);
    EVP_PKEY_free(identity->key);
    OPENSSL_free(identity);
}

/// Zero for a time that is none.
static int64_t seconds_of(const ASN1_TIME *time) {
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

void tern_tls_identity_facts(const struct tern_tls_identity *identity, struct tern_tls_facts *facts) {
    facts->not_before = seconds_of(X509_get0_notBefore(identity->leaf));
    facts->not_after = seconds_of(X509_get0_notAfter(identity->leaf));
    facts->key_kind = kind_of(identity->key);
    facts->key_bits = EVP_PKEY_get_bits(identity->key);
    facts->chain_count = sk_X509_num(identity->chain);
    memset(facts->fingerprint, 0, sizeof facts->fingerprint);
    X509_digest(identity->leaf, EVP_sha256(), facts->fingerprint, NULL);
    ERR_clear_error();
}

static size_t append_name(const void *name, int name_count, uint8_t *names, size_t capacity, size_t count) {
    // A name with a zero byte in it would read as two.
    if (name == NULL || name_count <= 0 || memchr(name, 0, (size_t)name_count) != NULL) return count;
    if (capacity - count <= (size_t)name_count) return count;
    memcpy(names + count, name, (size_t)name_count);
    names[count + (size_t)name_count] = 0;
    return count + (size_t)name_count + 1;
}

static size_t append_address(const ASN1_OCTET_STRING *address, uint8_t *names, size_t capacity, size_t count) {
    char text[INET6_ADDRSTRLEN];
    int family = ASN1_STRING_length(address) == 4 ? AF_INET : ASN1_STRING_length(address) == 16 ? AF_INET6 : -1;
    if (family < 0 || inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof text) == NULL) return count;
    return append_name(text, (int)strlen(text), names, capacity, count);
}

size_t tern_tls_identity_names(const struct tern_tls_identity *identity, uint8_t *names, size_t capacity) {
    size_t count = 0;
    GENERAL_NAMES *all = X509_get_ext_d2i(identity->leaf, NID_subject_alt_name, NULL, NULL);
    for (int index = 0; index < sk_GENERAL_NAME_num(all); index++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, index);
        if (name->type == GEN_DNS) {
            const ASN1_IA5STRING *dns = name->d.dNSName;
            count = append_name(ASN1_STRING_get0_data(dns), ASN1_STRING_length(dns), names, capacity, count);
        } else if (name->type == GEN_IPADD) {
            count = append_address(name->d.iPAddress, names, capacity, count);
        }
    }
    GENERAL_NAMES_free(all);
    if (count == 0) {
        X509_NAME *subject = X509_get_subject_name(identity->leaf);
        int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
        if (index >= 0) {
            const ASN1_STRING *common = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index));
            count = append_name(ASN1_STRING_get0_data(common), ASN1_STRING_length(common), names, capacity, count);
        }
    }
    ERR_clear_error();
    return count;
}
