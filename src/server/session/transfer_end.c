/* Ends a transfer, in session: sends one final reply and one event, and undoes
 * what must be undone. It must never make an upload visible: only upload.c asks
 * files to do this. */
#include "transfer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "data.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/random.h"

/* How the data connection ends. close_notify says that nothing is missing, so
 * the session sends it to clients that store, to clients that have got
 * everything, and if it refuses the connection before a byte has moved. */
enum parting {
    PARTING_CUT,   /* FIN; with close_notify only if the client stores */
    PARTING_ORDER, /* close_notify and FIN, also before a byte has moved: after
                    * a reset many clients lose the reply */
    PARTING_NONE   /* the connection stays for the next transfer */
};

/* The reply to the client, and the reason for the log. If the argument or the
 * reason is NULL, the cause that the step gives takes its place; for the reason
 * also the reply's own reason, if there is no cause. */
static const struct failure_row {
    enum reply reply;
    const char *argument, *reason;
    enum parting parting;
} failures[FAILURES] = {
    [FAILED_MEMORY] = { .reply = REPLY_LOCAL_ERROR,
                        .argument = "no memory",
                        .reason = "no memory" },
    [FAILED_UNCONNECTED] = { .reply = REPLY_NO_DATA },
    [FAILED_CONNECT_LATE] = { .reply = REPLY_NO_DATA,
                              .argument = "nobody connected in time",
                              .reason = "no data connection in time" },
    [FAILED_HANDSHAKE] = { .reply = REPLY_DATA_TLS_FAILED },
    [FAILED_HANDSHAKE_LATE] = { .reply = REPLY_DATA_TLS_FAILED,
                                .argument = "no handshake in time",
                                .reason = "no TLS handshake in time" },
    [FAILED_NOT_RESUMED] = { .reply = REPLY_NOT_RESUMED,
                             .reason = "TLS session not resumed",
                             .parting = PARTING_ORDER },
    [FAILED_OTHER_SESSION] = { .reply = REPLY_NOT_THIS_SESSION,
                               .reason = "TLS session of another control "
                                         "connection resumed",
                               .parting = PARTING_ORDER },
    [FAILED_NOT_OWN_TICKET] = { .reply = REPLY_NOT_OWN_TICKET,
                                .reason = "TLS ticket of another user or "
                                          "address, or of a changed account",
                                .parting = PARTING_ORDER },
    [FAILED_OTHER_CLIENT] = { .reply = REPLY_OTHER_CERTIFICATE,
                              .reason = "not the control connection's client "
                                        "certificate",
                              .parting = PARTING_ORDER },
    [FAILED_STALLED] = { .reply = REPLY_STALLED, .reason = "stalled" },
    [FAILED_ABORTED] = { .reply = REPLY_TRANSFER_ABORTED,
                         .argument = "",
                         .reason = "ABOR" },
    [FAILED_CLOSED] = { .reply = REPLY_CUT,
                        .argument = "closed by the client",
                        .reason = "closed by the client" },
    [FAILED_BROKEN] = { .reply = REPLY_CUT },
    [FAILED_DATA] = { .reply = REPLY_BAD_DATA },
    [FAILED_CUT] = { .reply = REPLY_CUT,
                     .argument = "the data connection ended without TLS "
                                 "close_notify, so the end may be missing" },
    [FAILED_BARE_END] = { .reply = REPLY_BARE_END,
                          .reason = "closed without close_notify" },
    [FAILED_SHORT] = { .reply = REPLY_SHORT, .parting = PARTING_ORDER },
    [FAILED_TOO_LARGE] = { .reply = REPLY_TOO_LARGE },
    [FAILED_TOO_LARGE_HERE] = { .reply = REPLY_TOO_LARGE_HERE },
    [FAILED_MAX_BYTES] = { .reply = REPLY_MAX_BYTES },
    [FAILED_WRITE] = { .reply = REPLY_LOCAL_ERROR,
                       .argument = "write failed",
                       .reason = "write failed" },
    [FAILED_FILE_CUT] = { .reply = REPLY_LOCAL_ERROR,
                          .argument = "the file was cut short",
                          .reason =
                              "the file was cut short while it was sent" },
    [FAILED_READ] = { .reply = REPLY_LOCAL_ERROR,
                      .argument = "can't read the file",
                      .reason = "read failed" },
    [FAILED_LISTING] = { .reply = REPLY_LOCAL_ERROR },
    [FAILED_HASH] = { .reply = REPLY_LOCAL_ERROR, .parting = PARTING_NONE },
    [FAILED_HASH_OFFSET] = { .reply = REPLY_BAD_OFFSET,
                             .argument = "",
                             .parting = PARTING_NONE },
    [FAILED_HASH_LATE] = { .reply = REPLY_HASH_LATE,
                           .argument = "",
                           .reason = "takes too long",
                           .parting = PARTING_NONE },
    [FAILED_SIZE_LATE] = { .reply = REPLY_SIZE_LATE,
                           .argument = "",
                           .reason = "takes too long",
                           .parting = PARTING_NONE },
};

