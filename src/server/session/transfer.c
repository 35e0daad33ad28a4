/* The transfers of a session. Each transfer is a list of steps (upload.c,
 * download.c, list.c, cmd_hash.c). This file has the function that runs the
 * steps, the events that wake them, the least speed of a transfer, and the
 * steps that transfers have in common: the opened file, 150, connection,
 * handshake, the check that the connection is the user's, and the end.
 * transfer_end.c has the failures.
 *
 * No byte of a file may move before transfer_bind() has decided. A client that
 * has proved nothing gets no ticket: it could use the ticket next time. */
#include "transfer.h"

#include <stdio.h>
#include <sys/stat.h>

#include "data.h"
#include "sallyport/base/clock.h"
#include "sallyport/tls/context.h"
#include "sallyport/tls/stream.h"

#define DATA_BUFFER     (512u << 10) /* bytes of the data connection's stream */
#define RECORD_OVERHEAD 32           /* bytes that TLS adds, at most */
/* The 230 brings two tickets, since many clients use each ticket once: one for
 * a listing, and a spare one. */
#define FIRST_TICKETS 2
/* ms of a turn of a handshake, if another connection waits; and ms to wait for
 * the client's connection after one has failed. A client that can't resume
 * waits so long for its 425. */
#define SLOW_MS 2000
#define LATE_MS 2000

/* A transfer ends if its client doesn't connect, or moves no byte, for too
 * long. A slow client must never count as stopped. */
void stall_begin(struct session *s)
{
    struct transfer *t = &s->transfer;

    t->since_check = 0;
    t->traffic = stream_traffic(s->data.stream);
    loop_timer_set(&s->loop, &t->stall, s->settings->stall_timeout);
}

/* Returns the least number of bytes that a client must move in stall_timeout:
 * one a second. Fewer bytes count as no bytes: otherwise one byte a minute
 * would keep a session forever. */
static uint64_t stall_least(const struct session *s)
{
    return s->settings->stall_timeout / 1000;
}

void stall_moved(struct session *s, size_t bytes)
{
    s->transfer.bytes += bytes;
    s->transfer.since_check += bytes;
    rate_spend(s, bytes);
    if (bytes > 0 && s->transfer.since_check >= stall_least(s))
        stall_begin(s);
}

/* Does a slow client still move bytes? A client can need long for one buffer,
 * for one record, or for the megabytes in the kernel's buffer. As long as some
 * of these bytes move, the client hasn't stalled. A client can send each byte
 * in its own TLS record, so only RECORD_OVERHEAD bytes of traffic count as one
 * byte. */
static bool stall_client_moves(struct session *s)
{
    uint64_t moved;
    size_t queued;

    if (!s->data.stream)
        return false;
    moved = stream_traffic(s->data.stream) - s->transfer.traffic;
    queued = stream_queued(s->data.stream);
    if (queued < s->transfer.kernel_queued)
        moved += s->transfer.kernel_queued - queued;
    s->transfer.kernel_queued = queued;
    return moved > 0 && moved >= RECORD_OVERHEAD * stall_least(s);
}

static void stall_on_timer(void *owner)
{
    struct session *s = owner;
    char text[2 * ADDRESS_TEXT_MAX + 40], from[ADDRESS_TEXT_MAX],
        wanted[ADDRESS_TEXT_MAX];

    switch (state_of_transfer(s)->clock) {
    case CLOCK_NONE:
        return;
    case CLOCK_CONNECT:
        if (s->transfer.state == TRANSFER_HANDSHAKE) {
            transfer_fail(s, FAILED_HANDSHAKE_LATE, "");
        } else if (s->transfer.misses > 0) {
            transfer_fail(s, (enum transfer_failure)s->transfer.missed,
                          s->transfer.missed_why);
        } else if (s->port.stranger.family == 0) {
            transfer_fail(s, FAILED_CONNECT_LATE, "");
        } else {
            snprintf(text, sizeof(text), "it came from %s, not from %s",
                     address_text(&s->port.stranger, from),
                     address_text(&s->peer, wanted));
            transfer_fail(s, FAILED_UNCONNECTED, text);
        }
        break;
    case CLOCK_HASH:
        /* Only this server's own disk and processor slow a checksum down, so
         * progress proves nothing: somebody could keep a processor busy. */
        transfer_fail(s,
                      s->transfer.verb == VERB_SIZE ? FAILED_SIZE_LATE
                                                    : FAILED_HASH_LATE,
                      "");
        break;
    case CLOCK_STALL:
        if (stall_client_moves(s)) {
            stall_begin(s);
            return;
        }
        snprintf(text, sizeof(text), "%g",
                 (double)s->settings->stall_timeout / 1000);
        transfer_fail(s, FAILED_STALLED, text);
    }
    control_after_event(s);
}

