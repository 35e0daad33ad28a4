/* The rename that makes an upload visible, in the process files, and what
 * happens when its name is taken. Each step is one rename that replaces nothing
 * or swaps two names, so of any number of uploads at the same moment none is
 * lost, and no name ever shows a part. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resolve.h"
#include "sallyport/base/clock.h"
#include "sallyport/users/rights.h"
#include "state.h"

#define TRIES 9999 /* names */
#define SWAPS 16   /* a name that comes and goes */

#define LOCK_MS      5000
#define LOCK_STEP_MS 10

/* A name, and the folder that it stands in. */
struct spot {
    int folder;
    const char *name;
};

static struct spot source(const struct naming *n)
{
    return (struct spot){ n->source, n->from };
}

static struct spot target(const struct naming *n, const char *name)
{
    return (struct spot){ n->folder, name };
}

static bool has_no_links(int error)
{
    return error == EPERM || error == EOPNOTSUPP || error == ENOSYS;
}

/* For file systems that can't rename and refuse to replace in one step, as NFS.
 * A link refuses to replace, too. Whoever dies between the two calls leaves the
 * whole file under both names, and the sweep deletes that of the partial. */
static int link_and_unlink(struct spot from, struct spot to)
{
    if (linkat(from.folder, from.name, to.folder, to.name, 0) < 0)
        return has_no_links(errno) ? (int)OUTCOME_ONLY_OVERWRITE : -errno;
    if (unlinkat(from.folder, from.name, 0) == 0)
        return 0;
    int r = -errno;
    unlinkat(to.folder, to.name, 0);
    return r;
}

