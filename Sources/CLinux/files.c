// Files that strangers name, beneath a directory that they must not leave.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "include/clinux.h"

/// O_NONBLOCK: opening a FIFO would wait for its writer. O_NOCTTY: a terminal must not become ours.
enum { FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

int32_t tern_directory_open(const char *path) {
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int32_t tern_open_beneath(int32_t directory, const char *path) {
    struct open_how how = {.flags = FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    // EAGAIN: something was renamed meanwhile, so the kernel cannot say whether the path stayed beneath.
    for (int attempt = 0; attempt < 8; attempt += 1) {
        long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (fd >= 0) return (int32_t)fd;
        if (errno == ENOSYS || errno == EPERM)  // EPERM: a seccomp filter older than the call
            return tern_open_beneath_stepwise(directory, path);
        if (errno != EAGAIN && errno != EINTR) break;
    }
    return -errno;
}

/// One step: the name's descriptor below `parent`, which is closed unless it is the root.
static int step(int parent, int root, const char *name, size_t length, int flags) {
    char buffer[NAME_MAX + 1];
    int fd = -1;
    int error = ENAMETOOLONG;
    if (length <= NAME_MAX) {
        memcpy(buffer, name, length);
        buffer[length] = 0;
        // The caller refuses these names before; here they would lead out of the root.
        bool leads_out = strcmp(buffer, "..") == 0 || strcmp(buffer, "") == 0;
        if (leads_out) errno = EXDEV;
        else fd = openat(parent, buffer, flags | O_NOFOLLOW);
        error = errno;
    }
    if (parent != root) close(parent);
    errno = error;
    return fd;
}

int32_t tern_open_beneath_stepwise(int32_t directory, const char *path) {
    int current = directory;
    for (;;) {
        size_t length = strcspn(path, "/");
        bool is_last = path[length] == 0;
        current = step(current, directory, path, length, is_last ? FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (current < 0) return -errno;
        if (is_last) return current;
        path += length + 1;
    }
}

static struct tern_file_status status_of(const struct stat *raw) {
    return (struct tern_file_status){
        .size = raw->st_size,
        .modified = raw->st_mtim.tv_sec,
        .modified_nanoseconds = (uint32_t)raw->st_mtim.tv_nsec,
        .inode = raw->st_ino,
        .device = raw->st_dev,
        .is_regular = S_ISREG(raw->st_mode),
    };
}

int32_t tern_file_status(int32_t fd, struct tern_file_status *status) {
    struct stat raw;
    if (fstat(fd, &raw) != 0) return -errno;
    *status = status_of(&raw);
    return 0;
}

int32_t tern_path_status(const char *path, struct tern_file_status *status) {
    struct stat raw;
    if (stat(path, &raw) != 0) return -errno;
    *status = status_of(&raw);
    return 0;
}

int64_t tern_file_read(int32_t fd, void *buffer, size_t capacity) {
    size_t filled = 0;
    while (filled < capacity) {
        ssize_t count = read(fd, (char *)buffer + filled, capacity - filled);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return -errno;
        if (count == 0) break;
        filled += (size_t)count;
    }
    return (int64_t)filled;
}
