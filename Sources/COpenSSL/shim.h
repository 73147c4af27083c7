// The part of OpenSSL that Crypto uses. The one-shot and block-level digests are marked as deprecated in OpenSSL 3 in
// favour of EVP, which costs three to ten times as much for the short inputs of STUN; they are stable and supported.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
