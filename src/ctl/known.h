/* What is known of directories before the users file is locked (known.c). */
#ifndef CTL_KNOWN_H
#define CTL_KNOWN_H

#include "ctl.h"

struct known {
    char *path;           /* place_tidy()'s */
    const char *real;     /* place_resolve()'s; NULL: its disk doesn't answer */
    bool link, directory; /* itself; and what it is, or leads to */
    bool wanted;          /* one of MORE */
    bool empty;           /* a wanted directory, and no link */
    uid_t uid;            /* of the directory */
    gid_t gid;
    mode_t mode; /* its permissions */
};

/* Asks about the directories of all users and shares, and about the N paths in
 * MORE. The command calls it before the lock. */
void known_fill(struct context *x, const struct users *u,
                const char *const *more, size_t n);
/* NULL: nobody has asked about PATH. */
const struct known *known_of(const struct context *x, const char *path);
/* A place_resolver; OWNER is the context. */
void known_resolve(const void *owner, const char *path, char out[PATH_MAX]);
void known_release(struct context *x);

/* Asks which uids own a directory in the setting homes, without that of PATH
 * (NULL: with each). The command calls it before the lock. */
void known_ask_owners(struct context *x, const char *path);
/* False if nobody has asked, or it isn't known. */
bool known_owner(const struct context *x, uint64_t uid);

#endif
