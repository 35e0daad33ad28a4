/* Listening sockets of control connections, when they accept, and socket
 * options. Runs in gate. Never waits and never spins: a listener that can't
 * accept leaves the loop for a moment. */
#include "gate.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "sallyport/base/fd.h"

/* Adds the listener to the loop if it should accept, and otherwise removes it.
 * If loop_add() fails, tries again later. */
void acceptor_update(void *owner)
{
    struct gate_listener *l = owner;
    struct loop *loop = &l->gate->frame.loop;
    bool accepts = l->fd >= 0 && l->started && !l->held;

    if (accepts && !l->watch.added && loop_add(loop, &l->watch) < 0) {
        loop_timer_set(loop, &l->pause, ACCEPT_PAUSE_MS);
    } else if (!accepts) {
        loop_remove(loop, &l->watch);
        loop_timer_clear(loop, &l->pause);
    }
}

void acceptor_set(struct gate_listener *l, bool started)
{
    l->started = started;
    acceptor_update(l);
}

int acceptor_accept(struct gate_listener *l, struct address *peer)
{
    struct sockaddr_storage from = { 0 };
    socklen_t len = sizeof(from);
    FD_CLEANUP int fd = accept4(l->fd, (struct sockaddr *)&from, &len,
                                SOCK_NONBLOCK | SOCK_CLOEXEC);
    int r = fd < 0 ? -errno : address_from_sockaddr(peer, &from);

    return r < 0 ? r : fd_take(&fd);
}

void acceptor_close(struct gate_listener *l)
{
    acceptor_set(l, false);
    fd_close(&l->fd);
}

void gate_watch_master(struct gate *g)
{
    bool waits = g->master_slow || (g->shuts && g->queue.count == 0);

    loop_change(&g->frame.loop, &g->frame.master_watch,
                waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void gate_say_shut(struct gate *g)
{
    if (!g->shuts || g->queue.count > 0)
        return;
    g->shuts = SEND(&g->frame.master, shut, 0) == -EAGAIN;
    gate_watch_master(g);
}

/* Decides whether connections wait in the kernel. A proxy's client is unknown
 * until a session has read the PROXY header, so only a few sessions of unknown
 * clients may exist at a time: the connections of a flood through the proxy
 * then wait in the kernel, and gate drops no client's connection. */
void acceptor_hold_back(struct gate *g)
{
    bool too_many_unknown = g->limits.unknown >= ACCEPT_UNKNOWN;
    struct pollfd one = { .fd = g->frame.master.fd, .events = POLLOUT };

    /* Linux reports master's socket as writable only if at most a quarter of
     * its buffer is in use. So the messages about admitted sessions still fit.
     */
    g->master_slow = poll(&one, 1, 0) == 0;
    for (size_t i = 0; i < g->listeners; i++) {
        struct gate_listener *l = &g->listener[i];
        const bool held = g->master_slow || (too_many_unknown && l->proxied);

        if (l->held != held) {
            l->held = held;
            acceptor_update(l);
        }
    }
    gate_watch_master(g);
}

void socket_set(int fd, int level, int option)
{
    const int one = 1;

    setsockopt(fd, level, option, &one, sizeof(one));
}
