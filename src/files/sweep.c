/* Partials that expired, and what a killed process left, are deleted when their
 * directory is listed or written to, in the process files: no timer, no process
 * that walks the homes as root. */
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "resolve.h"
#include "sallyport/base/fd.h"
#include "state.h"

#define SWEEP_NAMES 1024 /* looked at before an upload begins */
#define DAY         86400u

static void report_leftover(struct files *f, const struct stat *st)
{
    struct event_record r;

    event_begin(&r, EVENT_SERVICE);
    event_text(&r, FIELD_USER, slice_from(f->user));
    event_text(&r, FIELD_REASON,
               SLICE("removed what an upload left whose process was killed"));
    event_number(&r, FIELD_BYTES, (uint64_t)st->st_size);
    event_send(&f->log, &r);
}

static bool is_expired(const struct files *f, const struct stat *st, time_t now)
{
    return f->rules.partial_days > 0 && st->st_mtime <= now &&
           (uint64_t)(now - st->st_mtime) / DAY >= f->rules.partial_days;
}

/* An empty one may be about to be locked by its writer. */
static bool is_leftover(const char *name, const struct stat *st)
{
    return partial_is_random(name) && st->st_size > 0 && st->st_nlink == 1;
}

static bool is_over(const struct files *f, const char *name,
                    const struct stat *st, time_t now)
{
    if (partial_has_landed(f, st))
        return true;
    return partial_is_own(f, st) &&
           (is_leftover(name, st) || is_expired(f, st, now));
}

bool sweep_name(struct files *f, int folder, const char *name, time_t now)
{
    struct stat st;

    if (!partial_is_name(name) ||
        fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !is_over(f, name, &st, now) || partial_remove(f, folder, name) != 0)
        return false;
    if (is_leftover(name, &st))
        report_leftover(f, &st);
    return true;
}

static bool swept_last(struct files *f, int folder)
{
    struct stat st;

    if (fstat(folder, &st) < 0)
        return true;
    if (st.st_dev == f->swept_device && st.st_ino == f->swept_inode)
        return true;
    f->swept_device = st.st_dev;
    f->swept_inode = st.st_ino;
    return false;
}

void sweep_folder(struct files *f, int folder)
{
    struct folder d;
    const char *name;
    time_t now = time(NULL);

    if (swept_last(f, folder))
        return;
    FD_CLEANUP int fd = resolve_in(folder, ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return;
    folder_begin(&d, fd);
    for (int n = 0; n < SWEEP_NAMES && folder_next(&d, &name) == 1; n++)
        sweep_name(f, folder, name, now);
}

/* -ENOTEMPTY as soon as something else than a partial stands in it. */
static int only_partials(int fd)
{
    struct folder d;
    const char *name;
    int r;

    folder_begin(&d, fd);
    while ((r = folder_next(&d, &name)) == 1)
        if (!partial_is_name(name))
            return -ENOTEMPTY;
    return r;
}

int sweep_all(const struct files *f, int folder)
{
    struct folder d;
    const char *name;
    FD_CLEANUP int fd = resolve_in(folder, ".", O_RDONLY | O_DIRECTORY, 0);

    if (fd < 0)
        return fd;
    int r = only_partials(fd);
    if (r < 0)
        return r;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    folder_begin(&d, fd);
    while ((r = folder_next(&d, &name)) == 1)
        partial_remove(f, folder, name);
    return r;
}
