/* Master as a whole: its tables, its children, the moment when all are ready.
 * It parses no byte of a client. It waits for one process only, reader, and not
 * for long. */
#include "run.h"

#include <errno.h>
#include <sysexits.h>
#include <time.h>

#include "children/certificates.h"
#include "children/children.h"
#include "children/hosts.h"
#include "children/listeners.h"
#include "children/programs.h"
#include "control/control.h"
#include "generations/drain.h"
#include "generations/heartbeat.h"
#include "generations/older.h"
#include "generations/reap.h"
#include "generations/stop.h"
#include "generations/supervisor.h"
#include "helper.h"
#include "hint.h"
#include "rows.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/stderr.h"
#include "sessions/access.h"
#include "sessions/gate.h"
#include "sessions/login.h"
#include "sessions/userdb.h"

#define READY_TEXT_MAX 4096

static void run_add_children(struct master *m)
{
    if (!m->check)
        children_add(m, rows_find(PROCESS_LOG));
    if (!m->hosts->settled)
        children_add(m, rows_find(PROCESS_LOOKUP));
    children_add(m, rows_find(PROCESS_KEYS)); /* gate's set-up waits for keys */
    children_add(m, rows_find(PROCESS_GATE));
    for (size_t i = 0; i < m->auth_count && !m->check; i++)
        children_add(m, rows_find(PROCESS_AUTH));
}

static void run_on_deadline(void *owner)
{
    loop_stop(&((struct master *)owner)->loop);
}

static void run_on_turn_over(void *owner)
{
    sessions_sweep(owner);
}

int master_start(struct master *m)
{
    int r = loop_init(&m->loop);

    if (r == 0)
        r = reap_start(m);
    if (r == 0)
        r = supervisor_start(m);
    if (r == 0)
        r = sessions_init(m->sessions, m->settings.max_sessions);
    if (r == 0)
        r = guesses_init(m->guesses, m->guesses_memory);
    if (r == 0)
        r = services_init(m, m->sessions->size);
    if (r == 0)
        r = control_start(m->control);
    if (r < 0)
        return r;
    loop_sweep(&m->loop, run_on_turn_over, m);
    m->state = MASTER_STARTING;
    m->deadline = (struct loop_timer){ .on_time = run_on_deadline, .owner = m };
    m->sessions->calls = &login_calls;
    m->sessions->audience = &gate_audience;
    helper_watch_survey(m);
    hosts_init(m);
    run_add_children(m);
    CHILDREN_EACH(m, c)
        if (m->hosts->settled || c->row->process != PROCESS_GATE)
            child_start(c);
    return 0;
}

int master_run(struct master *m)
{
    int r = m->status == 0 ? loop_run(&m->loop) : 0;

    if (r < 0)
        master_fail(m, EX_OSERR, "the event loop failed");
    stop_children(m);
    return m->status;
}

void master_release(struct master *m)
{
    CHILDREN_EACH(m, c)
        child_release(c);
    control_stop(m->control);
    loop_remove(&m->loop, &m->events_watch);
    event_sender_release(&m->events);
    signals_close(&m->signals, &m->loop);
    older_release(m);
    drain_release(m);
    heartbeat_release(m);
    loop_timer_clear(&m->loop, &m->survey_timer);
    services_release(
        m); /* its timer may be in the loop between those of sessions */
    sessions_release(m->sessions);
    guesses_release(m->guesses);
    userdb_release(m->users);
    listeners_release(m->listeners);
    loop_remove(&m->loop, &m->succession.watch);
    succession_release(&m->succession);
    loop_release(&m->loop);
    programs_close(m->programs);
    fd_close(&m->memory);
    fd_close(&m->guesses_memory);
    fd_close(&m->survey_lock);
    fd_close(&m->conf);
    certificates_release(m->certificates);
    fd_close(&m->empty);
}

static void run_say_ready(struct master *m)
{
    const char *binding = binding_words[m->settings.data_binding];
    struct buf text;

    buf_init(&text, READY_TEXT_MAX);
    if (listeners_text(m->listeners, &text) == 0)
        stderr_print("ready: listening on %.*s; data_binding = %s",
                     (int)text.len, text.data, binding);
    buf_release(&text);
    m->since = time(NULL);
    supervisor_up(m);
    master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                  "started, version %s, data_binding = %s%s", SALLYPORT_VERSION,
                  binding,
                  m->settings.data_binding == BINDING_ADDRESS
                      ? ": data connections prove nothing but their address"
                      : "");
}

void run_child_ready(struct master *m)
{
    if (m->state != MASTER_STARTING) {
        services_flush(m);
        return;
    }
    if (!children_are_up(m))
        return;
    m->state = MASTER_RUNNING;
    listeners_forget_retired(m->listeners);
    services_flush(m);
    if (m->check) {
        loop_stop(&m->loop);
    } else {
        access_start(m);
        hosts_keep(m);
        run_say_ready(m);
    }
}

/* The start has already given the hint for the first file; this is for each
 * newer one. */
void run_users_read(struct master *m)
{
    const struct users *u = userdb_find(m->users, userdb_newest(m->users));
    struct complaint c = { "" };

    if (u && hint_unasked(&m->settings, u, &c))
        master_report(m, EVENT_SERVICE, PROCESS_MASTER, "hint: %s", c.text);
}
