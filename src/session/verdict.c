/* What is said of a transfer at its end, in the session process: the event to
 * log, and then, only then, the final reply. While log takes nothing (it is
 * slow, or dead and not yet replaced) and the queue is full the reply waits; it
 * must never say that a transfer succeeded of which no line tells. */
#include "verdict.h"

#include <stdio.h>

#include "control.h"
#include "leave.h"
#include "report.h"
#include "transfer.h"

/* Log is started anew at most once in 10 s. */
#define PLACE_MS 20000

static bool is_success(enum reply r)
{
    return reply_code(r) < 400;
}

static void say(struct session *s, enum reply r, struct slice a, struct slice b)
{
    struct verdict *v = &s->verdict;
    bool aborted = v->aborted;

    v->held = v->aborted = false;
    loop_timer_clear(&s->loop, &v->timer);
    control_reply_with(s, r, a, b);
    if (aborted)
        control_reply(s, REPLY_ABORTED);
    buf_release(&v->a);
    buf_release(&v->b);
    transfer_settled(s);
}

static int report(struct session *s)
{
    struct verdict *v = &s->verdict;

    return report_transfer(s, reply_code(v->reply), v->reason,
                           buf_slice(&v->b));
}

/* The event is lost, and counted as such. */
static void on_late(void *owner)
{
    struct session *s = owner;
    struct verdict *v = &s->verdict;

    if (report(s) == 0 || !is_success(v->reply))
        say(s, v->reply, buf_slice(&v->a), buf_slice(&v->b));
    else if (v->b.len > 0)
        say(s, REPLY_UNLOGGED_STANDS, buf_slice(&v->b), NOTHING);
    else
        say(s, REPLY_UNLOGGED, NOTHING, NOTHING);
    session_continue(s);
}

void verdict_retry(struct session *s)
{
    struct verdict *v = &s->verdict;

    if (!v->held || !event_has_place(&s->log))
        return;
    report(s);
    say(s, v->reply, buf_slice(&v->a), buf_slice(&v->b));
}

void verdict_give(struct session *s, enum reply r, struct slice a,
                  struct slice b, const char *reason)
{
    struct verdict *v = &s->verdict;
    uint64_t stall = s->settings->stall_timeout;

    v->held = true;
    v->reply = r;
    if (buf_add_slice(&v->a, a) < 0 || buf_add_slice(&v->b, b) < 0)
        leave(s, ENDING_PEER, "no memory for a reply");
    snprintf(v->reason, sizeof(v->reason), "%s", reason);
    loop_timer_set(&s->loop, &v->timer, stall < PLACE_MS ? stall : PLACE_MS);
    verdict_retry(s);
}

void verdict_of_abor(struct session *s)
{
    s->verdict.aborted = true;
}

void verdict_force(struct session *s)
{
    if (!s->verdict.held)
        return;
    s->verdict.held = false;
    report(s);
}

void verdict_init(struct session *s)
{
    struct verdict *v = &s->verdict;

    buf_init(&v->a, REPLY_ARGUMENT_MAX);
    buf_init(&v->b, REPLY_ARGUMENT_MAX);
    v->timer = (struct loop_timer){ .on_time = on_late, .owner = s };
}
