/* Refuses files that other users can write or, if they are private, read. Runs
 * as root in master, and as the administrator in sallyportctl. It checks the
 * open file, never its name. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/settings/settings.h"

/* The owner can always change a file, whatever its mode. */
static int check_owner(const struct stat *st, const char *path,
                       struct complaint *c)
{
    if (st->st_uid == 0 || st->st_uid == geteuid())
        return 0;
    return complain(c, "%s: belongs to uid %u; run: chown %u %s", path,
                    (unsigned)st->st_uid, (unsigned)geteuid(), path);
}

static int check_regular(int fd, const char *name, struct stat *st,
                         struct complaint *c)
{
    if (fstat(fd, st) < 0)
        return complain(c, "%s: %s", name, strerror(errno));
    return S_ISREG(st->st_mode) ? 0
                                : complain(c, "%s: not a regular file", name);
}

int settings_regular_file(int fd, const char *name, struct complaint *c)
{
    struct stat st;

    return check_regular(fd, name, &st, c);
}

/* A symbolic link is permitted: its target is checked. */
int settings_trusted_file(int fd, const char *name, struct complaint *c)
{
    struct stat st;

    if (check_regular(fd, name, &st, c) || check_owner(&st, name, c))
        return -EINVAL;
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return complain(c,
                        "%s: writable by group or others; run: chmod go-w %s",
                        name, name);
    return 0;
}

int settings_open(const char *path, struct complaint *c)
{
    int fd FD_CLEANUP =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return complain(c, "%s: %s%s", path, strerror(errno),
                        errno == ENOENT ? "; copy the example, sallyport.conf "
                                          "in /usr/share/doc/sallyport"
                                        : "");
    return settings_trusted_file(fd, path, c) < 0 ? -EINVAL : fd_take(&fd);
}

int settings_private_file(int fd, const char *name, struct complaint *c)
{
    struct stat st;

    if (check_regular(fd, name, &st, c) || check_owner(&st, name, c))
        return -EINVAL;
    if (st.st_mode & S_IRWXO)
        return complain(c, "%s: open to others; run: chmod o-rwx %s", name,
                        name);
    if (st.st_mode & S_IWGRP)
        return complain(c, "%s: writable by group; run: chmod g-w %s", name,
                        name);
    return 0;
}
