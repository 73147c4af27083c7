// What the load generator needs of the kernel beyond CLinux: connected sockets, segmentation offload in both
// directions, and the clocks and counters of processes. Unless said otherwise a function returns a value >= 0, or the
// negated errno.
#ifndef TERN_CLOAD_H
#define TERN_CLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cload_links.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

// ---------------------------------------------------------------------------------------------------- sockets

/// Connects a UDP socket to an IPv4 address in host order, so that the kernel keeps the route and reports nobody else.
int32_t cload_connect(int32_t fd, uint32_t address, uint16_t port);

/// The IPv4 address, in host order, that a connected socket sends from.
int64_t cload_local_address(int32_t fd);

/// Lets the kernel hand over trains of datagrams in one piece (UDP_GRO).
int32_t cload_take_trains(int32_t fd);

/// Sends one datagram on a connected socket.
int32_t cload_send(int32_t fd, const void *bytes, size_t count);

/// Sends `count` bytes on a connected socket as a train of datagrams of `segment` bytes each, in one call
/// (UDP_SEGMENT). Returns the number of datagrams.
int32_t cload_send_train(int32_t fd, const void *bytes, size_t count, uint16_t segment);

/// Datagrams that a socket has dropped for want of room since it was opened (SO_MEMINFO).
int64_t cload_drops(int32_t fd);

/// What lies in one slot: a datagram, or a train whose datagrams are all `segment` bytes long but for the last.
struct cload_received {
    uint32_t bytes;
    uint32_t segment;
};

enum { CLOAD_SLOTS = 64, CLOAD_SLOT_STRIDE = 65664 };

struct cload_inbox;

/// Room for CLOAD_SLOTS datagrams or trains. NULL when the system has no memory.
struct cload_inbox *_Nullable cload_inbox_create(void);
void cload_inbox_destroy(struct cload_inbox *inbox);
const struct cload_received *cload_inbox_received(const struct cload_inbox *inbox);
/// Slot i begins CLOAD_SLOT_STRIDE * i bytes behind this.
const uint8_t *cload_inbox_bytes(const struct cload_inbox *inbox);

/// Fills up to `limit` slots of what waits at a socket; 0 when nothing does. An error that the kernel had queued for
/// the socket counts as nothing.
int32_t cload_receive(struct cload_inbox *inbox, int32_t fd, uint32_t limit);

// ---------------------------------------------------------------------------------------------------- processes

/// Nanoseconds of CPU that all threads of a process have used so far.
int64_t cload_process_cpu(int32_t pid);

/// Clock ticks that all threads of a process have spent outside the kernel.
int64_t cload_process_user_ticks(int32_t pid);

/// Nanoseconds of CPU that the calling process has used so far.
int64_t cload_own_cpu(void);

/// Bytes of a process that are resident.
int64_t cload_resident_bytes(int32_t pid);

/// How often the threads of a process have given up their processor, and how often it was taken from them.
struct cload_switches {
    uint64_t voluntary;
    uint64_t involuntary;
};

int32_t cload_context_switches(int32_t pid, struct cload_switches *switches);

/// Clock ticks of all processors since boot: doing anything, and doing nothing. `busy` includes what the hypervisor
/// took.
struct cload_ticks {
    uint64_t busy;
    uint64_t idle;
};

int32_t cload_machine_ticks(struct cload_ticks *ticks);
int64_t cload_ticks_per_second(void);

/// Datagrams dropped so far by the UDP sockets of this network namespace that are bound to `address`, or to any, at a
/// port whose bit is set in `ports` (8192 bytes).
int64_t cload_drops_at_ports(uint32_t address, const uint8_t *ports);

// ---------------------------------------------------------------------------------------------------- the terminal

bool cload_is_terminal(int32_t fd);

/// Writes what the terminal takes at once.
void cload_write(int32_t fd, const void *bytes, size_t count);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
