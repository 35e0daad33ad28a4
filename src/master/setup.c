/* The table of the executed processes, and their set-up: one step a message.
 * Runs in master. */
#include <errno.h>
#include <stdio.h>

#include "certificates.h"
#include "child.h"
#include "children.h"
#include "drain.h"
#include "gate.h"
#include "hosts.h"
#include "listen.h"
#include "master.h"
#include "sallyport/base/fd.h"
#include "sallyport/sandbox/sandbox.h"
#include "service.h"
#include "session.h"
#include "supervisor.h"
#include "worker.h"

#define HANDLERS(t) .handlers = (t), .handler_count = sizeof(t) / sizeof((t)[0])

static int step_conf(struct child *c)
{
    return SEND(&c->channel, conf, 0, .settings = c->master->conf);
}

static int step_sandbox(struct child *c)
{
    const struct master *m = c->master;
    const struct identity *id = &m->identity[c->row->process];
    unsigned weaker = m->settings.allow_weaker;

    if (m->no_empty)
        weaker |= SANDBOX_CHROOT;
    return SEND(&c->channel, sandbox, 0, .root = m->root, .uid = id->uid,
                .gid = id->gid, .allow_weaker = weaker, .directory = m->empty);
}

static int send_log(struct child *c, int end)
{
    return SEND(&c->channel, log, 0, .log = end);
}

static int send_keys(struct child *c, int end)
{
    return SEND(&c->channel, keys, 0, .keys = end);
}

/* The service gets the far end when it can take it; until then what is sent
 * waits in the channel. */
static int send_service(struct child *c, int (*send)(struct child *c, int end),
                        enum process service, struct service_channel **ret)
{
    const struct speaker who = { .process = c->row->process };
    int ends[2];
    int r = fd_pair(ends);

    if (r < 0)
        return r;
    r = send(c, ends[0]);
    fd_close(&ends[0]);
    if (r < 0) {
        fd_close(&ends[1]);
        return r;
    }
    service_end(c->master, ret);
    *ret = service_open(c->master, service, &who, ends[1]);
    services_flush(c->master);
    return *ret ? 0 : -ENOMEM;
}

static int step_log(struct child *c)
{
    return send_service(c, send_log, PROCESS_LOG, &c->log);
}

static int step_keys(struct child *c)
{
    return send_service(c, send_keys, PROCESS_KEYS, &c->keys);
}

/* All sessions, gate, and those of both that end while new ones come. */
static int step_peers(struct child *c)
{
    return SEND(&c->channel, peers, 0,
                .most = 2 * c->master->settings.max_sessions + 16);
}

static int step_listeners(struct child *c)
{
    const struct listeners *l = c->master->listeners;

    for (; c->index < l->control_count; c->index++) {
        const struct listener *one = &l->control[c->index];
        int r = SEND(&c->channel, listener, 0, .index = c->index,
                     .bound = one->address, .listener = one->fd);

        if (r < 0)
            return r;
    }
    return 0;
}

static int step_passive(struct child *c)
{
    const struct listeners *l = c->master->listeners;

    for (; c->index < l->passive_count; c->index++) {
        const struct listener *one = &l->passive[c->index];
        int r = SEND(&c->channel, passive, 0, .bound = one->address,
                     .retired = false, .listener = one->fd);

        if (r < 0)
            return r;
    }
    return 0;
}

static int step_retired(struct child *c)
{
    const struct listeners *l = c->master->listeners;

    for (; c->index < l->retired_count; c->index++) {
        const struct listener *one = &l->retired[c->index];
        int r = SEND(&c->channel, passive, 0, .bound = one->address,
                     .retired = true, .listener = one->fd);

        if (r < 0)
            return r;
    }
    return 0;
}

static int step_memory(struct child *c)
{
    return SEND(&c->channel, memory, 0, .file = c->master->memory);
}

static int step_output(struct child *c)
{
    return SEND(&c->channel, log_output, 0, .output = 2);
}

/* What is wrong with a key is keys' to say: gate, which asks for a proof of
 * each after "go", would only see that nobody signs. */
static int step_keys_ready(struct child *c)
{
    return children_ready(c->master, PROCESS_KEYS) ? 0 : -EBUSY;
}

static int step_go(struct child *c)
{
    return SEND(&c->channel, go, 0);
}

