/* STOR, APPE and STOU, in session. The session writes the bytes into the
 * partial that files has opened; only files makes the file visible. A 226 needs
 * an end of the data connection that the user's upload_eof accepts
 * (close_notify), a complete write of every byte, a client that is still there,
 * and the answer of files that the file is durable under its name. */
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/random.h"

/* The number of bytes between two syncs, so that the fsync at the end has
 * little left to do. */
#define SYNC_EVERY (32u << 20)

static enum stepped upload_ask_partial(struct session *s)
{
    const struct transfer *t = &s->transfer;
    enum write_mode mode = t->verb == VERB_STOU   ? WRITE_UNIQUE
                           : t->verb == VERB_APPE ? WRITE_APPEND
                                                  : WRITE_STORE;

    s->stored[0] = '\0';
    ASK(s, file_write, transfer_on_answer, .path = path_slice(&t->path),
        .mode = mode, .offset = t->start, .announced = t->announced,
        .keep_nothing = !flow_keeps_lengths(s),
        .conflict = s->choices.conflict);
    return STEP_NEXT;
}

static enum stepped upload_take_partial(struct session *s)
{
    struct transfer *t = &s->transfer;
    struct msg_file_writable *m = &t->answer->file_writable;
    bool sums;

    t->source = ask_descriptor(s, &m->file, S_IFREG);
    t->start = t->offset = m->first;
    t->end = m->limit;
    t->by_bytes = m->by_bytes;
    t->to_copy = m->to_copy;
    t->block = malloc(TRANSFER_BLOCK);
    /* The event gets the sum, unless START is greater than 0: the session can't
     * read the bytes before START. */
    sums = s->settings->sha256 && t->start == 0;
    if (sums)
        t->digest = digest_new("SHA-256");
    if (!t->block || (sums && !t->digest))
        leave(s, ENDING_PEER, "no memory for an upload");
    return STEP_NEXT;
}

/* Asks files for a sync that is due, unless another request waits for its
 * answer. Files then checks min_free and the user's limits, too. Returns true
 * if the session has asked. */
static bool upload_ask_sync(struct session *s)
{
    struct transfer *t = &s->transfer;

    if (s->ask.message != MSG_NONE || t->unsynced < SYNC_EVERY)
        return false;
    t->unsynced = 0;
    ASK(s, file_sync, transfer_on_answer);
    return true;
}

/* Waits while files copies the beginning of a finished file, piece by piece;
 * then the session reads the client's bytes. Ignores an answer that shows no
 * progress: only a faulty files sends it. */
static enum stepped upload_copy(struct session *s)
{
    struct transfer *t = &s->transfer;
    const struct message *m = t->answer;

    if (m && m->kind == MSG_file_copied && m->file_copied.left < t->to_copy) {
        t->unsynced += t->to_copy - m->file_copied.left;
        t->to_copy = m->file_copied.left;
    }
    if (t->to_copy == 0) {
        if (!t->stall.armed)
            stall_begin(s);
        return STEP_NEXT;
    }
    if (s->ask.message == MSG_NONE && !upload_ask_sync(s))
        ASK(s, file_copy, transfer_on_answer);
    return transfer_pause(s);
}

