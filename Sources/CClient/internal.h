// What the two files share.
#ifndef TERN_CCLIENT_INTERNAL_H
#define TERN_CCLIENT_INTERNAL_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "cclient.h"

struct tern_client {
    int fd;
    SSL_CTX *context;  // null unless encrypted
    SSL *ssl;
    bool is_datagrams;
};

/// Milliseconds of the monotonic clock.
int64_t now_milliseconds(void);
/// Waits for `events` of poll(2). 0, -ETIMEDOUT, or the negated errno.
int wait_for(int fd, short events, int64_t deadline);

/// Makes the session and shakes hands. False with `*failure`.
bool secure(struct tern_client *client, const struct tern_client_plan *plan, struct tern_client_failure *failure);
int64_t secure_receive(struct tern_client *client, uint8_t *bytes, size_t capacity, int64_t deadline);
int32_t secure_send(struct tern_client *client, const uint8_t *bytes, size_t count, int64_t deadline);
void secure_close(struct tern_client *client);

#endif
