/* The path of a unix socket as an open directory and a name in it. So the
 * directory that was checked is the one that is used, and the path may be
 * longer than the 107 bytes that an address holds. */
#ifndef SALLYPORT_BASE_LOCAL_H
#define SALLYPORT_BASE_LOCAL_H

#include <sys/socket.h>
#include <sys/un.h>

#include "sallyport/base/slice.h"

/* Splits "/run/x/control": writes the directory "/run/x" to OUT, and points
 * *name to "control". The directory of a path without '/' is ".". Returns 0;
 * -EINVAL: there is no name; -ENAMETOOLONG. */
int local_split(const char *path, char *out, size_t size, const char **name);
/* Writes the address of NAME in DIRECTORY, for bind(2) and connect(2). It needs
 * /proc. Returns the address's size, or -ENAMETOOLONG. */
int local_address(int directory, const char *name, struct sockaddr_un *ret);
/* Gets the pid, uid and gid of the process at the other end of a connected
 * socket. Returns 0 or -errno. */
int local_peer(int fd, struct ucred *ret);

#endif
