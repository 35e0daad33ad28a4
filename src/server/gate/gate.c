/* Gate's row for frame_main(), and gate's steps from the set-up to the end.
 * Runs in gate. gate_begin() does everything that needs memory or a new kind of
 * descriptor, before the sandbox closes. */
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/tls/arena.h"
#include "sallyport/tls/context.h"

#define SEND_MS 5000

/* The messages of sessions. */
static const struct handler child_handlers[] = {
    ON(admit, entry_on_admit),
    ON(port, lend_on_port),
};

static void gate_init(void *owner)
{
    struct gate *g = owner;

    *g = (struct gate){ .frame = g->frame, .spare_fd = -1 };
    throttle_init(&g->refusals);
}

/* Does the same as SEND() to master, but waits up to SEND_MS if master doesn't
 * read. If master still doesn't read then, gate ends. */
#define GATE_SEND(g, name, ...)                                                \
    gate_send(g, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))
static void gate_send(struct gate *g, enum message_kind kind, const void *body)
{
    if (channel_send_by(&g->frame.master, kind, body, clock_ms() + SEND_MS) ==
        -EAGAIN)
        die(EX_OSERR, "master doesn't read");
}

int gate_begin(struct gate *g)
{
    int r = limits_init(&g->limits, &g->settings, g->places);

    g->children.handlers = child_handlers;
    g->children.handler_count =
        sizeof(child_handlers) / sizeof(*child_handlers);
    if (r == 0)
        r = children_init(g);
    if (r == 0)
        r = queue_init(g);
    g->spare_fd = fcntl(g->frame.master.fd, F_DUPFD_CLOEXEC, 0);
    for (size_t i = 0; r == 0 && i < g->listeners; i++)
        r = entry_init(&g->listener[i]);
    if (r < 0)
        complain(&g->frame.why, "gate can't start: %s", strerror(-r));
    return r;
}

static int gate_set_up(void *owner)
{
    struct gate *g = owner;
    int r;

    tls_arena_begin();
    r = setup_take_all(g);
    if (r == 0)
        r = setup_context(g);
    if (r == 0)
        r = gate_begin(g);
    if (r == 0)
        r = setup_plan(g);
    tls_arena_end();
    return r;
}

static void gate_report_file(struct gate *g, uint64_t place, const char *name,
                             const struct tls_pair_facts *f)
{
    int64_t first = INT64_MAX;
    struct tls_date d;

    for (size_t i = 0; tls_context_date(g->tls, i, &d); i++)
        if (strcmp(d.file, name) == 0 && d.expires < first)
            first = d.expires;
    if (first < INT64_MAX)
        GATE_SEND(g, expiry_is, 0, .place = place, .expires = first,
                  .fingerprint = slice_from(f->fingerprint),
                  .pin = slice_from(f->pin), .name = slice_from(f->host),
                  .self_signed = f->self_signed);
}

/* The frames of the loop, which the caller runs next, lie below this frame. */
static void gate_on_begin(void *owner)
{
    struct gate *g = owner;
    const struct setup_file *file = g->frame.setup.file;
    struct tls_pair_facts f;

    g->stack = __builtin_frame_address(0);
    tickets_begin(owner);
    if (!g->tls)
        return;
    /* Report the facts of each file that `status` shows. */
    for (size_t i = 0; tls_context_pair(g->tls, i, &f); i++)
        gate_report_file(g, SETUP_CERTIFICATE + f.number - 1, f.name, &f);
    f = (struct tls_pair_facts){ 0 };
    for (uint64_t i = SETUP_CLIENT_CA; i <= SETUP_CLIENT_CRL; i++)
        gate_report_file(g, i, file[i].name, &f);
    if (g->listeners > 0) /* only the newest gate logs the expiry */
        expiry_watch(owner);
}

static void gate_on_writable(void *owner)
{
    gate_say_shut(owner);
    acceptor_hold_back(owner);
    queue_wake(owner);
}

static void gate_release(void *owner)
{
    struct gate *g = owner;

    g->frame.log.full = false; /* this event may use all of the socket */
    report_on_tally(g);
    /* The loop's list also links the timers in the tables, so clear these
     * timers before the tables are freed. */
    loop_timer_clear(&g->frame.loop, &g->tally);
    loop_timer_clear(&g->frame.loop, &g->tickets.timer);
    for (size_t i = 0; i < g->listeners; i++)
        acceptor_close(&g->listener[i]);
    queue_release(g);
    children_release(g);
    limits_release(&g->limits);
    SHARED_UNMAP(g->memory);
    SHARED_UNMAP(g->board);
    SHARED_UNMAP(g->bans);
    tls_context_free(g->tls);
    fd_close(&g->spare_fd);
}

/* Handlers of master's messages while gate works. Gate trusts master: if master
 * sends a message that it may not send, an invariant is broken, and gate ends.
 */

static int gate_on_stop_accepting(void *owner, struct msg_stop_accepting *m)
{
    struct gate *g = owner;

    for (size_t i = 0; i < g->listeners; i++)
        acceptor_close(&g->listener[i]);
    loop_timer_clear(&g->frame.loop, &g->expiry);
    if (!m->serve)
        queue_close(g);
    g->shuts = true;
    gate_say_shut(g);
    return 0;
}

static int gate_on_open(void *owner, struct msg_open *m)
{
    struct gate *g = owner;

    (void)m;
    if (g->accepts)
        return 0;
    g->accepts = true;
    for (size_t i = 0; i < g->listeners; i++)
        acceptor_set(&g->listener[i], true);
    GATE_SEND(g, serving, 0);
    return 0;
}

static const struct handler gate_handlers[] = {
    ON(open, gate_on_open),
    ON(elder, children_on_elder),
    ON(adopt, children_on_adopt),
    ON(reaped, children_on_reaped),
    ON(logged_in, children_on_logged_in),
    ON(stop_accepting, gate_on_stop_accepting),
};

const struct frame_row gate_row = {
    .process = PROCESS_GATE,
    .filter = &filter_gate,
    FRAME_HANDLERS(gate_handlers),
    .init = gate_init,
    .set_up = gate_set_up,
    .begin = gate_on_begin,
    .on_writable = gate_on_writable,
    .release = gate_release,
};