static int child_on_ready(void *owner, struct msg_ready *msg)
{
    struct child *c = owner;

    (void)msg;
    if (!c->channel.seen[MSG_build]) {
        c->channel.wrong = "ready before its build was known";
        return -EPROTO;
    }
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

static int child_on_failed(void *owner, struct msg_failed *msg)
{
    struct child *c = owner;

    snprintf(c->failure, sizeof(c->failure), "%.*s", (int)msg->why.len,
             msg->why.ptr);
    return -ECANCELED;
}

static void keys_on_ready(struct child *c)
{
    services_flush(c->master);
    for (size_t i = 0; i < c->master->children->count; i++)
        child_go_on(&c->master->children->child[i]);
}

static void gate_on_ready(struct child *c)
{
    hosts_tell(c->master);
}

static void gate_on_writable(struct child *c)
{
    gate_tell(c->master);
    hosts_tell(c->master);
    services_flush(c->master);
}

/* Its generation has nobody who accepts. */
static void gate_on_gone(struct child *c)
{
    drain_begin(c->master);
}

static void gate_on_time(struct child *c)
{
    child_end(c, c->master->drain->handing_over ? "has not handed over in time"
                                                : "does not read its messages");
}

static void flush_services(struct child *c)
{
    services_flush(c->master);
}

static void keys_on_gone(struct child *c)
{
    services_restart(c->master, PROCESS_KEYS);
}

static void log_on_gone(struct child *c)
{
    services_restart(c->master, PROCESS_LOG);
}

#define START_MESSAGES                                                         \
    ON(build, child_on_build), ON(ready, child_on_ready),                      \
        ON(failed, child_on_failed)

static const struct handler gate_handlers[] = {
    START_MESSAGES,
    ON(serving, supervisor_on_serving),
    ON(session, gate_on_session),
    ON(born, gate_on_born),
    ON(kill_adopted, gate_on_kill_adopted),
    ON(session_peer, gate_on_session_peer),
    ON(session_gone, gate_on_session_gone),
    ON(pair_is, certificates_on_pair),
};
static const struct handler auth_handlers[] = {
    START_MESSAGES,
    ON(verdict, worker_on_verdict),
};
static const struct handler lookup_handlers[] = {
    START_MESSAGES,
    ON(resolved, hosts_on_resolved),
    ON(unresolved, hosts_on_unresolved),
};
static const struct handler log_handlers[] = { START_MESSAGES };
static const struct handler keys_handlers[] = { START_MESSAGES };

static child_step *const gate_steps[] = {
    step_conf,       step_sandbox, step_log,     step_keys,   certificates_step,
    step_listeners,  step_passive, step_retired, step_memory, hosts_step,
    step_keys_ready, step_go,      NULL,
};
static child_step *const gate_check_steps[] = {
    step_conf,       step_sandbox, step_keys, certificates_step,
    step_keys_ready, step_go,      NULL,
};
static child_step *const auth_steps[] = {
    step_sandbox,      step_log, certificates_step_auth,
    worker_send_users, step_go,  NULL
};
static child_step *const keys_steps[] = {
    step_sandbox, step_log, certificates_step_keys, step_peers, step_go, NULL
};
static child_step *const keys_check_steps[] = { step_sandbox,
                                                certificates_step_keys,
                                                step_peers, step_go, NULL };
static child_step *const lookup_steps[] = { step_sandbox, step_log,
                                            hosts_step_names, step_go, NULL };
static child_step *const lookup_check_steps[] = { step_sandbox,
                                                  hosts_step_names, step_go,
                                                  NULL };
static child_step *const log_steps[] = { step_conf, step_sandbox, step_output,
                                         step_go, NULL };

/* clang-format off */
static const struct child_row rows[] = {
    { .process = PROCESS_LOG,
      .binary = "log",
      .steps = log_steps,
      HANDLERS(log_handlers),
      .on_ready = flush_services,
      .on_writable = flush_services,
      .on_gone = log_on_gone },
    { .process = PROCESS_KEYS,
      .binary = "keys",
      .steps = keys_steps,
      .check_steps = keys_check_steps,
      HANDLERS(keys_handlers),
      .on_ready = keys_on_ready,
      .on_writable = flush_services,
      .on_gone = keys_on_gone },
    { .process = PROCESS_GATE,
      .once = true,
      .binary = "gate",
      .steps = gate_steps,
      .check_steps = gate_check_steps,
      HANDLERS(gate_handlers),
      .on_ready = gate_on_ready,
      .on_writable = gate_on_writable,
      .on_gone = gate_on_gone,
      .on_reaped = drain_on_gate_end,
      .on_time = gate_on_time },
    { .process = PROCESS_AUTH,
      .binary = "auth",
      .steps = auth_steps,
      HANDLERS(auth_handlers),
      .on_ready = worker_on_ready,
      .on_writable = worker_on_writable,
      .on_gone = worker_on_gone,
      .on_time = worker_on_time },
    { .process = PROCESS_LOOKUP,
      .binary = "lookup",
      .steps = lookup_steps,
      .check_steps = lookup_check_steps,
      HANDLERS(lookup_handlers),
      .on_ready = hosts_on_ready,
      .on_gone = hosts_on_gone,
      .is_done = hosts_is_done },
};
/* clang-format on */

const struct child_row *child_row(enum process p)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].process == p)
            return &rows[i];
    return NULL;
}
