/* STOR and APPE: bytes go into the partial that files opened; only files makes
 * it visible. No 226 without an end that the user's
 * upload_eof accepts (close_notify), a whole write of every byte, and files'
 * word that it is durable under its name. */
#include "transfer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control.h"
#include "data.h"
#include "flow.h"
#include "sallyport/base/fd.h"
#include "sum.h"
#include "upload_asks.h"

/* After a resume the file's length too, for a client that compares. */
static void stored_bytes(const struct transfer *t, char *out, size_t size)
{
    unsigned long long moved = t->bytes, length = t->offset;

    if (t->start > 0)
        snprintf(out, size, "%llu bytes (%llu in all)", moved, length);
    else
        snprintf(out, size, "%llu bytes", moved);
}

static void on_stored(struct session *s, struct packet *p)
{
    struct transfer *t = &s->transfer;
    char bytes[80];
    const char *how = "";

    if (p->message == MSG_REFUSED) {
        const char *cause;
        enum reply r = ask_refusal(s, p, &cause);

        transfer_finish(s, r, slice_from(cause), NOTHING, cause);
        return;
    }
    if (t->bare)
        how = "ended without close_notify";
    stored_bytes(t, bytes, sizeof(bytes));
    transfer_finish(s, REPLY_STORED, slice_from(bytes), p->value[0].text, how);
}

static void commit(struct session *s)
{
    struct packet p = { .message = MSG_FILE_COMMIT,
                        .value = { NUMBER(s->transfer.offset) } };

    fd_close(&s->transfer.source);
    ask_files(s, &p, on_stored);
}

static void unreadable(struct session *s)
{
    transfer_fail(s, REPLY_LOCAL_ERROR, SLICE("can't read what was stored"),
                  "can't read what was stored");
}

/* Files copies the head, and the sum of it is made. Then the commit. */
static void prepare_commit(struct session *s)
{
    if (!sum_catch_up(s)) {
        unreadable(s);
    } else if (s->transfer.copying > 0) {
        upload_ask_beside(s);
    } else if (sum_is_behind(s)) {
        transfer_soon(s);
    } else {
        sum_end(s);
        upload_ask_after(s, commit);
    }
}

void upload_go_on(struct session *s)
{
    if (!transfer_is_committing(s) && !s->transfer.after_sync)
        prepare_commit(s);
}

bool upload_is_preparing(const struct session *s)
{
    return s->transfer.copying > 0 || sum_is_behind(s);
}

/* The client has said that this is all. It may wait for our close_notify
 * before it looks for the reply, so that goes first. */
static void received_all(struct session *s)
{
    s->transfer.state = TRANSFER_COMMITTING;
    loop_timer_clear(&s->loop, &s->transfer.stall);
    s->transfer.waits = false; /* files knows what to do without a byte */
    data_end(s);
    prepare_commit(s);
}

static enum reply write_error(int error, const char **cause)
{
    switch (error) {
    case EFBIG:
        *cause = "over the file-size limit";
        return REPLY_TOO_LARGE;
    default:
        *cause = "write failed";
        return REPLY_LOCAL_ERROR;
    }
}

static int write_block(struct session *s)
{
    struct transfer *t = &s->transfer;

    if (t->limit > 0 && t->offset + t->block_len - t->block_at > t->limit)
        return EFBIG;
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
    transfer_moved(s, t->block_len);
    t->block_at = t->block_len = 0;
    return 0;
}

static void on_block_answer(struct session *s, struct packet *p);

static void ask_room(struct session *s)
{
    const struct transfer *t = &s->transfer;
    struct packet p = { .message = MSG_FILE_ROOM };

    if (t->announced > t->offset)
        p.value[0].number = t->announced - t->offset;
    ask_files(s, &p, on_block_answer);
}

/* The rest of the block is written when files has made room. Its answer is a
 * refusal when it had nothing to remove, so this ends. */
static void wait_for_room(struct session *s)
{
    s->transfer.asks = true;
    transfer_wait(s, 0);
    upload_ask_after(s, ask_room);
}

/* What was received; false when the transfer has failed, or waits. */
static bool store_block(struct session *s)
{
    struct transfer *t = &s->transfer;
    size_t len = t->block_len;
    int error = write_block(s);
    const char *cause;
    enum reply r;

    if (error == ENOSPC || error == EDQUOT) {
        wait_for_room(s);
        return false;
    }
    if (error == 0 && sum_add(s, t->block, len)) {
        upload_ask_beside(s);
        return true;
    }
    if (error == 0) {
        unreadable(s);
        return false;
    }
    r = write_error(error, &cause);
    transfer_fail(s, r, slice_from(cause), cause);
    return false;
}

static void cut(struct session *s)
{
    const char *fault = flow_fault(s);

    if (fault)
        transfer_fail(s, REPLY_BAD_DATA, slice_from(fault), fault);
    else
        transfer_fail(s, REPLY_CUT,
                      SLICE("the data connection ended without TLS "
                            "close_notify, so the end may be missing"),
                      stream_cause(s->data.stream));
}

/* Is a FIN without close_notify an end for this user? Bytes, not the file's
 * length, are held to ALLO: of an upload that is gone on with a cut one could
 * happen to have the length that was announced for the rest. One without any is
 * no end of an empty file: it could be that of the way there, behind the
 * handshake. What is converted has an end of its own, which a FIN isn't. */
static bool may_end_so(const struct session *s)
{
    const struct transfer *t = &s->transfer;

    if (!stream_bare_fin(s->data.stream) || t->flow.chain || t->bytes == 0)
        return false;
    if (s->login.upload_eof == UPLOAD_EOF_SIZE)
        return t->bytes == t->announced;
    return s->login.upload_eof == UPLOAD_EOF_LENIENT;
}

/* Behind a block: true when more of it may be there at once. */
static bool may_go_on(struct session *s, enum stream_state state)
{
    s->transfer.bare = state == STREAM_CUT && may_end_so(s);
    if (state == STREAM_CLOSED || s->transfer.bare)
        received_all(s);
    else if (state == STREAM_AGAIN)
        transfer_wait(s, stream_events(s->data.stream));
    else if (state != STREAM_OK)
        cut(s);
    return state == STREAM_OK;
}

static void on_block_answer(struct session *s, struct packet *p)
{
    s->transfer.waits = s->transfer.asks = false;
    if (upload_answered(s, p) && store_block(s) &&
        may_go_on(s, s->transfer.read))
        transfer_soon(s);
}

/* An upload that fails before its first byte leaves what an earlier one has
 * brought; so only now does files cut or replace that. */
static void tell_first(struct session *s)
{
    struct packet p = { .message = MSG_FILE_BEGIN };

    s->transfer.asks = true;
    transfer_wait(s, 0);
    ask_files(s, &p, on_block_answer);
}

void upload_pump(struct session *s)
{
    struct transfer *t = &s->transfer;

    if (t->asks)
        return;
    for (int i = flow_rounds(s, TRANSFER_ROUNDS); i > 0; i--) {
        enum stream_state state =
            flow_read(s, t->block, TRANSFER_BLOCK, &t->block_len);

        t->read = state;
        if (t->waits && t->block_len > 0) {
            tell_first(s);
            return;
        }
        if (!store_block(s) || !may_go_on(s, state))
            return;
    }
    transfer_wait(s, 0);
    transfer_soon(s);
}
