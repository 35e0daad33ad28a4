/* The control connection of a session: it receives bytes, gives one line at a
 * time to dispatch, and sends replies. It takes a line only after the previous
 * line has its reply; but a few commands are permitted during a transfer. */
#include "transfer.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "sallyport/base/complain.h"
#include "sallyport/ftp/line.h"

#define CONTROL_BUFFER (20u << 10)
#define REPLIES_MAX    (256u << 10)
#define HELD_MAX       (64u << 10)
#define LOOKS          64

bool control_is_secure(const struct session *s)
{
    const struct control_connection *c = &s->control;

    return c->state != CONTROL_SECURING && c->stream &&
           stream_is_secure(c->stream);
}

/* May the session take a line now? The tables of states (state.c) decide most
 * cases. */
static bool control_may_take_line(const struct session *s)
{
    const struct control_connection *c = &s->control;

    if (!state_of_control(s)->lines)
        return false;
    /* If the client doesn't read replies, don't read from it. Even its TLS
     * messages can cause answers, which have no room. */
    if (c->out.len > 0 || stream_unsent(c->stream))
        return false;
    if (s->transfer.state != TRANSFER_NONE && c->held.len >= HELD_MAX)
        return false;
    if (state_of_transfer(s)->lines)
        return true;
    /* The previous line may still wait for files, or for gate (PASV). Or log is
     * slow, or is being restarted: then the next line waits, so that its events
     * and the last events find room in the socket to log. */
    return s->ask.message == MSG_NONE && !state_of_data(s)->pending &&
           !s->log.full;
}

/* Does the session read the socket in this state? (stream_handshake() reads by
 * itself.) */
static bool control_reads(const struct session *s)
{
    return state_of_control(s)->closes || s->control.state == CONTROL_HEADER ||
           control_may_take_line(s);
}

/* While the session doesn't read the socket, the watch for input stays;
 * control_on_socket() removes it only if something arrives. This saves changes
 * of the watch, since most clients send nothing before they have their
 * reply. */
void control_watch(struct session *s)
{
    struct control_connection *c = &s->control;
    uint32_t events = c->watch.events & EPOLLIN;

    if (c->state == CONTROL_SECURING)
        events = stream_events(c->stream);
    else if (control_reads(s))
        events = EPOLLIN;
    if (c->out.len > 0 || stream_unsent(c->stream))
        events |= EPOLLOUT;
    if (s->transfer.state == TRANSFER_HASHING ||
        (state_of_control(s)->verify && !line_has_more(&c->lines)))
        events |= EPOLLRDHUP; /* notices the client's end also while no line is
                                 read */
    loop_change(&s->loop, &c->watch, events);
}

bool control_has_quit(const struct session *s)
{
    struct slice rest = buf_slice(&s->control.held), line;
    struct request q;

    if (s->control.state == CONTROL_QUITTING)
        return true;
    while (rest.len > 0 && slice_cut(&rest, '\n', &line)) {
        command_parse(line, &q);
        if (q.command && q.command->verb == VERB_QUIT)
            return true;
    }
    return false;
}

/* Call it when the client has gone. If a rename, another change, or an upload
 * that needs no client is under way, the session finishes and logs it first.
 * Otherwise the session ends here. */
static void control_lose_client(struct session *s, enum ending ending,
                                const char *cause)
{
    struct control_connection *c = &s->control;

    if (state_of_control(s)->gone)
        return;
    if (!transfer_outlives_client(s) && !ask_is_change(s))
        leave(s, ending, cause);
    loop_remove(&s->loop, &c->watch);
    s->control.state = CONTROL_GONE;
    if (control_ends(s)) /* the end has another reason */
        return;
    c->cause = cause;
    s->ending = ending;
}

static void control_handshake(struct session *s)
{
    struct control_connection *c = &s->control;

    switch (stream_handshake(c->stream)) {
    case STREAM_OK:
        s->control.state = CONTROL_SECURED;
        if (s->implicit)
            control_reply(s, REPLY_GREETING);
        break;
    case STREAM_AGAIN:
        break;
    default:
        leave(s, ENDING_TLS, stream_cause(c->stream));
    }
}

void control_flush(struct session *s)
{
    struct control_connection *c = &s->control;
    enum stream_state state = STREAM_OK;

    while (c->out.len > 0 && state == STREAM_OK) {
        size_t took = 0;

        state = stream_write(c->stream, c->out.data, c->out.len, &took);
        buf_consume(&c->out, took);
    }
    if (state == STREAM_OK || state == STREAM_AGAIN)
        state = stream_flush(c->stream);
    if (state != STREAM_OK && state != STREAM_AGAIN) {
        if (state_of_control(s)->closes)
            leave(s, s->ending, "");
        control_lose_client(s, ENDING_CLOSED, stream_cause(c->stream));
    }
    control_watch(s);
}

