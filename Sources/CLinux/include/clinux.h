// The system calls of Tern, as plain prototypes over structures of our own.
//
// The calls used here (recvmmsg, UDP_SEGMENT, epoll_pwait2, eventfd, signalfd, CMSG_*) need _GNU_SOURCE. Defining it
// in a header that Swift imports would clash with the Glibc module, so it is defined in the .c files only, and no
// structure of the C library appears below.
//
// Unless said otherwise a function returns a value >= 0, or the negated errno.
#ifndef TERN_CLINUX_H
#define TERN_CLINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

// ---------------------------------------------------------------------------------------------------- addresses

/// Values of `tern_address.family`: those of STUN on the wire (RFC 8489 §14.1), and 0 for "none".
enum { TERN_FAMILY_NONE = 0, TERN_FAMILY_IPV4 = 1, TERN_FAMILY_IPV6 = 2 };

/// A transport address in host byte order. An IPv4 address sits in the lower half of `low`.
struct tern_address {
    uint64_t high;
    uint64_t low;
    uint16_t port;
    uint8_t family;
    uint8_t reserved[5];
};

// ---------------------------------------------------------------------------------------------------- sockets

/// What failed, for an error message; `operation` points at a string literal.
struct tern_failure {
    const char *_Nullable operation;
    int32_t error;
};

struct tern_udp_options {
    bool reuse_port;
    bool packet_info;
    bool receive_errors;
    bool reports_drops;
    bool coalesces;
    int32_t receive_buffer;  // bytes; 0 keeps the default of the system
    int32_t send_buffer;
    const char *_Nullable device;
};

/// Opens a non-blocking UDP socket. On success the descriptor is returned and `*local` is the bound address; on failure
/// -1 is returned and `*failure` is filled.
int32_t tern_udp_open(const struct tern_address *address, const struct tern_udp_options *options,
                      struct tern_address *local, struct tern_failure *failure);

/// Opens a socket on the address of `beside` that hears `peer` alone and sends to nobody else, while `beside` goes on
/// hearing all others. Results as of `tern_udp_open`.
int32_t tern_udp_open_connected(int32_t beside, const struct tern_address *peer,
                                const struct tern_udp_options *options, struct tern_address *local,
                                struct tern_failure *failure);

/// Has the kernel spread datagrams over the sockets that share the address of `fd`: `workers` for data, opened first,
/// and as many for all other STUN messages, opened behind them. A client always meets the same worker; which one, only
/// who knows the secret can say.
int32_t tern_udp_steer(int32_t fd, uint32_t workers, bool v6, uint32_t secret);

/// Datagrams that were dropped because the socket's buffer was full, or because their checksum was wrong.
uint32_t tern_udp_drops(int32_t fd);

int32_t tern_set_dont_fragment(int32_t fd, bool on);
void tern_close(int32_t fd);

/// One entry of the error queue (IP_RECVERR) that came from an ICMP message.
struct tern_icmp_error {
    struct tern_address peer;
    uint32_t info;
    uint8_t family;
    uint8_t type;
    uint8_t code;
    uint8_t reserved;
};

/// 1 and `*error` when an ICMP error was taken, 0 when there is none, else the negated errno. Errors of local origin
/// are discarded on the way, a bounded number per call.
int32_t tern_read_error_queue(int32_t fd, struct tern_icmp_error *error);

// ---------------------------------------------------------------------------------------------------- streams

struct tern_tcp_options {
    bool reuse_port;
    bool lends_address;          // `tern_tcp_connect` may call from the address, port included
    int32_t backlog;
    int32_t user_timeout;        // milliseconds until unacknowledged bytes end a connection; 0: the kernel's default
    int32_t keepalive_idle;      // seconds of silence until the first probe
    int32_t keepalive_interval;  // seconds between probes
    int32_t unsent_max;          // bytes a connection takes beyond what it can send at present; 0: as many as fit
    const char *_Nullable device;
};

/// Opens a non-blocking TCP socket and listens. Results as of `tern_udp_open`.
int32_t tern_tcp_listen(const struct tern_address *address, const struct tern_tcp_options *options,
                        struct tern_address *local, struct tern_failure *failure);

/// Makes a Unix socket at `path` and listens, for its owner and group only. A socket that nobody listens to any more is
/// replaced. Results as of `tern_udp_open`.
int32_t tern_unix_listen(const char *path, struct tern_failure *failure);

/// Connects to a Unix socket, and waits until it is. Results as of `tern_udp_open`.
int32_t tern_unix_connect(const char *path, struct tern_failure *failure);

/// A waiting connection, non-blocking, with the options of its listener. `local` NULL: the caller knows it already.
int32_t tern_tcp_accept(int32_t fd, struct tern_address *remote, struct tern_address *_Nullable local);

