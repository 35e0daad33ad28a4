/* Expired partials, and what a killed process left, are deleted when their
 * directory is listed or written to, in the process files. This needs no timer,
 * and no process that walks the homes as root. */
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"
#include "resolve.h"
#include "sallyport/base/fd.h"
#include "state.h"

#define SWEEP_NAMES 1024 /* names looked at before an upload begins */
#define DAY         86400u

static void sweep_report(struct files *f, const struct stat *st)
{
    struct event_record r;

    event_begin(&r, EVENT_SERVICE);
    event_text(&r, FIELD_USER, slice_from(f->user));
    event_text(&r, FIELD_REASON,
               SLICE("removed what an upload left whose process was killed"));
    event_number(&r, FIELD_BYTES, (uint64_t)st->st_size);
    event_send(&f->log, &r);
}

static bool sweep_is_expired(const struct files *f, const struct stat *st,
                             time_t now)
{
    return f->rules.partial_days > 0 && st->st_mtime <= now &&
           (uint64_t)(now - st->st_mtime) / DAY >= f->rules.partial_days;
}

/* The writer of an empty one may be about to lock it. */
static bool sweep_is_leftover(const char *name, const struct stat *st)
{
    return partial_is_random(name) && st->st_size > 0 && st->st_nlink == 1;
}

static bool sweep_is_over(const struct files *f, int directory,
                          const char *name, const struct stat *st, time_t now)
{
    return partial_is_own(f, st) &&
           (sweep_is_leftover(name, st) || sweep_is_expired(f, st, now) ||
            partial_has_landed(f, directory, name, st));
}

bool sweep_name(struct files *f, int directory, const char *name, time_t now)
{
    struct stat st;

    if (!partial_is_name(name) ||
        fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !sweep_is_over(f, directory, name, &st, now) ||
        partial_remove(f, directory, name) != 0)
        return false;
    if (sweep_is_leftover(name, &st))
        sweep_report(f, &st);
    return true;
}

static bool sweep_was_last(struct files *f, int directory)
{
    struct stat st;

    if (fstat(directory, &st) < 0)
        return true;
    if (st.st_dev == f->swept_device && st.st_ino == f->swept_inode)
        return true;
    f->swept_device = st.st_dev;
    f->swept_inode = st.st_ino;
    return false;
}

void sweep_directory(struct files *f, int directory)
{
    struct directory d;
    const char *name;
    time_t now = time(NULL);

    if (sweep_was_last(f, directory))
        return;
    FD_CLEANUP int fd = resolve_in(directory, ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return;
    directory_begin(&d, fd);
    for (int n = 0; n < SWEEP_NAMES && directory_next(&d, &name) == 1; n++)
        sweep_name(f, directory, name, now);
}

/* -ENOTEMPTY if anything but partials stands in it. */
static int sweep_only_partials(int fd)
{
    struct directory d;
    const char *name;
    int r;

    directory_begin(&d, fd);
    while ((r = directory_next(&d, &name)) == 1)
        if (!partial_is_name(name))
            return -ENOTEMPTY;
    return r;
}

int sweep_all(const struct files *f, int directory)
{
    struct directory d;
    const char *name;
    FD_CLEANUP int fd = resolve_in(directory, ".", O_RDONLY | O_DIRECTORY, 0);

    if (fd < 0)
        return fd;
    int r = sweep_only_partials(fd);
    if (r < 0)
        return r;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    directory_begin(&d, fd);
    while ((r = directory_next(&d, &name)) == 1)
        partial_remove(f, directory, name);
    return r;
}
