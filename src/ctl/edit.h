/* An edit of the users file: locked, and atomic. Lines that it doesn't change
 * keep every byte. */
#ifndef CTL_EDIT_H
#define CTL_EDIT_H

#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/complain.h"
#include "sallyport/usersfile/usersfile.h"

struct edit {
    char path[PATH_MAX]; /* the users file, links resolved */
    char *name;          /* the file's name: the end of path */
    int directory_fd, lock_fd;
    bool exists;
    bool stands; /* the new file has replaced the old one */
    struct stat old;
    struct buf text;    /* the new file */
    struct users users; /* the old file */
    struct complaint *complaint;
};

/* All functions below return an exit code, with the complaint filled in. */

/* Loads the users without a lock. A missing file has none. In any case the
 * caller calls users_release(). If the file has a mistake, it returns
 * EX_DATAERR; unless TELL is NULL, TELL gets each mistake, and *u the correct
 * rows. */
int edit_load_users(struct users *u, const char *path, users_report *tell,
                    struct complaint *c);
/* Waits up to LOCK_MS for the lock, and reads the file. In any case the caller
 * calls edit_release(). */
int edit_open(struct edit *e, const char *path, unsigned lock_ms,
              struct complaint *c);
void edit_release(struct edit *e);

/* LINE has no line end. */
int edit_append(struct edit *e, struct slice line);
int edit_remove(struct edit *e, const struct user *user);
/* Replaces a column of the user's line; the last column has edit_set_key(). */
enum edit_column {
    EDIT_HASH = 1,
    EDIT_UID,
    EDIT_GID,
    EDIT_COMMENT,
    EDIT_HOME,
};
int edit_set_column(struct edit *e, const struct user *user,
                    enum edit_column column, const char *text);
/* Sets KEY=VALUE in the last column, and removes an older value of KEY. VALUE
 * NULL only removes it. */
int edit_set_key(struct edit *e, const struct user *user, const char *key,
                 const char *value);
int edit_commit(struct edit *e);

/* The highest uid that was ever assigned (USERS.last-uid); 0: none. */
int edit_last_uid(struct edit *e, uint64_t *ret);
int edit_set_last_uid(struct edit *e, uint64_t uid);

#endif
