/* The life of a transfer: asked, 150, connected, handshake, flowing, final
 * reply. Exactly one 1xx and one final reply, on every way through. */
#include "transfer.h"

#include <stdio.h>
#include <stdlib.h>

#include "binding.h"
#include "control.h"
#include "data.h"
#include "flow.h"
#include "leave.h"
#include "report.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "signer.h"
#include "verdict.h"

#define RECORD_OVERHEAD 32 /* of TLS, at most */

static void refuse(struct session *s, const struct binding_refusal *refusal);

bool transfer_is_upload(const struct transfer *t)
{
    return t->verb == VERB_STOR || t->verb == VERB_APPE || t->verb == VERB_STOU;
}

bool transfer_is_listing(const struct transfer *t)
{
    return t->verb == VERB_LIST || t->verb == VERB_NLST || t->verb == VERB_MLSD;
}

static void pump(struct session *s)
{
    if (s->transfer.state == TRANSFER_HASHING)
        hash_pump(s);
    if (s->transfer.state == TRANSFER_COMMITTING)
        upload_go_on(s);
    if (s->transfer.state != TRANSFER_FLOWING)
        return;
    if (transfer_is_upload(&s->transfer))
        upload_pump(s);
    else if (s->transfer.verb == VERB_RETR)
        download_pump(s);
    else
        list_pump(s);
}

void transfer_snapshot(struct session *s, enum verb verb,
                       const struct path *path)
{
    struct transfer *t = &s->transfer;

    t->state = TRANSFER_ASKED;
    t->verb = verb;
    t->path = *path;
    t->start = t->offset = t->synced = s->rest;
    t->size = t->limit = t->bytes = t->entries = 0;
    t->pipe_ended = t->listed = false;
    t->spoiled = false;
    t->conversions = flow_conversions(s);
    t->announced = s->announced;
    t->bare = false;
    t->hash = NULL;
    t->tls[0] = t->sha256[0] = 0;
    t->began = clock_ms();
}

bool transfer_begin(struct session *s, const struct call *call)
{
    if (s->data.state != DATA_EXPECTED && s->data.state != DATA_ACTIVE &&
        s->data.state != DATA_CONNECTED && s->data.state != DATA_HEADER) {
        control_reply(s, REPLY_USE_PASV_FIRST);
        return false;
    }
    transfer_snapshot(s, call->command->verb, &call->path);
    if (flow_keeps_lengths(s) || (s->rest == 0 && s->until == 0))
        return true;
    s->transfer.state = TRANSFER_NONE;
    control_reply(s, REPLY_NO_OFFSET);
    return false;
}

void transfer_wait(struct session *s, uint32_t events)
{
    loop_change(&s->loop, &s->data.watch, events);
}

void transfer_soon(struct session *s)
{
    loop_timer_set(&s->loop, &s->transfer.again, 0);
}

/* From here on it has stall_timeout again. */
static void is_alive(struct session *s)
{
    struct transfer *t = &s->transfer;

    t->lately = 0;
    t->traffic = stream_traffic(s->data.stream);
    loop_timer_set(&s->loop, &t->stall, s->settings->stall_timeout);
}

/* Less than a byte a second is as good as none: else a byte a minute would keep
 * a session for ever. */
static uint64_t least(const struct session *s)
{
    return s->settings->stall_timeout / 1000;
}

void transfer_moved(struct session *s, size_t bytes)
{
    s->transfer.bytes += bytes;
    s->transfer.lately += bytes;
    if (bytes > 0 && s->transfer.lately >= least(s))
        is_alive(s);
}

/* A slow client takes its time for one buffer, or for one record: as long as
 * the socket moves it isn't stalled. Each byte may be a record of its own. */
static bool still_moves(struct session *s)
{
    uint64_t moved;

    if (!s->data.stream || s->transfer.state < TRANSFER_FLOWING)
        return false;
    moved = stream_traffic(s->data.stream) - s->transfer.traffic;
    return moved > 0 && moved >= RECORD_OVERHEAD * least(s);
}

/* A client that stores doesn't read: a ticket that lies unread makes a reset of
 * its close, and the end of the file is lost. */
static void begin(struct session *s)
{
    const struct binding_refusal *refusal = binding_judge(s);

    snprintf(s->transfer.tls, sizeof(s->transfer.tls), "%s",
             stream_cipher(s->data.stream));
    if (refusal) {
        refuse(s, refusal);
        return;
    }
    if (!transfer_is_upload(&s->transfer))
        binding_renew(s);
    s->transfer.state = TRANSFER_FLOWING;
    is_alive(s);
    pump(s);
}

static void handshake(struct session *s)
{
    enum stream_state state;

    if (!signer_is_there(s)) {
        transfer_wait(s, 0);
        return;
    }
    state = stream_handshake(s->data.stream);
    if (state == STREAM_AGAIN) {
        transfer_wait(s, stream_events(s->data.stream));
        return;
    }
    if (state != STREAM_OK) {
        transfer_fail(s, REPLY_DATA_TLS_FAILED,
                      slice_from(stream_cause(s->data.stream)),
                      "TLS handshake of the data connection failed");
        return;
    }
    begin(s);
}

void transfer_go_on(struct session *s)
{
    if (s->transfer.state == TRANSFER_HANDSHAKE)
        handshake(s);
}

