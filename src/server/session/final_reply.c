/* Sends the reply at the end of a transfer or change, in the session process.
 * Sends the event to log first, and then the reply to the client. So each
 * success that a reply reports has its line in the log. The event has room in
 * the socket, since the session takes no command while log is behind. */
#include "transfer.h"

/* Sends the event E to log, then the reply R to the client. If the event finds
 * no room after all, the client gets no success, and the session ends. */
static void final_give(struct session *s, struct event_record *e, enum reply r,
                       struct slice a, struct slice b)
{
    int sent;

    if (s->over)
        event_number(e, FIELD_RESULT, 0);
    sent = event_send(&s->log, e);
    if (s->over)
        return;
    if (sent < 0 && reply_code(r) < 400)
        leave_peer(s, sent, &s->log.channel);
    control_reply_pair(s, r, a, b);
}

void final_of_transfer(struct session *s, enum reply r, struct slice a,
                       struct slice b, const char *reason)
{
    const struct transfer *t = &s->transfer;
    struct event_record e;

    /* Doesn't log a refused checksum of the session's own upload: the client
     * wants to verify its upload, and can't know that the user has no right to
     * read there. */
    if ((r == REPLY_NO_RIGHT || r == REPLY_IN_DROP) && t->hash &&
        slice_equal(path_slice(&t->path), slice_from(s->stored))) {
        control_reply_pair(s, r, a, b);
        return;
    }
    report_of_transfer(&e, s, reply_code(r), reason, b);
    final_give(s, &e, r, a, b);
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
    final_give(s, &e, r, a, c->path);
    if (!s->over)
        control_after_transfer(s);
}