/// Begins to connect a non-blocking TCP socket, from `local` if that names an address; with a port, from the address of
/// a listener that lends it. Results as of `tern_udp_open`.
int32_t tern_tcp_connect(const struct tern_address *remote, const struct tern_address *local,
                         struct tern_failure *failure);

/// How connecting went: 0, or the error as a negative number. The kernel tells an error once.
int32_t tern_tcp_connect_result(int32_t fd);

/// Lets what is sent wait for as long as the other end acknowledges that it does not read.
int32_t tern_tcp_wait_for_reader(int32_t fd);

/// 0 at the end of the stream.
int64_t tern_tcp_read(int32_t fd, void *buffer, size_t capacity);

/// A part of what is to be written.
struct tern_piece {
    const void *_Nullable start;
    size_t count;
};

enum { TERN_PIECES_MAX = 16 };

/// Writes the pieces in order by one call, and returns how many bytes the kernel took. No SIGPIPE.
int64_t tern_tcp_write(int32_t fd, const struct tern_piece *pieces, size_t count);

/// Ends our direction after what was written; the other one stays open.
int32_t tern_tcp_shutdown_writes(int32_t fd);

/// Lets the close that follows reset the connection and throw away what is not sent yet.
int32_t tern_tcp_reset_on_close(int32_t fd);

/// Bytes that the peer has not acknowledged yet.
int32_t tern_tcp_unsent(int32_t fd);

// ---------------------------------------------------------------------------------------------------- files

struct tern_file_status {
    int64_t size;
    int64_t modified;  // seconds since 1970
    uint64_t inode;
    uint64_t device;
    uint32_t modified_nanoseconds;
    bool is_regular;
};

int32_t tern_directory_open(const char *path);

/// Opens a file for reading, by a relative path that stays beneath the directory. Never waits, whatever the file is.
int32_t tern_open_beneath(int32_t directory, const char *path);

/// The same for kernels without openat2: no part of the path may be a symbolic link.
int32_t tern_open_beneath_stepwise(int32_t directory, const char *path);

int32_t tern_file_status(int32_t fd, struct tern_file_status *status);

/// The same of what a path leads to, symbolic links followed.
int32_t tern_path_status(const char *path, struct tern_file_status *status);

/// Reads up to `capacity` bytes from the file's current position; less only at its end.
int64_t tern_file_read(int32_t fd, void *buffer, size_t capacity);

// ---------------------------------------------------------------------------------------------------- receiving

enum { TERN_DATAGRAM_TRUNCATED = 1, TERN_DATAGRAM_HAS_DROPS = 2 };

/// What the kernel told about one datagram, or about a train of them that it coalesced: one cache line.
struct tern_datagram {
    struct tern_address source;
    struct tern_address local;  // family 0 without packet information; port is always 0
    uint32_t length;
    uint32_t dropped;
    uint32_t flags;
    uint32_t segment_bytes;  // of a train: bytes of each datagram but the last, which may be shorter; else 0
};

struct tern_receive_batch;

struct tern_slot_layout {
    uint32_t slots;
    uint32_t stride;    // bytes from one slot to the next
    uint32_t headroom;  // bytes before the payload
    uint32_t capacity;  // payload bytes the kernel may write
};

/// Memory that costs nothing until touched; NULL when the system has none.
void *_Nullable tern_map_region(size_t bytes);
void tern_unmap_region(void *region, size_t bytes);

/// NULL when the system has no memory. The region belongs to the caller and must outlive the batch.
struct tern_receive_batch *_Nullable tern_receive_batch_create(uint8_t *region, const struct tern_slot_layout *layout);
void tern_receive_batch_destroy(struct tern_receive_batch *batch);
const struct tern_datagram *tern_receive_batch_datagrams(const struct tern_receive_batch *batch);

/// Fills slots `first` up to `first + limit` by one recvmmsg. 0 when nothing is waiting.
int32_t tern_receive_batch_receive(struct tern_receive_batch *batch, int32_t fd, uint32_t first, uint32_t limit);

// ---------------------------------------------------------------------------------------------------- sending

enum {
    TERN_OUTGOING_DONT_FRAGMENT = 1,
    /// The socket is connected to the destination, which is not named again: the kernel then keeps the route.
    TERN_OUTGOING_CONNECTED = 2,
};

/// Room for what goes before the bytes of an entry when it cannot lie there: one cache line an entry.
enum { TERN_HEAD_BYTES = 64, TERN_PADDING_MAX = 3 };

