/* Renames an upload, so that it becomes visible, by the rules for a name that
 * is taken, in the process files. Unless the rules permit to replace the file
 * that has the name, each step is one rename or link that replaces nothing. So
 * each upload stays, even if many end at the same moment. A name never shows a
 * part of a file. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/random.h"
#include "sallyport/domain/rights.h"

#define NEAR  16u         /* how many numbers are tried */
#define TRIES (NEAR + 16) /* how many names are tried */

/* A name, and the directory that contains it. */
struct spot {
    int directory;
    const char *name;
};

static struct spot naming_source(const struct naming *n)
{
    return (struct spot){ n->source, n->from };
}

static struct spot naming_target(const struct naming *n, const char *name)
{
    return (struct spot){ n->directory, name };
}

static bool naming_is_same(struct spot a, struct spot b)
{
    struct stat st;

    return fstatat(a.directory, a.name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           resolve_is_at(b.directory, b.name, &st);
}

/* Converts errno. EINVAL: the disk can't have that name, such as "a:b" on
 * vfat. */
static int naming_failed(int error)
{
    return error == EINVAL ? (int)OUTCOME_BAD_NAME : -error;
}

static int naming_link(struct spot from, struct spot to)
{
    if (linkat(from.directory, from.name, to.directory, to.name, 0) == 0)
        return 0;
    return errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS
               ? (int)OUTCOME_ONLY_OVERWRITE
               : naming_failed(errno);
}

/* Makes the link. TO can be a link to FROM already: the process of an earlier
 * upload died after the link; or NFS sent the request twice, since its server
 * was restarted in between. */
static int naming_link_or_linked(struct spot from, struct spot to)
{
    int r = naming_link(from, to);

    return r == -EEXIST && naming_is_same(from, to) ? 0 : r;
}

/* Moves by a link, which never replaces a file, and an unlink: some file
 * systems, such as NFS, have no rename that replaces nothing. If the process
 * dies between the two calls, the whole file has both names; sallyportctl's
 * timer removes the partial's name. A partial is still open here, and NFS would
 * show an unlinked file as ".nfs" until it is closed, so the caller unlinks the
 * partial's name after it has closed the partial. If the file isn't a partial,
 * and its unlink fails, removes its new name again, but only while the file
 * still has the old name, too. After EIO and ETIMEDOUT both names stay: the
 * server of a network disk may yet remove the old name. */
static int naming_link_and_unlink(struct naming *n, struct spot from,
                                  struct spot to)
{
    const bool partial = partial_is_name(from.name);
    int r = partial ? naming_link_or_linked(from, to) : naming_link(from, to);

    n->linked |= partial && r == 0;
    if (partial || r != 0 || unlinkat(from.directory, from.name, 0) == 0 ||
        errno == ENOENT)
        return r;
    r = -errno;
    if (r != -EIO && r != -ETIMEDOUT && naming_is_same(from, to))
        unlinkat(to.directory, to.name, 0);
    return r;
}

/* Does this disk have a rename that replaces nothing? Gives a partial another
 * name, and then its own name again, to find out: on a disk without links
 * EINVAL can also mean that the name is impossible. The caller then deletes the
 * partial, so it is deleted if it can't get its own name again. */
static bool naming_moves_partials(struct spot from)
{
    char other[PARTIAL_NAME_MAX];

    if (!partial_is_name(from.name))
        return false;
    partial_name_random(other);
    if (renameat2(from.directory, from.name, from.directory, other,
                  RENAME_NOREPLACE) < 0)
        return false;
    if (renameat(from.directory, other, from.directory, from.name) < 0)
        unlinkat(from.directory, other, 0);
    return true;
}

/* Returns -EEXIST if TO exists. */
static int naming_move(struct naming *n, struct spot from, struct spot to)
{
    if (renameat2(from.directory, from.name, to.directory, to.name,
                  RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    int r = naming_link_and_unlink(n, from, to);
    return r == (int)OUTCOME_ONLY_OVERWRITE && naming_moves_partials(from)
               ? (int)OUTCOME_BAD_NAME
               : r;
}

/* Takes NAME from the file again. Gives the file its old name back if it
 * doesn't have it any more. */
static void naming_take_back(struct naming *n, const char *name)
{
    if (n->linked)
        unlinkat(n->directory, name, 0);
    else
        naming_move(n, naming_target(n, name), naming_source(n));
    n->linked = false;
}

/* Makes a name with a random suffix, for a user who doesn't see all names and
 * must not learn that a name is taken. */
static void naming_next_random(const struct naming *n, char to[NAME_MAX + 1])
{
    uint32_t number;

    random_bytes(&number, sizeof(number));
    other_random(n->name, number, to,
                 (n->mount->inspect ? HELD_NAME_MAX : NAME_MAX) + 1);
}

/* Gives the file a free name, and writes this name to TO. The first names have
 * numbers in their order, without gaps. Later names, and all names in a mount
 * that hides names, have a random suffix. */
static int naming_aside(struct naming *n, char to[NAME_MAX + 1])
{
    int r = -EEXIST;

    for (unsigned i = 1; r == -EEXIST && i <= TRIES; i++) {
        if (mount_hides_names(n->mount) || i > NEAR)
            naming_next_random(n, to);
        else
            other_name(n->name, i, to, NAME_MAX + 1);
        r = naming_move(n, naming_source(n), naming_target(n, to));
    }
    return r == -EEXIST ? (int)OUTCOME_NAME_TAKEN : r;
}

/* Does NAME lead to the file of N? */
static bool naming_is_ours(const struct naming *n, const char *name)
{
    return resolve_is_at(n->directory, name, &n->file);
}

/* Renames the file to NAME, and replaces another file that has this name. NFS
 * can send the request twice: the second request then finds no old name, which
 * isn't a failure. */
static int naming_replace(const struct naming *n, const char *name)
{
    if (renameat(n->source, n->from, n->directory, name) == 0)
        return 0;
    const int error = errno;
    return error == ENOENT && naming_is_ours(n, name) ? 0
                                                      : naming_failed(error);
}

/* Returns -EEXIST if another file has the wanted name. */
static int naming_take_free(struct naming *n)
{
    return naming_move(n, naming_source(n), naming_target(n, n->name));
}

/* Changes n->name and n->path to NAME. Refuses a path that is too long for the
 * reply. */
static int naming_take_name(struct naming *n, const char *name)
{
    size_t head = n->path->len - strlen(n->name), len = strlen(name);

    if (head + len > FTP_PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(n->path->bytes + head, name, len + 1);
    n->path->len = head + len;
    memcpy(n->name, name, len + 1);
    return 0;
}

static int naming_rename_new(struct naming *n)
{
    char name[NAME_MAX + 1];
    int r = mount_hides_names(n->mount) && !n->unique ? -EEXIST
                                                      : naming_take_free(n);

    if (r != -EEXIST)
        return r;
    r = naming_aside(n, name);
    if (r != 0)
        return r;
    r = naming_take_name(n, name);
    if (r < 0)
        naming_take_back(n, name);
    return r;
}

/* Does the user see the file that has the wanted name? */
static bool naming_is_seen(const struct files *f, const struct naming *n)
{
    struct stat st;

    return n->mount->mine &&
           fstatat(n->directory, n->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           !resolve_hides(f, n->mount, &st);
}

int naming_give(const struct files *f, struct naming *n)
{
    if (n->conflict == CONFLICT_RENAME ||
        (mount_hides_names(n->mount) && !naming_is_seen(f, n)))
        return naming_rename_new(n);
    if (n->conflict == CONFLICT_OVERWRITE && n->mount->rights & RIGHT_REPLACE)
        return naming_replace(n, n->name);
    /* A user without the right to replace never replaces a file, even if this
     * file has just appeared. */
    int r = naming_take_free(n);
    if (r != -EEXIST)
        return r;
    return n->conflict == CONFLICT_REJECT ? OUTCOME_NAME_TAKEN
                                          : OUTCOME_NO_RIGHT;
}

/* Gives the upload the name under which it waits for inspection, and sets its
 * id, u->held. If a mount that hides names adds a random suffix, the release
 * keeps this suffix. */
static int naming_hold(const struct files *f, struct naming *n,
                       struct upload *u)
{
    char name[NAME_MAX + 1], id[HELD_DIGITS + 1];
    int r = 0;

    if (mount_hides_names(n->mount) && !n->unique && !naming_is_seen(f, n)) {
        naming_next_random(n, name);
        r = naming_take_name(n, name);
    }
    /* Chooses the rule for a name that is taken at the release: the file
     * replaces another file only if it could also do so now, as an upload. */
    bool as_now = (n->mount->rights & RIGHT_REPLACE &&
                   !mount_hides_names(n->mount) && u->mode == WRITE_STORE) ||
                  (n->conflict == CONFLICT_REJECT && u->mode != WRITE_UNIQUE);
    held_name(n->name, as_now ? n->conflict : CONFLICT_RENAME, id, name);
    held_stamp(u->partial.fd, n->name);
    if (r == 0)
        r = naming_replace(n, name);
    if (r == 0 && !naming_is_ours(n, name))
        r = OUTCOME_NAME_LOST;
    if (r == 0)
        memcpy(u->held, id, sizeof(id));
    return r;
}

/* Has NAME the random number of STOU? Otherwise a session under an attacker's
 * control could ask for a name to learn whether it is taken. */
static bool naming_is_random(const char *name)
{
    while ((name = strpbrk(name, ".-")))
        if (strspn(++name, "0123456789abcdef") == 16)
            return true;
    return false;
}

int naming_upload(const struct files *f, struct upload *u)
{
    struct naming n = {
        .mount = u->mount,
        .source = u->directory,
        .from = u->partial.name,
        .file = u->partial.opened,
        .directory = u->directory,
        .name = u->name,
        .path = &u->path,
        .conflict = u->conflict,
        .unique = u->mode == WRITE_UNIQUE && naming_is_random(u->name),
    };
    struct stat there;
    int r = u->mount->inspect ? naming_hold(f, &n, u) : naming_give(f, &n);

    /* Checks that no other file has the name now: a program of the group may
     * have put one there; or, if the upload took long on a disk that can lose
     * locks, another server's session may have replaced the partial. A missing
     * file is no failure, since a local program may have collected it
     * already. */
    u->partial.linked = n.linked;
    bool doubtful =
        u->mount->dir_mode & S_IWGRP || (u->partial.locks_die && u->wanted);
    return r == 0 && !u->held[0] && doubtful &&
                   fstatat(n.directory, n.name, &there, AT_SYMLINK_NOFOLLOW) ==
                       0 &&
                   !resolve_is_same(&there, &n.file)
               ? (int)OUTCOME_NAME_LOST
               : r;
}

enum conflict naming_stricter(enum conflict rule, enum conflict wish)
{
    return wish == CONFLICT_REJECT ||
                   (wish == CONFLICT_RENAME && rule != CONFLICT_REJECT)
               ? wish
               : rule;
}

int naming_permitted(const struct mount *m, enum conflict conflict)
{
    if (conflict == CONFLICT_REJECT)
        return OUTCOME_NAME_TAKEN;
    return conflict == CONFLICT_RENAME || m->rights & RIGHT_REPLACE
               ? 0
               : OUTCOME_NO_RIGHT;
}