bool control_replies(const struct session *s)
{
    return !state_of_control(s)->gone && !state_of_control(s)->closes;
}

void control_reply_pair(struct session *s, enum reply r, struct slice a,
                        struct slice b)
{
    struct slice args[] = { a, b };

    if (!control_replies(s))
        return;
    if (reply_build(&s->control.out, r, args, 2) < 0)
        leave(s, ENDING_PROTOCOL, "the client doesn't read its replies");
    control_flush(s);
}

void control_reply_with(struct session *s, enum reply r, struct slice argument)
{
    report_refusal(s, r, argument);
    control_reply_pair(s, r, argument, NOTHING);
}

void control_reply_number(struct session *s, enum reply r, uint64_t n)
{
    char text[32];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    control_reply_with(s, r, slice_from(text));
}

void control_bad_argument(struct session *s, const char *syntax)
{
    control_reply_with(s, REPLY_BAD_ARGUMENT, slice_from(syntax));
}

void control_reply(struct session *s, enum reply r)
{
    control_reply_with(s, r, NOTHING);
}

void control_secure(struct session *s)
{
    struct control_connection *c = &s->control;

    /* RFC 4217 and CVE-2011-0411: bytes that came after AUTH in plain text must
     * never count as bytes that came under TLS. */
    if (line_has_more(&c->lines) || c->out.len > 0 ||
        stream_secure(c->stream, s->tls, STREAM_CONTROL) < 0)
        leave(s, ENDING_PROTOCOL, "plain text after AUTH");
    line_init(&c->lines);
    /* The next bytes may be another client's: an attacker in the network can
     * send AUTH, and then pass on a browser's TLS connection (ALPACA). */
    c->first_line_seen = c->first_byte_seen = false;
    s->control.state = CONTROL_SECURING;
    control_handshake(s);
    control_watch(s);
}

/* Marks a bad line among the held lines. A real line has no NUL. */
#define HELD_BAD SLICE("\0")

static void control_hold(struct session *s, struct slice line)
{
    struct buf *held = &s->control.held;

    if (buf_add_slice(held, line) < 0 || buf_add_text(held, "\n") < 0)
        leave(s, ENDING_PROTOCOL, "too many commands wait for a transfer");
}

/* Takes one line, if there is one. Takes lines that waited for the end of a
 * transfer first. Returns false if more bytes must come. */
static bool control_take_line(struct session *s)
{
    struct buf *held = &s->control.held;
    enum line_state state;
    struct slice line;

    if (held->len > 0 && s->transfer.state == TRANSFER_NONE) {
        struct slice rest = buf_slice(held);
        char copy[LINE_MAX_BYTES];

        slice_cut(&rest, '\n', &line);
        memcpy(copy, line.ptr, line.len);
        line.ptr = copy;
        buf_consume(held, line.len + 1);
        if (slice_equal(line, HELD_BAD))
            control_reply(s, REPLY_BAD_LINE);
        else
            dispatch_line(s, line);
        explicit_bzero(copy, sizeof(copy));
        return true;
    }
    state = line_next(&s->control.lines, &line);
    if (state == LINE_WHOLE) {
        loop_timer_set(&s->loop, &s->control.idle, s->settings->idle_timeout);
        if (!dispatch_line(s, line))
            control_hold(s, line);
    } else if (state == LINE_LONG) {
        snprintf(s->why, sizeof(s->why), "a line above %d bytes",
                 LINE_MAX_BYTES);
        control_end(s, ENDING_PROTOCOL, REPLY_LINE_TOO_LONG, NOTHING);
    } else if (state == LINE_BAD && s->transfer.state == TRANSFER_NONE) {
        control_reply(s, REPLY_BAD_LINE);
    } else if (state == LINE_BAD) {
        control_hold(s, HELD_BAD);
    }
    return state != LINE_MORE;
}

/* Takes lines until a line must wait, or more bytes must come. */
static void control_take_lines(struct session *s)
{
    while (control_may_take_line(s))
        if (!control_take_line(s))
            break;
    control_watch(s);
}

/* Reads bytes from the client. Returns false if no more can be read now. */
static bool control_receive(struct session *s)
{
    struct control_connection *c = &s->control;
    enum stream_state state;
    size_t room, got = 0;
    bool first;
    char *into = line_room(&c->lines, &room);

    if (room == 0)
        return false;
    state = stream_read(c->stream, into, room, &got);
    first = !c->first_byte_seen && got > 0;
    c->first_byte_seen |= first;
    /* Ends the session if no FTP client begins with this byte. Otherwise a
     * client that speaks TLS to a plain port, or a protocol without lines,
     * would wait until login_timeout. A later byte, such as a byte after a
     * telnet signal, proves nothing. */
    if (first && not_ftp_byte(into[0])) {
        control_end_not_ftp(s, (struct slice){ into, 1 });
        return false;
    }
    line_added(&c->lines, got);
    if (state == STREAM_CLOSED || state == STREAM_CUT)
        control_lose_client(s, ENDING_CLOSED, stream_cause(c->stream));
    if (state == STREAM_FAILED)
        control_lose_client(s, ENDING_TLS, stream_cause(c->stream));
    return state == STREAM_OK;
}