void transfer_connected(struct session *s)
{
    if (s->transfer.state != TRANSFER_CONNECTING ||
        s->data.state != DATA_CONNECTED)
        return;
    if (!s->data.watch.added && loop_add(&s->loop, &s->data.watch) < 0)
        leave(s, ENDING_PEER, "epoll refuses a data connection");
    if (!data_open_stream(s) || !flow_open(s)) {
        transfer_fail(s, REPLY_LOCAL_ERROR, SLICE("no memory"), "no memory");
        return;
    }
    s->transfer.state = TRANSFER_HANDSHAKE;
    handshake(s);
}

void transfer_unconnected(struct session *s, const char *why)
{
    if (s->transfer.state == TRANSFER_CONNECTING)
        transfer_fail(s, REPLY_NO_DATA, slice_from(why), why);
}

static void describe(const struct transfer *t, uint64_t size, struct buf *into)
{
    buf_add_slice(into, path_slice(&t->path));
    if (size != UINT64_MAX) /* clients read this "(N bytes)" */
        buf_add_format(into, " (%llu bytes)", (unsigned long long)size);
}

void transfer_announce(struct session *s, uint64_t size)
{
    struct transfer *t = &s->transfer;
    struct buf what;

    buf_init(&what, FTP_PATH_MAX + 64);
    describe(t, size, &what);
    t->state = TRANSFER_CONNECTING;
    binding_offer(s);
    control_reply_with(
        s, t->verb == VERB_STOU ? REPLY_OPENING_UNIQUE : REPLY_OPENING,
        buf_slice(&what), NOTHING);
    buf_release(&what);
    loop_timer_set(&s->loop, &t->stall, s->settings->connect_timeout);
    data_ask_active(s);
    transfer_connected(s);
}

static void flush(struct session *s)
{
    enum stream_state state = flow_finish(s);

    if (state == STREAM_AGAIN) {
        transfer_wait(s, stream_events(s->data.stream));
        return;
    }
    if (state != STREAM_OK) {
        transfer_broken(s, state);
        return;
    }
    data_linger(s);
    transfer_finish(
        s, s->transfer.verb == VERB_RETR ? REPLY_COMPLETE : REPLY_LISTED,
        NOTHING, NOTHING, "");
}

void transfer_sent(struct session *s)
{
    s->transfer.state = TRANSFER_FLUSHING;
    flush(s);
}

/* The client went away before the transfer began. While files is asked that is
 * only noted, by not watching any more: the handshake will find out. */
static void without_transfer(struct session *s)
{
    if (s->data.state != DATA_CONNECTED)
        return;
    if (s->transfer.state == TRANSFER_ASKED)
        loop_remove(&s->loop, &s->data.watch);
    else
        data_close(s);
}

/* A hang-up while nothing is waited for on the socket: a listing whose lines
 * are still to come. Else reading or writing shows what is the matter. */
static bool is_hung_up(const struct session *s, uint32_t events)
{
    return s->transfer.state == TRANSFER_FLOWING && s->data.watch.events == 0 &&
           !s->transfer.again.armed && (events & (EPOLLHUP | EPOLLERR));
}

void transfer_ready(struct session *s, uint32_t events)
{
    if (is_hung_up(s, events)) {
        transfer_broken(s, STREAM_CUT);
        return;
    }
    switch (s->transfer.state) {
    case TRANSFER_HANDSHAKE:
        handshake(s);
        break;
    case TRANSFER_FLOWING:
        pump(s);
        break;
    case TRANSFER_FLUSHING:
        flush(s);
        break;
    default:
        without_transfer(s);
    }
}

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
    enum reply r = ask_refusal(p, &cause);

    data_close(s);
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
        data_refuse(s);
    else
        data_close(s);
    settle(s);
}

/* Its handshake was in order, and so is its end: a reset would keep the reply
 * from many clients. */
static void refuse(struct session *s, const struct binding_refusal *refusal)
{
    s->transfer.owed = true; /* settle() is still to come */
    verdict_give(s, refusal->reply, NOTHING, NOTHING, refusal->reason);
    data_refuse(s);
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
    return s->transfer.state == TRANSFER_COMMITTING || s->verdict.held;
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
    report_transfer(s, reply_code(last), ending_text(ending), NOTHING);
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

static void on_stall(void *owner)
{
    struct session *s = owner;
    bool connecting = s->transfer.state <= TRANSFER_HANDSHAKE;
    uint64_t ms =
        connecting ? s->settings->connect_timeout : s->settings->stall_timeout;
    char seconds[32];

    snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)ms / 1000);
    if (s->transfer.state == TRANSFER_COMMITTING)
        return; /* the ask has its own deadline */
    if (s->transfer.state == TRANSFER_HASHING) {
        hash_late(s);
        return;
    }
    if (still_moves(s)) {
        is_alive(s);
        return;
    }
    if (s->transfer.state == TRANSFER_HANDSHAKE)
        transfer_fail(s, REPLY_DATA_TLS_FAILED, SLICE("no handshake in time"),
                      "no TLS handshake in time");
    else if (connecting)
        transfer_fail(s, REPLY_NO_DATA, SLICE("nobody connected in time"),
                      "no data connection in time");
    else
        transfer_fail(s, REPLY_STALLED, slice_from(seconds), "stalled");
    session_continue(s);
}

static void on_again(void *owner)
{
    pump(owner);
    session_continue(owner);
}

void transfer_init(struct session *s)
{
    struct transfer *t = &s->transfer;

    t->source = -1;
    t->stall = (struct loop_timer){ .on_time = on_stall, .owner = s };
    t->again = (struct loop_timer){ .on_time = on_again, .owner = s };
    verdict_init(s);
}
