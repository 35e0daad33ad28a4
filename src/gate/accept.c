/* Accepting, the same for control and data connections. In gate. Never waits,
 * never spins: a listener that can't accept rests for a moment. */
#include "accept.h"

#include <errno.h>

#include "sallyport/base/fd.h"

static void on_pause_over(void *owner)
{
    struct door *d = owner;

    if (loop_add(d->loop, &d->watch) < 0)
        loop_timer_set(d->loop, &d->pause, ACCEPT_PAUSE_MS);
}

/* The listener stays readable while connections wait, so it must leave the
 * loop, or the loop would turn without end. */
static void rest(struct door *d)
{
    loop_remove(d->loop, &d->watch);
    loop_timer_set(d->loop, &d->pause, ACCEPT_PAUSE_MS);
}

/* One connection was lost before it was accepted; the next may be well. */
static bool is_passing(int error)
{
    return error == ECONNABORTED || error == EINTR || error == EPROTO;
}

static bool go_on_after(struct door *d, int error)
{
    if (error == EAGAIN)
        return false;
    if (is_passing(error))
        return true;
    if ((error == EMFILE || error == ENFILE) && d->full)
        d->full(d);
    rest(d);
    return false;
}

static bool accept_one(struct door *d)
{
    struct sockaddr_storage from = { 0 };
    socklen_t len = sizeof(from);
    int fd = accept4(d->fd, (struct sockaddr *)&from, &len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return go_on_after(d, errno);
    d->enter(d, fd, &from);
    return true;
}

static void on_ready(void *owner, uint32_t events)
{
    struct door *d = owner;

    (void)events;
    for (int i = 0; i < ACCEPT_ROUND && d->fd >= 0 && !d->held; i++)
        if (!accept_one(d))
            return;
}

void door_sweep(struct door *d)
{
    on_ready(d, EPOLLIN);
}

int door_open(struct door *d)
{
    int r = fd_set_nonblock(d->fd, true);

    if (r < 0)
        return r;
    d->watch = (struct loop_watch){
        .fd = d->fd, .events = EPOLLIN, .on_ready = on_ready, .owner = d
    };
    d->pause = (struct loop_timer){ .on_time = on_pause_over, .owner = d };
    return loop_add(d->loop, &d->watch);
}

void door_hold(struct door *d)
{
    if (d->fd < 0)
        return;
    d->held = true;
    loop_remove(d->loop, &d->watch);
    loop_timer_clear(d->loop, &d->pause);
}

void door_go(struct door *d)
{
    if (!d->held)
        return;
    d->held = false;
    if (d->fd >= 0)
        on_pause_over(d);
}

void door_close(struct door *d)
{
    if (d->fd < 0)
        return;
    loop_remove(d->loop, &d->watch);
    loop_timer_clear(d->loop, &d->pause);
    fd_close(&d->fd);
}
