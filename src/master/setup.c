/* The table of the executed processes, and their set-up: one step a message.
 * Runs in master. */
#include <errno.h>
#include <string.h>

#include "gate.h"
#include "hosts.h"
#include "master.h"
#include "sallyport/base/fd.h"
#include "sallyport/cage/cage.h"
#include "worker.h"

#define HANDLERS(t) .handlers = (t), .handler_count = sizeof(t) / sizeof((t)[0])

static int send_one(struct child *c, struct packet p)
{
    return channel_send(&c->channel, &p);
}

static int step_conf(struct child *c)
{
    return send_one(c, (struct packet){ .message = MSG_CONF,
                                        .fd = { c->master->conf, -1 } });
}

static int step_cage(struct child *c)
{
    const struct master *m = c->master;
    const struct identity *id = &m->identity[c->row->process];
    unsigned weaker = m->settings.allow_weaker;
    struct packet p = {
        .message = MSG_CAGE,
        .value = { NUMBER(m->root), NUMBER(id->uid), NUMBER(id->gid),
                   NUMBER(m->no_empty ? weaker | CAGE_CHROOT : weaker) },
        .fd = { m->empty, -1 }
    };

    return send_one(c, p);
}

/* The far end follows when it can be taken; until then what is said waits in
 * the pair. */
static int send_wire(struct child *c, enum message message, struct wire *w)
{
    int ends[2];
    int r = fd_pair(ends);

    if (r < 0)
        return r;
    r = send_one(c, (struct packet){ .message = message, .fd = { ends[0] } });
    fd_close(&ends[0]);
    if (r < 0) {
        fd_close(&ends[1]);
        return r;
    }
    wire_close(w);
    w->end = ends[1];
    return 0;
}

static int step_log(struct child *c)
{
    return send_wire(c, MSG_LOG, &c->log);
}

static int step_keys(struct child *c)
{
    int r = send_wire(c, MSG_KEYS, &c->keys);

    if (r == 0)
        wires_flush(c->master);
    return r;
}

/* All sessions, gate, and those of both that end while new ones come. */
static int step_peers(struct child *c)
{
    size_t most = 2 * c->master->settings.max_sessions + 16;

    return send_one(
        c, (struct packet){ .message = MSG_PEERS, .value = { NUMBER(most) } });
}

static int step_listeners(struct child *c)
{
    const struct listeners *l = &c->master->listeners;

    for (; c->index < l->control_count; c->index++) {
        const struct listener *one = &l->control[c->index];
        struct packet p = { .message = MSG_LISTENER,
                            .value = { NUMBER(c->index),
                                       ADDRESS(one->address) },
                            .fd = { one->fd, -1 } };
        int r = send_one(c, p);

        if (r < 0)
            return r;
    }
    return 0;
}

static int step_passive(struct child *c)
{
    const struct listeners *l = &c->master->listeners;

    for (; c->index < l->passive_count; c->index++) {
        const struct listener *one = &l->passive[c->index];
        struct packet p = { .message = MSG_PASSIVE,
                            .value = { ADDRESS(one->address) },
                            .fd = { one->fd, -1 } };
        int r = send_one(c, p);

        if (r < 0)
            return r;
    }
    return 0;
}

static int step_output(struct child *c)
{
    return send_one(
        c, (struct packet){ .message = MSG_LOG_OUTPUT, .fd = { 2, -1 } });
}

/* What is wrong with a key is keys' to say: gate, which asks for a proof of
 * each after "go", would only see that nobody signs. */
static int step_keys_ready(struct child *c)
{
    return master_ready(c->master, PROCESS_KEYS) ? 0 : -EBUSY;
}

static int step_go(struct child *c)
{
    return send_one(c, (struct packet){ .message = MSG_GO });
}

static int on_ready_message(void *owner, struct packet *p)
{
    struct child *c = owner;

    (void)p;
    if (child_steps(c)[c->step]) { /* it can't know: GO wasn't said */
        c->channel.wrong = "ready before its set-up was over";
        return -EPROTO;
    }
    c->state = CHILD_READY;
    c->channel.phase = PHASE_RUN;
    loop_timer_clear(&c->master->loop, &c->timer);
    if (c->row->on_ready)
        c->row->on_ready(c);
    master_child_ready(c->master);
    return 0;
}

static int on_failed_message(void *owner, struct packet *p)
{
    struct child *c = owner;

    slice_copy(
        p->value[0].text.len < sizeof(c->failure)
            ? p->value[0].text
            : (struct slice){ p->value[0].text.ptr, sizeof(c->failure) - 1 },
        c->failure, sizeof(c->failure));
    return -ECANCELED;
}

static void gate_writable(struct child *c)
{
    gate_on_writable(c);
    reload_feed(c->master);
}

