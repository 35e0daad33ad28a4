/* Implements sd_notify(3) without libsystemd: one datagram to the socket in
 * $NOTIFY_SOCKET. */
#include "supervisor.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "sallyport/base/fd.h"

int notify_open(int *ret, const char *where)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t len = where ? strlen(where) : 0;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    FD_CLEANUP int fd = -1;

    *ret = -1;
    if (len == 0)
        return 0;
    if ((where[0] != '/' && where[0] != '@') || len >= sizeof(to.sun_path))
        return -EINVAL;
    memcpy(to.sun_path, where, len);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, size) < 0)
        return -errno;
    *ret = fd_take(&fd);
    return 0;
}

void notify_send(int fd, const char *text)
{
    if (fd >= 0)
        (void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}
