// epoll, eventfd, signalfd and the clocks.
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "include/clinux.h"

int32_t tern_epoll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int32_t control(int32_t epoll, int operation, int32_t fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = 0, .data.u64 = token};
    if (events & TERN_EVENT_READABLE) event.events |= EPOLLIN;
    if (events & TERN_EVENT_WRITABLE) event.events |= EPOLLOUT;
    return epoll_ctl(epoll, operation, fd, &event) == 0 ? 0 : -errno;
}

int32_t tern_epoll_add(int32_t epoll, int32_t fd, uint32_t events, uint64_t token) {
    return control(epoll, EPOLL_CTL_ADD, fd, events, token);
}

int32_t tern_epoll_modify(int32_t epoll, int32_t fd, uint32_t events, uint64_t token) {
    return control(epoll, EPOLL_CTL_MOD, fd, events, token);
}

int32_t tern_epoll_remove(int32_t epoll, int32_t fd) { return control(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

static int wait_milliseconds(int32_t epoll, struct epoll_event *events, int64_t nanoseconds) {
    if (nanoseconds < 0) return epoll_wait(epoll, events, TERN_EVENTS_PER_WAIT, -1);
    // Rounded up: rounding down would turn the last part of a millisecond into a busy loop.
    int64_t milliseconds = nanoseconds / 1000000 + (nanoseconds % 1000000 != 0);
    if (milliseconds > INT_MAX) milliseconds = INT_MAX;
    return epoll_wait(epoll, events, TERN_EVENTS_PER_WAIT, (int)milliseconds);
}

int32_t tern_epoll_wait(int32_t epoll, struct tern_event *events, int64_t nanoseconds) {
    // epoll_pwait2 came with Linux 5.11; once it was missing it stays so.
    static atomic_bool without_nanoseconds;
    struct epoll_event ready[TERN_EVENTS_PER_WAIT];
    int count = -1;
    if (nanoseconds > 0 && !atomic_load_explicit(&without_nanoseconds, memory_order_relaxed)) {
        struct timespec timeout = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
        count = epoll_pwait2(epoll, ready, TERN_EVENTS_PER_WAIT, &timeout, NULL);
        if (count < 0 && (errno == ENOSYS || errno == EPERM)) {  // EPERM: a seccomp filter older than the call
            atomic_store_explicit(&without_nanoseconds, true, memory_order_relaxed);
            count = wait_milliseconds(epoll, ready, nanoseconds);
        }
    } else {
        count = wait_milliseconds(epoll, ready, nanoseconds);
    }
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i += 1) {
        uint32_t bits = ready[i].events;
        events[i].token = ready[i].data.u64;
        events[i].events = ((bits & EPOLLIN) ? TERN_EVENT_READABLE : 0) |
                           ((bits & EPOLLOUT) ? TERN_EVENT_WRITABLE : 0) |
                           ((bits & (EPOLLERR | EPOLLHUP)) ? TERN_EVENT_ERROR : 0);
    }
    return count;
}

uint64_t tern_clock_monotonic(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void tern_sleep(uint64_t nanoseconds) {
    struct timespec length = {.tv_sec = (time_t)(nanoseconds / 1000000000),
                              .tv_nsec = (long)(nanoseconds % 1000000000)};
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
}

void tern_sleep_exactly(void) { (void)prctl(PR_SET_TIMERSLACK, 1UL); }

int64_t tern_clock_wall(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

int32_t tern_eventfd_create(void) {
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void tern_eventfd_signal(int32_t fd) {
    // A write fails only when the counter is full, and then the reader is woken anyway.
    while (eventfd_write(fd, 1) != 0 && errno == EINTR) {}
}

void tern_eventfd_clear(int32_t fd) {
    eventfd_t value;
    while (eventfd_read(fd, &value) != 0 && errno == EINTR) {}
}

int32_t tern_signalfd_create(const int32_t *signals, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i += 1) {
        if (sigaddset(&set, signals[i]) != 0) return -errno;
    }
    int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (error != 0) return -error;
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int32_t tern_signalfd_read(int32_t fd) {
    struct signalfd_siginfo info;
    ssize_t count;
    do {
        count = read(fd, &info, sizeof info);
    } while (count < 0 && errno == EINTR);
    return count == sizeof info ? (int32_t)info.ssi_signo : 0;
}
