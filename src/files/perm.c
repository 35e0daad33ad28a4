/* The perm fact, in the process files: the user's rights and the kernel's
 * permission bits together, so that it never promises what would be refused.
 * It looks at modes only; an ACL or a read-only mount still says no later. */
#include "perm.h"

#include <sys/stat.h>

#include "sallyport/users/rights.h"
#include "state.h"

static bool in_group(const struct files *f, gid_t gid)
{
    if (gid == f->gid)
        return true;
    for (int i = 0; i < f->group_count; i++)
        if (f->groups[i] == gid)
            return true;
    return false;
}

/* All of BITS (4 read, 2 write, 1 search), as the kernel would say; also to
 * root, which has no capability in the cage. */
static bool may(const struct files *f, const struct stat *st, unsigned bits)
{
    unsigned shift = st->st_uid == f->uid ? 6 : in_group(f, st->st_gid) ? 3 : 0;

    return ((st->st_mode >> shift) & bits) == bits;
}

static bool has(const struct files *f, unsigned rights)
{
    return (f->rights & rights) == rights;
}

static unsigned when(bool condition, unsigned perm)
{
    return condition ? perm : 0;
}

/* May a name in FOLDER be replaced, renamed, deleted? */
static bool may_change(const struct files *f, const struct stat *folder,
                       const struct stat *st)
{
    if (!folder || !may(f, folder, 3))
        return false;
    return !(folder->st_mode & S_ISVTX) || st->st_uid == f->uid ||
           folder->st_uid == f->uid;
}

static unsigned perm_folder(const struct files *f, const struct stat *st)
{
    bool change = may(f, st, 3);

    return when(change && has(f, RIGHT_WRITE), PERM_CREATE) |
           when(may(f, st, 1), PERM_ENTER) |
           when(may(f, st, 5) && has(f, RIGHT_LIST), PERM_LIST) |
           when(change && has(f, RIGHT_FOLDER), PERM_MAKE) |
           when(change && has(f, RIGHT_DELETE), PERM_PURGE);
}

/* Would STOR of this file's name be taken, as on_conflict is? */
static bool may_store(const struct files *f, const struct stat *folder,
                      bool change)
{
    if (f->rules.on_conflict == CONFLICT_REJECT)
        return false;
    if (f->rules.on_conflict == CONFLICT_RENAME)
        return folder && may(f, folder, 3) && has(f, RIGHT_WRITE);
    return change && has(f, RIGHT_WRITE | RIGHT_REPLACE);
}

/* A file is never written in place: STOR and APPE put a new one there. */
static unsigned perm_file(const struct files *f, const struct stat *folder,
                          const struct stat *st, bool change)
{
    bool replace = may_store(f, folder, change);

    return when(replace && may(f, st, 4), PERM_APPEND) |
           when(replace, PERM_WRITE) |
           when(may(f, st, 4) && has(f, RIGHT_READ), PERM_READ);
}

unsigned perm_of(const struct files *f, const struct stat *folder,
                 const struct stat *st, bool link)
{
    bool change = may_change(f, folder, st);
    bool rename = change && has(f, RIGHT_RENAME) && !link; /* change.c */

    if (S_ISDIR(st->st_mode)) /* RMD refuses a link to a folder */
        return perm_folder(f, st) | when(rename, PERM_RENAME) |
               when(change && has(f, RIGHT_FOLDER) && !link, PERM_DELETE);
    if (S_ISREG(st->st_mode))
        return perm_file(f, folder, st, change) | when(rename, PERM_RENAME) |
               when(change && has(f, RIGHT_DELETE), PERM_DELETE);
    return when(change && has(f, RIGHT_DELETE) && link, PERM_DELETE);
}

void perm_text(unsigned perm, char out[12])
{
    char *at = out;

    for (unsigned i = 0; PERM_LETTERS[i]; i++)
        if (perm & (1u << i))
            *at++ = PERM_LETTERS[i];
    *at = 0;
}