/// One datagram to send: the last `head_length` bytes of the entry's head, `bytes`, and `padding` zeros. `bytes` must
/// stay valid until the flush.
struct tern_outgoing {
    struct tern_address destination;
    struct tern_address local;  // family 0: the kernel chooses the source
    const uint8_t *_Nullable bytes;
    uint32_t length;
    int32_t fd;
    uint8_t head_length;
    uint8_t padding;
    uint16_t flags;
    int32_t next;  // used by the flush: the next entry of the same flow
};

struct tern_transmit_counters {
    uint64_t sent;
    uint64_t would_block;
    uint64_t refused;
    uint64_t message_too_long;
    uint64_t unreachable;
    uint64_t not_permitted;
    uint64_t other;
};

struct tern_transmit_batch;

struct tern_transmit_batch *_Nullable tern_transmit_batch_create(uint32_t entries);
void tern_transmit_batch_destroy(struct tern_transmit_batch *batch);
struct tern_outgoing *tern_transmit_batch_entries(struct tern_transmit_batch *batch);

/// The heads of all entries, TERN_HEAD_BYTES each.
uint8_t *tern_transmit_batch_heads(struct tern_transmit_batch *batch);

/// Sends the first `count` entries and adds what became of them to `*counters`.
void tern_transmit_batch_flush(struct tern_transmit_batch *batch, uint32_t count,
                               struct tern_transmit_counters *counters);

// ---------------------------------------------------------------------------------------------------- events

enum { TERN_EVENT_READABLE = 1, TERN_EVENT_WRITABLE = 2, TERN_EVENT_ERROR = 4 };

struct tern_event {
    uint64_t token;
    uint32_t events;
    uint32_t reserved;
};

enum { TERN_EVENTS_PER_WAIT = 256 };

int32_t tern_epoll_create(void);
int32_t tern_epoll_add(int32_t epoll, int32_t fd, uint32_t events, uint64_t token);
int32_t tern_epoll_modify(int32_t epoll, int32_t fd, uint32_t events, uint64_t token);
int32_t tern_epoll_remove(int32_t epoll, int32_t fd);

/// Waits for at most `nanoseconds` (negative: for ever) and fills `events`, which has room for TERN_EVENTS_PER_WAIT.
/// Never returns 0 early, but after a signal.
int32_t tern_epoll_wait(int32_t epoll, struct tern_event *events, int64_t nanoseconds);

uint64_t tern_clock_monotonic(void);  // nanoseconds
int64_t tern_clock_wall(void);        // seconds since 1970
void tern_sleep(uint64_t nanoseconds);
/// Timers of the calling thread end when they were meant to, instead of up to 50 µs later.
void tern_sleep_exactly(void);

int32_t tern_eventfd_create(void);
void tern_eventfd_signal(int32_t fd);
void tern_eventfd_clear(int32_t fd);

/// Blocks the signals in the calling thread and returns a descriptor that reports them.
int32_t tern_signalfd_create(const int32_t *signals, size_t count);
/// The number of a signal, or 0 when none is waiting.
int32_t tern_signalfd_read(int32_t fd);

// ---------------------------------------------------------------------------------------------------- process

/// Starts a thread. A negative `cpu` leaves the placement to the scheduler. Names longer than 15 bytes are cut.
int32_t tern_thread_start(const char *name, int32_t cpu, void (*body)(void *), void *context, uint64_t *thread);
void tern_thread_join(uint64_t thread);
void tern_thread_detach(uint64_t thread);

/// Random bytes of the kernel, through a small buffer per thread whose used part is wiped. Ends the process when the
/// kernel refuses, because there is no safe way to go on.
void tern_random_fill(void *bytes, size_t count);

/// Addresses of interfaces that are up; returns how many were stored.
int32_t tern_interface_addresses(struct tern_address *addresses, size_t capacity);

/// Raises the soft limit of open files to the hard one and returns what holds afterwards.
int64_t tern_raise_open_files(void);

/// Processors that this process may run on.
int32_t tern_affinity_count(void);
/// The number of the processor at a place, from 0, among those.
int32_t tern_affinity_processor(int32_t place);

/// Lets writing to a pipe without a reader fail instead of ending the process.
void tern_ignore_broken_pipes(void);

/// Gives the heap's free pages back to the system.
void tern_trim_heap(void);

/// Reads at most `capacity` bytes of a small file.
int64_t tern_read_file(const char *path, char *buffer, size_t capacity);

/// Change to the group or user of this name; -ENOENT when there is none.
int32_t tern_set_group(const char *name);
int32_t tern_set_group_of_user(const char *name);
int32_t tern_set_user(const char *name);

/// Sends a text to the datagram socket of this path, or abstract name behind an @. Waits half a second at most.
int32_t tern_notify(const char *name, const uint8_t *text, size_t count);

void tern_syslog_open(void);
void tern_syslog_write(int32_t severity, const char *text);

/// A static text for an errno, or NULL.
const char *_Nullable tern_error_text(int32_t error);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