void binding_start(struct session *s)
{
    struct ticket_owner owner = { .address = s->peer,
                                  .serial = s->serial,
                                  .version = s->login.version };

    /* The name fits, since login.c has checked its length. */
    slice_copy(slice_from(s->login.user), owner.user, sizeof(owner.user));
    tls_context_owner(s->tls, &owner);
    for (int i = 0; i < FIRST_TICKETS; i++)
        stream_offer_ticket(s->control.stream);
}

void binding_offer_with_port(struct session *s)
{
    uint64_t made = s->next_ticket;

    s->next_ticket = 0;
    if (made == 0 || clock_ms() - made >= s->settings->ticket_lifetime / 2)
        stream_offer_ticket(s->control.stream);
}

bool transfer_is_upload(const struct transfer *t)
{
    return t->verb == VERB_STOR || t->verb == VERB_APPE || t->verb == VERB_STOU;
}

bool transfer_is_listing(const struct transfer *t)
{
    return t->verb == VERB_LIST || t->verb == VERB_NLST || t->verb == VERB_MLSD;
}

/* Runs the current step and the steps after it, until a step waits. */
static void transfer_advance(struct session *s)
{
    struct transfer *t = &s->transfer;
    enum stepped r;

    do {
        r = t->step->run(s);
        t->answer = NULL;
        if (r == STEP_NEXT) {
            t->step++;
            t->state = t->step->state;
        }
    } while (r == STEP_NEXT && !(t->step->waits & WAITS_ANSWER));
}

void transfer_run(struct session *s, unsigned happened)
{
    const struct step *step = s->transfer.step;

    if (step && (step->waits & happened))
        transfer_advance(s);
}

void transfer_start(struct session *s, const struct step *steps)
{
    s->transfer.step = steps;
    s->transfer.state = steps->state;
    transfer_advance(s);
}

void transfer_snapshot(struct session *s)
{
    struct transfer *t = &s->transfer;

    t->verb = s->dispatched.command->verb;
    t->path = s->subject;
    t->start = t->offset = s->first;
    t->end = s->end;
    t->size = t->file_size = t->bytes = 0;
    t->promised = UINT64_MAX;
    t->to_copy = t->unsynced = 0;
    t->listed = OUTCOME_COUNT;
    t->full_error = 0;
    t->worthless = t->rests = false;
    t->conversions = s->deflate ? CONVERT_DEFLATE : 0;
    if (s->ascii && !transfer_is_listing(t)) /* a listing has CRLF already */
        t->conversions |= CONVERT_ASCII;
    t->announced = s->announced == NOT_ANNOUNCED ? 0 : s->announced;
    t->unconverted = s->image && t->conversions == 0;
    t->ended_by_fin = t->aborted = false;
    t->kernel_queued = 0;
    t->hash = NULL;
    t->tls[0] = t->sha256[0] = t->held[0] = 0;
    t->began = clock_ms();
    t->misses = 0;
}

