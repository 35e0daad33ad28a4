/* Active mode, PORT and EPRT: gate connects to a client and sends the socket to
 * its session. Runs in gate, only with `active = yes`: otherwise the sandbox
 * refuses the calls. Gate must connect only to the host of the control
 * connection, whatever the session asks for, and only after the login (phase
 * USER). Behind a proxy, only the session can name the client's host, so gate
 * makes no connection. Gate never waits for an answer. */
#include "gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

static int active_failed(struct gate_child *c, int error)
{
    active_leave(c);
    return SEND(&c->channel, active_none, c->active.request, .error = error);
}

static int active_connected(struct gate_child *c)
{
    int r;

    socket_set(c->active.fd, IPPROTO_TCP, TCP_NODELAY);
    r = SEND(&c->channel, data, c->active.request, .connection = c->active.fd);
    active_leave(c);
    return r;
}

/* Calls connect(). A later call returns the result of the first call, which
 * getsockopt() would also tell; but gate's sandbox doesn't permit getsockopt().
 * Returns 0 or errno; EINPROGRESS: the result isn't known yet. */
static int try_connect(struct active *a)
{
    struct sockaddr_storage where;
    socklen_t size = address_to_sockaddr(&a->to, &where);

    if (connect(a->fd, (struct sockaddr *)&where, size) == 0 ||
        errno == EISCONN)
        return 0;
    return errno == EALREADY ? EINPROGRESS : errno;
}

static void active_on_writable(void *owner, uint32_t events)
{
    struct gate_child *c = owner;
    int error = try_connect(&c->active);

    (void)events;
    if (error != EINPROGRESS)
        child_answered(c, error == 0 ? active_connected(c)
                                     : active_failed(c, error));
}

static void active_on_timer(void *owner)
{
    child_answered(owner, active_failed(owner, ETIMEDOUT));
}

/* Makes a socket that connects from the address that the client knows (RFC 959
 * 3.2), and from any port. Returns 0 or errno. */
static int active_open(struct gate_child *c)
{
    int family = c->active.to.family == 4 ? AF_INET : AF_INET6;
    struct address from = c->local;
    struct sockaddr_storage where;
    socklen_t size;

    c->active.fd =
        socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->active.fd < 0)
        return errno;
    from.port = 0;
    size = address_to_sockaddr(&from, &where);
    /* The kernel chooses the port at connect(), so that connections to
     * different clients can share it. */
    socket_set(c->active.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    return bind(c->active.fd, (struct sockaddr *)&where, size) < 0 ? errno : 0;
}

/* Refuses the request if active mode is off or the session is proxied: an
 * honest session then refuses PORT itself. */
int active_on_active(void *owner, struct msg_active *m)
{
    struct gate_child *c = owner;
    struct active *a = &c->active;
    int error;

    if (!c->gate->settings.active)
        return channel_refuse(&c->channel, "active mode, which is off");
    if (c->proxied) /* only the session says who its client is */
        return channel_refuse(&c->channel, "active mode behind a proxy");
    if (!address_same_host(&m->to, &c->peer))
        return channel_refuse(&c->channel, "a connection to another host");
    if (m->to.port < ACTIVE_PORT_MIN)
        return channel_refuse(&c->channel, "a connection to a port below 1024");
    active_leave(c);
    a->request = m->request;
    a->to = m->to;
    error = active_open(c);
    if (error == 0)
        error = try_connect(a);
    if (error != EINPROGRESS)
        return error == 0 ? active_connected(c) : active_failed(c, error);
    a->watch = (struct loop_watch){ .fd = a->fd,
                                    .events = EPOLLOUT,
                                    .on_ready = active_on_writable,
                                    .owner = c };
    a->timer = (struct loop_timer){ .on_timer = active_on_timer, .owner = c };
    if (loop_add(&c->gate->frame.loop, &a->watch) < 0)
        return active_failed(c, ENOMEM);
    loop_timer_set(&c->gate->frame.loop, &a->timer,
                   c->gate->settings.connect_timeout);
    return 0;
}

int active_on_close(void *owner, struct msg_active_close *m)
{
    (void)m;
    active_leave(owner);
    return 0;
}
