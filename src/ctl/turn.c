/* A lock on the disk of the homes, for work that one of all machines with these
 * homes does at a time. A file is locked, since network file systems don't
 * carry the lock of a directory. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

/* Nobody else may make the file, or replace it. */
static int open_lock(const char *homes, const char *name)
{
    FD_CLEANUP int fd = open(homes, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    int lock;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
        return -EPERM;
    lock = openat(fd, name,
                  O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    return lock < 0 ? -errno : lock;
}

/* For the one that comes meanwhile. A full disk keeps nobody from the work. */
static void write_holder(int fd)
{
    char host[HOST_NAME_MAX + 1] = "?", text[TURN_HOLDER_MAX];
    int n;

    gethostname(host, sizeof(host) - 1);
    n = snprintf(text, sizeof(text), "%s, pid %d", host, (int)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) < 0)
        return;
}

static void read_holder(int fd, struct turn *t)
{
    char text[TURN_HOLDER_MAX];
    ssize_t n = pread(fd, text, sizeof(text), 0);

    server_escape((struct slice){ text, n > 0 ? (size_t)n : 0 }, t->holder,
                  sizeof(t->holder));
}

enum turn_of turn_take(struct context *x, const char *name, struct turn *t)
{
    const char *homes = x->settings.homes;
    struct statvfs room;
    int r = disk_room(homes, &room); /* open() would wait for a dead disk */
    FD_CLEANUP int fd = r < 0 ? r : open_lock(homes, name);

    *t = (struct turn){ .error = fd < 0 ? -fd : 0 };
    if (fd < 0)
        return TURN_UNKNOWN;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        write_holder(fd);
        x->lock_fd = fd_take(&fd);
        return TURN_MINE;
    }
    t->error = errno;
    if (errno != EWOULDBLOCK)
        return TURN_UNKNOWN;
    read_holder(fd, t);
    return TURN_OF_ANOTHER;
}

void turn_end(struct context *x)
{
    if (x->lock_fd > 0)
        close(x->lock_fd);
    x->lock_fd = 0;
}
