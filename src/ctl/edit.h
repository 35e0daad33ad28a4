/* An edit of the users file: locked, and whole or not at all. Lines that it
 * doesn't touch stay byte for byte. */
#ifndef CTL_EDIT_H
#define CTL_EDIT_H

#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/complaint.h"
#include "sallyport/users/users.h"

struct edit {
    char path[PATH_MAX]; /* of the users file, links resolved */
    char *name;          /* in the folder: the end of path */
    int folder_fd, lock_fd;
    bool exists;
    struct stat old;
    struct buf text;    /* the file as it will be */
    struct users users; /* the file as it was */
    struct complaint *complaint;
};

/* All below return an exit code, with the complaint said. */

/* The users, without a lock; none where there is no file. */
int users_load(struct users *u, const char *path, struct complaint *c);
/* The same of a file with mistakes: they are told, and what can be read is in
 * *u; then EX_DATAERR. */
int users_load_some(struct users *u, const char *path, users_report *tell,
                    struct complaint *c);
/* Waits up to LOCK_MS for the lock beside the file, then reads it. Release it
 * in any case. */
int edit_open(struct edit *e, const char *path, unsigned lock_ms,
              struct complaint *c);
void edit_release(struct edit *e);

/* The line is without its end. */
int edit_append(struct edit *e, struct slice line);
int edit_remove(struct edit *e, const struct user *user);
/* Exchanges a column of the user's line, of those before the last. */
enum edit_column {
    EDIT_HASH = 1,
    EDIT_UID,
    EDIT_GID,
    EDIT_COMMENT,
    EDIT_HOME,
};
int edit_set_column(struct edit *e, const struct user *user,
                    enum edit_column column, const char *text);
/* The word KEY=VALUE in the last column instead of the one with that key; VALUE
 * NULL: none. */
int edit_set_key(struct edit *e, const struct user *user, const char *key,
                 const char *value);
int edit_commit(struct edit *e);

/* The highest uid that was ever given out (USERS.last-uid); 0: none. */
int edit_last_uid(struct edit *e, uint64_t *ret);
int edit_set_last_uid(struct edit *e, uint64_t uid);

#endif
