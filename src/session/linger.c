/* Data connections that are over, in session. Closed with unread bytes, or in
 * front of the client's last ones, a socket answers by a reset, and what the
 * client hasn't read by then may be lost to it. So ours is shut first, and the
 * client's end awaited beside whatever comes next. Must never keep a byte. */
#include "linger.h"

#include <errno.h>
#include <sys/socket.h>

#include "control.h"
#include "leave.h"
#include "sallyport/base/fd.h"

#define LINGER_MS 2000

static void end(struct goodbye *g)
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

static void over(struct goodbye *g)
{
    struct session *s = g->session;

    end(g);
    control_lingered(s);
}

static void on_ready(void *owner, uint32_t events)
{
    struct goodbye *g = owner;

    (void)events;
    if (!linger_drain(g->fd))
        over(g);
}

static void on_late(void *owner)
{
    over(owner);
}

/* Who ends transfers faster than he closes their connections loses the oldest.
 */
static struct goodbye *place(struct session *s)
{
    struct goodbye *oldest = &s->goodbyes[0];

    for (size_t i = 0; i < GOODBYES; i++) {
        struct goodbye *g = &s->goodbyes[i];

        if (g->fd < 0)
            return g;
        if (g->timer.at < oldest->timer.at)
            oldest = g;
    }
    end(oldest);
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
    g = place(s);
    g->fd = fd;
    g->watch = (struct loop_watch){
        .fd = fd, .events = EPOLLIN, .on_ready = on_ready, .owner = g
    };
    if (loop_add(&s->loop, &g->watch) < 0) {
        end(g);
        return;
    }
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
        g->timer = (struct loop_timer){ .on_time = on_late, .owner = g };
    }
}
