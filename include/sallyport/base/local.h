/* A unix socket's path, as a folder that is open and a name in it: so the
 * folder that was judged is the one that is used, and the path may be longer
 * than the 107 bytes that an address holds. */
#ifndef SALLYPORT_BASE_LOCAL_H
#define SALLYPORT_BASE_LOCAL_H

#include <sys/socket.h>
#include <sys/un.h>

#include "sallyport/base/slice.h"

/* "/run/x/control": folder "/run/x" into OUT, and the name behind it; of a path
 * without '/' the folder is ".". 0; -EINVAL: there is no name; -ENAMETOOLONG.
 */
int local_split(const char *path, char *out, size_t size, const char **name);
/* The address of NAME in FOLDER, for bind(2) and connect(2): its size, or
 * -ENAMETOOLONG. Needs /proc. */
int local_address(int folder, const char *name, struct sockaddr_un *ret);
/* The uid at the other end of a connected socket; -errno. */
int local_peer(int fd, struct ucred *ret);

#endif
