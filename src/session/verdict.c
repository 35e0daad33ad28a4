/* The reply at the end of a transfer or change, in the session process. Its
 * event goes to log first, and then the reply to the client. While log doesn't
 * read (it is slow, or is being restarted), the reply waits. So no reply
 * reports a success that has no line in the log. The event can't wait in the
 * queue: if this process is killed, the queue is lost. */
#include "transfer.h"

#include <errno.h>

/* A log that has died often is restarted once in 10 s. */
#define EVENT_WAIT_MS 20000

static void verdict_reply(struct session *s, enum reply r, struct slice a,
                          struct slice b)
{
    struct verdict *v = &s->verdict;
    enum reply second = v->second;

    v->state = VERDICT_NONE;
    v->second = REPLY_COUNT;
    loop_timer_clear(&s->loop, &v->timer);
    control_reply_pair(s, r, a, b);
    if (second != REPLY_COUNT)
        control_reply(s, second);
    buf_release(&v->a);
    buf_release(&v->b);
    buf_release(&v->event);
    if (s->transfer.state == TRANSFER_NONE)
        control_after_transfer(s); /* a change */
    else
        transfer_run(s, WAITS_LOG);
}

/* The event may still arrive, through the queue; otherwise it is counted as
 * lost. */
static void verdict_queue_event(struct session *s, enum reply r)
{
    struct event_record e;

    if (event_decode(buf_slice(&s->verdict.event), &e) < 0)
        return; /* these are our own bytes */
    if (e.has_number & 1U << FIELD_RESULT)
        event_number(&e, FIELD_RESULT, reply_code(r));
    event_send(&s->log, &e);
}

/* No line reports the result, so the reply is no success. */
static void verdict_unlogged(struct session *s)
{
    struct verdict *v = &s->verdict;
    bool success = reply_code(v->reply) < 400;
    enum reply r = success ? v->late : v->reply;

    verdict_queue_event(s, r);
    if (success)
        verdict_reply(s, r, buf_slice(&v->b), NOTHING);
    else
        verdict_reply(s, r, buf_slice(&v->a), buf_slice(&v->b));
}

static void verdict_on_late(void *owner)
{
    verdict_unlogged(owner);
    control_resume(owner);
}

void verdict_retry(struct session *s)
{
    struct verdict *v = &s->verdict;
    int r = -EAGAIN;

    if (v->state == VERDICT_HELD)
        r = event_try(&s->log, buf_slice(&v->event));
    if (r == 0)
        verdict_reply(s, v->reply, buf_slice(&v->a), buf_slice(&v->b));
    else if (r != -EAGAIN)
        verdict_unlogged(s);
}

static void verdict_hold(struct session *s, const struct event_record *e,
                         enum reply r, struct slice a, struct slice b)
{
    struct verdict *v = &s->verdict;
    uint64_t stall = s->settings->stall_timeout;

    if (v->state == VERDICT_OVER) {
        struct event_record last = *e;

        event_number(&last, FIELD_RESULT, 0);
        event_send(&s->log, &last);
        return;
    }
    v->state = VERDICT_HELD;
    v->reply = r;
    if (buf_add_slice(&v->a, a) < 0 || buf_add_slice(&v->b, b) < 0 ||
        event_encode(e, &v->event) < 0)
        leave(s, ENDING_PEER, "no memory for a reply");
    loop_timer_set(&s->loop, &v->timer,
                   stall < EVENT_WAIT_MS ? stall : EVENT_WAIT_MS);
    verdict_retry(s);
    if (v->state == VERDICT_HELD)
        loop_change(&s->loop, &s->log_watch, EPOLLOUT);
}

/* An upload's client compares it with what has arrived, and can't know before
 * that the user may not read there. See also report_refusal(). */
static bool verdict_is_of_own_upload(const struct session *s, enum reply r)
{
    const struct transfer *t = &s->transfer;

    return r == REPLY_NO_RIGHT && t->hash &&
           slice_equal(path_slice(&t->path), slice_from(s->stored));
}

void verdict_give(struct session *s, enum reply r, struct slice a,
                  struct slice b, const char *reason)
{
    struct event_record e;

    if (verdict_is_of_own_upload(s, r) && s->verdict.state == VERDICT_NONE) {
        verdict_reply(s, r, a, b);
        return;
    }
    s->verdict.late = b.len > 0 ? REPLY_UNLOGGED_STANDS : REPLY_UNLOGGED;
    report_of_transfer(&e, s, reply_code(r), reason, b);
    verdict_hold(s, &e, r, a, b);
}

void verdict_of_change(struct session *s, const struct message *m,
                       const struct change *c, enum reply done, struct slice a,
                       struct slice b)
{
    struct event_record e;
    const char *cause = "";
    enum reply r = done;

    if (m->kind == MSG_refused) {
        r = ask_refusal(s, m, &cause);
        a = slice_from(cause);
        b = NOTHING;
    }
    s->verdict.late = REPLY_UNLOGGED_DONE;
    report_of_change(&e, s, c, reply_code(r), cause);
    verdict_hold(s, &e, r, a, b);
}

void verdict_of(struct session *s, const struct event_record *e, enum reply r)
{
    verdict_hold(s, e, r, NOTHING, NOTHING);
}

void verdict_of_abor(struct session *s)
{
    s->verdict.second = REPLY_ABORTED;
}

void verdict_force(struct session *s)
{
    struct verdict *v = &s->verdict;

    if (v->state != VERDICT_HELD)
        return;
    v->state = VERDICT_NONE;
    loop_timer_clear(&s->loop, &v->timer);
    verdict_queue_event(s, v->reply);
}

void verdict_end(struct session *s)
{
    verdict_force(s);
    s->verdict.state = VERDICT_OVER;
    ask_unanswered(s);
}

void verdict_init(struct session *s)
{
    struct verdict *v = &s->verdict;

    v->second = REPLY_COUNT;
    buf_init(&v->a, REPLY_ARGUMENT_MAX);
    buf_init(&v->b, REPLY_ARGUMENT_MAX);
    buf_init(&v->event, EVENT_BYTES_MAX);
    v->timer = (struct loop_timer){ .on_timer = verdict_on_late, .owner = s };
}