static void gate_gone(struct child *c)
{
    gate_on_gone(c);
    reload_lost(c);
}

static void keys_writable(struct child *c)
{
    wires_flush(c->master);
    certificates_flush(c->master);
    reload_feed(c->master);
}

static void keys_on_ready(struct child *c)
{
    keys_writable(c);
    for (size_t i = 0; i < c->master->child_count; i++)
        if (c->master->child[i].row->process == PROCESS_GATE)
            child_go_on(&c->master->child[i]);
}

static void gate_on_ready(struct child *c)
{
    hosts_tell(c->master);
}

static void flush_wires(struct child *c)
{
    wires_flush(c->master);
}

static void keys_on_gone(struct child *c)
{
    wires_are_stale(c->master, PROCESS_KEYS);
    reload_lost(c);
}

static void log_on_gone(struct child *c)
{
    wires_are_stale(c->master, PROCESS_LOG);
}

#define START_MESSAGES                                                         \
    { MSG_READY, on_ready_message },                                           \
    {                                                                          \
        MSG_FAILED, on_failed_message                                          \
    }

#define RELOAD_MESSAGES                                                        \
    { MSG_TAKEN, reload_on_taken },                                            \
    {                                                                          \
        MSG_NOT_TAKEN, reload_on_not_taken                                     \
    }

static const struct handler gate_handlers[] = {
    START_MESSAGES,
    { MSG_SESSION, gate_on_session },
    { MSG_SESSION_PEER, gate_on_session_peer },
    { MSG_SESSION_GONE, gate_on_session_gone },
    { MSG_PAIR_IS, certificates_on_pair },
    RELOAD_MESSAGES,
};
static const struct handler auth_handlers[] = {
    START_MESSAGES,
    { MSG_VERDICT, worker_on_verdict },
};
static const struct handler names_handlers[] = {
    START_MESSAGES,
    { MSG_RESOLVED, hosts_on_resolved },
    { MSG_UNRESOLVED, hosts_on_unresolved },
};
static const struct handler log_handlers[] = { START_MESSAGES };
static const struct handler keys_handlers[] = { START_MESSAGES,
                                                RELOAD_MESSAGES };

static child_step *const gate_steps[] = {
    step_conf,         step_cage,      step_log,     step_keys,
    certificates_step, step_listeners, step_passive, hosts_step,
    step_keys_ready,   step_go,        NULL,
};
static child_step *const gate_check_steps[] = {
    step_conf,       step_cage, step_keys, certificates_step,
    step_keys_ready, step_go,   NULL,
};
static child_step *const auth_steps[] = {
    step_cage,         step_log, certificates_step_auth,
    worker_send_users, step_go,  NULL
};
static child_step *const keys_steps[] = {
    step_cage, step_log, certificates_step_keys, step_peers, step_go, NULL
};
static child_step *const keys_check_steps[] = { step_cage,
                                                certificates_step_keys,
                                                step_peers, step_go, NULL };
static child_step *const names_steps[] = { step_cage, step_log, step_go, NULL };
static child_step *const names_check_steps[] = { step_cage, step_go, NULL };
static child_step *const log_steps[] = { step_conf, step_cage, step_output,
                                         step_go, NULL };

/* clang-format off */
static const struct child_row rows[] = {
    { .process = PROCESS_LOG,
      .binary = "log",
      .steps = log_steps,
      HANDLERS(log_handlers),
      .on_ready = flush_wires,
      .on_writable = flush_wires,
      .on_gone = log_on_gone },
    { .process = PROCESS_KEYS,
      .binary = "keys",
      .steps = keys_steps,
      .check_steps = keys_check_steps,
      HANDLERS(keys_handlers),
      .on_ready = keys_on_ready,
      .on_writable = keys_writable,
      .on_gone = keys_on_gone },
    { .process = PROCESS_GATE,
      .binary = "gate",
      .steps = gate_steps,
      .check_steps = gate_check_steps,
      HANDLERS(gate_handlers),
      .on_ready = gate_on_ready,
      .on_writable = gate_writable,
      .on_gone = gate_gone,
      .on_time = gate_on_time },
    { .process = PROCESS_AUTH,
      .binary = "auth",
      .steps = auth_steps,
      HANDLERS(auth_handlers),
      .on_ready = worker_on_ready,
      .on_writable = worker_on_writable,
      .on_gone = worker_on_gone,
      .on_time = worker_on_time },
    { .process = PROCESS_NAMES,
      .once = true,
      .binary = "names",
      .steps = names_steps,
      .check_steps = names_check_steps,
      HANDLERS(names_handlers),
      .on_ready = hosts_on_ready,
      .on_gone = hosts_on_gone },
};
/* clang-format on */

const struct child_row *child_row(enum process p)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].process == p)
            return &rows[i];
    return NULL;
}