static const struct step settled_steps[] = { TRANSFER_LAST_STEP };

/* The undo after a failure, besides transfer_release(), which each transfer
 * needs. */
static const struct undo_row {
    bool closes_data;
    const struct step *steps;
} undoings[] = {
    [UNDO_NOTHING] = { false, settled_steps },
    [UNDO_DATA] = { true, settled_steps },
    [UNDO_PARTIAL] = { true, upload_undo_steps },
    [UNDO_LISTING] = { true, list_undo_steps },
};

int transfer_close_file(struct session *s)
{
    struct transfer *t = &s->transfer;
    int fd = fd_take(&t->source);

    if (fd < 0 || close(fd) == 0 || !transfer_is_upload(t))
        return 0;
    t->worthless = true;
    return errno;
}

void transfer_release(struct session *s)
{
    struct transfer *t = &s->transfer;

    loop_timer_clear(&s->loop, &t->stall);
    loop_timer_clear(&s->loop, &t->again);
    loop_timer_clear(&s->loop, &t->silent);
    loop_timer_clear(&s->loop, &s->rate.timer);
    loop_remove(&s->loop, &t->pipe);
    flow_close(s);
    digest_free(t->digest);
    t->digest = NULL;
    transfer_close_file(s);
    free(t->block);
    t->block = NULL;
    t->block_at = t->block_len = 0;
}

enum stepped transfer_finish(struct session *s, enum reply r, struct slice a,
                             struct slice b, const char *reason)
{
    s->transfer.state = TRANSFER_CLOSING;
    final_of_transfer(s, r, a, b, reason);
    transfer_release(s);
    return STEP_NEXT;
}

/* Stops the transfer: no byte moves from here on. First sends the event and the
 * final reply R, unless R is REPLY_COUNT: then the session ends, and has a
 * reply of its own. Then undoes the action that the step's row names. HOW says
 * how the data connection ends. */
static enum stepped transfer_stop(struct session *s, enum reply r,
                                  struct slice argument, const char *reason,
                                  enum parting how)
{
    const struct undo_row *undo = &undoings[s->transfer.step->undo];

    /* When ABOR comes on the control connection, the client's last message of
     * the handshake can still be in the data connection's socket. The client
     * then believes that the upload has begun. */
    if (how == PARTING_CUT && transfer_is_upload(&s->transfer) &&
        (s->transfer.state == TRANSFER_FLOWING ||
         (s->transfer.state == TRANSFER_HANDSHAKE &&
          stream_handshake(s->data.stream) == STREAM_OK)))
        how = PARTING_ORDER;
    /* no transfer takes the connection; after HASH one still can */
    if (!s->transfer.hash && data_port_contested(s))
        data_port_idle(s);
    s->transfer.state = TRANSFER_CLOSING;
    if (r != REPLY_COUNT)
        final_of_transfer(s, r, argument, NOTHING, reason);
    if (undo->closes_data && how == PARTING_ORDER)
        data_finish(s);
    if (undo->closes_data && how != PARTING_NONE)
        data_close(s);
    transfer_release(s);
    transfer_start(s, undo->steps);
    return STEP_OVER;
}

