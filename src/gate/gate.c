/* Gate's life between set-up and end: everything that needs memory or a new
 * kind of descriptor happens in gate_begin(), before the sandbox closes. */
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/tls/context.h"
#include "tell.h"

#define SAY_MS 5000

void gate_init(struct gate *g, int fd)
{
    *g = (struct gate){ .spare_fd = -1, .signal_fd = -1 };
    g->loop.epoll_fd = -1;
    event_sender_init(&g->log, -1, PROCESS_GATE);
    throttle_init(&g->refusals);
    throttle_init(&g->strangers);
    adopt_init(g);
    channel_init(&g->master, fd, PROCESS_GATE, PROCESS_MASTER, PHASE_START);
}

/* Any descriptor will do; a copy needs no system call that opens something. */
int gate_spare(const struct gate *g)
{
    return fcntl(g->signal_fd, F_DUPFD_CLOEXEC, 0);
}

static void gate_on_signal(void *owner, uint32_t events)
{
    struct gate *g = owner;

    (void)events;
    signals_drain(g->signal_fd);
    children_reap(g);
}

static int gate_watch(struct gate *g, struct loop_watch *w, int fd,
                      void (*on_ready)(void *owner, uint32_t events))
{
    *w = (struct loop_watch){
        .fd = fd, .events = EPOLLIN, .on_ready = on_ready, .owner = g
    };
    return loop_add(&g->loop, w);
}

static int gate_take_signals(struct gate *g)
{
    g->signal_fd = signals_take();
    if (g->signal_fd < 0)
        return g->signal_fd;
    g->spare_fd = gate_spare(g);
    return gate_watch(g, &g->signal_watch, g->signal_fd, gate_on_signal);
}

static int gate_listeners_begin(struct gate *g)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < g->listeners; i++)
        r = acceptor_init(&g->listener[i].acceptor);
    return r;
}

void gate_open(struct gate *g)
{
    if (g->accepts)
        return;
    g->accepts = true;
    for (size_t i = 0; i < g->listeners; i++)
        acceptor_start(&g->listener[i].acceptor);
    for (size_t i = 0; i < g->passive.count; i++)
        acceptor_start(&g->passive.port[i].acceptor);
    passive_retire(g);
    GATE_SAY(g, serving, 0);
}

void gate_shut(struct gate *g)
{
    g->accepts = false;
    for (size_t i = 0; i < g->listeners; i++)
        acceptor_stop(&g->listener[i].acceptor);
    for (size_t i = 0; i < g->passive.count; i++)
        acceptor_stop(&g->passive.port[i].acceptor);
}

int gate_begin(struct gate *g, struct complaint *c)
{
    int r = limits_init(&g->limits, &g->settings);

    if (r == 0 && !g->memory) /* master gave none: for this gate alone */
        r = memory_map(&g->memory, -1);
    if (r == 0)
        r = children_init(g);
    if (r == 0)
        r = queue_init(g);
    if (r == 0)
        r = gate_take_signals(g);
    if (r == 0)
        r = passive_begin(g);
    if (r == 0)
        r = tickets_begin(g);
    if (r == 0)
        r = gate_listeners_begin(g);
    if (r == 0)
        r = gate_watch(g, &g->master_watch, g->master.fd, orders_on_ready);
    return r == 0 ? 0 : complain(c, "gate can't begin: %s", strerror(-r));
}

void gate_say(struct gate *g, enum message_kind kind, const void *body)
{
    struct pollfd one = { .fd = g->master.fd, .events = POLLOUT };
    int r = channel_send(&g->master, kind, body);

    if (r == -EAGAIN && poll(&one, 1, SAY_MS) == 1)
        r = channel_send(&g->master, kind, body);
    if (r == -EAGAIN)
        die(EX_OSERR, "master doesn't read");
}

int gate_run(struct gate *g)
{
    int r = SEND(&g->master, ready, 0);

    g->master.phase = PHASE_RUN;
    gate_tell_pairs(g);
    gate_watch_expiry(g);
    return r == 0 ? loop_run(&g->loop) : r;
}

void gate_watch_master(struct gate *g)
{
    uint32_t events = g->adoption.waits ? 0 : EPOLLIN;

    if (!STAILQ_EMPTY(&g->children.ended))
        events |= EPOLLOUT;
    loop_change(&g->loop, &g->master_watch, events);
}

void gate_release(struct gate *g)
{
    adopt_release(g);
    loop_timer_clear(&g->loop, &g->tally); /* others' go with their tables */
    for (size_t i = 0; i < g->listeners; i++)
        acceptor_close(&g->listener[i].acceptor);
    passive_release(g);
    queue_release(g);
    children_release(g);
    limits_release(&g->limits);
    memory_unmap(&g->memory);
    tell_close(g);
    tickets_release(g);
    tls_context_free(g->tls);
    fd_close(&g->spare_fd);
    fd_close(&g->signal_fd);
    channel_close(&g->master);
    loop_release(&g->loop);
}
