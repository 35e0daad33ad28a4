/* Socket options, for gate. A refused option is no reason to refuse a client:
 * they make connections better, not safer. */
#include "socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static void socket_set(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof(value));
}

void socket_no_delay(int fd)
{
    socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void socket_keep_alive(int fd)
{
    socket_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    socket_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    socket_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
    socket_set(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

void socket_urgent_in_line(int fd)
{
    socket_set(fd, SOL_SOCKET, SO_OOBINLINE, 1);
}

void socket_share_ports(int fd)
{
    socket_set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
}

bool socket_takes_both(int fd)
{
    int only = 1;
    socklen_t len = sizeof(only);

    if (getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) < 0)
        return false; /* IPv4 */
    return only == 0;
}

int socket_local(int fd, struct address *ret)
{
    struct sockaddr_storage s = { 0 };
    socklen_t len = sizeof(s);

    if (getsockname(fd, (struct sockaddr *)&s, &len) < 0)
        return -errno;
    return address_from_sockaddr(ret, &s);
}