enum stepped transfer_fail(struct session *s, enum transfer_failure why,
                           const char *cause)
{
    const struct failure_row *row = &failures[why];
    const char *reason = row->reason ? row->reason
                         : cause[0]  ? cause
                                     : reply_reason(row->reply);
    char text[256], argument[256];

    snprintf(argument, sizeof(argument), "%s",
             row->argument ? row->argument : cause);
    if (why == FAILED_HANDSHAKE) {
        snprintf(text, sizeof(text),
                 "TLS handshake of the data connection failed: %s", cause);
        reason = text;
    }
    return transfer_stop(s, row->reply, slice_from(argument), reason,
                         row->parting);
}

/* Was the upload of this path refused for the second time, without a SIZE in
 * between? Some clients repeat it without end, and send SIZE only after a new
 * login. */
static bool transfer_needs_size(struct session *s, const struct message *m)
{
    static const uint8_t no_key[SIPHASH_KEY];
    const struct slice path = path_slice(&s->transfer.path);
    const uint64_t before = s->needs_size;

    if (m->refused.outcome != OUTCOME_SIZE_FIRST ||
        !transfer_is_upload(&s->transfer)) /* HASH changes nothing */
        return false;
    s->needs_size = siphash(no_key, path.ptr, path.len);
    return s->needs_size == before;
}

void transfer_on_answer(struct session *s, struct message *m)
{
    const char *cause;
    enum reply r;

    if (m->kind == MSG_refused && transfer_needs_size(s, m)) {
        control_end(s, ENDING_SIZE, REPLY_SIZE_AGAIN, NOTHING);
        return;
    }
    if (m->kind == MSG_refused && !state_of_transfer(s)->decided) {
        r = ask_refusal(s, m, &cause);
        if (r == REPLY_NOT_DIRECTORY && s->transfer.verb == VERB_MLSD)
            r = REPLY_MLSD_OF_FILE; /* RFC 3659 7.2.1 */
        transfer_stop(s, r, slice_from(cause), cause, PARTING_CUT);
        return;
    }
    s->transfer.answer = m;
    transfer_run(s, WAITS_ANSWER | WAITS_FILES);
    s->transfer.answer = NULL;
}

enum stepped transfer_broken(struct session *s, enum stream_state state)
{
    const bool closed = state == STREAM_CLOSED || state == STREAM_CUT;
    const char *fault = s->transfer.flow.fault;

    return transfer_fail(s, closed ? FAILED_CLOSED : FAILED_BROKEN,
                         fault ? fault : stream_cause(s->data.stream));
}

void cmd_abor(struct session *s, const struct call *call)
{
    (void)call;
    if (s->transfer.state == TRANSFER_NONE) {
        data_close(s);
        control_reply(s, REPLY_NO_TRANSFER);
        return;
    }
    s->transfer.aborted = true;
    transfer_fail(s, FAILED_ABORTED, "");
}

bool transfer_outlives_client(const struct session *s)
{
    const struct transfer *t = &s->transfer;
    const enum transfer_stays stays = state_of_transfer(s)->stays;

    /* An upload that needs no client continues from the handshake on: the end
     * of the control connection can come before the last bytes, or before the
     * client's last message of the handshake. A worthless upload keeps the
     * session, too: if the session left, files would keep the partial as after
     * a cut. */
    return stays == STAYS_ALWAYS ||
           (stays == STAYS_AFTER_QUIT && transfer_is_upload(t) &&
            (s->login.upload_eof == UPLOAD_EOF_LENIENT ||
             control_has_quit(s))) ||
           (t->state != TRANSFER_NONE && t->worthless);
}

void transfer_end_with_session(struct session *s, enum ending ending,
                               enum reply last)
{
    if (state_of_transfer(s)->decided)
        return;
    report_transfer(s, reply_code(last), ending_text(ending));
    transfer_stop(s, REPLY_COUNT, NOTHING, "", PARTING_CUT);
}
