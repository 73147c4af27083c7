// What the load generator asks of Linux; cload.h says what each function is for.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "include/cload.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

int32_t cload_connect(int32_t fd, uint32_t address, uint16_t port) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    return connect(fd, (struct sockaddr *)&name, sizeof name) == 0 ? 0 : -errno;
}

int32_t cload_send(int32_t fd, const void *bytes, size_t count) {
    ssize_t sent;
    do {
        sent = send(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 1;
}

int32_t cload_send_train(int32_t fd, const void *bytes, size_t count, uint16_t segment) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof segment)];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec vector = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1,
                             .msg_control = &control, .msg_controllen = sizeof control.bytes};
    control.header.cmsg_level = SOL_UDP;
    control.header.cmsg_type = UDP_SEGMENT;
    control.header.cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(&control.header), &segment, sizeof segment);
    ssize_t sent;
    do {
        sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : (int32_t)((count + segment - 1) / segment);
}

static int64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) return -errno;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t cload_process_cpu(int32_t pid) {
    clockid_t clock;
    int error = clock_getcpuclockid(pid, &clock);
    return error != 0 ? -error : nanoseconds(clock);
}

int64_t cload_process_user_ticks(int32_t pid) {
    char path[64];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) return -errno;
    size_t count = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[count] = 0;
    // The name in parentheses may hold anything; utime is the twelfth field behind it (proc_pid_stat(5)).
    char *behind = strrchr(text, ')');
    long long ticks;
    if (behind == NULL) return -EIO;
    if (sscanf(behind + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld", &ticks) != 1) return -EIO;
    return ticks;
}

int64_t cload_own_cpu(void) { return nanoseconds(CLOCK_PROCESS_CPUTIME_ID); }

int64_t cload_resident_bytes(int32_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) return -errno;
    long long resident = 0;
    int found = fscanf(file, "%*s %lld", &resident);
    fclose(file);
    return found == 1 ? (int64_t)resident * sysconf(_SC_PAGESIZE) : -EIO;
}

int32_t cload_machine_ticks(struct cload_ticks *ticks) {
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL) return -errno;
    unsigned long long user, nice, system, idle, wait, interrupt, soft, stolen;
    int found = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait,
                       &interrupt, &soft, &stolen);
    fclose(file);
    if (found != 8) return -EIO;
    ticks->busy = user + nice + system + interrupt + soft + stolen;
    ticks->idle = idle + wait;
    return 0;
}

int64_t cload_ticks_per_second(void) { return sysconf(_SC_CLK_TCK); }
