/* Files with secrets or trust: no other user may read or change them. */
#ifndef CLIENT_PRIVATE_H
#define CLIENT_PRIVATE_H

#include <limits.h>
#include <stdbool.h>

#include "fail.h"
#include "sallyport/base/buf.h"

/* Reads a whole regular file of the caller's; it may have at most BUF's
 * maximum. With SECRET no other user may have any right to it, except
 * where root puts the secrets of a service. Returns 0; 1: the file is missing;
 * -1 with the reason. */
int private_read(const char *path, bool secret, struct buf *into,
                 struct failure *why);
/* Writes the path $VARIABLE/sallyport/NAME or, if the variable isn't set,
 * ~/FALLBACK/sallyport/NAME. Returns 0, or -1: neither variable is set, or the
 * path is too long. */
int private_place(const char *variable, const char *fallback, const char *name,
                  char out[PATH_MAX]);

/* Makes the missing directories above PATH, with mode 0700. */
void private_directories(char *path);

#endif