/* -EEXIST where TO is there. */
static int move(struct spot from, struct spot to)
{
    if (renameat2(from.folder, from.name, to.folder, to.name,
                  RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    return link_and_unlink(from, to);
}

/* FROM gets the first free one of the names that stand in for the file's. */
static int move_aside(const struct files *f, const struct naming *n,
                      struct spot from, char to[NAME_MAX + 1])
{
    int r = -EEXIST;

    for (unsigned i = 1; r == -EEXIST && i <= TRIES; i++) {
        place_name(n->conflict, f->rules.conflict_name, n->name, i, to,
                   NAME_MAX + 1);
        r = move(from, target(n, to));
    }
    return r == -EEXIST ? (int)OUTCOME_NAME_TAKEN : r;
}

static int overwrite(const struct files *f, struct naming *n)
{
    int r;

    if (f->rights & RIGHT_REPLACE)
        return renameat(n->source, n->from, n->folder, n->name) < 0 ? -errno
                                                                    : 0;
    /* Who may not replace doesn't, however late the other file came. */
    r = move(source(n), target(n, n->name));
    return r == -EEXIST ? (int)OUTCOME_NO_RIGHT : r;
}

static int reject(const struct files *f, struct naming *n)
{
    int r = move(source(n), target(n, n->name));

    (void)f;
    return r == -EEXIST ? (int)OUTCOME_NAME_TAKEN : r;
}

/* The path shows where the file went; one too long to be told is no name. */
static int take_name(struct naming *n, const char *name)
{
    size_t head = n->path->len - strlen(n->name), len = strlen(name);

    if (head + len > FTP_PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(n->path->bytes + head, name, len + 1);
    n->path->len = head + len;
    memcpy(n->name, name, len + 1);
    return 0;
}

static int rename_new(const struct files *f, struct naming *n)
{
    char name[NAME_MAX + 1];
    int r = move(source(n), target(n, n->name));

    if (r != -EEXIST)
        return r;
    r = move_aside(f, n, source(n), name);
    if (r != 0)
        return r;
    r = take_name(n, name);
    if (r < 0)
        move(target(n, name), source(n));
    return r;
}

/* For file systems that can't swap two names: for a moment there is none. */
static int replace_in_two(const struct files *f, const struct naming *n,
                          const char *parked)
{
    char old[NAME_MAX + 1];
    int aside = move_aside(f, n, target(n, n->name), old);

    if (aside != 0 && aside != -ENOENT)
        return aside;
    int r = move(target(n, parked), target(n, n->name));
    if (r != 0 && aside == 0)
        move(target(n, old), target(n, n->name));
    return r;
}

/* The new file, which stands under the old one's future name, and the old one
 * change places; or it takes a name that has become free. */
static int swap(const struct files *f, const struct naming *n,
                const char *parked)
{
    int r = -EEXIST;

    for (int i = 0; r == -EEXIST && i < SWAPS; i++) {
        if (renameat2(n->folder, parked, n->folder, n->name, RENAME_EXCHANGE) ==
            0)
            return 0;
        if (errno == EINVAL || errno == ENOSYS)
            r = replace_in_two(f, n, parked);
        else
            r = errno == ENOENT ? move(target(n, parked), target(n, n->name))
                                : -errno;
    }
    return r;
}

/* A folder that came meanwhile is no version of a file; and Landlock forbids to
 * move a link. */
static int can_be_kept(const struct naming *n)
{
    struct stat st;

    if (fstatat(n->folder, n->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (S_ISDIR(st.st_mode))
        return OUTCOME_IS_FOLDER;
    return S_ISREG(st.st_mode) ? 0 : (int)OUTCOME_NAME_TAKEN;
}

/* Does NAME still stand for the file that gets the name? While it is parked its
 * name is one that other sessions of the user can write to or delete. */
static bool is_ours(const struct naming *n, const char *name)
{
    struct stat ours, there;

    return fstat(n->fd, &ours) == 0 &&
           fstatat(n->folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

/* The new file is parked under the old one's future name, then the two change
 * places: each swap puts aside exactly what it replaces. Who deletes or renames
 * one of them in between is another session of the user; there is no success
 * for another's bytes. */
static int park_and_swap(const struct files *f, struct naming *n)
{
    char parked[NAME_MAX + 1];
    int r = move_aside(f, n, source(n), parked);

    if (r != 0)
        return r;
    r = is_ours(n, parked) ? swap(f, n, parked) : (int)OUTCOME_OVERTAKEN;
    if (r == 0)
        return is_ours(n, n->name) ? 0 : (int)OUTCOME_OVERTAKEN;
    if (is_ours(n, parked))
        move(target(n, parked), source(n));
    return r;
}

static int replace_kept(const struct files *f, struct naming *n)
{
    int r = f->rights & RIGHT_REPLACE ? can_be_kept(n) : (int)OUTCOME_NO_RIGHT;

    return r == 0 ? park_and_swap(f, n) : r;
}

/* Every process that can open the directory can hold this lock, so the wait for
 * it has a deadline. Where a directory can't be locked (NFS), another session's
 * swap in the same moment is an error, and no loss. */
int place_lock(const struct files *f, int folder)
{
    struct pollfd ends[] = { { .fd = f->session.fd }, { .fd = f->master.fd } };
    uint64_t end = clock_ms() + LOCK_MS;

    while (flock(folder, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return 0;
        if (clock_ms() >= end || poll(ends, 2, LOCK_STEP_MS) > 0)
            return -EBUSY;
    }
    return 0;
}

void place_unlock(int folder)
{
    flock(folder, LOCK_UN);
}

/* One at a time in a folder, or the next one's swap would come between ours and
 * the look at what it did. The lock is held for some renames. */
static int keep_old(const struct files *f, struct naming *n)
{
    int r = place_lock(f, n->folder);

    if (r < 0)
        return r;
    r = move(source(n), target(n, n->name));
    if (r == -EEXIST)
        r = replace_kept(f, n);
    place_unlock(n->folder);
    return r;
}

static int (*const places[CONFLICT_COUNT])(const struct files *f,
                                           struct naming *n) = {
    [CONFLICT_OVERWRITE] = overwrite,
    [CONFLICT_RENAME] = rename_new,
    [CONFLICT_VERSION] = keep_old,
    [CONFLICT_REJECT] = reject,
};

int place_file(const struct files *f, struct naming *n)
{
    return places[n->conflict](f, n);
}

int place_upload(const struct files *f, struct upload *u)
{
    struct naming n = {
        .source = u->folder,
        .from = u->partial.name,
        .fd = u->partial.fd,
        .folder = u->folder,
        .name = u->name,
        .path = &u->path,
        .conflict = u->conflict,
    };

    return place_file(f, &n);
}

int place_permitted(const struct files *f, bool link)
{
    if (f->rules.on_conflict == CONFLICT_REJECT ||
        (f->rules.on_conflict == CONFLICT_VERSION && link))
        return OUTCOME_NAME_TAKEN;
    return f->rules.on_conflict == CONFLICT_RENAME || f->rights & RIGHT_REPLACE
               ? 0
               : OUTCOME_NO_RIGHT;
}
