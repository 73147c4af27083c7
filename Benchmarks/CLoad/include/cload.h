// What the load generator needs of the kernel beyond CLinux: connected sockets, segmentation offload, and the clocks of
// processes. Unless said otherwise a function returns a value >= 0, or the negated errno.
#ifndef TERN_CLOAD_H
#define TERN_CLOAD_H

#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// Connects a UDP socket to an IPv4 address in host order, so that the kernel keeps the route and reports nobody else.
int32_t cload_connect(int32_t fd, uint32_t address, uint16_t port);

/// Sends one datagram on a connected socket.
int32_t cload_send(int32_t fd, const void *bytes, size_t count);

/// Sends `count` bytes on a connected socket as a train of datagrams of `segment` bytes each, in one call
/// (UDP_SEGMENT). Returns the number of datagrams.
int32_t cload_send_train(int32_t fd, const void *bytes, size_t count, uint16_t segment);

/// Nanoseconds of CPU that all threads of a process have used so far.
int64_t cload_process_cpu(int32_t pid);

/// Clock ticks that all threads of a process have spent outside the kernel.
int64_t cload_process_user_ticks(int32_t pid);

/// Nanoseconds of CPU that the calling process has used so far.
int64_t cload_own_cpu(void);

/// Bytes of a process that are resident.
int64_t cload_resident_bytes(int32_t pid);

/// Clock ticks of all processors since boot: doing anything, and doing nothing. `busy` includes what the hypervisor
/// took.
struct cload_ticks {
    uint64_t busy;
    uint64_t idle;
};

int32_t cload_machine_ticks(struct cload_ticks *ticks);
int64_t cload_ticks_per_second(void);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