void transfer_begin(struct session *s, const struct call *call,
                    const struct step *steps)
{
    if (!state_of_data(s)->serves) {
        control_reply(s, REPLY_USE_PASV_FIRST);
        return;
    }
    transfer_snapshot(s);
    if (!flow_keeps_lengths(s) && (s->first > 0 || s->end > 0)) {
        control_reply(s, REPLY_NO_OFFSET);
        return;
    }
    s->transfer.call = call;
    transfer_start(s, steps);
    s->transfer.call = NULL;
}

void transfer_watch(struct session *s, uint32_t events)
{
    loop_change(&s->loop, &s->data.watch, events);
    if (events && !s->data.watch.added &&
        loop_add(&s->loop, &s->data.watch) < 0)
        leave(s, ENDING_PEER, "epoll refuses a data connection");
    if (events & EPOLLOUT) /* for stall_client_moves() */
        s->transfer.kernel_queued = stream_queued(s->data.stream);
}

enum stepped transfer_moved(struct session *s, enum stream_state state)
{
    if (state == STREAM_OK)
        return STEP_NEXT;
    if (state != STREAM_AGAIN)
        return transfer_broken(s, state);
    transfer_watch(s, stream_events(s->data.stream));
    return STEP_WAIT;
}

enum stepped transfer_soon(struct session *s)
{
    transfer_watch(s, 0);
    loop_timer_set(&s->loop, &s->transfer.again, 0);
    return STEP_WAIT;
}

enum stepped transfer_pause(struct session *s)
{
    transfer_watch(s, 0);
    loop_timer_clear(&s->loop, &s->transfer.stall);
    return STEP_WAIT;
}

static void transfer_on_turn(void *owner)
{
    transfer_run(owner, WAITS_TURN);
    control_after_event(owner);
}

void transfer_on_data(struct session *s, uint32_t events)
{
    const struct transfer *t = &s->transfer;
    /* While the session waits for files or its rate, not for this socket, no
     * read or write would report the hang-up. */
    bool hung_up = t->state == TRANSFER_FLOWING && s->data.watch.events == 0 &&
                   !t->again.armed && (events & (EPOLLHUP | EPOLLERR));

    if (hung_up && transfer_is_listing(t))
        transfer_broken(s, STREAM_CUT);
    else if (hung_up)
        /* An upload can still have bytes, and their orderly end, in the socket.
         * The session reads them when files has answered. Until then the
         * hang-up would wake the session all the time. */
        loop_remove(&s->loop, &s->data.watch);
    else if (t->step && (t->step->waits & WAITS_DATA))
        transfer_run(s, WAITS_DATA);
    else if (state_of_data(s)->socket && t->state == TRANSFER_ASKED)
        /* The client has closed its data connection before the transfer has
         * begun. Stop the watch while files works; the handshake will fail. */
        loop_remove(&s->loop, &s->data.watch);
    else if (state_of_data(s)->socket)
        data_release(s, data_port_contested(s) ? DATA_EXPECTED : DATA_CLOSED);
}

void transfer_init(struct session *s)
{
    struct transfer *t = &s->transfer;

    t->source = -1;
    t->stall = (struct loop_timer){ .on_timer = stall_on_timer, .owner = s };
    t->again = (struct loop_timer){ .on_timer = transfer_on_turn, .owner = s };
    t->silent = (struct loop_timer){ .on_timer = upload_on_silent, .owner = s };
    s->rate.timer =
        (struct loop_timer){ .on_timer = rate_on_timer, .owner = s };
}

/* Makes a ticket, which takes 40 us, while the session waits for files. The
 * session sends the ticket with the 150. */
enum stepped transfer_offer_ticket(struct session *s)
{
    stream_offer_ticket(s->control.stream);
    return STEP_NEXT;
}

/* Makes the next ticket while the client starts its handshake. The session
 * sends the ticket with the next reply, usually the final one, so the next PASV
 * needn't wait for a ticket. */
enum stepped transfer_offer_next(struct session *s)
{
    stream_offer_ticket(s->control.stream);
    s->next_ticket = clock_ms();
    return STEP_NEXT;
}

