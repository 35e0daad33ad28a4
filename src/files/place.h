/* The rename that makes an upload visible. */
#ifndef FILES_PLACE_H
#define FILES_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/domain/conflict.h"

struct files;
struct path;
struct upload;

/* A file that gets a name. */
struct naming {
    int source;       /* the directory where it is now */
    const char *from; /* its name there */
    int fd;           /* the file itself, open; O_PATH suffices */
    int directory;    /* where it gets the name; on the same file system */
    /* The wanted name, in NAME_MAX + 1 bytes, and the path that ends in it.
     * place_file() changes both if the file gets another name. */
    char *name;
    struct path *path;
    enum conflict conflict;
};

/* May an upload begin if a file, or a LINK to one, has its name? 0,
 * OUTCOME_NO_RIGHT or OUTCOME_NAME_TAKEN. */
int place_permitted(const struct files *f, bool link);
/* Whoever gives a file a name, or takes one away, holds the lock of its
 * directory, so that all sessions do so one after the other, and what was
 * checked under the lock still holds at the rename. DIRECTORY is open for
 * reading. 0; -EBUSY after 5 s. 0 as well where it can't be locked: it isn't
 * open for reading, or its file system has no locks. */
int place_lock(const struct files *f, int directory);
/* The same for two, which may be the same directory. */
int place_lock_both(const struct files *f, int a, int b);
void place_unlock(int directory);

/* Gives a file its name, as on_conflict says, without ever replacing one that
 * it may not: 0, and name and path are those under which it is visible; else an
 * enum outcome or -errno, and it stands where it stood (OUTCOME_OVERTAKEN: or
 * where another process has put it). The caller holds the lock. */
int place_file(const struct files *f, struct naming *n);
/* The same for the open upload and its partial. */
int place_upload(const struct files *f, struct upload *u);

/* The Nth name to try instead of NAME, N from 1: for CONFLICT_RENAME "a (2).b"
 * or "new-a.b", for CONFLICT_VERSION "a.b.~1~". Cut between characters where
 * it would be longer than SIZE - 1. */
void place_name(enum conflict conflict, enum conflict_name style,
                const char *name, unsigned n, char *out, size_t size);

#endif
