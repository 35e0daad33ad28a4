/* The perm fact, in the process files: the user's rights together with the
 * kernel's permission bits, so that it never promises what would be refused. It
 * looks at modes only; an ACL or a read-only mount can still refuse. */
#include "perm.h"

#include <sys/stat.h>

#include "sallyport/domain/entry.h"
#include "sallyport/domain/rights.h"
#include "state.h"

static bool perm_in_group(const struct files *f, gid_t gid)
{
    if (gid == f->gid)
        return true;
    for (int i = 0; i < f->group_count; i++)
        if (f->groups[i] == gid)
            return true;
    return false;
}

/* Are all of BITS (4 read, 2 write, 1 search) granted, as the kernel would
 * decide? Root gets no more: it has no capability in the sandbox. */
static bool perm_may(const struct files *f, const struct stat *st,
                     unsigned bits)
{
    unsigned shift = st->st_uid == f->uid           ? 6
                     : perm_in_group(f, st->st_gid) ? 3
                                                    : 0;

    return ((st->st_mode >> shift) & bits) == bits;
}

static bool perm_has(const struct files *f, unsigned rights)
{
    return (f->rights & rights) == rights;
}

static unsigned perm_when(bool condition, unsigned perm)
{
    return condition ? perm : 0;
}

/* May a name in DIRECTORY be replaced, renamed, deleted? */
static bool perm_may_change(const struct files *f, const struct stat *directory,
                            const struct stat *st)
{
    if (!directory || !perm_may(f, directory, 3))
        return false;
    return !(directory->st_mode & S_ISVTX) || st->st_uid == f->uid ||
           directory->st_uid == f->uid;
}

static unsigned perm_directory(const struct files *f, const struct stat *st)
{
    bool change = perm_may(f, st, 3);

    return perm_when(change && perm_has(f, RIGHT_WRITE), PERM_CREATE) |
           perm_when(perm_may(f, st, 1), PERM_ENTER) |
           perm_when(perm_may(f, st, 5) && perm_has(f, RIGHT_LIST), PERM_LIST) |
           perm_when(change && perm_has(f, RIGHT_DIRECTORY), PERM_MAKE) |
           perm_when(change && perm_has(f, RIGHT_DELETE), PERM_PURGE);
}

/* Would STOR to this file's name be accepted under on_conflict? */
static bool perm_may_store(const struct files *f, const struct stat *directory,
                           bool change)
{
    if (f->rules.on_conflict == CONFLICT_REJECT)
        return false;
    if (f->rules.on_conflict == CONFLICT_RENAME)
        return directory && perm_may(f, directory, 3) &&
               perm_has(f, RIGHT_WRITE);
    return change && perm_has(f, RIGHT_WRITE | RIGHT_REPLACE);
}

/* A file is never written in place: STOR and APPE replace it by a new one. */
static unsigned perm_file(const struct files *f, const struct stat *directory,
                          const struct stat *st, bool change)
{
    bool replace = perm_may_store(f, directory, change);

    return perm_when(replace && perm_may(f, st, 4), PERM_APPEND) |
           perm_when(replace, PERM_WRITE) |
           perm_when(perm_may(f, st, 4) && perm_has(f, RIGHT_READ), PERM_READ);
}

unsigned perm_of(const struct files *f, const struct stat *directory,
                 const struct stat *st, bool link)
{
    bool change = perm_may_change(f, directory, st);
    bool rename = change && perm_has(f, RIGHT_RENAME) && !link; /* change.c */

    if (S_ISDIR(st->st_mode)) /* RMD refuses a link to a directory */
        return perm_directory(f, st) | perm_when(rename, PERM_RENAME) |
               perm_when(change && perm_has(f, RIGHT_DIRECTORY) && !link,
                         PERM_DELETE);
    if (S_ISREG(st->st_mode))
        return perm_file(f, directory, st, change) |
               perm_when(rename, PERM_RENAME) |
               perm_when(change && perm_has(f, RIGHT_DELETE), PERM_DELETE);
    return perm_when(change && perm_has(f, RIGHT_DELETE) && link, PERM_DELETE);
}
