/* The reply at the end of a transfer or change, in the session process. Its
 * event goes to log first, and then the reply to the client. While log doesn't
 * read (it is slow, or is being restarted), the reply waits. So no reply
 * reports a success that has no line in the log. The event can't wait in the
 * queue: if this process is killed, the queue is lost. */
#include "transfer.h"

#include <errno.h>

/* A log that has died often is restarted once in 10 s. */
#define EVENT_WAIT_MS 20000

static void final_send(struct session *s, enum reply r, struct slice a,
                       struct slice b)
{
    struct final_reply *f = &s->final;
    enum reply second = f->second;

    f->state = FINAL_NONE;
    f->second = REPLY_COUNT;
    loop_timer_clear(&s->loop, &f->timer);
    control_reply_pair(s, r, a, b);
    if (second != REPLY_COUNT)
        control_reply(s, second);
    buf_release(&f->a);
    buf_release(&f->b);
    buf_release(&f->event);
    if (s->transfer.state == TRANSFER_NONE)
        control_after_transfer(s); /* a change */
    else
        transfer_run(s, WAITS_LOG);
}

/* The event may still arrive, through the queue; otherwise it is counted as
 * lost. */
static void final_queue_event(struct session *s, enum reply r)
{
    struct event_record e;

    if (event_decode(buf_slice(&s->final.event), &e) < 0)
        return; /* these are our own bytes */
    if (e.has_number & 1U << FIELD_RESULT)
        event_number(&e, FIELD_RESULT, reply_code(r));
    event_send(&s->log, &e);
}

/* No line reports the result, so the reply is no success. */
static void final_unlogged(struct session *s)
{
    struct final_reply *f = &s->final;
    bool success = reply_code(f->reply) < 400;
    enum reply r = success ? f->late : f->reply;

    final_queue_event(s, r);
    if (success)
        final_send(s, r, buf_slice(&f->b), NOTHING);
    else
        final_send(s, r, buf_slice(&f->a), buf_slice(&f->b));
}

static void final_on_late(void *owner)
{
    final_unlogged(owner);
    control_resume(owner);
}

void final_retry(struct session *s)
{
    struct final_reply *f = &s->final;
    int r = -EAGAIN;

    if (f->state == FINAL_HELD)
        r = event_try(&s->log, buf_slice(&f->event));
    if (r == 0)
        final_send(s, f->reply, buf_slice(&f->a), buf_slice(&f->b));
    else if (r != -EAGAIN)
        final_unlogged(s);
}

static void final_hold(struct session *s, const struct event_record *e,
                       enum reply r, struct slice a, struct slice b)
{
    struct final_reply *f = &s->final;
    uint64_t stall = s->settings->stall_timeout;

    if (f->state == FINAL_OVER) {
        struct event_record last = *e;

        event_number(&last, FIELD_RESULT, 0);
        event_send(&s->log, &last);
        return;
    }
    f->state = FINAL_HELD;
    f->reply = r;
    if (buf_add_slice(&f->a, a) < 0 || buf_add_slice(&f->b, b) < 0 ||
        event_encode(e, &f->event) < 0)
        leave(s, ENDING_PEER, "no memory for a reply");
    loop_timer_set(&s->loop, &f->timer,
                   stall < EVENT_WAIT_MS ? stall : EVENT_WAIT_MS);
    final_retry(s);
    if (f->state == FINAL_HELD)
        loop_change(&s->loop, &s->log_watch, EPOLLOUT);
}

/* An upload's client compares it with what has arrived, and can't know before
 * that the user may not read there. See also report_refusal(). */
static bool final_is_of_own_upload(const struct session *s, enum reply r)
{
    const struct transfer *t = &s->transfer;

    return r == REPLY_NO_RIGHT && t->hash &&
           slice_equal(path_slice(&t->path), slice_from(s->stored));
}

void final_give(struct session *s, enum reply r, struct slice a, struct slice b,
                const char *reason)
{
    struct event_record e;

    if (final_is_of_own_upload(s, r) && s->final.state == FINAL_NONE) {
        final_send(s, r, a, b);
        return;
    }
    s->final.late = b.len > 0 ? REPLY_UNLOGGED_STANDS : REPLY_UNLOGGED;
    report_of_transfer(&e, s, reply_code(r), reason, b);
    final_hold(s, &e, r, a, b);
}

void final_of_change(struct session *s, const struct message *m,
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
    s->final.late = REPLY_UNLOGGED_DONE;
    report_of_change(&e, s, c, reply_code(r), cause);
    final_hold(s, &e, r, a, b);
}

void final_of(struct session *s, const struct event_record *e, enum reply r)
{
    final_hold(s, e, r, NOTHING, NOTHING);
}

void final_of_abor(struct session *s)
{
    s->final.second = REPLY_ABORTED;
}

void final_force(struct session *s)
{
    struct final_reply *f = &s->final;

    if (f->state != FINAL_HELD)
        return;
    f->state = FINAL_NONE;
    loop_timer_clear(&s->loop, &f->timer);
    final_queue_event(s, f->reply);
}

void final_end(struct session *s)
{
    final_force(s);
    s->final.state = FINAL_OVER;
    ask_unanswered(s);
}

void final_init(struct session *s)
{
    struct final_reply *f = &s->final;

    f->second = REPLY_COUNT;
    buf_init(&f->a, REPLY_ARGUMENT_MAX);
    buf_init(&f->b, REPLY_ARGUMENT_MAX);
    buf_init(&f->event, EVENT_BYTES_MAX);
    f->timer = (struct loop_timer){ .on_timer = final_on_late, .owner = s };
}
