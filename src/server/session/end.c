/* Ends the control connection, data connections and the process, in session.
 *
 * If a process closes a socket that has unread bytes, or before the client's
 * last bytes have come, the kernel sends a reset, and the client can lose what
 * it hasn't read. So control and data connections end in the same way: the
 * session sends the last bytes, close_notify and FIN, and then waits for the
 * client's end. This wait must be over before master's deadline for a kick.
 *
 * The process ends with one event, which has the reason of the end. */
#include "transfer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "data.h"
#include "sallyport/base/fd.h"

#define LINGER_MS 2000
/* ms, less than master waits after a kick (2 s): otherwise the last events are
 * lost. */
#define CLOSE_MS 1500

#define TLS_HANDSHAKE 0x16

static void linger_end(struct lingering *g)
{
    struct loop *loop = &g->session->loop;

    loop_timer_clear(loop, &g->timer);
    loop_remove(loop, &g->watch);
    fd_close(&g->fd);
}

bool linger_read(int fd)
{
    char waste[32768];

    for (int i = 0; i < 16; i++) {
        ssize_t n = recv(fd, waste, sizeof(waste), MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n <= 0)
            return false;
    }
    return true;
}

/* Ends the process if the last reply is sent, and no connection waits for the
 * client's end any more. The client may read its replies before it closes its
 * data connections, so control and data connections end in any order. Call it
 * at the end of each of them. */
static void control_leave_if_lingered(struct session *s)
{
    bool lingers = false;

    for (size_t i = 0; i < LINGERING_MAX; i++)
        lingers |= s->lingering[i].fd >= 0;
    if (state_of_control(s)->closes && !s->control.watch.added && !lingers)
        leave(s, s->ending, "");
}

static void linger_over(void *owner)
{
    struct lingering *g = owner;

    linger_end(g);
    control_leave_if_lingered(g->session);
}

static void linger_on_socket(void *owner, uint32_t events)
{
    struct lingering *g = owner;

    (void)events;
    if (!linger_read(g->fd))
        linger_over(g);
}

/* Takes a free entry of s->lingering. If there is no free entry, closes the
 * oldest connection: the client begins transfers faster than it closes their
 * connections. */
void linger_begin(struct session *s, int fd)
{
    struct lingering *g = &s->lingering[0];

    if (!linger_read(fd)) {
        fd_close(&fd);
        return;
    }
    shutdown(fd, SHUT_WR);
    for (size_t i = 1; i < LINGERING_MAX && g->fd >= 0; i++)
        if (s->lingering[i].fd < 0 || s->lingering[i].timer.at < g->timer.at)
            g = &s->lingering[i];
    if (g->fd >= 0)
        linger_end(g);
    g->fd = fd;
    g->timer = (struct loop_timer){ .on_timer = linger_over, .owner = g };
    if (loop_add_reader(&s->loop, &g->watch, fd, linger_on_socket, g) < 0)
        linger_end(g);
    else
        loop_timer_set(&s->loop, &g->timer, LINGER_MS);
}

/* Sends close_notify, then FIN, as far as the socket takes them now. But if a
 * reply is sent only in part, sends nothing: close_notify would make this reply
 * look complete. */
static void control_send_fin(struct session *s)
{
    struct control_connection *c = &s->control;

    if (c->out.len == 0)
        stream_shutdown(c->stream);
}

void control_on_closing(struct session *s)
{
    control_send_fin(s);
    if (linger_read(s->control.fd))
        return;
    loop_remove(&s->loop, &s->control.watch);
    control_leave_if_lingered(s);
}

static void control_on_close_time(void *owner)
{
    struct session *s = owner;

    leave(s, s->ending, "");
}

bool control_ends(const struct session *s)
{
    return s->control.end_timer.armed;
}

int control_expects(const struct session *s, struct channel *from,
                    bool expected)
{
    if (control_ends(s))
        return 0;
    return expected ? 1 : channel_refuse(from, "an answer without a request");
}

static void control_reply_last(struct session *s, enum reply last,
                               struct slice argument)
{
    struct slice arguments[] = { argument, NOTHING };

    if (!state_of_control(s)->gone)
        s->control.state = CONTROL_CLOSING;
    transfer_end_with_session(s, s->ending, last);
    data_close(s);
    if (state_of_control(s)->gone)
        leave(s, s->ending, "");
    report_refusal(s, last, argument);
    if (reply_build(&s->control.out, last, arguments, 2) < 0)
        leave(s, ENDING_PROTOCOL, "the client doesn't read its replies");
    control_flush(s);
    control_send_fin(s);
    control_watch(s);
}

void control_end(struct session *s, enum ending ending, enum reply last,
                 struct slice argument)
{
    struct control_connection *c = &s->control;

