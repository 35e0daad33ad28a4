/* The life of a transfer in session: asked, 150, connected, handshake, flowing.
 * Exactly one 1xx; the one final reply is transfer_end.c's. Must not move a
 * byte of a file before binding.c has said whose the connection is. */
#include "transfer.h"

#include <stdio.h>

#include "binding.h"
#include "control.h"
#include "data.h"
#include "flow.h"
#include "leave.h"
#include "pace.h"
#include "sallyport/base/clock.h"
#include "signer.h"
#include "verdict.h"

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
    t->start = t->offset = s->rest;
    t->size = t->limit = t->bytes = t->entries = 0;
    t->copying = t->unsynced = 0;
    t->pipe_ended = t->listed = false;
    t->spoiled = t->waits = t->asks = false;
    t->conversions = flow_conversions(s);
    t->announced = s->announced;
    t->bare = false;
    t->refusal = NULL;
    t->queued = 0;
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
    if (events & EPOLLOUT) /* pace.c sees whether it gets less */
        s->transfer.queued = stream_queued(s->data.stream);
}

void transfer_soon(struct session *s)
{
    loop_timer_set(&s->loop, &s->transfer.again, 0);
}

/* A late connection of another user's client may have come to this session's
 * port: the own client's is awaited for as long as it was before. It has heard
 * nothing if that was it, so WHY is kept for the end of the wait. */
static bool await_another(struct session *s, const struct binding_refusal *why)
{
    if (!data_is_foreign(s))
        return false;
    flow_close(s);
    s->transfer.tls[0] = 0;
    s->transfer.state = TRANSFER_CONNECTING;
    s->transfer.refusal = why;
    return true;
}

/* A client that stores doesn't read: a ticket that lies unread makes a reset of
 * its close, and the end of the file is lost. */
static void begin(struct session *s)
{
    const struct binding_refusal *refusal = binding_judge(s);

    snprintf(s->transfer.tls, sizeof(s->transfer.tls), "%s",
             stream_cipher(s->data.stream));
    if (refusal && await_another(s, refusal))
        return;
    if (refusal) {
        transfer_not_bound(s, refusal);
        return;
    }
    data_is_mine(s);
    if (!transfer_is_upload(&s->transfer))
        binding_renew(s);
    s->transfer.state = TRANSFER_FLOWING;
    pace_begin(s);
    pump(s);
}

static void handshake_failed(struct session *s)
{
    char cause[200], reason[256];

    if (await_another(s, NULL))
        return;
    snprintf(cause, sizeof(cause), "%s", stream_cause(s->data.stream));
    snprintf(reason, sizeof(reason),
             "TLS handshake of the data connection failed: %s", cause);
    transfer_fail(s, REPLY_DATA_TLS_FAILED, slice_from(cause), reason);
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
    if (state == STREAM_OK)
        begin(s);
    else
        handshake_failed(s);
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
    data_close(s);
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
    else if (!data_is_foreign(s))
        data_close(s);
}

/* A hang-up while nothing is waited for on the socket: a listing whose lines
 * are still to come. Else reading or writing shows what is the matter. */
static bool is_hung_up(const struct session *s, uint32_t events)
{
    return s->transfer.state == TRANSFER_FLOWING && s->data.watch.events == 0 &&
           !s->transfer.again.armed && !s->transfer.asks &&
           (events & (EPOLLHUP | EPOLLERR));
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

static void on_again(void *owner)
{
    pump(owner);
    session_continue(owner);
}

void transfer_init(struct session *s)
{
    struct transfer *t = &s->transfer;

    t->source = -1;
    pace_init(s);
    t->again = (struct loop_timer){ .on_time = on_again, .owner = s };
    verdict_init(s);
}
