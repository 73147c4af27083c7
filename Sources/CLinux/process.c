// Threads, randomness, and what the process may use of the machine.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <malloc.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "addresses.h"

_Static_assert(sizeof(pthread_t) <= sizeof(uint64_t), "a thread handle travels as an integer");

struct thread_start {
    void (*body)(void *);
    void *context;
    char name[16];
};

static void *run_thread(void *argument) {
    struct thread_start start = *(struct thread_start *)argument;
    free(argument);
    (void)pthread_setname_np(pthread_self(), start.name);
    start.body(start.context);
    return NULL;
}

int32_t tern_thread_start(const char *name, int32_t cpu, void (*body)(void *), void *context, uint64_t *thread) {
    struct thread_start *start = malloc(sizeof *start);
    if (start == NULL) return -ENOMEM;
    *start = (struct thread_start){.body = body, .context = context};
    snprintf(start->name, sizeof start->name, "%s", name);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    int error = 0;
    if (cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
        error = pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
    }
    pthread_t handle = 0;
    if (error == 0) error = pthread_create(&handle, &attributes, run_thread, start);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        free(start);
        return -error;
    }
    *thread = (uint64_t)handle;
    return 0;
}

void tern_thread_join(uint64_t thread) { (void)pthread_join((pthread_t)thread, NULL); }

void tern_thread_detach(uint64_t thread) { (void)pthread_detach((pthread_t)thread); }

// ---------------------------------------------------------------------------------------------------- randomness

static void fill_from_kernel(unsigned char *bytes, size_t count) {
    while (count > 0) {
        ssize_t taken = getrandom(bytes, count, 0);
        if (taken < 0) {
            if (errno == EINTR) continue;
            // Identifiers that can be guessed are worse than no server.
            abort();
        }
        bytes += taken;
        count -= (size_t)taken;
    }
}

void tern_random_fill(void *bytes, size_t count) {
    // Per thread, so that no two callers can ever be handed the same bytes. A fork would break that; Tern has none.
    static _Thread_local unsigned char pool[256];
    static _Thread_local size_t available;
    if (count > sizeof pool) {
        fill_from_kernel(bytes, count);
        return;
    }
    if (available < count) {
        fill_from_kernel(pool, sizeof pool);
        available = sizeof pool;
    }
    available -= count;
    memcpy(bytes, pool + available, count);
    explicit_bzero(pool + available, count);
}

// ---------------------------------------------------------------------------------------------------- the machine

int32_t tern_interface_addresses(struct tern_address *addresses, size_t capacity) {
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0) return -errno;
    size_t count = 0;
    for (struct ifaddrs *item = list; item != NULL && count < capacity; item = item->ifa_next) {
        if (item->ifa_addr == NULL || (item->ifa_flags & IFF_UP) == 0) continue;
        int family = item->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        union tern_sockaddr name;
        memcpy(&name, item->ifa_addr, family == AF_INET ? sizeof name.v4 : sizeof name.v6);
        // A link-local address means nothing without its interface, which our addresses do not carry.
        if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&name.v6.sin6_addr)) continue;
        tern_address_from_kernel(&addresses[count], &name);
        count += 1;
    }
    freeifaddrs(list);
    return (int32_t)count;
}

int64_t tern_raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -errno;
    struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_cur;
}

static int32_t nth_of(const cpu_set_t *set, size_t bytes, int processors, int32_t place) {
    for (int processor = 0; processor < processors; processor += 1) {
        if (!CPU_ISSET_S(processor, bytes, set)) continue;
        if (place == 0) return processor;
        place -= 1;
    }
    return -ENOENT;
}

/// The number of processors for a negative place.
static int32_t look_at_affinity(int32_t place) {
    // The kernel refuses sets smaller than its own, whose size is not told; so they grow until one is accepted.
    for (int processors = 1024; processors <= 1 << 20; processors *= 4) {
        cpu_set_t *set = CPU_ALLOC(processors);
        if (set == NULL) return -ENOMEM;
        size_t bytes = CPU_ALLOC_SIZE(processors);
        bool known = sched_getaffinity(0, bytes, set) == 0;
        int error = errno;
        int32_t answer = !known ? -error : place < 0 ? CPU_COUNT_S(bytes, set) : nth_of(set, bytes, processors, place);
        CPU_FREE(set);
        if (known || error != EINVAL) return answer;
    }
    return -EINVAL;
}

int32_t tern_affinity_count(void) { return look_at_affinity(-1); }

int32_t tern_affinity_processor(int32_t place) { return place < 0 ? -EINVAL : look_at_affinity(place); }

int64_t tern_read_file(const char *path, char *buffer, size_t capacity) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    size_t filled = 0;
    while (filled < capacity) {
        ssize_t count = read(fd, buffer + filled, capacity - filled);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        filled += (size_t)count;
    }
    close(fd);
    return (int64_t)filled;
}

const char *tern_error_text(int32_t error) { return strerrordesc_np(error); }

void tern_trim_heap(void) { (void)malloc_trim(0); }

void tern_ignore_broken_pipes(void) { (void)signal(SIGPIPE, SIG_IGN); }