/* Reads a bounded amount: a client that sends without end can't keep the
 * session here. If the client's bytes have no room, the session can't read
 * their end, and asks the kernel for it. */
void control_look(struct session *s)
{
    struct pollfd end = { .fd = s->control.fd, .events = POLLRDHUP };
    size_t room = 1;

    for (int i = 0; i < LOOKS && room > 0 && state_of_control(s)->lines; i++) {
        line_room(&s->control.lines, &room);
        if (!control_receive(s) && room > 0)
            return;
        control_take_lines(s);
    }
    if (state_of_control(s)->lines && poll(&end, 1, 0) > 0)
        control_lose_client(s, ENDING_CLOSED, "with commands that wait");
}

static void control_on_socket(void *owner, uint32_t events)
{
    struct session *s = owner;
    struct control_connection *c = &s->control;

    if (c->out.len > 0 || stream_unsent(c->stream))
        control_flush(s);
    if (state_of_control(s)->closes) {
        control_on_closing(s);
        return;
    }
    if ((events & EPOLLIN) && c->state != CONTROL_SECURING && !control_reads(s))
        loop_change(&s->loop, &c->watch, c->watch.events & ~(uint32_t)EPOLLIN);
    if ((events & EPOLLRDHUP) && s->transfer.state == TRANSFER_HASHING)
        leave(s, ENDING_CLOSED, "while a checksum was computed");
    if ((events & EPOLLRDHUP) && state_of_control(s)->verify) {
        /* If the client sent a command before its end, it may still read. */
        if (!line_has_more(&c->lines))
            control_receive(s);
        if (!line_has_more(&c->lines))
            control_lose_client(s, ENDING_CLOSED, "before the reply to PASS");
    }
    if (c->state == CONTROL_HEADER || c->state == CONTROL_ENTERING)
        proxied_on_control(s, events);
    else if (c->state == CONTROL_SECURING)
        control_handshake(s);
    else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) &&
             control_may_take_line(s))
        control_receive(s);
    else if (events & (EPOLLHUP | EPOLLERR))
        control_lose_client(s, ENDING_CLOSED, "connection reset");
    control_after_event(s);
}

/* A transfer goes on: nothing waits for log until its end. */
static void control_on_log_time(void *owner)
{
    struct session *s = owner;

    if (s->transfer.state != TRANSFER_NONE || control_ends(s))
        return;
    snprintf(s->why, sizeof(s->why), "log takes no events");
    control_end(s, ENDING_PEER, REPLY_LOST_SERVICE, NOTHING);
}

/* Runs at the end of each turn of the loop: any handler can have sent an
 * event. */
static void control_watch_log(void *owner)
{
    struct session *s = owner;

    loop_change(&s->loop, &s->log_watch, s->log.full ? EPOLLOUT : 0);
    if (!s->log.full)
        loop_timer_clear(&s->loop, &s->log_time);
    else if (!s->log_time.armed)
        loop_timer_set(&s->loop, &s->log_time, s->deadlines->log);
}

void control_after_event(struct session *s)
{
    control_take_lines(s);
    while (stream_pending(s->control.stream) && control_may_take_line(s)) {
        control_receive(s);
        control_take_lines(s);
    }
}

static void control_on_idle(void *owner)
{
    struct session *s = owner;

    if (s->transfer.state != TRANSFER_NONE || state_of_control(s)->verify ||
        s->ask.message != MSG_NONE || s->log.full) {
        loop_timer_set(&s->loop, &s->control.idle, s->settings->idle_timeout);
        return;
    }
    control_end(s, ENDING_IDLE_TIME, REPLY_TIMED_OUT, SLICE("idle"));
}

void control_start(struct session *s, int fd)
{
    struct control_connection *c = &s->control;

    c->fd = fd;
    c->stream = stream_plain(fd, CONTROL_BUFFER);
    if (!c->stream)
        die(71, "no memory for a session");
    line_init(&c->lines);
    c->lines.telnet = true;
    buf_init(&c->out, REPLIES_MAX);
    buf_init(&c->held, HELD_MAX + LINE_MAX_BYTES + 1);
    c->idle = (struct loop_timer){ .on_timer = control_on_idle, .owner = s };
    if (loop_add_reader(&s->loop, &c->watch, fd, control_on_socket, s) < 0)
        die(71, "epoll refuses the control connection");
    loop_timer_set(&s->loop, &c->idle, s->settings->idle_timeout);
    s->log_time =
        (struct loop_timer){ .on_timer = control_on_log_time, .owner = s };
    s->loop.on_turn_over = control_watch_log;
    s->loop.owner = s;
}
