/* The rename that makes an upload visible, in the process files, and what
 * happens when its name is taken. Each step is one rename that replaces nothing
 * or swaps two names, so of any number of uploads at the same moment none is
 * lost, and no name ever shows a part. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resolve.h"
#include "sallyport/base/fd.h"
#include "sallyport/users/rights.h"
#include "state.h"

#define TRIES 9999 /* names */
#define SWAPS 16   /* a name that comes and goes */

/* Where the extension begins that a number goes in front of. */
static size_t stem_length(const char *name)
{
    static const char tar[] = ".tar";
    const char *dot = strrchr(name, '.');
    size_t len = dot && dot != name ? (size_t)(dot - name) : strlen(name);

    if (dot && len > sizeof(tar) - 1 &&
        memcmp(name + len - (sizeof(tar) - 1), tar, sizeof(tar) - 1) == 0)
        len -= sizeof(tar) - 1;
    return len;
}

/* How much of the LEN bytes stays when only ROOM are there; a character of
 * UTF-8 isn't cut in two. */
static int cut(const char *text, size_t len, size_t room)
{
    if (len <= room)
        return (int)len;
    while (room > 0 && ((unsigned char)text[room] & 0xc0) == 0x80)
        room--;
    return (int)room;
}

static void numbered(const char *name, unsigned n, char *out, size_t size)
{
    size_t stem = stem_length(name), room = size - 1;
    const char *end = name + stem;
    char number[16];

    snprintf(number, sizeof(number), " (%u)", n + 1);
    room -= strlen(number);
    if (strlen(end) > room / 2) /* that isn't what one calls an extension */
        end = "", stem = strlen(name);
    room -= strlen(end);
    snprintf(out, size, "%.*s%s%s", cut(name, stem, room), name, number, end);
}

static void with_prefix(const char *name, unsigned n, char *out, size_t size)
{
    char prefix[16] = "new-";

    if (n > 1)
        snprintf(prefix, sizeof(prefix), "new-%u-", n);
    snprintf(out, size, "%s%.*s", prefix,
             cut(name, strlen(name), size - 1 - strlen(prefix)), name);
}

static void versioned(const char *name, unsigned n, char *out, size_t size)
{
    char version[16];

    snprintf(version, sizeof(version), ".~%u~", n);
    snprintf(out, size, "%.*s%s",
             cut(name, strlen(name), size - 1 - strlen(version)), name,
             version);
}

void place_name(enum conflict conflict, enum conflict_name style,
                const char *name, unsigned n, char *out, size_t size)
{
    if (conflict == CONFLICT_VERSION)
        versioned(name, n, out, size);
    else if (style == CONFLICT_NAME_NEW)
        with_prefix(name, n, out, size);
    else
        numbered(name, n, out, size);
}

/* For file systems that can't rename and refuse to replace in one step, as NFS:
 * the name is claimed by an empty file, so that of two who want it one gets
 * -EEXIST, and the claim is replaced. */
static int claim_and_move(int folder, const char *from, const char *to)
{
    FD_CLEANUP int claim =
        resolve_in(folder, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);

    if (claim < 0)
        return claim;
    if (renameat(folder, from, folder, to) == 0)
        return 0;
    int r = -errno;
    unlinkat(folder, to, 0);
    return r;
}