/* Asks files for the file. A range can begin after the end of the file, and
 * then has no bytes. So files checks only the offset of REST. */
enum stepped transfer_ask_file(struct session *s)
{
    const struct transfer *t = &s->transfer;

    ASK(s, file_read, transfer_on_answer, .path = path_slice(&t->path),
        .offset = t->hash || t->end > 0 ? 0 : t->start,
        .partial = t->verb == VERB_HASH, .size = t->verb == VERB_SIZE);
    return STEP_NEXT;
}

void transfer_take_file(struct session *s)
{
    struct transfer *t = &s->transfer;

    t->source = ask_descriptor(s, &t->answer->file_readable.file, S_IFREG);
    t->size = t->file_size = t->answer->file_readable.size;
}

static void transfer_connect_within(struct session *s, uint64_t ms)
{
    const uint64_t now = clock_ms(), end = s->transfer.connect_until;
    const uint64_t left = end > now ? end - now : 0;

    loop_timer_set(&s->loop, &s->transfer.stall, left < ms ? left : ms);
}

enum stepped transfer_announce(struct session *s)
{
    struct transfer *t = &s->transfer;
    struct buf what;

    buf_init(&what, FTP_PATH_MAX + 64);
    buf_add_slice(&what, path_slice(&t->path));
    if (t->promised != UINT64_MAX) /* clients read this "(N bytes)" */
        buf_add_format(&what, " (%llu bytes)", (unsigned long long)t->promised);
    control_reply_with(
        s, t->verb == VERB_STOU ? REPLY_OPENING_UNIQUE : REPLY_OPENING,
        buf_slice(&what));
    buf_release(&what);
    t->connect_until = clock_ms() + s->settings->connect_timeout;
    transfer_connect_within(s, UINT64_MAX);
    return STEP_NEXT;
}

enum stepped transfer_connect(struct session *s)
{
    struct data *d = &s->data;

    if (d->state == DATA_CLOSED) /* since its port couldn't accept */
        return transfer_fail(s, FAILED_UNCONNECTED, "the server is busy");
    if (!state_of_data(s)->socket)
        return STEP_WAIT;
    if (!d->watch.added && loop_add(&s->loop, &d->watch) < 0)
        leave(s, ENDING_PEER, "epoll refuses a data connection");
    if (!d->stream) { /* otherwise the handshake has its next turn */
        d->stream = stream_plain(d->fd, DATA_BUFFER);
        if (!d->stream || stream_secure(d->stream, s->tls, STREAM_DATA) < 0)
            return transfer_fail(s, FAILED_MEMORY, "");
    }
    if (!flow_open(s))
        return transfer_fail(s, FAILED_MEMORY, "");
    transfer_connect_within(s, UINT64_MAX);
    if (data_port_contested(s))
        loop_timer_set(&s->loop, &d->timer, SLOW_MS);
    return STEP_NEXT;
}

/* Returns the step "connection", which came before this one. */
static const struct step *transfer_connection(const struct transfer *t)
{
    const struct step *step = t->step;

    while (step->run != transfer_connect)
        step--;
    return step;
}

/* Fails the transfer, since its connection isn't the user's; but if another
 * connection waits, or may still come, goes back to the step "connection". */
static enum stepped transfer_miss(struct session *s, enum transfer_failure why,
                                  const char *cause)
{
    struct transfer *t = &s->transfer;

    if (!data_port_contested(s) || t->misses == TRIES_MAX)
        return transfer_fail(s, why, cause);
    t->missed = why;
    snprintf(t->missed_why, sizeof(t->missed_why), "%s", cause);
    flow_close(s);
    if (why != FAILED_HANDSHAKE)
        data_finish(s);
    if (!data_port_next(s, false)) {
        data_release(s, DATA_EXPECTED);
        transfer_connect_within(s, LATE_MS);
    }
    t->misses++;
    t->step = transfer_connection(t) - 1; /* STEP_NEXT goes to the next step */
    return STEP_NEXT;
}

