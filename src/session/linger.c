/* Data connections that are over, in session. If a socket is closed with unread
 * bytes, or before the client's last bytes, the kernel answers with a reset,
 * and the client may lose what it hasn't read. So this file shuts our end
 * first, and waits for the client's end, beside the next transfers. It must
 * never keep a byte. */
#include "linger.h"

#include <errno.h>
#include <sys/socket.h>

#include "control.h"
#include "leave.h"
#include "sallyport/base/fd.h"

#define LINGER_MS 2000

static void linger_end(struct goodbye *g)
{
    struct loop *loop = &g->session->loop;

    loop_timer_clear(loop, &g->timer);
    loop_remove(loop, &g->watch);
    fd_close(&g->fd);
}

bool linger_drain(int fd)
{
    char waste[32768];

    for (int i = 0; i < 16; i++) {
        ssize_t n = recv(fd, waste, sizeof(waste), MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n <= 0)
            return false;
    }
    return true;
}

static void linger_over(struct goodbye *g)
{
    struct session *s = g->session;

    linger_end(g);
    control_lingered(s);
}

static void linger_on_socket(void *owner, uint32_t events)
{
    struct goodbye *g = owner;

    (void)events;
    if (!linger_drain(g->fd))
        linger_over(g);
}

static void linger_on_late(void *owner)
{
    linger_over(owner);
}

/* If a client begins transfers faster than it closes their connections, the
 * oldest of these is closed. */
static struct goodbye *linger_place(struct session *s)
{
    struct goodbye *oldest = &s->goodbyes[0];

    for (size_t i = 0; i < GOODBYES; i++) {
        struct goodbye *g = &s->goodbyes[i];

        if (g->fd < 0)
            return g;
        if (g->timer.at < oldest->timer.at)
            oldest = g;
    }
    linger_end(oldest);
    return oldest;
}

void linger_begin(struct session *s, int fd)
{
    struct goodbye *g;

    shutdown(fd, SHUT_WR);
    if (!linger_drain(fd)) {
        fd_close(&fd);
        return;
    }
    g = linger_place(s);
    g->fd = fd;
    if (loop_add_reader(&s->loop, &g->watch, fd, linger_on_socket, g) < 0)
        linger_end(g);
    else
        loop_timer_set(&s->loop, &g->timer, LINGER_MS);
}

bool linger_any(const struct session *s)
{
    for (size_t i = 0; i < GOODBYES; i++)
        if (s->goodbyes[i].fd >= 0)
            return true;
    return false;
}

void linger_init(struct session *s)
{
    for (size_t i = 0; i < GOODBYES; i++) {
        struct goodbye *g = &s->goodbyes[i];

        *g = (struct goodbye){ .session = s, .fd = -1 };
        g->timer = (struct loop_timer){ .on_time = linger_on_late, .owner = g };
    }
}
