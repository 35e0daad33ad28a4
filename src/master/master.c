/* Master as a whole: its tables, its children, the moment when all are ready.
 * It parses no byte of a client and never waits for one process. */
#include "master.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#include "access.h"
#include "certificates.h"
#include "child.h"
#include "children.h"
#include "control.h"
#include "drain.h"
#include "guesses.h"
#include "hosts.h"
#include "listen.h"
#include "older.h"
#include "programs.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/secret.h"
#include "sallyport/domain/binding.h"
#include "service.h"
#include "session.h"
#include "signals.h"
#include "stop.h"
#include "supervisor.h"
#include "userdb.h"

#define READY_TEXT_MAX 4096

static void on_deadline(void *owner)
{
    loop_stop(&((struct master *)owner)->loop);
}

static void on_events_ready(void *owner, uint32_t events)
{
    struct master *m = owner;

    if (events & (EPOLLHUP | EPOLLERR)) {
        loop_remove(&m->loop, &m->events_watch);
        return; /* log is gone; its own channel says so */
    }
    event_flush(&m->events);
    if (m->events.queue.len == 0)
        loop_change(&m->loop, &m->events_watch, 0);
}

void master_init(struct master *m)
{
    *m = (struct master){ .programs = -1,
                          .memory = -1,
                          .guesses_memory = -1,
                          .conf = -1,
                          .empty = -1,
                          .signals.fd = -1,
                          .loop.epoll_fd = -1 };
    succession_init(&m->succession);
    settings_default(&m->settings);
    event_sender_init(&m->events, -1, PROCESS_MASTER);
    m->events_watch = (struct loop_watch){ .fd = -1,
                                           .on_ready = on_events_ready,
                                           .owner = m };
    m->deadline = (struct loop_timer){ .on_time = on_deadline, .owner = m };
    m->deadlines = (struct deadlines){ .setup = 15000,
                                       .restart = 10000,
                                       .leaving = 1000,
                                       .stuck = 10000,
                                       .silence = 60000,
                                       .verdict = 15000,
                                       .files = 10000,
                                       .hosts = 5000,
                                       .kick = 2000,
                                       .stop = 5000,
                                       .ask = 10000,
                                       .renew = 150000,
                                       .users = 3000,
                                       .hand_over = 6000,
                                       .walk = 15 * 60 * 1000 };
    random_bytes(m->name_key, sizeof(m->name_key));
    random_bytes(m->version_key, sizeof(m->version_key));
}

static void add_children(struct master *m)
{
    if (!m->check)
        children_add(m, child_row(PROCESS_LOG));
    if (!m->hosts->settled)
        children_add(m, child_row(PROCESS_LOOKUP));
    children_add(m, child_row(PROCESS_KEYS)); /* gate waits for it */
    children_add(m, child_row(PROCESS_GATE));
    for (size_t i = 0; i < m->auth_count && !m->check; i++)
        children_add(m, child_row(PROCESS_AUTH));
}

int master_start(struct master *m)
{
    int r = loop_init(&m->loop);

    if (r == 0)
        r = signals_open(m);
    if (r == 0)
        r = supervisor_start(m);
    if (r == 0)
        r = sessions_init(m->sessions, m->settings.max_sessions);
    if (r == 0)
        r = guesses_init(m->guesses, m->guesses_memory);
    if (r == 0)
        r = services_init(m);
    if (r == 0)
        r = control_start(m->control);
    if (r < 0)
        return r;
    m->state = MASTER_STARTING;
    hosts_init(m);
    add_children(m);
    for (size_t i = 0; i < m->children->count; i++) {
        struct child *c = &m->children->child[i];

        if (m->hosts->settled || c->row->process != PROCESS_GATE)
            child_start(c);
    }
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
    for (size_t i = 0; i < m->children->count; i++)
        child_release(&m->children->child[i]);
    control_stop(m->control);
    loop_remove(&m->loop, &m->events_watch);
    event_sender_release(&m->events);
    if (m->signals.fd >= 0)
        signals_close(m);
    older_release(m);
    drain_release(m);
    services_release(m); /* its timer may stand between those of sessions */
    sessions_release(m->sessions);
    guesses_release(m->guesses);
    userdb_release(m->users);
    listeners_release(m->listeners);
    loop_remove(&m->loop, &m->succession.watch);
    succession_release(&m->succession);
    loop_release(&m->loop);
    programs_close(&m->programs);
    fd_close(&m->memory);
    fd_close(&m->guesses_memory);
    fd_close(&m->conf);
    certificates_release(m->certificates);
    fd_close(&m->empty);
}

void master_report(struct master *m, enum event e, enum process about,
                   const char *format, ...)
{
    struct event_record r;
    char text[COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!children_ready(m, PROCESS_LOG) || m->events.channel.fd < 0) {
        say("%s: %s: %s", event_name(e), process_name(about), text);
        return;
    }
    event_begin(&r, e);
    event_text(&r, FIELD_PROCESS, slice_from(process_name(about)));
    event_text(&r, FIELD_REASON, slice_from(text));
    event_send(&m->events, &r);
    if (m->events.queue.len > 0)
        loop_change(&m->loop, &m->events_watch, EPOLLOUT);
}

void master_fail(struct master *m, int status, const char *why)
{
    if (m->status == 0) {
        m->status = status;
        say("%s", why);
        succession_failed(&m->succession, why);
    }
    loop_stop(&m->loop);
}

static void say_ready(struct master *m)
{
    const char *binding = binding_words[m->settings.data_binding];
    struct buf text;

    buf_init(&text, READY_TEXT_MAX);
    if (listeners_text(m->listeners, &text) == 0)
        say("ready: listening on %.*s; data_binding = %s", (int)text.len,
            text.data, binding);
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

void master_child_ready(struct master *m)
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
        say_ready(m);
    }
}
