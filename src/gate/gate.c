/* The row of gate, and its steps from the set-up to the end. gate_begin() does
 * everything that needs memory or a new kind of descriptor, before the sandbox
 * closes. */
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>

#include "orders.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/tls/context.h"

#define SAY_MS 5000

static void gate_init(void *owner)
{
    struct gate *g = owner;

    *g = (struct gate){ .frame = g->frame, .spare_fd = -1, .signal_fd = -1 };
    throttle_init(&g->refusals);
    throttle_init(&g->strangers);
    adopt_init(g);
    setup_init(g);
}

/* Any descriptor will do. To copy one needs no system call that opens
 * something. */
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

static int gate_take_signals(struct gate *g)
{
    g->signal_fd = signals_take();
    if (g->signal_fd < 0)
        return g->signal_fd;
    g->spare_fd = gate_spare(g);
    return loop_add_reader(&g->frame.loop, &g->signal_watch, g->signal_fd,
                           gate_on_signal, g);
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

int gate_begin(struct gate *g)
{
    int r = limits_init(&g->limits, &g->settings);

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
    if (r < 0)
        complain(&g->frame.why, "gate can't begin: %s", strerror(-r));
    return r;
}

static int gate_complete(void *owner)
{
    struct gate *g = owner;
    int r;

    if (!g->setup.has_conf)
        return complain(&g->frame.why, "gate: set-up: no settings");
    if (!g->memory)
        return complain(&g->frame.why, "gate: set-up: no memory");
    r = setup_keys(g);
    if (r == 0)
        r = gate_begin(g);
    return r == 0 ? setup_plan(g) : r;
}

void gate_say(struct gate *g, enum message_kind kind, const void *body)
{
    if (channel_send_by(&g->frame.master, kind, body, clock_ms() + SAY_MS) ==
        -EAGAIN)
        die(EX_OSERR, "master doesn't read");
}

static void gate_on_begin(void *owner)
{
    gate_tell_pairs(owner);
    gate_watch_expiry(owner);
}

void gate_tell_healthy(struct gate *g)
{
    g->healthy = SEND(&g->frame.master, healthy, 0) == -EAGAIN;
    gate_watch_master(g);
}

static void gate_on_writable(void *owner)
{
    struct gate *g = owner;

    if (g->healthy)
        gate_tell_healthy(g);
    children_report(owner);
    entry_mind(owner);
    queue_wake(owner);
}

void gate_watch_master(struct gate *g)
{
    uint32_t events = g->adoption.waits ? 0 : EPOLLIN;

    if (g->master_slow || g->healthy || !STAILQ_EMPTY(&g->children.ended))
        events |= EPOLLOUT;
    loop_change(&g->frame.loop, &g->frame.master_watch, events);
}

static void gate_release(void *owner)
{
    struct gate *g = owner;

    setup_release(g);
    adopt_release(g);
    /* The other timers end with their tables. */
    loop_timer_clear(&g->frame.loop, &g->tally);
    for (size_t i = 0; i < g->listeners; i++)
        acceptor_close(&g->listener[i].acceptor);
    passive_release(g);
    queue_release(g);
    children_release(g);
    limits_release(&g->limits);
    memory_unmap(&g->memory);
    tickets_release(g);
    tls_context_free(g->tls);
    fd_close(&g->spare_fd);
    fd_close(&g->signal_fd);
}

static const struct handler gate_setup[] = {
    FRAME_SETUP_WITH_LOG,
    ON(conf, setup_on_conf),
    ON(certificate, chains_on_certificate),
    ON(staple, chains_on_staple),
    ON(client_ca, chains_on_client_ca),
    ON(client_crl, chains_on_client_crl),
    ON(keys, setup_on_keys),
    ON(listener, setup_on_listener),
    ON(passive, setup_on_passive),
    ON(public_address, orders_on_public_address),
    ON(memory, setup_on_memory),
};

static const struct handler gate_work[] = {
    ON(open, orders_on_open),
    ON(adopt, orders_on_adopt),
    ON(hand_over, orders_on_hand_over),
    ON(adopted_gone, orders_on_adopted_gone),
    ON(health, orders_on_health),
    ON(logged_in, orders_on_logged_in),
    ON(kill, orders_on_kill),
    ON(public_address, orders_on_public_address),
    ON(stop_accepting, orders_on_stop_accepting),
};

const struct frame_row gate_row = {
    .process = PROCESS_GATE,
    .filter = &filter_gate,
    FRAME_HANDLERS(gate_setup, gate_work),
    .init = gate_init,
    .complete = gate_complete,
    .begin = gate_on_begin,
    .on_writable = gate_on_writable,
    .release = gate_release,
};
