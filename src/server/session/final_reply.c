/* Sends the reply at the end of a transfer or change, in the session process.
 * Sends the event to log first, and then the reply to the client. While log
 * doesn't read (it is slow, or is being restarted), the session waits here, and
 * does nothing else. So each success that a reply reports has its line in the
 * log. The event can't wait in the queue: if this process is killed, the queue
 * is lost. */
#include "transfer.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "sallyport/base/clock.h"

/* Time in ms to wait for log: if log has died often, master restarts it only
 * once in 10 s. */
#define LOG_MS  20000
#define TICK_MS 50 /* ms; log's socket has room before poll(2) says so */

bool final_wait(struct session *s, uint64_t since)
{
    struct pollfd log = { .fd = s->log.channel.fd, .events = POLLOUT };

    if (log.fd < 0 || clock_ms() - since >= LOG_MS)
        return false;
    poll(&log, 1, TICK_MS);
    return !(log.revents & (POLLHUP | POLLERR));
}

/* Returns true if the session's end is decided, or master has ended or sent a
 * kick. A kick that lets a transfer finish doesn't count at the end of a
 * transfer: the session reads this kick after the reply. */
static bool final_is_kicked(const struct session *s)
{
    struct { /* a message's kind and request, then each field in 64 bits */
        uint16_t kind, zero;
        uint32_t request;
        uint64_t why, finish;
    } kick = { .kind = MSG_NONE };
    ssize_t n =
        recv(s->master.fd, &kick, sizeof(kick), MSG_PEEK | MSG_DONTWAIT);

    if (control_ends(s) || n == 0)
        return true;
    return kick.kind == MSG_kick &&
           !(kick.finish && s->transfer.state != TRANSFER_NONE);
}

/* Waits until the event is in log's socket. Returns false if log doesn't take
 * the event in time, or if a kick comes. */
static bool final_is_logged(struct session *s, const struct event_record *e)
{
    const uint64_t began = clock_ms();
    struct buf bytes;
    int r;

    buf_init(&bytes, EVENT_BYTES_MAX);
    if (event_encode(e, &bytes) < 0)
        leave(s, ENDING_PEER, "no memory for a reply");
    do
        r = event_try(&s->log, buf_slice(&bytes));
    while (r == -EAGAIN && clock_ms() - began < s->settings->stall_timeout &&
           !final_is_kicked(s) && final_wait(s, began));
    buf_release(&bytes);
    return r == 0;
}

/* Sends the event E to log, then the reply R to the client. If log doesn't take
 * the event in time, replaces a success R by LATE, with B as its argument. The
 * event can still reach log through the queue. */
static void final_give(struct session *s, struct event_record *e, enum reply r,
                       enum reply late, struct slice a, struct slice b)
{
    if (s->over) {
        event_number(e, FIELD_RESULT, 0);
        event_send(&s->log, e);
        return;
    }
    if (!final_is_logged(s, e)) {
        if (reply_code(r) < 400) {
            event_number(e, FIELD_RESULT, reply_code(late));
            r = late;
            a = b;
        }
        event_send(&s->log, e);
    }
    control_reply_pair(s, r, a, b);
}

void final_of_transfer(struct session *s, enum reply r, struct slice a,
                       struct slice b, const char *reason)
{
    const struct transfer *t = &s->transfer;
    struct event_record e;

    /* Doesn't log a refused checksum of the session's own upload: the client
     * wants to verify its upload, and can't know that the user has no right to
     * read there. See also report_refusal(). */
    if (r == REPLY_NO_RIGHT && t->hash &&
        slice_equal(path_slice(&t->path), slice_from(s->stored))) {
        control_reply_pair(s, r, a, b);
        return;
    }
    report_of_transfer(&e, s, reply_code(r), reason, b);
    final_give(s, &e, r, b.len > 0 ? REPLY_UNLOGGED_STANDS : REPLY_UNLOGGED, a,
               b);
    if (t->aborted)
        control_reply(s, REPLY_ABORTED);
}

void final_of_change(struct session *s, const struct message *m,
                     const struct change *c, enum reply done, struct slice a)
{
    struct event_record e;
    const char *cause = "";
    enum reply r = done;

    if (m->kind == MSG_refused) {
        r = ask_refusal(s, m, &cause);
        a = slice_from(cause);
    }
    report_of_change(&e, s, c, reply_code(r), cause);
    final_give(s, &e, r, REPLY_UNLOGGED_DONE, a, c->path);
    if (!s->over)
        control_after_transfer(s);
}

void final_of_other_host(struct session *s, const char *verb,
                         const char *target)
{
    const enum reply r = REPLY_ACTIVE_OTHER_HOST;
    struct event_record e;

    event_begin(&e, EVENT_DATA_REFUSED);
    event_text(&e, FIELD_USER, slice_from(s->login.user));
    event_text(&e, FIELD_VERB, slice_from(verb));
    event_text(&e, FIELD_TO, slice_from(target));
    event_text(&e, FIELD_REASON, SLICE("not the client's own port"));
    final_give(s, &e, r, r, NOTHING, NOTHING);
}
