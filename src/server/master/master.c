/* Master as a whole: its parts, the table of its children, the moment when all
 * children are ready. Master parses no byte of a client. While master runs, it
 * waits for no disk, and for no process except the supervisor
 * (succession_say()). */
#include "start/start.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/pages.h"
#include "sallyport/files/files.h"

/* Drops master's records, since files needs only START. Otherwise files would
 * have a copy of each page that master changes after the fork: 40 KiB. */
static void become_files(struct master *m, const struct files_start *start)
{
    pages_advise(m->parts, sizeof(*m->parts), MADV_DONTNEED);
    pages_advise(m, sizeof(*m), MADV_DONTNEED);
    files_main(start);
}

void parts_attach(struct master *m, struct master_parts *parts)
{
    *parts = (struct master_parts){ 0 };
    m->parts = parts;
    m->certificates = &parts->certificates;
    m->listeners = &parts->listeners;
    m->children = &parts->children;
    m->services = &parts->services;
    m->sessions = &parts->sessions;
    m->table_hooks = &login_hooks;
    m->banning = &parts->banning;
    m->users = &parts->users;
    m->rows = &parts->users.users;
    m->access = &parts->access;
    m->control = &parts->control;
    m->older = parts->older;
    m->retirement = &parts->retirement;
    for (size_t i = 0; i < SETUP_PLACES; i++)
        m->certificates->file[i].fd = -1;
    for (size_t i = 0; i < OLDER_MAX; i++)
        m->older[i] = (struct older){ .master = m };
    userdb_init(m->users, m);
    control_init(m->control, m);
    m->hooks = (struct master_hooks){ .spawn = exec_child,
                                      .files = become_files,
                                      .doing = show_on_doing,
                                      .users_read = request_on_users_read };
}

/* The table of the executed processes: what each gets at its start, the
 * handlers of its messages, and what follows its start and its end. */

#define HANDLERS(t) .handlers = (t), .handler_count = sizeof(t) / sizeof((t)[0])

static void gate_on_writable(struct child *c)
{
    retire_tell_gate(c->master);
    sessions_send_news(c->master);
    services_flush(c->master);
}

/* If a newer generation accepts, tells this gate not to accept. */
static void gate_on_begin(struct child *c)
{
    retire_tell_gate(c->master);
    gate_on_ready(c);
}

static void keys_on_ready(struct child *c)
{
    struct child *gate = children_find(c->master, PROCESS_GATE);

    services_ready(c);
    if (gate->state == CHILD_OFF && !gate->timer.armed)
        child_start(gate);
}

static const struct handler gate_handlers[] = {
    CHILD_MESSAGES,
    ON(serving, supervisor_on_serving),
    ON(session, gate_on_session),
    ON(kill, gate_on_kill),
    ON(shut, retire_on_shut),
    ON(session_peer, gate_on_session_peer),
    ON(expiry_is, certificates_on_expiry_is),
};
static const struct handler auth_handlers[] = {
    CHILD_MESSAGES,
    ON(verdict, verdict_on_verdict),
};
static const struct handler service_handlers[] = { CHILD_MESSAGES };

/* clang-format off */
static const struct child_row rows[] = {
    { PROCESS_LOG, setup_log, HANDLERS(service_handlers),
      .not_checked = true, .on_ready = services_ready,
      .on_writable = services_ready, .on_gone = services_gone },
    { PROCESS_KEYS, setup_keys, HANDLERS(service_handlers),
      .on_ready = keys_on_ready, .on_writable = services_ready,
      .on_gone = services_gone },
    { PROCESS_GATE, setup_gate, .waits_for_keys = true, HANDLERS(gate_handlers),
      .on_ready = gate_on_begin, .on_writable = gate_on_writable,
      .on_reaped = gate_on_reaped, .late = "does not read its messages" },
    { PROCESS_AUTH, setup_auth, .not_checked = true, HANDLERS(auth_handlers),
      .on_ready = verdict_go_on, .on_writable = verdict_go_on,
      .on_gone = verdict_on_gone, .late = "gave no verdict in time" },
};
/* clang-format on */

static void run_on_deadline(void *owner)
{
    loop_stop(&((struct master *)owner)->loop);
}

