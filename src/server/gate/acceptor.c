/* Listening sockets of control connections, and socket options. Runs in gate.
 * It never waits and never spins: a listener that can't accept leaves
 * the loop for a moment. */
#include "gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "sallyport/base/fd.h"

/* Makes the loop watch the listener, or not. If it should accept but can't,
 * this tries again. */
static void acceptor_update(void *owner)
{
    struct acceptor *a = owner;
    bool accepts = a->fd >= 0 && a->started && !a->held;

    if (accepts && !a->watch.added && loop_add(a->loop, &a->watch) < 0) {
        loop_timer_set(a->loop, &a->pause, ACCEPT_PAUSE_MS);
    } else if (!accepts) {
        loop_remove(a->loop, &a->watch);
        loop_timer_clear(a->loop, &a->pause);
    }
}

static void acceptor_failed(struct acceptor *a, int error)
{
    /* One connection was lost before it was accepted. The next one can still be
     * accepted. */
    if (error == EAGAIN || error == ECONNABORTED || error == EINTR ||
        error == EPROTO)
        return;
    if ((error == EMFILE || error == ENFILE) && a->full)
        a->full(a);
    /* The listener stays readable while connections wait, so it must leave the
     * loop, or the loop would turn without end. */
    loop_remove(a->loop, &a->watch);
    loop_timer_set(a->loop, &a->pause, ACCEPT_PAUSE_MS);
}

int acceptor_accept(struct acceptor *a, struct address *peer)
{
    struct sockaddr_storage from = { 0 };
    socklen_t len = sizeof(from);
    FD_CLEANUP int fd = accept4(a->fd, (struct sockaddr *)&from, &len,
                                SOCK_NONBLOCK | SOCK_CLOEXEC);
    int r = fd < 0 ? -errno : address_from_sockaddr(peer, &from);

    return r < 0 ? r : fd_take(&fd);
}

/* Accepts one connection in a turn of the loop: a flood on one listener then
 * starves neither the others nor the sessions, and a single connection needs no
 * second look. */
static void acceptor_on_readable(void *owner, uint32_t events)
{
    struct acceptor *a = owner;
    struct address peer;
    int fd;

    (void)events;
    if (a->may && !a->may(a)) {
        acceptor_stop(a);
        return;
    }
    fd = acceptor_accept(a, &peer);
    if (fd < 0)
        acceptor_failed(a, -fd);
    else
        a->enter(a, fd, &peer);
}

int acceptor_init(struct acceptor *a)
{
    int r = fd_set_nonblock(a->fd, true);

    a->watch = (struct loop_watch){ .fd = a->fd,
                                    .events = EPOLLIN,
                                    .on_ready = acceptor_on_readable,
                                    .owner = a };
    a->pause = (struct loop_timer){ .on_timer = acceptor_update, .owner = a };
    return r < 0 ? r : socket_local(a->fd, &a->bound);
}

void acceptor_start(struct acceptor *a)
{
    a->started = true;
    acceptor_update(a);
}

void acceptor_stop(struct acceptor *a)
{
    a->started = false;
    acceptor_update(a);
}

void acceptor_hold(struct acceptor *a)
{
    a->held = true;
    acceptor_update(a);
}

void acceptor_unhold(struct acceptor *a)
{
    if (!a->held)
        return;
    a->held = false;
    acceptor_update(a);
}

void acceptor_close(struct acceptor *a)
{
    a->started = false;
    acceptor_update(a);
    fd_close(&a->fd);
}

/* Ignores a refused option: options make connections better, not safer. */
static void socket_set(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof(value));
}

void socket_no_delay(int fd)
{
    socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void socket_share_ports(int fd)
{
    socket_set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
}

void socket_reuse_port(int fd)
{
    socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
}

void socket_only_ipv6(int fd)
{
    socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

int socket_local(int fd, struct address *ret)
{
    struct sockaddr_storage s = { 0 };
    socklen_t len = sizeof(s);

    if (getsockname(fd, (struct sockaddr *)&s, &len) < 0)
        return -errno;
    return address_from_sockaddr(ret, &s);
}
