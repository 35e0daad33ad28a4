/* The supervisor, in master: its messages, and what master does when it leads,
 * when another generation leads, and when a reload has ended. The heartbeat:
 * master counts on the board, so that the supervisor sees that master doesn't
 * hang; and master looks whether its gate and its keys count. */
#include "generations.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "control/control.h"
#include "logins/logins.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

#define READY_TEXT_MAX 4096
#define BEATS_TO_WRITE 20 /* from one try to write the bans to the next */

static int supervisor_on_lead(void *owner, struct msg_lead *l)
{
    struct master *m = owner;

    (void)l;
    m->succession.leads = true;
    control_lead(m->control);
    older_lead(m);
    m->access->before_us = userdb_edits(m->users);
    access_ask(m); /* an edit may have been announced during the start */
    sessions_send_news(m);
    return 0;
}

static int supervisor_on_replaced(void *owner, struct msg_replaced *r)
{
    (void)r;
    retire_begin(owner);
    return 0;
}

static int supervisor_on_renewed(void *owner, struct msg_renewed *r)
{
    char why[COMPLAINT_MAX];

    slice_copy(r->why, why, sizeof(why));
    control_renewed(owner, r->request, r->done ? NULL : why);
    return 0;
}

static const struct handler supervisor_handlers[] = {
    ON(lead, supervisor_on_lead),
    ON(replaced, supervisor_on_replaced),
    ON(renewed, supervisor_on_renewed),
};

/* If the supervisor has gone, nobody would end or replace this generation. When
 * the supervisor dies, the kernel kills master (PR_SET_PDEATHSIG), but can
 * close the channel first. If the channel is closed, master ends at once,
 * without kicking the sessions. */
static void supervisor_on_readable(void *owner, uint32_t events)
{
    struct master *m = owner;
    struct succession *s = &m->succession;
    int r = DISPATCH(&s->supervisor, supervisor_handlers, m);

    (void)events;
    if (r == 0)
        return;
    if (r != -EPROTO && r != -EMFILE)
        kill(getpid(), SIGKILL);
    master_report(m, EVENT_PEER, PROCESS_SUPERVISOR, "%s", s->supervisor.wrong);
    loop_remove(&m->loop, &s->watch);
    channel_close(&s->supervisor);
    stop_begin(m);
}

int supervisor_listen(struct master *m)
{
    struct succession *s = &m->succession;

    if (s->supervisor.fd < 0)
        return 0;
    return loop_add_reader(&m->loop, &s->watch, s->supervisor.fd,
                           supervisor_on_readable, m);
}

/* In a test there is no supervisor, so this master leads at once. */
void supervisor_up(struct master *m)
{
    if (m->succession.supervisor.fd >= 0) {
        SUCCESSION_SAY(&m->succession, up, 0);
        return;
    }
    m->succession.leads = true;
    board_set(&m->board->accepts, m->succession.generation);
    sessions_send_news(m);
}

/* Refuses the message of a gate that master hasn't told to open: otherwise the
 * supervisor would blame master, and kill the whole generation. */
int supervisor_on_serving(void *owner, struct msg_serving *msg)
{
    struct child *c = owner;
    struct master *m = c->master;
    struct succession *s = &m->succession;
    struct buf text;

    (void)msg;
    if (!c->opened) {
        c->channel.wrong = "serving, which it was not told to do";
        return -EPROTO;
    }
    if (s->serves) /* this gate replaces another gate */
        return 0;
    s->serves = true;
    if (s->generation > 1)
        master_report(m, s->recovery ? EVENT_TROUBLE : EVENT_SERVICE,
                      PROCESS_MASTER, "%s",
                      s->recovery ? "replaces processes that failed"
                                  : "reload: the new configuration and "
                                    "certificates are in use");
    SUCCESSION_SAY(s, leading, 0);
    buf_init(&text, READY_TEXT_MAX);
    if (listeners_text(m->listeners, &m->settings, &text) == 0)
        stderr_print("ready: listening on %.*s; data_binding = %s",
                     (int)text.len, text.data,
                     binding_words[m->settings.data_binding]);
    buf_release(&text);
    return 0;
}

/* The heartbeat. */

/* Ends C if it no longer counts. Another process replaces it; sessions go on
 * with the next gate, and with the next keys. */
static void heartbeat_look(struct master *m, struct child *c)
{
    pulse_look(&c->pulse, board_get(&c->beat->count), m->deadlines.beat);
    if (c->pulse.silent >= m->deadlines.hang)
        child_end(c, "does not answer");
}

static void heartbeat_on_timer(void *owner)
{
    struct master *m = owner;
    struct child *gate = children_ready(m, PROCESS_GATE);
    struct child *keys = children_ready(m, PROCESS_KEYS);
    struct metrics_totals t = gauges_total(m);

    if (gate)
        heartbeat_look(m, gate);
    if (keys)
        heartbeat_look(m, keys);
    if (gate)
        board_set(&m->row->gate, gate->pulse.count);
    board_set(&m->row->sessions, m->sessions->living);
    board_set(&m->row->transfers, t.complete + t.failed);
    board_set(&m->row->master, m->row->master + 1);
    if (m->state == MASTER_RUNNING && m->banning->error &&
        m->row->master % BEATS_TO_WRITE == 0)
        banning_save(m);
    loop_timer_set(&m->loop, &m->heartbeat, m->deadlines.beat);
}

void heartbeat_start(struct master *m)
{
    m->heartbeat =
        (struct loop_timer){ .on_timer = heartbeat_on_timer, .owner = m };
    heartbeat_on_timer(m);
}
