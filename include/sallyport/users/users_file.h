/* The users file on the disk: its lock, and its replacement in one step.
 * sallyportctl edits it by these functions, and master replaces the hash of one
 * user. */
#ifndef SALLYPORT_USERS_USERS_FILE_H
#define SALLYPORT_USERS_USERS_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/slice.h"
#include "sallyport/users/row.h"

/* users_file.c */

struct users_file {
    char path[PATH_MAX];       /* the users file, links resolved */
    char *name;                /* the file's name: the end of path */
    int directory_fd, lock_fd; /* or -1 */
    struct stat read; /* set by users_file_read(); inode 0: there was no file */
};

/* Opens the directory of the file PATH; the file can be missing. Returns 0 or
 * -errno. In any case the caller calls users_file_close(), which also releases
 * the lock. */
int users_file_open(struct users_file *p, const char *path);
void users_file_close(struct users_file *p);
/* Waits up to MS for the lock, which is a file beside the users file. Then
 * removes the new file that a killed process has left. Returns 0; -ETIMEDOUT:
 * somebody else edits the file; or another -errno. */
int users_file_lock(struct users_file *p, uint64_t ms);

/* Reads the users file, and notes its inode. On a network disk it reads the
 * file that the disk has now, not an older copy in this machine's memory. The
 * caller holds the lock. Returns 0; 1: somebody is writing to the file; or
 * -errno. */
int users_file_read(struct users_file *p, struct buf *text);

/* Does anybody have the file open for writing? FD is open for reading only.
 * Returns false if the file system can't tell. */
bool users_file_is_written(int fd);

/* Does USERS.last-uid beside the users file PATH say that the file had users?
 * The caller has found the file missing, or (THERE) empty: a full disk makes an
 * empty one, sallyportctl never does. If so, *c says what to do. */
bool users_file_is_lost(const char *path, bool there, struct complaint *c);

/* Checks the finished file before it gets its name. Returns 0, or a negative
 * number, which users_file_replace() returns. */
typedef int users_file_check(int fd, void *owner);

/* Writes .NAME.sallyport-new in the directory, syncs it, renames it to NAME,
 * and syncs the directory. Owner, group and mode come from LIKE (NULL: the
 * caller's, 0600), but the mode has no rights for others. If the process is
 * killed, NAME is the old or the new file, complete. The caller holds the lock
 * of the directory. Returns 0 or -errno. *stands: does the new file have its
 * name? This can be true although the sync of the directory has failed. */
int users_file_replace(int directory_fd, const char *name, struct slice bytes,
                       const struct stat *like, users_file_check *check,
                       void *owner, bool *stands);

/* Does the same for the users file, after users_file_read(): the new file has
 * the owner, group and mode of the old one. -ESTALE: somebody has replaced the
 * file since users_file_read(), or the lock is lost. */
int users_file_commit(const struct users_file *p, struct slice bytes,
                      users_file_check *check, void *owner, bool *stands);

/* Replaces a user's hash, and removes must_change= from the user's row. Changes
 * no other byte of the file. Doesn't wait for the lock. Returns 0 or -errno;
 * -ETIMEDOUT: somebody else edits the file, or writes to it; -ESTALE: the file
 * has changed, or has another hash of the user; -EPERM: the new file would have
 * another owner or group. *stands is as for users_file_replace(). */
int users_file_set_hash(const char *path, const struct hash_change *change,
                        bool *stands);

#endif