static void run_look_ready(struct master *m)
{
    const enum data_binding binding = m->settings.data_binding;
    struct complaint c = { "" };

    CHILDREN_EACH(m, child)
        if (child->state != CHILD_READY)
            return;
    if (control_socket_admit(&m->control->socket,
                             m->account[ACCOUNT_CONTROL].gid, &c) < 0) {
        master_fail(m, EX_CONFIG, c.text);
        return;
    }
    m->state = MASTER_RUNNING;
    services_flush(m);
    if (m->check) {
        loop_stop(&m->loop);
        return;
    }
    access_start(m);
    files_watch(m);
    certificates_watch(m);
    banning_begin(m);
    heartbeat_start(m);
    m->since = time(NULL);
    drain_follow(m);
    supervisor_up(m);
    master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                  "started, version %s, data_binding = %s%s", SALLYPORT_VERSION,
                  binding_words[binding],
                  binding == BINDING_ADDRESS
                      ? ": data connections prove nothing but their address"
                      : "");
    if (m->unnamed.text[0])
        master_report(m, EVENT_TROUBLE, PROCESS_MASTER, "%s", m->unnamed.text);
}

static void run_on_turn_over(void *owner)
{
    struct master *m = owner;

    sessions_sweep(m);
    if (!m->may_be_over)
        return;
    m->may_be_over = false;
    if (m->state == MASTER_STARTING)
        run_look_ready(m);
    else if (m->state == MASTER_STOPPING)
        stop_end_if_over(m);
    else
        retire_end_if_over(m);
}

int master_start(struct master *m)
{
    int r = loop_init(&m->loop);

    if (r == 0)
        r = signals_watch(m);
    if (r == 0)
        r = supervisor_listen(m);
    if (r == 0)
        r = sessions_init(m->sessions, m->settings.max_sessions,
                          master_places(m));
    if (r == 0)
        r = roster_map(m->memory[MEMORY_ROSTER], m->sessions->size, &m->roster);
    if (r == 0)
        r = guesses_map(m->memory[MEMORY_GUESSES], &m->guesses);
    if (r == 0)
        r = banning_init(m);
    if (r == 0 && !m->board) /* in a test: there is no supervisor, which makes
                              * the board */
        r = SHARED_MAP(m->board, -1, PROT_READ | PROT_WRITE);
    if (r == 0) {
        m->row = board_find(m->board, m->succession.generation);
        r = m->row ? 0 : -ENOENT;
    }
    if (r == 0 && m->memory[MEMORY_METRICS] >= 0)
        r = SHARED_MAP(m->metrics, m->memory[MEMORY_METRICS],
                       PROT_READ | PROT_WRITE);
    if (r == 0)
        r = services_init(m, m->sessions->size);
    if (r == 0)
        r = control_start(m->control);
    if (r < 0)
        return r;
    m->loop.on_turn_over = run_on_turn_over;
    m->loop.owner = m;
    m->state = MASTER_STARTING;
    m->deadline =
        (struct loop_timer){ .on_timer = run_on_deadline, .owner = m };
    helper_watch_survey(m);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = rows[i].process == PROCESS_AUTH ? m->auth_count : 1;

        while (n-- > 0 && !(m->check && rows[i].not_checked))
            children_add(m, &rows[i]);
    }
    CHILDREN_EACH(m, c)
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
    loop_timer_clear(&m->loop, &m->retirement->late);
    loop_timer_clear(&m->loop, &m->retirement->deadline);
    loop_timer_clear(&m->loop, &m->heartbeat);
    loop_timer_clear(&m->loop, &m->places);
    loop_timer_clear(&m->loop, &m->certificates->timer);
    loop_timer_clear(&m->loop, &m->access->fresh);
    loop_timer_clear(&m->loop, &m->drain);
    /* Release the services before the sessions: the loop's list can have the
     * services' timer between timers of sessions. */
    services_release(m);
    sessions_release(m->sessions);
    roster_unmap(&m->roster);
    SHARED_UNMAP(m->guesses);
    SHARED_UNMAP(m->banning->table);
    SHARED_UNMAP(m->board);
    SHARED_UNMAP(m->metrics);
    userdb_release(m->users);
    listeners_release(m->listeners);
    loop_remove(&m->loop, &m->succession.watch);
    succession_release(&m->succession);
    loop_release(&m->loop);
    for (size_t i = 0; i < MASTER_PROGRAMS; i++)
        fd_close(&m->programs[i]);
    for (size_t i = 0; i < MEMORIES; i++) {
        fd_close(&m->memory[i]);
        fd_close(&m->memory_read[i]);
    }
    fd_close(&m->conf);
    certificates_release(m->certificates);
    fd_close(&m->empty);
}
