/* --remove-source: a file is removed where it came from only if it was compared
 * with what has arrived, and hasn't changed since it was read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "transfer.h"

static int source_changed(struct failure *why)
{
    return fail(why, EX_TEMPFAIL,
                "transferred, but not removed: it has changed since it was "
                "read");
}

bool source_is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Writes the directory of the local file. */
static const char *source_above(const struct file_transfer *t,
                                char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%.*s", (int)(url_base(t->local) - t->local),
             t->local);
    return out[0] ? out : ".";
}

static int source_remove_local(const struct file_transfer *t,
                               struct failure *why)
{
    const char *base = url_base(t->local);
    char above[PATH_MAX];
    struct stat st;

    FD_CLEANUP int fd =
        names_open(source_above(t, above), t->job->named, O_PATH | O_DIRECTORY);
    if (fd < 0 || fstatat(fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_errno(why, errno, t->local);
    if (S_ISLNK(st.st_mode))
        return fail(why, EX_USAGE,
                    "transferred, but not removed: it is a symbolic link");
    if (!source_is_same(&st, &t->read))
        return source_changed(why);
    return unlinkat(fd, base, 0) == 0 ? 0 : fail_errno(why, errno, t->local);
}

/* The only copy is here from then on. */
static int source_keep_local(const struct file_transfer *t, struct failure *why)
{
    char above[PATH_MAX];

    FD_CLEANUP int fd = open(t->local, O_RDONLY | O_CLOEXEC);
    FD_CLEANUP int directory =
        open(source_above(t, above), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || directory < 0 || fsync(fd) < 0 || fsync(directory) < 0)
        return fail_errno(why, errno, t->local);
    return 0;
}

static int source_remove_remote(const struct file_transfer *t,
                                struct failure *why)
{
    struct listing_entry e;

    if (source_keep_local(t, why) < 0)
        return -1;
    if (remote_stat(t->link, t->remote, &e, why) != 0 ||
        (e.modified == 0 &&
         remote_time(t->link, t->remote, &e.modified, why) < 0))
        return -1;
    if (e.size != t->size || e.modified != t->modified)
        return source_changed(why);
    return remote_remove(t->link, t->remote, why);
}

int source_remove(struct file_transfer *t, struct failure *why)
{
    bool put = t->job->kind == JOB_PUT;

    if (link_interrupted)
        return fail(why, EX_TEMPFAIL,
                    "transferred, but not removed: "
                    "interrupted");
    if (put && t->unconfirmed)
        return fail(why, EX_TEMPFAIL,
                    "transferred, but not removed: the server hasn't "
                    "confirmed it");
    /* A download is complete only with all bytes that MLST has announced. */
    if (!t->checked && !(put ? t->sized : t->link->site->mlst))
        return fail(why, EX_USAGE,
                    "transferred, but not removed: neither its checksum nor "
                    "its size could be compared");
    return put ? source_remove_local(t, why) : source_remove_remote(t, why);
}
