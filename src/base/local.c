/* Addresses of unix sockets, and the process at their other end. */
#include "sallyport/base/local.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

int local_split(const char *path, char *out, size_t size, const char **name)
{
    const char *slash = strrchr(path, '/');
    struct slice directory = { path, slash ? (size_t)(slash - path) : 0 };

    *name = slash ? slash + 1 : path;
    if ((*name)[0] == '\0')
        return -EINVAL;
    if (directory.len == 0)
        directory = slash ? SLICE("/") : SLICE(".");
    return slice_copy(directory, out, size);
}

int local_address(int directory, const char *name, struct sockaddr_un *ret)
{
    int n;

    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s",
                 directory, name);
    if (n < 0 || (size_t)n >= sizeof(ret->sun_path))
        return -ENAMETOOLONG;
    return (int)offsetof(struct sockaddr_un, sun_path) + n + 1;
}

int local_peer(int fd, struct ucred *ret)
{
    socklen_t size = sizeof(*ret);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &size) < 0 ? -errno : 0;
}
