/* The directories of users and shares: which of them overlap. */
#ifndef SALLYPORT_USERS_PLACES_H
#define SALLYPORT_USERS_PLACES_H

#include <limits.h>

#include "sallyport/users/users.h"

/* A home, or a share's directory. */
struct row_place {
    char *path;      /* symbolic links resolved, as far as it exists */
    const void *row; /* the struct user or share, in the table */
    const char *name;
    size_t line;
    bool share;
};

/* Does what place_resolve() does. OWNER belongs to struct places. */
typedef void place_resolver(const void *owner, const char *path,
                            char out[PATH_MAX]);

struct places {
    struct row_place *all; /* in the order of their paths */
    size_t count;
    place_resolver *resolve;
    const void *owner;
};

/* Copies an absolute path without "//" and without '/' at its end. Returns 0 or
 * -ENAMETOOLONG. It looks only at the text. */
int place_tidy(struct slice path, char *out, size_t size);

/* Resolves the symbolic links in the part of PATH that exists, and adds the
 * rest. If it can't, OUT is the tidy path. "/" becomes "". It is a
 * place_resolver, and ignores NONE. */
void place_resolve(const void *none, const char *path, char out[PATH_MAX]);

/* Resolves the paths of all homes and shares, by RESOLVE (NULL:
 * place_resolve()). Returns whether there was memory. In any case the caller
 * calls places_release(). */
bool places_fill(struct places *p, const struct users *u,
                 place_resolver *resolve, const void *owner);
void places_release(struct places *p);
/* Finds a place that is equal to PATH, contains it or lies in it, also by
 * symbolic links, but ignores OWN, a row or NULL. Returns NULL if there is
 * none. */
const struct row_place *places_overlap(const struct places *p, const char *path,
                                       const void *own);

#endif
