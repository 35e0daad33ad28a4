/* Finds directories of users and shares that overlap. */
#ifndef SALLYPORT_USERS_PLACES_H
#define SALLYPORT_USERS_PLACES_H

#include <limits.h>

#include "sallyport/base/buf.h"
#include "sallyport/users/users.h"

/* A home, or a share's directory. */
struct row_place {
    char *path;      /* with symbolic links resolved in the part that exists */
    const void *row; /* the struct user or share, in the table */
    const char *name;
    size_t line;
    bool share;
};

/* A function that resolves a path as place_resolve() does. OWNER is the owner
 * in struct places. */
typedef void place_resolver(const void *owner, const char *path,
                            char out[PATH_MAX]);

struct places {
    struct row_place *all; /* in the order of their paths */
    size_t count;
    place_resolver *resolve;
    const void *owner;
};

/* Copies an absolute path, and turns "//" into "/" and drops a '/' at its end.
 * Returns 0 or -ENAMETOOLONG. Looks only at the text, not at the disk. */
int place_tidy(struct slice path, char *out, size_t size);

/* Resolves the symbolic links in the part of PATH that exists, and adds the
 * rest. If the result is too long, OUT is the tidy path. "/" becomes "". This
 * is a place_resolver, which ignores NONE. */
void place_resolve(const void *none, const char *path, char out[PATH_MAX]);

/* Resolves the paths of all homes and shares, by RESOLVE (NULL:
 * place_resolve()). Returns false if memory is short. In any case the caller
 * calls places_release(). */
bool places_fill(struct places *p, const struct users *u,
                 place_resolver *resolve, const void *owner);
void places_release(struct places *p);
/* Finds a place that is PATH, contains PATH or lies in PATH, also by symbolic
 * links. Ignores the place of the row OWN (NULL: ignores no place). Returns
 * NULL if there is no such place. */
const struct row_place *places_overlap(const struct places *p, const char *path,
                                       const void *own);

/* The words after the number of missing homes. */
#define PLACES_LOST                                                            \
    "are missing; is a disk not mounted (mount -a), or does systemd hide it? " \
    "To see that run: sallyportctl check"
/* Adds the homes in the directory BELOW of users who aren't locked, each with
 * its '\0'. Returns 0 or -ENOMEM. */
int places_homes(const struct users *u, const char *below, struct buf *into);
/* Counts the missing ones of such HOMES. If most are missing, a disk is
 * probably not mounted: then returns their number, with the complaint;
 * otherwise 0. Opens homes, but no more than it needs to find PLACES_ENOUGH: on
 * a network disk all take too long, and autofs(5) would mount each. */
#define PLACES_ENOUGH 100
size_t places_missing(struct slice homes, const char *below,
                      struct complaint *c);

#endif
