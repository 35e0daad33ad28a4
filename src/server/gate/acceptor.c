/* Listening sockets of control connections, and socket options. Runs in gate.
 * Never waits and never spins: a listener that can't accept leaves the loop for
 * a moment. */
#include "gate.h"

#include <errno.h>
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

/* Accepts one connection in a turn of the loop: then a flood on one listener
 * starves neither the other listeners nor the sessions, and for a single
 * connection gate calls accept(2) only once. The look at the board and
 * accept(2) are two steps: if a newer gate takes over in between, this gate
 * still serves the connection. */
static void acceptor_on_readable(void *owner, uint32_t events)
{
    struct gate_listener *l = owner;
    const struct gate *g = l->gate;
    struct address peer;
    int fd;

    (void)events;
    if (!board_accepts(g->board, g->frame.setup.generation)) {
        acceptor_set(l, false);
        return;
    }
    fd = acceptor_accept(l, &peer);
    if (fd >= 0) {
        entry_enter(l, fd, &peer);
        return;
    }
    /* This connection was lost before gate accepted it. Gate can still accept
     * the next one. */
    if (fd == -EAGAIN || fd == -ECONNABORTED || fd == -EINTR || fd == -EPROTO)
        return;
    if (fd == -EMFILE || fd == -ENFILE)
        entry_full(l);
    /* The listener stays readable while connections wait, so it must leave the
     * loop, or the loop would turn without end. */
    loop_remove(&l->gate->frame.loop, &l->watch);
    loop_timer_set(&l->gate->frame.loop, &l->pause, ACCEPT_PAUSE_MS);
}

int acceptor_init(struct gate_listener *l)
{
    int r = fd_set_nonblock(l->fd, true);

    l->watch = (struct loop_watch){ .fd = l->fd,
                                    .events = EPOLLIN,
                                    .on_ready = acceptor_on_readable,
                                    .owner = l };
    l->pause = (struct loop_timer){ .on_timer = acceptor_update, .owner = l };
    return r < 0 ? r : address_of_socket(l->fd, &l->bound);
}

void acceptor_close(struct gate_listener *l)
{
    acceptor_set(l, false);
    fd_close(&l->fd);
}

void socket_set(int fd, int level, int option)
{
    const int one = 1;

    setsockopt(fd, level, option, &one, sizeof(one));
}
