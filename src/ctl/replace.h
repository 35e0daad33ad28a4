/* Replaces a file's content in one step. */
#ifndef CTL_REPLACE_H
#define CTL_REPLACE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "sallyport/base/slice.h"

/* Checks the finished file before it gets its name. Returns 0, or a negative
 * number, which replace_file() returns. */
typedef int replace_check(int fd, void *owner);

/* Writes NAME.new in the directory, syncs it, renames it to NAME, and syncs the
 * directory. Owner, group and mode come from LIKE (NULL: the caller's, 0600),
 * but others get no rights. If the process is killed, the old or the new file
 * is there, complete. The caller holds the lock of the directory. Returns 0 or
 * -errno. *stands: the new file has its name, even if the sync of the directory
 * has failed. */
int replace_file(int directory_fd, const char *name, struct slice bytes,
                 const struct stat *like, replace_check *check, void *owner,
                 bool *stands);
/* Removes the leftover of a killed replace_file(). */
void replace_clean(int directory_fd, const char *name);

#endif
