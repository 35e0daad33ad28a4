/* Files that hold secrets or trust: nobody else may read or change them. */
#ifndef CLIENT_PRIVATE_H
#define CLIENT_PRIVATE_H

#include <limits.h>
#include <stdbool.h>

#include "fail.h"
#include "sallyport/base/buf.h"

/* The whole of a regular file of the caller's that is at most BUF's maximum;
 * with SECRET nobody else may have any right to it. 0; 1: it isn't there; -1
 * with the reason. */
int private_read(const char *path, bool secret, struct buf *into,
                 struct failure *why);
/* HOME-based places: $VARIABLE/sallyport/NAME, else ~/FALLBACK/sallyport/NAME.
 * 0, or -1 where neither is set or the path is too long. */
int private_place(const char *variable, const char *fallback, const char *name,
                  char out[PATH_MAX]);

/* Makes the directories above PATH, with mode 0700 where they are new. */
void private_directories(char *path);

#endif
