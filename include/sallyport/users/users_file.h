/* The users file on the disk: its lock, its lines, and its replacement in one
 * step. sallyportctl edits it by these functions, and master replaces the hash
 * of one user. */
#ifndef SALLYPORT_USERS_USERS_FILE_H
#define SALLYPORT_USERS_USERS_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

/* users_file.c */

struct users_file {
    char path[PATH_MAX];       /* the users file, links resolved */
    char *name;                /* the file's name: the end of path */
    int directory_fd, lock_fd; /* or -1 */
    struct stat read; /* of users_file_read(); inode 0: there was no file */
};

/* Opens the directory of the file, which may be missing. Returns 0 or -errno.
 * In any case the caller calls users_file_close(), which releases the lock too.
 */
int users_file_open(struct users_file *p, const char *path);
void users_file_close(struct users_file *p);
/* Waits up to MS for the lock, which is a file beside the users file. Then it
 * removes the leftover of a killed process. Returns 0; -ETIMEDOUT: somebody
 * else edits the file; or another -errno. */
int users_file_lock(struct users_file *p, uint64_t ms);

/* Opens the file whose name is that of the users file and ENDING, to read it:
 * the one that the disk has now, even if this machine has another one in
 * memory. The caller holds the lock. Returns a descriptor or -errno. */
int users_file_open_current(const struct users_file *p, const char *ending);
/* Reads the users file in the same way, and notes which one it is. Returns 0;
 * 1: it is being written; or -errno. */
int users_file_read(struct users_file *p, struct buf *text);

/* Has anybody the file open for writing? FD is open for reading only. False
 * also on a file system that can't tell. */
bool users_file_is_written(int fd);

/* Checks the finished file before it gets its name. Returns 0, or a negative
 * number, which users_file_replace() returns. */
typedef int users_file_check(int fd, void *owner);

/* Writes .NAME.sallyport-new in the directory, syncs it, renames it to NAME,
 * and syncs the directory. Owner, group and mode come from LIKE (NULL: the
 * caller's, 0600), but others get no rights. If the process is killed, the old
 * or the new file is there, complete. The caller holds the lock of the
 * directory. Returns 0 or -errno. *stands: the new file has its name, even if
 * the sync of the directory has failed. */
int users_file_replace(int directory_fd, const char *name, struct slice bytes,
                       const struct stat *like, users_file_check *check,
                       void *owner, bool *stands);

/* The same for the users file, after users_file_read(). -ESTALE: it isn't the
 * one that was read any more, or the lock is lost. */
int users_file_commit(const struct users_file *p, struct slice bytes,
                      const struct stat *like, users_file_check *check,
                      void *owner, bool *stands);

/* The user has changed the password: a new hash, and must_change= goes. */
struct hash_change {
    const char *user, *old, *hash; /* OLD is the one that was verified */
    struct slice text;             /* the file as the server has accepted it */
};
/* Makes that change: no other byte of the file is touched. It doesn't wait for
 * the lock. Returns 0 or -errno; -ETIMEDOUT: somebody else edits the file;
 * -ESTALE: the file has another text, perhaps a part of one that somebody
 * writes just now, or the user hasn't that hash any more; -EPERM: the new file
 * would have another owner or group. *stands as above. */
int users_file_set_hash(const char *path, const struct hash_change *change,
                        bool *stands);

/* columns.c: a line of a user, share or team, which was parsed before, so that
 * it has all its columns. What is returned points into the line. */

/* The line without its line end of Windows. */
struct slice columns_text(struct slice line);
/* The column of that number, from 0 on; not the last one. */
struct slice columns_at(struct slice line, unsigned column);
/* The last column, which has the options and may contain a ':'. */
struct slice columns_options(struct slice line);
/* The value of KEY in the last column; ptr NULL: it isn't there. */
struct slice columns_value(struct slice line, const char *key);
/* Writes the last column with KEY=VALUE (VALUE NULL: without KEY). Returns 0 or
 * -errno. */
int columns_set_key(struct slice line, const char *key, const char *value,
                    struct buf *options);
/* Writes the text of a whole users file after that change. Returns 0 or
 * -errno; -ESTALE as above. */
int columns_set_hash(struct slice text, const struct hash_change *change,
                     struct buf *into);

#endif
