/* The steps that transfers have in common, in session: the opened file, 150,
 * connection, handshake, the check of its user, and the end. No byte of a file
 * may move before binding.c has decided. */
#include <stdio.h>
#include <sys/stat.h>

#include "binding.h"
#include "control.h"
#include "data.h"
#include "flow.h"
#include "leave.h"
#include "transfer.h"

enum stepped transfer_take_file(struct session *s)
{
    struct transfer *t = &s->transfer;
    struct message *m = t->answer;

    if (m->kind == MSG_refused)
        return transfer_refused(s, m);
    t->source = ask_descriptor(s, &m->file_readable.file, S_IFREG);
    t->size = m->file_readable.size;
    return STEP_NEXT;
}

enum stepped transfer_announce(struct session *s)
{
    struct transfer *t = &s->transfer;
    struct buf what;

    buf_init(&what, FTP_PATH_MAX + 64);
    buf_add_slice(&what, path_slice(&t->path));
    if (t->promised != UINT64_MAX) /* clients read this "(N bytes)" */
        buf_add_format(&what, " (%llu bytes)", (unsigned long long)t->promised);
    binding_offer(s);
    control_reply_with(
        s, t->verb == VERB_STOU ? REPLY_OPENING_UNIQUE : REPLY_OPENING,
        buf_slice(&what));
    buf_release(&what);
    loop_timer_set(&s->loop, &t->stall, s->settings->connect_timeout);
    data_gate_connect(s);
    return STEP_NEXT;
}

enum stepped transfer_connect(struct session *s)
{
    if (!state_of_data(s)->socket)
        return STEP_WAIT;
    if (!s->data.watch.added && loop_add(&s->loop, &s->data.watch) < 0)
        leave(s, ENDING_PEER, "epoll refuses a data connection");
    if (!data_open_stream(s) || !flow_open(s))
        return transfer_fail(s, FAILED_MEMORY, "");
    return STEP_NEXT;
}

/* A late connection of another user's client may have come to this session's
 * port. Then the session waits for its own client, as long as before. If the
 * refused connection was its own client's, that client has had no reply: so WHY
 * is kept for the end of the wait. */
static bool transfer_awaits_another(struct session *s,
                                    const struct binding_refusal *why)
{
    if (!data_is_foreign(s))
        return false;
    flow_close(s);
    s->transfer.tls[0] = 0;
    s->transfer.refusal = why;
    return true;
}

enum stepped transfer_handshake(struct session *s)
{
    enum stream_state state = stream_handshake(s->data.stream);

    if (state == STREAM_AGAIN) {
        transfer_wait(s, stream_events(s->data.stream));
        return STEP_WAIT;
    }
    if (state == STREAM_OK)
        return STEP_NEXT;
    if (transfer_awaits_another(s, NULL))
        return STEP_BACK;
    return transfer_fail(s, FAILED_HANDSHAKE, stream_cause(s->data.stream));
}

enum stepped transfer_bind(struct session *s)
{
    struct transfer *t = &s->transfer;
    const struct binding_refusal *refusal = binding_judge(s);

    snprintf(t->tls, sizeof(t->tls), "%s", stream_cipher(s->data.stream));
    if (refusal && transfer_awaits_another(s, refusal))
        return STEP_BACK;
    t->refusal = refusal;
    if (refusal)
        return transfer_not_bound(s);
    data_is_mine(s);
    pace_begin(s);
    return STEP_NEXT;
}

/* Not for uploads: a client that stores doesn't read. An unread ticket turns
 * its close into a reset, and the end of the file is lost. */
enum stepped transfer_renew(struct session *s)
{
    binding_renew(s);
    return STEP_NEXT;
}

/* The end of what is converted, close_notify, and all of it to the client. */
enum stepped transfer_flush(struct session *s)
{
    enum stream_state state = flow_finish(s);

    if (state == STREAM_AGAIN) {
        transfer_wait(s, stream_events(s->data.stream));
        return STEP_WAIT;
    }
    if (state != STREAM_OK)
        return transfer_broken(s, state);
    data_close(s);
    return STEP_NEXT;
}

enum stepped transfer_complete(struct session *s)
{
    enum reply r =
        s->transfer.verb == VERB_RETR ? REPLY_COMPLETE : REPLY_LISTED;

    return transfer_finish(s, r, NOTHING, NOTHING, "");
}

enum stepped transfer_logged(struct session *s)
{
    return s->verdict.state == VERDICT_HELD ? STEP_WAIT : STEP_NEXT;
}

enum stepped transfer_over(struct session *s)
{
    struct transfer *t = &s->transfer;

    if (!t->hash) /* a checksum transfers no bytes */
        s->total += t->bytes;
    t->step = NULL;
    state_transfer(s, TRANSFER_NONE);
    if (state_of_control(s)->closes)
        return STEP_OVER;
    if (!t->hash) /* a checksum has no data connection */
        data_refuse(s);
    control_transferred(s);
    loop_timer_set(&s->loop, &s->control.idle, s->settings->idle_timeout);
    if (s->control.state == CONTROL_QUITTING)
        control_end(s, ENDING_QUIT, REPLY_BYE, NOTHING);
    if (s->gate.fd < 0) /* there is no gate for the next one */
        control_end(s, ENDING_PEER, REPLY_LOST_SERVICE, NOTHING);
    return STEP_OVER;
}
