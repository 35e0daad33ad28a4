/* Looks whether a path leads to the same place in this process and in the mount
 * namespace of the service. Runs in check and in sallyportctl; changes nothing.
 */
#include "sallyport/unit/unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "sallyport/base/execute.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/slice.h"
#include "sallyport/users/places.h"

#define ANSWER_MS 5000
#define ENTER     (O_PATH | O_DIRECTORY | O_CLOEXEC)

void unit_look(struct unit *u)
{
    static const char *const question[] = {
        "/usr/bin/systemctl", "show",    "sallyport.service",
        "--property=MainPID", "--value", NULL
    };
    char text[64], path[64];
    uint64_t pid;

    *u = (struct unit)UNIT_UNKNOWN;
    execute_program(question, ANSWER_MS, true, text, sizeof(text));
    text[strcspn(text, "\n")] = '\0';
    if (slice_number(slice_from(text), INT_MAX, &pid) < 0)
        return; /* no systemd */
    snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
    u->stopped = pid == 0;
    u->root = pid == 0 ? -1 : open(path, ENTER);
}

enum unit_access { WRITABLE, READ_ONLY, HIDDEN };

/* Finds the deepest directory of REAL that exists in this process, and looks
 * whether the service sees the same directory at this path. */
static enum unit_access access_of(const struct unit *u, const char *real)
{
    char at[PATH_MAX];
    struct stat here, there;
    struct statvfs ours, its;
    int fd;

    snprintf(at, sizeof(at), "%s", real);
    while ((fd = open(at[0] ? at : "/", ENTER)) < 0 && at[0])
        *strrchr(at, '/') = '\0';
    FD_CLEANUP int outside = fd;
    FD_CLEANUP int inside = openat(u->root, at[0] ? at + 1 : ".", ENTER);
    if (outside < 0 || fstat(outside, &here) < 0)
        return WRITABLE;
    if (inside < 0 || fstat(inside, &there) < 0 ||
        here.st_dev != there.st_dev || here.st_ino != there.st_ino)
        return HIDDEN;
    return fstatvfs(outside, &ours) == 0 && fstatvfs(inside, &its) == 0 &&
                   its.f_flag & ~ours.f_flag & ST_RDONLY
               ? READ_ONLY
               : WRITABLE;
}

bool unit_forbids(const struct unit *u, const char *what, const char *path,
                  struct complaint *c)
{
    /* The characters that a shell, printf(1) and a unit take unchanged. */
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._@+-";
    const bool directory = strcmp(what, "directory") == 0;
    char real[PATH_MAX], why[COMPLAINT_MAX];

    if (u->root < 0)
        return false;
    place_resolve(NULL, path, real);
    const enum unit_access access = access_of(u, real);
    if (access == WRITABLE)
        return false;
    const bool home =
        user_path_within(real, "/home") || user_path_within(real, "/root");
    char *end = strrchr(real, '/');
    /* Permit the parent directory, so that one restart is enough for all homes
     * in it; but don't permit all of /home. */
    if (!directory && !home && end && end > real)
        *end = '\0';
    snprintf(why, sizeof(why), "systemd %s the %s %s%s",
             access == HIDDEN ? "hides" : "makes", what, path,
             access == HIDDEN ? " from the service"
                              : " read-only for the service");
    if (user_path_within(real, "/tmp") || user_path_within(real, "/var/tmp"))
        complain(c, "%s (PrivateTmp=); move it, such as to /srv", why);
    else if ((access == HIDDEN && !home) || real[strspn(real, plain)])
        complain(c, "%s; change that by a drop-in: systemctl edit sallyport",
                 why);
    else
        complain(c,
                 "%s; run: cd /etc/systemd/system; for u in sallyport%-s; do "
                 "mkdir -p $u.service.d; printf '[Service]\\n%-s"
                 "ReadWritePaths=-%s\\n' >>$u.service.d/paths.conf; done; "
                 "systemctl daemon-reload; systemctl restart sallyport",
                 why,
                 directory ? ""
                           : " sallyport-retention sallyport-after "
                             "sallyport-sync",
                 home ? "ProtectHome=no\\n" : "", real[0] ? real : "/");
    return true;
}