static int upload_write_block(struct session *s)
{
    struct transfer *t = &s->transfer;

    while (t->block_at < t->block_len) {
        ssize_t n = pwrite(t->source, t->block + t->block_at,
                           t->block_len - t->block_at, (off_t)t->offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        t->block_at += (size_t)n;
        t->offset += (uint64_t)n;
    }
    t->unsynced += t->block_len;
    stall_moved(s, t->block_len);
    t->block_at = t->block_len = 0;
    return 0;
}

/* Asks files why the write failed: files finds out which quota is full, and
 * refuses. Files sometimes answers another request first. */
static enum stepped upload_ask_why_full(struct session *s)
{
    if (s->ask.message == MSG_NONE)
        ASK(s, file_full, transfer_on_answer,
            .over_quota = s->transfer.full_error == EDQUOT);
    return transfer_pause(s);
}

/* Refuses the upload after this error of a write or of the close. */
static enum stepped upload_fail_write(struct session *s, int error)
{
    if (error != ENOSPC && error != EDQUOT)
        return transfer_fail(s, FAILED_WRITE, "");
    s->transfer.full_error = error;
    return upload_ask_why_full(s);
}

/* Writes the received bytes. Returns STEP_NEXT if more may come. */
static enum stepped upload_store_block(struct session *s)
{
    struct transfer *t = &s->transfer;
    size_t len = t->block_len;
    const bool over = t->end > 0 && t->offset + len - t->block_at > t->end;
    const int error = over ? EFBIG : upload_write_block(s);

    if (error == EFBIG) {
        t->worthless = true; /* it can never be completed */
        return transfer_fail(s,
                             !over         ? FAILED_TOO_LARGE_HERE
                             : t->by_bytes ? FAILED_MAX_BYTES
                                           : FAILED_TOO_LARGE,
                             "");
    }
    if (error != 0)
        return upload_fail_write(s, error);
    if (t->digest && !digest_add(t->digest, t->block, len))
        leave(s, ENDING_PEER, "no SHA-256 of an upload");
    upload_ask_sync(s);
    return STEP_NEXT;
}

/* Is a FIN without close_notify an end for this user? Compares ALLO with the
 * received bytes, not with the file's length: after a cut, the rest of a
 * resumed upload could have that length by chance. Converted bytes need
 * close_notify. */
static bool upload_may_end_bare(const struct session *s)
{
    const struct transfer *t = &s->transfer;

    if (!stream_bare_fin(s->data.stream) || t->conversions)
        return false;
    if (s->login.upload_eof == UPLOAD_EOF_SIZE)
        return t->bytes > 0 && t->bytes == t->announced;
    return s->login.upload_eof == UPLOAD_EOF_LENIENT;
}

/* Call it when the block is written. READ is the result of the read that filled
 * the block. Returns STEP_NEXT if the upload is whole. Sets *more to true if
 * the caller must read again at once, otherwise to false. */
static enum stepped upload_after_block(struct session *s,
                                       enum stream_state read, bool *more)
{
    const char *fault = s->transfer.flow.fault;
    const struct stream *data = s->data.stream;

    *more = read == STREAM_OK;
    s->transfer.ended_by_fin = read == STREAM_CUT && upload_may_end_bare(s);
    if (read == STREAM_CLOSED || s->transfer.ended_by_fin)
        return STEP_NEXT;
    if (read == STREAM_AGAIN)
        transfer_watch(s, stream_events(s->data.stream));
    if (read == STREAM_AGAIN || *more)
        return STEP_WAIT;
    if (fault)
        return transfer_fail(s, FAILED_DATA, fault);
    /* After a FIN the fault is the missing close_notify; after a reset the
     * fault is the reset. */
    if (!stream_has_fin(data))
        return transfer_fail(s, FAILED_BROKEN, stream_cause(data));
    return stream_bare_fin(data) && !s->transfer.conversions
               ? transfer_fail(s, FAILED_BARE_END, s->login.user)
               : transfer_fail(s, FAILED_CUT, stream_cause(data));
}

/* Closes the partial, and lets another session resume it: after a
 * loss of its network a client comes back by another connection. First reads
 * what has come meanwhile. */
void upload_on_silent(void *owner)
{
    struct session *s = owner;
    struct transfer *t = &s->transfer;
    const struct step *step = t->step;
    const uint64_t traffic = stream_traffic(s->data.stream);

    transfer_run(s, WAITS_DATA); /* sets the timer again */
    if (t->step == step && stream_traffic(s->data.stream) == traffic &&
        t->source >= 0 && s->ask.message == MSG_NONE && !t->again.armed &&
        !s->rate.timer.armed) {
        const int error = transfer_close_file(s);

        loop_timer_clear(&s->loop, &t->silent);
        t->rests = error == 0;
        if (t->rests)
            ASK(s, file_rest, transfer_on_answer);
        else
            upload_fail_write(s, error);
    }
    control_after_event(s);
}

/* Waits for the answer to `file_rest`, then for bytes, then for the partial.
 * The stall timer runs on. Returns STEP_NEXT if the partial is open again. */
static enum stepped upload_go_on(struct session *s)
{
    struct transfer *t = &s->transfer;

    if (t->answer && t->answer->kind == MSG_file_again) {
        t->source = ask_descriptor(s, &t->answer->file_again.file, S_IFREG);
        t->rests = false;
        return STEP_NEXT;
    }
    if (!t->answer && s->ask.message == MSG_NONE)
        ASK(s, file_go_on, transfer_on_answer);
    transfer_watch(s, s->ask.message == MSG_NONE ? stream_events(s->data.stream)
                                                 : 0);
    return STEP_WAIT;
}

static enum stepped upload_receive(struct session *s)
{
    struct transfer *t = &s->transfer;

    if (t->full_error != 0)
        return upload_ask_why_full(s);
    if (t->rests) {
        enum stepped r = upload_go_on(s);

        if (r != STEP_NEXT)
            return r;
        t->answer = NULL;
    }
    loop_timer_set(&s->loop, &t->silent, s->deadlines->silent);
    if (t->answer) {
        upload_ask_sync(s);
        if (t->stall.armed)
            return STEP_WAIT;
        stall_begin(s); /* the upload has waited for this answer, or its rate */
    }
    for (uint64_t began = clock_ms(); clock_ms() - began < TRANSFER_TURN_MS;) {
        enum stream_state read;
        enum stepped r;
        bool more;

        /* Only files looks at upload_bytes and min_free. */
        if (rate_waits(s) ||
            (s->ask.message != MSG_NONE && t->unsynced >= SYNC_EVERY))
            return transfer_pause(s);
        read =
            flow_read(s, t->block, rate_cap(s, TRANSFER_BLOCK), &t->block_len);
        r = upload_store_block(s);
        if (r != STEP_NEXT)
            return r;
        r = upload_after_block(s, read, &more);
        if (!more)
            return r;
    }
    return transfer_soon(s);
}

/* Call it when the client's bytes have ended as upload_eof demands. The client
 * may wait for our close_notify before it reads the reply, so this step sends
 * close_notify first. */
static enum stepped upload_end_data(struct session *s)
{
    struct transfer *t = &s->transfer;
    const uint64_t came = t->announced < t->start ? t->bytes : t->offset;
    char sum[DIGEST_TEXT_MAX], text[80];

    loop_timer_clear(&s->loop, &t->stall);
    loop_timer_clear(&s->loop, &t->silent);
    /* ALLO announces the least number of bytes. A client that continues a file
     * may announce the whole file or only the rest: a number below the offset
     * can't be the whole file, and any other counts as the whole file. */
    if (t->unconverted && came < t->announced) {
        snprintf(text, sizeof(text), "%llu of the announced %llu bytes",
                 (unsigned long long)came, (unsigned long long)t->announced);
        return transfer_fail(s, FAILED_SHORT, text);
    }
    if (t->digest && digest_text(t->digest, sum))
        slice_copy(slice_from(sum), t->sha256, sizeof(t->sha256));
    data_finish(s);
    return STEP_NEXT;
}

/* Looks at the client before files makes the upload visible. A client that is
 * interrupted may close its data connection correctly, and end its control
 * connection at the same moment; the session can see either end first. So it
 * reads what the client has sent: an end without QUIT, or an ABOR, stops the
 * upload. */
static enum stepped upload_look_at_client(struct session *s)
{
    const struct step *step = s->transfer.step;

    if (s->ask.message != MSG_NONE)
        return STEP_WAIT;
    control_look(s);
    /* If the step has changed, an ABOR or the end of the client has stopped the
     * upload. */
    return s->transfer.step == step ? STEP_NEXT : STEP_OVER;
}

static enum stepped upload_ask_prepare(struct session *s)
{
    enum stepped r = s->transfer.full_error != 0 ? upload_ask_why_full(s)
                                                 : upload_look_at_client(s);
    int error;

    if (r != STEP_NEXT)
        return r;
    error = transfer_close_file(s);
    if (error != 0)
        return upload_fail_write(s, error);
    if (s->settings->fsync) /* without fsync the request isn't needed */
        ASK(s, file_prepare, transfer_on_answer, .length = s->transfer.offset);
    return STEP_NEXT;
}

static enum stepped upload_ask_commit(struct session *s)
{
    enum stepped r = upload_look_at_client(s);

    if (r != STEP_NEXT)
        return r;
    ASK(s, file_commit, transfer_on_answer, .length = s->transfer.offset);
    data_close(s);
    return STEP_NEXT;
}

static enum stepped upload_stored(struct session *s)
{
    struct transfer *t = &s->transfer;
    const struct msg_file_stored *m = &t->answer->file_stored;
    char text[112];
    int len;

    slice_copy(m->path, s->stored, sizeof(s->stored));
    s->wanted = t->path;
    /* If the upload has resumed, also name the file's length, for a client that
     * compares. */
    if (t->start > 0)
        len = snprintf(text, sizeof(text), "%llu bytes (%llu in all)",
                       (unsigned long long)t->bytes,
                       (unsigned long long)t->offset);
    else
        len = snprintf(text, sizeof(text), "%llu bytes",
                       (unsigned long long)t->bytes);
    slice_copy(m->held, t->held, sizeof(t->held));
    if (t->held[0])
        snprintf(text + len, sizeof(text) - (size_t)len, " (id %s)", t->held);
    return transfer_finish(s,
                           !t->held[0] ? REPLY_STORED
                           : m->unsafe ? REPLY_HELD_UNSAFE
                                       : REPLY_HELD,
                           slice_from(text), m->path,
                           m->unsafe ? ask_outcome_cause(OUTCOME_STORED_UNSAFE)
                           : t->ended_by_fin ? "ended without close_notify"
                                             : "");
}

/* name, function, events that run the step again, state, undo */
const struct step upload_steps[] = {
    { "ask for the partial", upload_ask_partial, 0, TRANSFER_ASKED,
      UNDO_NOTHING },
    { "ticket", transfer_offer_ticket, 0, TRANSFER_ASKED, UNDO_NOTHING },
    { "take the partial", upload_take_partial, WAITS_ANSWER, TRANSFER_ASKED,
      UNDO_NOTHING },
    TRANSFER_DATA_STEPS(UNDO_PARTIAL),
    { "copy", upload_copy, WAITS_FILES, TRANSFER_FLOWING, UNDO_PARTIAL },
    { "receive", upload_receive, WAITS_DATA | WAITS_FILES | WAITS_TURN,
      TRANSFER_FLOWING, UNDO_PARTIAL },
    { "close_notify", upload_end_data, 0, TRANSFER_RECEIVED, UNDO_PARTIAL },
    { "ask to sync", upload_ask_prepare, WAITS_FILES, TRANSFER_RECEIVED,
      UNDO_PARTIAL },
    { "ask to rename", upload_ask_commit, WAITS_FILES, TRANSFER_PREPARING,
      UNDO_PARTIAL },
    { "stored", upload_stored, WAITS_ANSWER, TRANSFER_COMMITTING,
      UNDO_NOTHING },
    TRANSFER_LAST_STEP,
};

/* Asks files to give up the partial, after the answer to an earlier request. */
static enum stepped upload_ask_abort(struct session *s)
{
    if (s->ask.message != MSG_NONE)
        return STEP_WAIT;
    ASK(s, file_abort, transfer_on_answer, .worthless = s->transfer.worthless);
    return STEP_NEXT;
}

/* The answer of files changes nothing: the client already has its reply. */
const struct step upload_undo_steps[] = {
    { "ask to give up the partial", upload_ask_abort, WAITS_FILES,
      TRANSFER_CLOSING, UNDO_NOTHING },
    { "given up", transfer_over, WAITS_ANSWER, TRANSFER_CLOSING, UNDO_NOTHING },
};

/* STOR, APPE and STOU. APPE continues at the end of the file. For STOU the
 * session chooses a name, and files makes sure that the name is new; the event
 * of a refusal has the name that the client gave. */
void cmd_stor(struct session *s, const struct call *call)
{
    const bool unique = call->command->verb == VERB_STOU;
    uint64_t number = 0;
    struct path chosen;

    if (call->command->verb != VERB_STOR)
        s->first = 0;
    if (unique)
        random_bytes(&number, sizeof(number));
    if (unique &&
        path_unique(&s->subject, call->argument.len > 0, number, &chosen) < 0) {
        control_reply(s, REPLY_BAD_NAME);
    } else if (s->end > 0) { /* a range of a file can't be stored */
        control_reply_with(s, REPLY_BAD_PARAMETER,
                           SLICE("REST; RANG is for RETR and HASH"));
    } else if (s->login.upload_eof == UPLOAD_EOF_ANNOUNCED &&
               (s->announced == NOT_ANNOUNCED || !s->image || s->deflate)) {
        /* The session couldn't check the upload's end. */
        control_reply(s, REPLY_NEED_ALLO);
    } else {
        if (unique)
            s->subject = chosen;
        transfer_begin(s, call, upload_steps);
    }
}
