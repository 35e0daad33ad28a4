/* Active mode, PORT and EPRT: gate connects to a client and hands the socket to
 * its session. In gate, and only where the setting says so: else its cage
 * refuses the calls. It must never connect anywhere but to the host of the
 * control connection, whatever the session says, nor wait for an answer. */
#include "active.h"

#include <errno.h>
#include <sys/socket.h>

#include "gate.h"
#include "sallyport/base/fd.h"
#include "socket.h"

void active_leave(struct child *c)
{
    struct active *a = &c->active;

    if (a->fd < 0)
        return;
    loop_remove(&c->gate->loop, &a->watch);
    loop_timer_clear(&c->gate->loop, &a->timer);
    fd_close(&a->fd);
}

static int answer_none(struct child *c, int error)
{
    struct packet p = { .message = MSG_ACTIVE_NONE,
                        .request = c->active.request,
                        .value = { NUMBER((unsigned)error) } };

    active_leave(c);
    return channel_send(&c->channel, &p);
}

static int hand_over(struct child *c)
{
    struct packet p = { .message = MSG_DATA,
                        .request = c->active.request,
                        .value = { ADDRESS(c->active.to) },
                        .fd = { c->active.fd, -1 } };
    int r;

    socket_no_delay(c->active.fd);
    r = channel_send(&c->channel, &p);
    active_leave(c);
    return r;
}

/* Asked a second time, connect() says how the first one went: gate has no
 * getsockopt() in its cage. */
static int try_connect(struct active *a)
{
    struct sockaddr_storage where;
    socklen_t size = address_to_sockaddr(&a->to, &where);

    if (connect(a->fd, (struct sockaddr *)&where, size) == 0 ||
        errno == EISCONN)
        return 0;
    return errno == EALREADY ? EINPROGRESS : errno;
}

/* 0, or what the session is to be killed for. */
static int go_on(struct child *c)
{
    int error = try_connect(&c->active);

    if (error == EINPROGRESS)
        return 0;
    return error == 0 ? hand_over(c) : answer_none(c, error);
}

static void deaf(struct child *c, int r)
{
    if (r == -EAGAIN)
        child_wrong(c, "answers that it doesn't read");
}

static void on_ready(void *owner, uint32_t events)
{
    (void)events;
    deaf(owner, go_on(owner));
}

static void on_time(void *owner)
{
    deaf(owner, answer_none(owner, ETIMEDOUT));
}

static int begin(struct child *c)
{
    struct active *a = &c->active;
    struct loop *loop = &c->gate->loop;
    int family = a->to.family == 4 ? AF_INET : AF_INET6, r;

    a->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (a->fd < 0)
        return answer_none(c, errno);
    a->watch = (struct loop_watch){
        .fd = a->fd, .events = EPOLLOUT, .on_ready = on_ready, .owner = c
    };
    a->timer = (struct loop_timer){ .on_time = on_time, .owner = c };
    r = try_connect(a);
    if (r == EINPROGRESS && loop_add(loop, &a->watch) < 0)
        r = ENOMEM;
    if (r == EINPROGRESS) {
        loop_timer_set(loop, &a->timer, c->gate->settings.connect_timeout);
        return 0;
    }
    return r == 0 ? hand_over(c) : answer_none(c, r);
}

static int refuse(struct child *c, const char *why)
{
    c->channel.wrong = why;
    return -EPROTO;
}

int active_connect(struct child *c, uint32_t request, const struct address *to)
{
    if (!c->gate->settings.active)
        return refuse(c, "active mode, which is off");
    if (!address_same_host(to, &c->peer))
        return refuse(c, "a connection to another host");
    if (to->port < ACTIVE_PORT_MIN)
        return refuse(c, "a connection to a port below 1024");
    active_leave(c);
    c->active.request = request;
    c->active.to = *to;
    return begin(c);
}