/* -EEXIST where TO is there. */
static int move(int folder, const char *from, const char *to)
{
    if (renameat2(folder, from, folder, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    return claim_and_move(folder, from, to);
}

/* FROM gets the first free one of the names that stand in for the upload's. */
static int move_aside(const struct files *f, const struct upload *u,
                      const char *from, char to[NAME_MAX + 1])
{
    int r = -EEXIST;

    for (unsigned n = 1; r == -EEXIST && n <= TRIES; n++) {
        place_name(u->conflict, f->rules.conflict_name, u->name, n, to,
                   NAME_MAX + 1);
        r = move(u->folder, from, to);
    }
    return r == -EEXIST ? (int)OUTCOME_NAME_TAKEN : r;
}

static int overwrite(const struct files *f, struct upload *u)
{
    int r;

    if (f->rights & RIGHT_REPLACE)
        return renameat(u->folder, u->partial.name, u->folder, u->name) < 0
                   ? -errno
                   : 0;
    /* Who may not replace doesn't, however late the other file came. */
    r = move(u->folder, u->partial.name, u->name);
    return r == -EEXIST ? (int)OUTCOME_NO_RIGHT : r;
}

static int reject(const struct files *f, struct upload *u)
{
    int r = move(u->folder, u->partial.name, u->name);

    (void)f;
    return r == -EEXIST ? (int)OUTCOME_NAME_TAKEN : r;
}

/* The path shows where the upload went; one too long to be told is no name. */
static int take_name(struct upload *u, const char *name)
{
    size_t head = u->path.len - strlen(u->name), len = strlen(name);

    if (head + len > FTP_PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(u->path.bytes + head, name, len + 1);
    u->path.len = head + len;
    memcpy(u->name, name, len + 1);
    return 0;
}

static int rename_new(const struct files *f, struct upload *u)
{
    char name[NAME_MAX + 1];
    int r = move(u->folder, u->partial.name, u->name);

    if (r != -EEXIST)
        return r;
    r = move_aside(f, u, u->partial.name, name);
    if (r != 0)
        return r;
    r = take_name(u, name);
    if (r < 0)
        move(u->folder, name, u->partial.name);
    return r;
}

/* For file systems that can't swap two names: for a moment there is none. */
static int replace_in_two(const struct files *f, const struct upload *u,
                          const char *parked)
{
    char old[NAME_MAX + 1];
    int aside = move_aside(f, u, u->name, old);

    if (aside != 0 && aside != -ENOENT)
        return aside;
    int r = move(u->folder, parked, u->name);
    if (r != 0 && aside == 0)
        move(u->folder, old, u->name);
    return r;
}

/* The new file, which stands under the old one's future name, and the old one
 * change places; or it takes a name that has become free. */
static int swap(const struct files *f, const struct upload *u,
                const char *parked)
{
    int r = -EEXIST;

    for (int i = 0; r == -EEXIST && i < SWAPS; i++) {
        if (renameat2(u->folder, parked, u->folder, u->name, RENAME_EXCHANGE) ==
            0)
            return 0;
        if (errno == EINVAL || errno == ENOSYS)
            r = replace_in_two(f, u, parked);
        else
            r = errno == ENOENT ? move(u->folder, parked, u->name) : -errno;
    }
    return r;
}

/* A folder that came meanwhile is no version of a file; and Landlock forbids to
 * move a link. */
static int can_be_kept(const struct upload *u)
{
    struct stat st;

    if (fstatat(u->folder, u->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (S_ISDIR(st.st_mode))
        return OUTCOME_IS_FOLDER;
    return S_ISREG(st.st_mode) ? 0 : (int)OUTCOME_NAME_TAKEN;
}

/* Does NAME still stand for the file that this upload wrote? While it is parked
 * its name is one that other sessions of the user can write to or delete. */
static bool is_ours(const struct upload *u, const char *name)
{
    struct stat ours, there;

    return fstat(u->partial.fd, &ours) == 0 &&
           fstatat(u->folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

/* The new file is parked under the old one's future name, then the two change
 * places: each swap puts aside exactly what it replaces. */
static int park_and_swap(const struct files *f, struct upload *u)
{
    char parked[NAME_MAX + 1];
    int r = move_aside(f, u, u->partial.name, parked);

    if (r != 0)
        return r;
    r = is_ours(u, parked) ? swap(f, u, parked) : -EIO;
    if (r == 0)
        return is_ours(u, u->name) ? 0 : -EIO; /* no 226 for another's bytes */
    if (is_ours(u, parked))
        move(u->folder, parked, u->partial.name);
    return r;
}

static int replace_kept(const struct files *f, struct upload *u)
{
    int r = f->rights & RIGHT_REPLACE ? can_be_kept(u) : (int)OUTCOME_NO_RIGHT;

    return r == 0 ? park_and_swap(f, u) : r;
}

/* One at a time in a folder, or the next one's swap would come between ours and
 * the look at what it did. The lock is held for some renames, never for a wait;
 * a holder that is stopped ends the others by the deadline of their sessions.
 * Where a folder can't be locked (NFS) such a swap is an error, and no loss. */
static int keep_old(const struct files *f, struct upload *u)
{
    flock(u->folder, LOCK_EX);
    int r = move(u->folder, u->partial.name, u->name);
    if (r == -EEXIST)
        r = replace_kept(f, u);
    flock(u->folder, LOCK_UN);
    return r;
}

static int (*const places[CONFLICT_COUNT])(const struct files *f,
                                           struct upload *u) = {
    [CONFLICT_OVERWRITE] = overwrite,
    [CONFLICT_RENAME] = rename_new,
    [CONFLICT_VERSION] = keep_old,
    [CONFLICT_REJECT] = reject,
};

int place_upload(const struct files *f, struct upload *u)
{
    return places[u->conflict](f, u);
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
