/* The end of a transfer in session, good or bad: one final reply, one event,
 * and what files still has to do. Must never make an upload visible: of that
 * only upload.c asks files. */
#include <stdlib.h>

#include "binding.h"
#include "control.h"
#include "data.h"
#include "flow.h"
#include "report.h"
#include "sallyport/base/fd.h"
#include "signer.h"
#include "transfer.h"
#include "verdict.h"

static void release(struct session *s)
{
    struct transfer *t = &s->transfer;

    loop_timer_clear(&s->loop, &t->stall);
    loop_timer_clear(&s->loop, &t->again);
    loop_remove(&s->loop, &t->pipe);
    download_release(s);
    flow_close(s);
    hash_release(s);
    fd_close(&t->source);
    free(t->block);
    t->block = NULL;
    t->block_at = t->block_len = 0;
    s->rest = s->until = 0;
    if (!t->hash) /* ALLO is for the upload that comes next */
        s->announced = s->sized = 0;
}

static void over(struct session *s)
{
    if (!s->transfer.hash) /* what is only looked at isn't moved */
        s->total += s->transfer.bytes;
    s->transfer.state = TRANSFER_NONE;
    if (s->control.closing)
        return;
    if (!s->transfer.hash) /* a checksum has no data connection */
        data_refuse(s);
    control_transferred(s);
    loop_timer_set(&s->loop, &s->control.idle, s->settings->idle_timeout);
    if (s->quit_after)
        control_end(s, ENDING_QUIT, REPLY_BYE, NOTHING);
}

void transfer_settled(struct session *s)
{
    if (!s->transfer.owed && !s->verdict.held)
        over(s);
}

void transfer_over(struct session *s)
{
    s->transfer.owed = false;
    transfer_settled(s);
}

void transfer_finish(struct session *s, enum reply r, struct slice a,
                     struct slice b, const char *reason)
{
    s->transfer.state = TRANSFER_CLOSING;
    release(s);
    verdict_give(s, r, a, b, reason);
}

void transfer_refused(struct session *s, struct packet *p)
{
    const char *cause;
    enum reply r = ask_refusal(s, p, &cause);

    if (r == REPLY_NOT_FOLDER && s->transfer.verb == VERB_MLSD)
        r = REPLY_MLSD_OF_FILE; /* RFC 3659 7.2.1 */
    transfer_finish(s, r, slice_from(cause), NOTHING, cause);
}

/* What files still has to do, now that the data connection has nothing more to
 * do. */
static void settle(struct session *s)
{
    struct transfer *t = &s->transfer;
    bool upload = transfer_is_upload(t);
    bool listing = transfer_is_listing(t) && !t->listed;

    release(s);
    t->state = TRANSFER_CLOSING;
    t->owed = true;
    if (upload)
        upload_give_up(s);
    else if (listing)
        list_give_up(s);
    else
        transfer_over(s);
}

/* The client's end of the handshake may lie in the socket while its ABOR has
 * come on the other connection: it believes that the upload flows. */
static bool flows(struct session *s)
{
    if (s->transfer.state == TRANSFER_HANDSHAKE)
        return signer_is_there(s) &&
               stream_handshake(s->data.stream) == STREAM_OK;
    return s->transfer.state == TRANSFER_FLOWING;
}

/* No byte moves from here on, in order or not. */
static void stop(struct session *s)
{
    if (transfer_is_upload(&s->transfer) && flows(s))
        data_end(s);
    else
        data_close(s);
    settle(s);
}

/* Its handshake was in order, and so is its end: a reset would keep the reply
 * from many clients. */
void transfer_not_bound(struct session *s,
                        const struct binding_refusal *refusal)
{
    s->transfer.owed = true; /* settle() is still to come */
    verdict_give(s, refusal->reply, slice_from(s->login.name), NOTHING,
                 refusal->reason);
    data_end(s);
    settle(s);
}

void transfer_fail(struct session *s, enum reply r, struct slice argument,
                   const char *reason)
{
    s->transfer.owed = true; /* stop() is still to come */
    verdict_give(s, r, argument, NOTHING, reason);
    stop(s);
}

bool transfer_goes_on(const struct session *s)
{
    return (s->transfer.state == TRANSFER_COMMITTING &&
            s->transfer.copying == 0) ||
           s->verdict.held;
}

bool transfer_is_committing(const struct session *s)
{
    return s->transfer.state == TRANSFER_COMMITTING &&
           s->ask.message == MSG_FILE_COMMIT;
}

/* The session ends before files has answered, which knows what that means. */
static void forget(struct session *s, struct packet *p)
{
    (void)s;
    (void)p;
}

void transfer_end(struct session *s, enum ending ending, enum reply last)
{
    struct transfer *t = &s->transfer;

    s->quit_after = false;
    verdict_force(s);
    if (t->state == TRANSFER_NONE || t->state == TRANSFER_CLOSING)
        return;
    report_transfer(s, reply_code(last), ending_text(ending));
    if (t->state != TRANSFER_ASKED) {
        stop(s);
        return;
    }
    data_close(s);
    ask_again(s, forget);
    t->state = TRANSFER_CLOSING;
}

void transfer_broken(struct session *s, enum stream_state state)
{
    const char *cause = flow_cause(s);

    if (state == STREAM_CLOSED || state == STREAM_CUT)
        transfer_fail(s, REPLY_CUT, SLICE("closed by the client"),
                      "closed by the client");
    else
        transfer_fail(s, REPLY_CUT, slice_from(cause), cause);
}

void transfer_abort(struct session *s)
{
    if (s->transfer.state == TRANSFER_NONE) {
        data_close(s);
        control_reply(s, REPLY_NO_TRANSFER);
        return;
    }
    verdict_of_abor(s);
    transfer_fail(s, REPLY_TRANSFER_ABORTED, NOTHING, "ABOR");
}
