/* See heartbeat.h. Gate's deadline is shorter than the supervisor's deadline
 * for both. So master ends a gate that hangs, and its sessions finish their
 * transfers. The supervisor would end all of them. Runs in master. */
#include "heartbeat.h"

#include <errno.h>

#include "children/children.h"

/* Gate gets a little more time at first, as in the supervisor: if the whole
 * machine has stopped, gate's answer comes after this timer. */
static void heartbeat_on_time(void *owner)
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

void heartbeat_ask(struct master *m)
{
    struct child *gate = children_gate(m);

    if (!m->heartbeat->unasked || !gate)
        return;
    m->heartbeat->unasked = SEND(&gate->channel, health, 0) == -EAGAIN;
    if (m->heartbeat->unasked)
        child_wait_writable(gate);
}

/* A generation that leads has no answer without a gate. The supervisor may
 * learn of gate's end after its `ping`. One that drains only shows that it
 * doesn't hang. */
int heartbeat_on_ping(void *owner, struct msg_ping *p)
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
    h->timer = (struct loop_timer){ .on_time = heartbeat_on_time, .owner = m };
    loop_timer_set(&m->loop, &h->timer, m->deadlines.heartbeat);
    h->unasked = true;
    heartbeat_ask(m);
    return 0;
}

int heartbeat_on_healthy(void *owner, struct msg_healthy *msg)
{
    struct master *m = ((struct child *)owner)->master;
    struct heartbeat *h = m->heartbeat;

    (void)msg;
    if (h->request == 0)
        return 0;
    loop_timer_clear(&m->loop, &h->timer);
    SUCCESSION_SAY(&m->succession, pong, h->request);
    h->request = 0;
    return 0;
}

void heartbeat_release(struct master *m)
{
    loop_timer_clear(&m->loop, &m->heartbeat->timer);
}
