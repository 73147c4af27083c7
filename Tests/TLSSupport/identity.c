// Certificates for tests, made when they are needed: no private key lies in the repository.
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls_client.h"

static X509 *self_signed(EVP_PKEY *key, const char *not_after, const char *alternative_names) {
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20200101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(certificate), not_after);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"common.example", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative_names);
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());
    return certificate;
}

static bool take(BIO *bio, uint8_t *text, size_t capacity) {
    char *bytes = NULL;
    long count = BIO_get_mem_data(bio, &bytes);
    bool fits = count > 0 && (size_t)count < capacity;
    if (fits) {
        memcpy(text, bytes, (size_t)count);
        text[count] = 0;
    }
    BIO_free(bio);
    return fits;
}

bool test_identity(int32_t kind, const char *password, uint8_t *certificate, size_t certificate_capacity, uint8_t *key,
                   size_t key_capacity) {
    return test_identity_for(kind, password, "20400101000000Z", "DNS:turn.example,IP:192.0.2.1", certificate,
                             certificate_capacity, key, key_capacity);
}

bool test_identity_for(int32_t kind, const char *password, const char *not_after, const char *names,
                       uint8_t *certificate, size_t certificate_capacity, uint8_t *key, size_t key_capacity) {
    EVP_PKEY *made = kind == TEST_KEY_EC ? EVP_EC_gen("P-256") : EVP_RSA_gen(kind == TEST_KEY_RSA ? 2048 : 512);
    if (made == NULL) return false;
    X509 *leaf = self_signed(made, not_after, names);
    BIO *text = BIO_new(BIO_s_mem());
    BIO *secret = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(text, leaf);
    int count = password == NULL ? 0 : (int)strlen(password);
    PEM_write_bio_PKCS8PrivateKey(secret, made, password == NULL ? NULL : EVP_aes_256_cbc(), password, count, NULL,
                                  NULL);
    X509_free(leaf);
    EVP_PKEY_free(made);
    bool has_certificate = take(text, certificate, certificate_capacity);
    return take(secret, key, key_capacity) && has_certificate;
}
