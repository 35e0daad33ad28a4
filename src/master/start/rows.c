/* The table of the executed processes: the set-up messages of each, the
 * handlers of its messages, and what follows its start and its end. Runs in
 * master. */
#include "rows.h"

#include <stddef.h>

#include "children/certificates.h"
#include "children/children.h"
#include "children/hosts.h"
#include "children/steps.h"
#include "generations/drain.h"
#include "generations/heartbeat.h"
#include "generations/supervisor.h"
#include "sessions/gate.h"
#include "sessions/verdict.h"
#include "sessions/worker.h"

#define HANDLERS(t) .handlers = (t), .handler_count = sizeof(t) / sizeof((t)[0])

static void gate_on_ready(struct child *c)
{
    hosts_tell(c->master);
}

/* In a generation that drains, the newest master gets the news of sessions;
 * gate gets no more time here. */
static void gate_on_writable(struct child *c)
{
    heartbeat_ask(c->master);
    drain_hand_over(c->master);
    sessions_tell(c->master);
    hosts_tell(c->master);
    services_flush(c->master);
}

/* Without a gate this generation accepts nobody. */
static void gate_on_gone(struct child *c)
{
    drain_begin(c->master);
}

static void gate_on_time(struct child *c)
{
    child_end(c, c->master->drain->handing_over ? "has not handed over in time"
                                                : "does not read its messages");
}

static void service_on_ready(struct child *c)
{
    services_ready(c->master, c->row->process, &c->channel, &c->watch);
}

static void service_on_writable(struct child *c)
{
    services_flush(c->master);
}

static void service_on_gone(struct child *c)
{
    services_gone(c->master, c->row->process);
}

/* Gate's set-up waits until keys is ready. */
static void keys_on_ready(struct child *c)
{
    service_on_ready(c);
    child_go_on(children_find(c->master, PROCESS_GATE));
}

static const struct handler gate_handlers[] = {
    CHILD_MESSAGES,
    ON(serving, supervisor_on_serving),
    ON(session, gate_on_session),
    ON(born, gate_on_born),
    ON(kill_adopted, gate_on_kill_adopted),
    ON(session_peer, gate_on_session_peer),
    ON(session_gone, gate_on_session_gone),
    ON(pair_is, certificates_on_pair_is),
    ON(healthy, heartbeat_on_healthy),
};
static const struct handler auth_handlers[] = {
    CHILD_MESSAGES,
    ON(verdict, verdict_on_verdict),
};
static const struct handler lookup_handlers[] = {
    CHILD_MESSAGES,
    ON(resolved, hosts_on_resolved),
    ON(unresolved, hosts_on_unresolved),
};
static const struct handler log_handlers[] = { CHILD_MESSAGES };
static const struct handler keys_handlers[] = { CHILD_MESSAGES };

static child_step *const gate_steps[] = {
    steps_conf,    steps_sandbox,     steps_log,
    steps_keys,    certificates_step, steps_listeners,
    steps_passive, steps_retired,     steps_memory,
    hosts_step,    steps_keys_ready,  steps_go,
    NULL,
};
static child_step *const auth_steps[] = {
    steps_sandbox,     steps_log, certificates_step_auth,
    worker_send_users, steps_go,  NULL
};
static child_step *const keys_steps[] = {
    steps_sandbox, steps_log, certificates_step_keys,
    steps_peers,   steps_go,  NULL
};
static child_step *const lookup_steps[] = { steps_sandbox, steps_log,
                                            hosts_step_names, steps_go, NULL };
static child_step *const log_steps[] = { steps_conf, steps_sandbox,
                                         steps_output, steps_go, NULL };

/* clang-format off */
static const struct child_row rows[] = {
    { .process = PROCESS_LOG,
      .binary = "log",
      .steps = log_steps,
      HANDLERS(log_handlers),
      .on_ready = service_on_ready,
      .on_writable = service_on_writable,
      .on_gone = service_on_gone },
    { .process = PROCESS_KEYS,
      .binary = "keys",
      .steps = keys_steps,
      HANDLERS(keys_handlers),
      .on_ready = keys_on_ready,
      .on_writable = service_on_writable,
      .on_gone = service_on_gone },
    { .process = PROCESS_GATE,
      .once = true,
      .binary = "gate",
      .steps = gate_steps,
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
      .on_ready = verdict_go_on,
      .on_writable = verdict_go_on,
      .on_gone = verdict_on_gone,
      .on_time = verdict_on_time },
    { .process = PROCESS_LOOKUP,
      .binary = "lookup",
      .steps = lookup_steps,
      HANDLERS(lookup_handlers),
      .on_ready = hosts_on_ready,
      .on_gone = hosts_on_gone,
      .is_done = hosts_is_done },
};
/* clang-format on */

const struct child_row *rows_find(enum process p)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].process == p)
            return &rows[i];
    return NULL;
}
