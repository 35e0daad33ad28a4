/* A file's whole content, exchanged in one step. */
#ifndef CTL_REPLACE_H
#define CTL_REPLACE_H

#include <sys/stat.h>

#include "sallyport/base/slice.h"

/* Looks at the finished file before it gets its name: 0, or a negative number
 * that replace_file() gives back. */
typedef int replace_check(int fd, void *owner);

/* Writes NAME.new in the folder, syncs it, renames it to NAME, syncs the
 * folder. Owner, group and mode are LIKE's (NULL: the caller's, 0600), but
 * nothing for others. Killed at any moment it leaves the old file or the new.
 * The caller holds the folder's lock. 0 or -errno */
int replace_file(int folder_fd, const char *name, struct slice bytes,
                 const struct stat *like, replace_check *check, void *owner);
/* Removes what a killed replace_file() left. */
void replace_clean(int folder_fd, const char *name);

#endif