    if (control_ends(s))
        return;
    /* Leave without a reply, which would go in plain text now. */
    if (c->state == CONTROL_SECURING || (s->implicit && !control_is_secure(s)))
        leave(s, ending, "");
    s->ending = ending;
    c->cause = "";
    /* Set one deadline for the whole end. control_ends() also uses this timer
     * as the mark that the end is decided. */
    c->end_timer.on_timer = control_on_close_time;
    c->end_timer.owner = s;
    loop_timer_set(&s->loop, &c->end_timer, CLOSE_MS);
    loop_timer_clear(&s->loop, &c->idle);
    if (s->transfer.state != TRANSFER_COMMITTING && !ask_is_change(s)) {
        control_reply_last(s, last, argument);
        return;
    }
    /* Wait for the answer of files: otherwise LAST would say that nothing is
     * stored, or the log would lack a change. */
    c->last = last;
    c->argument = argument;
    if (c->state != CONTROL_GONE)
        c->state = CONTROL_DECIDED;
}

void control_after_transfer(struct session *s)
{
    if (s->control.state == CONTROL_GONE)
        leave(s, s->ending, s->control.cause);
    if (s->control.state == CONTROL_DECIDED)
        control_reply_last(s, s->control.last, s->control.argument);
}

void control_end_not_ftp(struct session *s, struct slice first)
{
    struct slice word;

    if (!not_ftp_byte(first.ptr[0])) {
        slice_cut(&first, ' ', &word); /* the rest can contain a password */
        snprintf(s->why, sizeof(s->why),
                 "it began with '%.*s'; set that client to another port",
                 word.len < 8 ? (int)word.len : 8, word.ptr);
    } else if (first.ptr[0] == TLS_HANDSHAKE && !control_is_secure(s)) {
        snprintf(s->why, sizeof(s->why),
                 "TLS at a port of explicit TLS; set the client to explicit "
                 "TLS, or to a port of implicit TLS");
    } else {
        snprintf(s->why, sizeof(s->why), "it began with the byte 0x%02x",
                 (unsigned char)first.ptr[0]);
    }
    control_end(s, ENDING_NOT_FTP, REPLY_UNKNOWN_COMMAND, NOTHING);
}

void leave(struct session *s, enum ending ending, const char *cause)
{
    struct message none = { .kind = MSG_refused,
                            .refused = { .outcome = OUTCOME_UNANSWERED } };
    struct control_connection *c = &s->control;
    size_t took;

    secret_wipe(&s->login.password);
    secret_wipe(&s->login.wanted);
    /* Tries once, without the loop, since this process ends here. */
    if (c->state == CONTROL_DECIDED &&
        reply_build(&c->out, c->last, (struct slice[2]){ c->argument }, 2) ==
            0) {
        stream_write(c->stream, c->out.data, c->out.len, &took);
        buf_consume(&c->out, took);
        if (c->out.len == 0)
            s->told = reply_code(c->last);
    }
    if (s->control.stream) {
        control_send_fin(s);
        shutdown(s->control.fd, SHUT_WR);
        linger_read(s->control.fd);
    }
    s->over = true;
    if (ask_is_change(s)) { /* logs an event with the result 0 */
        s->ask.message = MSG_NONE;
        loop_timer_clear(&s->loop, &s->ask.timer);
        s->ask.then(s, &none);
    }
    report_cut(s, ending_text(ending));
    if (s->transfer.state != TRANSFER_NONE && !s->transfer.hash)
        s->total += s->transfer.bytes;
    report_stranger(s, NULL, "more of them");
    report_end(s, ending, cause);
    fd_close(&s->control.fd); /* the client doesn't wait for files */
    fd_close(&s->data.fd);
    /* Closes the file last, since that can take long. The close can find lost
     * writes: only then tells files whether the upload is worthless, since
     * files otherwise keeps the partial as after a cut. */
    transfer_close_file(s);
    if (s->transfer.state != TRANSFER_NONE && s->transfer.worthless &&
        s->ask.message != MSG_file_abort)
        SEND(&s->files, file_abort, channel_next(&s->files), .worthless = true);
    _exit((int)ending);
}

void leave_peer(struct session *s, int error, const struct channel *c)
{
    char cause[160];

    snprintf(cause, sizeof(cause), "%s: %s", process_name(c->peer),
             error == -EPROTO || error == -EMFILE ? c->wrong
             : error == -EPIPE                    ? "gone"
                                                  : "does not read");
    if (control_is_secure(s) && control_replies(s)) {
        s->control.last = REPLY_LOST_SERVICE;
        s->control.state = CONTROL_DECIDED;
    }
    leave(s, ENDING_PEER, cause);
}
