// The only way in and out of OpenSSL: memory of the caller, for the length of a call.
#include "internal.h"

/// What IP and UDP add to a datagram; used only to compute a payload from a link's MTU.
enum { HEADERS_OF_IPV6_AND_UDP = 48 };

static int bio_read(BIO *bio, char *bytes, int count) {
    struct tern_tls_session *session = BIO_get_data(bio);
    struct tern_tls_io *io = session->io;
    BIO_clear_retry_flags(bio);
    size_t left = io == NULL ? 0 : io->input_count - io->input_taken;
    if (left == 0 || count <= 0) {
        // Never the end of the stream: whether it was cut is judged by who owns the connection.
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t taken = left < (size_t)count ? left : (size_t)count;
    memcpy(bytes, io->input + io->input_taken, taken);
    // A datagram is read whole or not at all, as a socket does it.
    io->input_taken += session->context->datagrams ? left : taken;
    return (int)taken;
}

static int write_datagram(struct tern_tls_io *io, const char *bytes, size_t count) {
    if (io == NULL) return (int)count;
    if (io->ends_count == io->ends_capacity || io->output_capacity - io->output_count < count) {
        // Lost, as any datagram may be. To keep it would mean to keep a state of half a write.
        io->lost += 1;
        return (int)count;
    }
    memcpy(io->output + io->output_count, bytes, count);
    io->output_count += count;
    io->ends[io->ends_count++] = (uint32_t)io->output_count;
    return (int)count;
}

static int bio_write(BIO *bio, const char *bytes, int count) {
    struct tern_tls_session *session = BIO_get_data(bio);
    struct tern_tls_io *io = session->io;
    BIO_clear_retry_flags(bio);
    if (count <= 0) return 0;
    if (session->context->datagrams) return write_datagram(io, bytes, (size_t)count);
    size_t room = io == NULL ? 0 : io->output_capacity - io->output_count;
    if (room == 0) {
        BIO_set_retry_write(bio);
        return -1;
    }
    size_t written = room < (size_t)count ? room : (size_t)count;
    memcpy(io->output + io->output_count, bytes, written);
    io->output_count += written;
    return (int)written;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
    struct tern_tls_session *session = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU: return (long)session->context->payload_max;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD: return HEADERS_OF_IPV6_AND_UDP;
    // Everything else is either about sockets, or answered by "no".
    default: return 0;
    }
}

static int bio_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *method;
static CRYPTO_ONCE method_once = CRYPTO_ONCE_STATIC_INIT;

static void make_method(void) {
    BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memory of the caller");
    if (made == NULL) return;
    if (BIO_meth_set_read(made, bio_read) == 1 && BIO_meth_set_write(made, bio_write) == 1
        && BIO_meth_set_ctrl(made, bio_control) == 1 && BIO_meth_set_create(made, bio_create) == 1) {
        method = made;
    } else {
        BIO_meth_free(made);
    }
}

BIO *tern_tls_bio_make(struct tern_tls_session *session) {
    if (CRYPTO_THREAD_run_once(&method_once, make_method) != 1 || method == NULL) return NULL;
    BIO *bio = BIO_new(method);
    if (bio != NULL) BIO_set_data(bio, session);
    return bio;
}