void transfer_on_slow(struct session *s)
{
    struct transfer *t = &s->transfer;

    if (t->state != TRANSFER_HANDSHAKE || !data_port_contested(s))
        return;
    if (data_port_next(s, true)) {
        flow_close(s);
        transfer_start(s, transfer_connection(t));
    } else {
        loop_timer_set(&s->loop, &s->data.timer, SLOW_MS);
    }
}

enum stepped transfer_handshake(struct session *s)
{
    enum stream_state state = stream_handshake(s->data.stream);

    return state == STREAM_OK || state == STREAM_AGAIN
               ? transfer_moved(s, state)
               : transfer_miss(s, FAILED_HANDSHAKE,
                               stream_cause(s->data.stream));
}

/* Decides whether the data connection belongs to the session's user, and fails
 * the transfer if not. */
enum stepped transfer_bind(struct session *s)
{
    static const enum transfer_failure rows[BINDING_COUNT][ORIGIN_COUNT] = {
        [BINDING_USER] = { [ORIGIN_NONE] = FAILED_NOT_RESUMED,
                           [ORIGIN_NOT_OWN] = FAILED_NOT_OWN_TICKET },
        [BINDING_SESSION] = { [ORIGIN_NONE] = FAILED_NOT_RESUMED,
                              [ORIGIN_NOT_OWN] = FAILED_NOT_OWN_TICKET,
                              [ORIGIN_USER] = FAILED_OTHER_SESSION },
        [BINDING_ADDRESS] = { [ORIGIN_NOT_OWN] = FAILED_NOT_OWN_TICKET },
    };
    enum transfer_failure why =
        rows[s->login.binding][stream_origin(s->data.stream)];

    if (why == FAILED_NOT && !stream_same_client(s->data.stream))
        why = FAILED_OTHER_CLIENT;
    snprintf(s->transfer.tls, sizeof(s->transfer.tls), "%s",
             stream_cipher(s->data.stream));
    if (why != FAILED_NOT)
        return transfer_miss(s, why, s->login.user);
    if (s->transfer.misses + s->data.slow_count > 0)
        report_stranger(s, &s->peer,
                        "isn't the user's, and has the client's address");
    data_drop_slow(s);
    data_port_idle(s);
    loop_change(&s->loop, &s->port.watch, EPOLLIN);
    stall_begin(s);
    return STEP_NEXT;
}

/* Sends the end of the converted bytes, close_notify and FIN. Waits until the
 * socket has taken all of them. */
enum stepped transfer_flush(struct session *s)
{
    enum stepped r = transfer_moved(s, flow_finish(s));

    if (r == STEP_NEXT)
        loop_remove(&s->loop, &s->data.watch);
    return r;
}

enum stepped transfer_reply_complete(struct session *s)
{
    enum stepped next =
        transfer_finish(s, REPLY_COMPLETE, NOTHING, NOTHING, "");

    data_close(s);
    return next;
}

enum stepped transfer_over(struct session *s)
{
    struct transfer *t = &s->transfer;

    if (!t->hash) /* a checksum transfers no bytes */
        s->total += t->bytes;
    t->step = NULL;
    s->transfer.state = TRANSFER_NONE;
    if (state_of_control(s)->closes)
        return STEP_OVER;
    if (!t->hash) /* a checksum has no data connection */
        data_after_transfer(s);
    control_after_transfer(s);
    loop_timer_set(&s->loop, &s->control.idle, s->settings->idle_timeout);
    if (s->control.state == CONTROL_QUITTING)
        control_end(s, ENDING_QUIT, REPLY_BYE, NOTHING);
    if (s->ends_after_transfer)
        control_end(s, ENDING_DRAINED, REPLY_SHUTTING_DOWN, NOTHING);
    if (s->no_new_gate)
        control_end(s, ENDING_PEER, REPLY_LOST_SERVICE, NOTHING);
    return STEP_OVER;
}
