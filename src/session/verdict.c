/* What is said of a transfer or a change at its end, in the session process:
 * the event to log, and then, only then, the reply. While log takes nothing (it
 * is slow, or dead and not yet replaced) the reply waits; it must never say
 * that something succeeded of which no line will tell. The queue is no place
 * for such an event: it ends with this process, at the latest by a kill. */
#include "verdict.h"

#include <errno.h>

#include "ask.h"
#include "control.h"
#include "leave.h"
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
    control_reply_logged(s, r, a, b);
    if (aborted)
        control_reply(s, REPLY_ABORTED);
    buf_release(&v->a);
    buf_release(&v->b);
    buf_release(&v->event);
    if (s->transfer.state == TRANSFER_NONE)
        control_transferred(s); /* a change */
    else
        transfer_settled(s);
}

/* It may still come, by the queue, or is counted as lost. */
static void queue_event(struct session *s, enum reply r)
{
    struct event_record e;

    if (event_decode(buf_slice(&s->verdict.event), &e) < 0)
        return; /* our own bytes */
    if (e.has_number & 1U << FIELD_RESULT)
        event_number(&e, FIELD_RESULT, reply_code(r));
    event_send(&s->log, &e);
}

static void on_late(void *owner)
{
    struct session *s = owner;
    struct verdict *v = &s->verdict;
    bool success = is_success(v->reply);
    enum reply r = success ? v->late : v->reply;

    queue_event(s, r);
    if (success)
        say(s, r, buf_slice(&v->b), NOTHING);
    else
        say(s, r, buf_slice(&v->a), buf_slice(&v->b));
    session_continue(s);
}

void verdict_retry(struct session *s)
{
    struct verdict *v = &s->verdict;

    if (!v->held || event_try(&s->log, buf_slice(&v->event)) == -EAGAIN)
        return;
    say(s, v->reply, buf_slice(&v->a), buf_slice(&v->b));
}

static void tell_at_last(struct session *s, struct event_record e)
{
    event_number(&e, FIELD_RESULT, 0);
    event_send(&s->log, &e);
}

static void hold(struct session *s, const struct event_record *e, enum reply r,
                 struct slice a, struct slice b)
{
    struct verdict *v = &s->verdict;
    uint64_t stall = s->settings->stall_timeout;

    if (v->over) {
        tell_at_last(s, *e);
        return;
    }
    v->held = true;
    v->reply = r;
    if (buf_add_slice(&v->a, a) < 0 || buf_add_slice(&v->b, b) < 0 ||
        event_encode(e, &v->event) < 0)
        leave(s, ENDING_PEER, "no memory for a reply");
    loop_timer_set(&s->loop, &v->timer, stall < PLACE_MS ? stall : PLACE_MS);
    verdict_retry(s);
    if (v->held)
        loop_change(&s->loop, &s->log_watch, EPOLLOUT);
}

void verdict_give(struct session *s, enum reply r, struct slice a,
                  struct slice b, const char *reason)
{
    struct event_record e;

    s->verdict.late = b.len > 0 ? REPLY_UNLOGGED_STANDS : REPLY_UNLOGGED;
    record_transfer(&e, s, reply_code(r), reason, b);
    hold(s, &e, r, a, b);
}

void verdict_of_change(struct session *s, const struct packet *p,
                       const struct change *c, enum reply done, struct slice a,
                       struct slice b)
{
    struct event_record e;
    const char *cause = "";
    enum reply r = done;

    if (p->message == MSG_REFUSED) {
        r = ask_refusal(s, p, &cause);
        a = slice_from(cause);
        b = NOTHING;
    }
    s->verdict.late = REPLY_UNLOGGED_DONE;
    record_change(&e, s, c, reply_code(r), cause);
    hold(s, &e, r, a, b);
}

void verdict_of(struct session *s, const struct event_record *e, enum reply r)
{
    hold(s, e, r, NOTHING, NOTHING);
}

void verdict_of_abor(struct session *s)
{
    s->verdict.aborted = true;
}

void verdict_force(struct session *s)
{
    struct verdict *v = &s->verdict;

    if (!v->held)
        return;
    v->held = false;
    loop_timer_clear(&s->loop, &v->timer);
    queue_event(s, v->reply);
}

void verdict_end(struct session *s)
{
    verdict_force(s);
    s->verdict.over = true;
    ask_unanswered(s);
}

void verdict_init(struct session *s)
{
    struct verdict *v = &s->verdict;

    buf_init(&v->a, REPLY_ARGUMENT_MAX);
    buf_init(&v->b, REPLY_ARGUMENT_MAX);
    buf_init(&v->event, EVENT_BYTES_MAX);
    v->timer = (struct loop_timer){ .on_time = on_late, .owner = s };
}
