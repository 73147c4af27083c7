// The socket by which operators reach the server on its host.
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sockets.h"

static int name_of(const char *path, struct sockaddr_un *name) {
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof name->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(name->sun_path, path);
    return 0;
}

/// Whether somebody listens there. What nobody listens to is left over from a process that was killed.
static bool is_alive(const struct sockaddr_un *name) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return true;
    bool alive = connect(fd, (const struct sockaddr *)name, sizeof *name) == 0 || errno != ECONNREFUSED;
    close(fd);
    return alive;
}

int32_t tern_unix_listen(const char *path, struct tern_failure *failure) {
    struct sockaddr_un name;
    if (name_of(path, &name) != 0) return fail(failure, "bind");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail(failure, "socket");
    // Before it is bound: nobody else ever has a moment to open it.
    if (fchmod(fd, 0660) != 0) {
        (void)fail(failure, "fchmod");
        close(fd);
        return -1;
    }
    mode_t mask = umask(0117);
    int result = bind(fd, (struct sockaddr *)&name, sizeof name);
    if (result != 0 && errno == EADDRINUSE && !is_alive(&name) && unlink(path) == 0)
        result = bind(fd, (struct sockaddr *)&name, sizeof name);
    int error = errno;
    umask(mask);
    errno = error;
    if (result != 0 || listen(fd, 64) != 0) {
        (void)fail(failure, "bind");
        close(fd);
        return -1;
    }
    return fd;
}

int32_t tern_unix_connect(const char *path, struct tern_failure *failure) {
    struct sockaddr_un name;
    if (name_of(path, &name) != 0) return fail(failure, "connect");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail(failure, "socket");
    if (connect(fd, (struct sockaddr *)&name, sizeof name) != 0) {
        (void)fail(failure, "connect");
        close(fd);
        return -1;
    }
    return fd;
}
