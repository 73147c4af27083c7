// Who the process is, and the system's log.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <syslog.h>
#include <unistd.h>

#include "clinux.h"

int32_t tern_set_group(const char *name) {
    errno = 0;
    struct group *group = getgrnam(name);
    if (group == NULL) return errno != 0 ? -errno : -ENOENT;
    // Root's supplementary groups would stay otherwise.
    if (geteuid() == 0 && setgroups(1, &group->gr_gid) != 0) return -errno;
    return setgid(group->gr_gid) == 0 ? 0 : -errno;
}

int32_t tern_set_group_of_user(const char *name) {
    // Who is not root cannot change it, and need not: whoever started the process chose the group as well.
    if (geteuid() != 0) return 0;
    errno = 0;
    struct passwd *user = getpwnam(name);
    if (user == NULL) return errno != 0 ? -errno : -ENOENT;
    return setgid(user->pw_gid) == 0 ? 0 : -errno;
}

int32_t tern_set_user(const char *name) {
    errno = 0;
    struct passwd *user = getpwnam(name);
    if (user == NULL) return errno != 0 ? -errno : -ENOENT;
    // Supplementary groups would keep what root could reach.
    if (geteuid() == 0 && initgroups(name, getegid()) != 0) return -errno;
    return setuid(user->pw_uid) == 0 ? 0 : -errno;
}

void tern_syslog_open(void) { openlog("tern", LOG_PID | LOG_NDELAY, LOG_DAEMON); }

void tern_syslog_write(int32_t severity, const char *text) { syslog(severity, "%s", text); }
