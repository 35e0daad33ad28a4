/* The supervisor's messages, and how master follows them: it leads, takes over,
 * hands over, answers the heartbeat, or learns how a reload has ended. */
#include "generations.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "control/control.h"
#include "sallyport/base/fd.h"
#include "sessions/sessions.h"

/* The heartbeat. Gate's deadline is shorter than the supervisor's deadline for
 * both. So master ends a gate that hangs, and its sessions finish their
 * transfers. The supervisor would end all of them. */

/* Gate gets a little more time at first, as in the supervisor: if the whole
 * machine has stopped, gate's answer comes after this timer. */
static void heartbeat_on_timer(void *owner)
{
    struct master *m = owner;
    struct child *gate = children_gate(m);

    if (!gate || m->state != MASTER_RUNNING)
        return;
    if (m->heartbeat->doubted) {
        child_end(gate, "does not answer");
        return;
    }
    m->heartbeat->doubted = true;
    loop_timer_set(&m->loop, &m->heartbeat->timer, m->deadlines.doubt);
}

void heartbeat_send_health(struct master *m)
{
    struct child *gate = children_gate(m);

    if (!m->heartbeat->unsent || !gate)
        return;
    m->heartbeat->unsent = SEND(&gate->channel, health, 0) == -EAGAIN;
    if (m->heartbeat->unsent)
        child_wait_writable(gate);
}

/* Keys has the same deadlines as gate, but `pong` doesn't wait for its answer:
 * another keys replaces it, and no session ends. */
static void heartbeat_ask_keys(struct master *m)
{
    struct child *keys = children_ready(m, PROCESS_KEYS);

    if (!keys || keys->timer.armed)
        return;
    keys->doubted = false;
    keys->unasked = true;
    loop_timer_set(&m->loop, &keys->timer, m->deadlines.heartbeat);
    heartbeat_send_keys(keys);
}

void heartbeat_send_keys(struct child *keys)
{
    if (!keys->unasked)
        return;
    keys->unasked = SEND(&keys->channel, health, 0) == -EAGAIN;
    if (keys->unasked)
        child_wait_writable(keys);
}

void heartbeat_on_keys_timer(struct child *keys)
{
    if (keys->doubted) {
        child_end(keys, "does not answer");
        return;
    }
    keys->doubted = true;
    loop_timer_set(&keys->master->loop, &keys->timer,
                   keys->master->deadlines.doubt);
}

int heartbeat_on_keys_healthy(void *owner, struct msg_healthy *msg)
{
    struct child *keys = owner;

    (void)msg;
    loop_timer_clear(&keys->master->loop, &keys->timer);
    return 0;
}

/* A master that drains, also after its gate's end, answers at once. Otherwise
 * the answer waits for gate's `healthy`. */
static int heartbeat_on_ping(void *owner, struct msg_ping *p)
{
    struct master *m = owner;
    struct heartbeat *h = m->heartbeat;
    struct child *gate = children_gate(m);

    if (m->state == MASTER_DRAINING)
        SUCCESSION_SAY(&m->succession, pong, p->request);
    if (!gate || m->state != MASTER_RUNNING)
        return 0;
    h->request = p->request;
    h->doubted = false;
    h->timer =
        (struct loop_timer){ .on_timer = heartbeat_on_timer, .owner = m };
    loop_timer_set(&m->loop, &h->timer, m->deadlines.heartbeat);
    h->unsent = true;
    heartbeat_send_health(m);
    heartbeat_ask_keys(m);
    return 0;
}

/* With the heartbeat, so that nothing wakes up for it. */
static void heartbeat_send_load(struct master *m)
{
    struct heartbeat *h = m->heartbeat;
    struct metrics_totals t = gauges_total(m);
    uint64_t sessions = m->sessions->living, ended = t.complete + t.failed;

    if (!m->succession.takes_load ||
        (h->loaded && h->sessions == sessions && h->transfers == ended))
        return;
    h->loaded = true;
    h->sessions = sessions;
    h->transfers = ended;
    SUCCESSION_SAY(&m->succession, load, 0, .sessions = sessions,
                   .transfers = ended);
}

int heartbeat_on_healthy(void *owner, struct msg_healthy *msg)
{
    struct master *m = ((struct child *)owner)->master;
    struct heartbeat *h = m->heartbeat;

    (void)msg;
    if (h->request == 0)
        return 0;
    loop_timer_clear(&m->loop, &h->timer);
    heartbeat_send_load(m);
    SUCCESSION_SAY(&m->succession, pong, h->request);
    h->request = 0;
    return 0;
}

void heartbeat_release(struct master *m)
{
    loop_timer_clear(&m->loop, &m->heartbeat->timer);
}

static int supervisor_on_lead(void *owner, struct msg_lead *l)
{
    struct master *m = owner;
    struct child *gate = children_gate(m);

    (void)l;
    m->succession.leads = true;
    if (gate && !m->succession.adopts)
        gate_open(gate);
    control_lead(m->control);
    if (m->state == MASTER_RUNNING) /* else gate has ended since `up` */
        older_lead(m);
    return 0;
}

static int supervisor_on_take_over(void *owner, struct msg_take_over *t)
{
    struct master *m = owner;
    struct child *gate = children_gate(m);

    m->succession.adopts =
        gate && SEND(&gate->channel, adopt, 0, .gate = t->gate) == 0;
    if (gate && !m->succession.adopts) /* it would accept beside the old one */
        child_end(gate, "does not read its messages");
    return 0;
}

static int supervisor_on_step_down(void *owner, struct msg_step_down *d)
{
    drain_step_down(owner, fd_take(&d->gate));
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
    ON(take_over, supervisor_on_take_over),
    ON(lead, supervisor_on_lead),
    ON(step_down, supervisor_on_step_down),
    ON(renewed, supervisor_on_renewed),
    ON(ping, heartbeat_on_ping),
};

/* Without a supervisor nobody would end or replace this generation. When the
 * supervisor dies, the kernel kills master (PR_SET_PDEATHSIG), but it may close
 * the channel first. Then master ends at once, without kicking the sessions. */
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
    struct child *gate = children_gate(m);

    if (m->succession.supervisor.fd >= 0) {
        SUCCESSION_SAY(&m->succession, up, 0);
        return;
    }
    m->succession.leads = true;
    if (gate)
        gate_open(gate);
}

/* Only a gate that has been asked may send it, and once. The supervisor would
 * take gate's mistake for master's, and kill the whole generation. */
int supervisor_on_serving(void *owner, struct msg_serving *msg)
{
    struct child *c = owner;
    struct succession *s = &c->master->succession;

    (void)msg;
    if ((!s->leads && !s->adopts) || s->serves) {
        c->channel.wrong = "serving, which it was not told to do";
        return -EPROTO;
    }
    s->serves = true;
    if (s->generation > 1)
        master_report(c->master, s->recovery ? EVENT_TROUBLE : EVENT_SERVICE,
                      PROCESS_MASTER, "%s",
                      s->recovery ? "replaces processes that failed"
                                  : "reload: the new configuration and "
                                    "certificates are in use");
    SUCCESSION_SAY(s, leading, 0);
    return 0;
}
