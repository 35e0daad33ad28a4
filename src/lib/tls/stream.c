/* The public calls of a stream, plain or TLS. Runs in session. It classifies
 * how a connection ends. It must never wait, and never report a cut connection
 * as an orderly end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tls.h"

/* Room for one command line, and for a record with it. */
#define BUFFER_MIN 4096u

struct stream *stream_plain(int fd, size_t buffer)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->io = (struct io){ .fd = fd,
                         .size = buffer < BUFFER_MIN ? BUFFER_MIN : buffer };
    s->end = STREAM_OK;
    return s;
}

void stream_free(struct stream *s)
{
    if (!s)
        return;
    SSL_free(s->ssl);
    io_release(&s->io);
    buf_release(&s->proof);
    free(s);
}

bool stream_is_secure(const struct stream *s)
{
    return s->ssl;
}

enum stream_state stream_break(struct stream *s, const char *cause)
{
    s->broken = true;
    snprintf(s->cause, sizeof(s->cause), "%s", cause);
    return STREAM_FAILED;
}

/* Returns true if the error is a cut, which the network or the peer has caused.
 * Any other error is a failure on our side. */
static bool is_cut(int error)
{
    static const int cuts[] = { ECONNRESET,   EPIPE,        ETIMEDOUT,
                                ECONNABORTED, EHOSTUNREACH, ENETUNREACH,
                                ENETDOWN,     EHOSTDOWN,    ECONNREFUSED };
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
        if (cuts[i] == error)
            return true;
    return false;
}

static const char *error_text(int error)
{
    const char *text = strerrordesc_np(error); /* opens no file */
    return text ? text : "unknown error";
}

/* Returns the result of a failed call on the socket: CUT or FAILED. */
static enum stream_state stream_failed(struct stream *s, int error)
{
    if (!is_cut(error))
        return stream_break(s, error_text(error));
    snprintf(s->cause, sizeof(s->cause), "%s", error_text(error));
    return STREAM_CUT;
}

enum stream_state stream_send(struct stream *s)
{
    s->patient = false;
    if (io_unsent(&s->io))
        s->owes = false;
    int r = io_send(&s->io);
    if (r == 0)
        return STREAM_OK;
    if (r != -EAGAIN)
        return stream_failed(s, -r);
    s->events = EPOLLOUT;
    return STREAM_AGAIN;
}

void stream_acknowledge(struct stream *s)
{
    if (s->owes)
        io_acknowledge(&s->io);
    s->owes = false;
}

enum stream_state stream_receive(struct stream *s, enum stream_state at_end)
{
    /* EPOLLIN is level-triggered: the loop calls again for the remaining bytes.
     */
    int r = s->heard ? -EAGAIN : io_fill(&s->io);
    s->heard = true;
    if (r > 0)
        return STREAM_OK;
    if (r == -EAGAIN) {
        stream_acknowledge(s);
        s->events = EPOLLIN | (io_unsent(&s->io) ? (uint32_t)EPOLLOUT : 0);
        return STREAM_AGAIN;
    }
    if (r < 0)
        return s->end = stream_failed(s, -r);
    s->fin = true;
    if (at_end == STREAM_CUT)
        snprintf(s->cause, sizeof(s->cause), "closed%s without close_notify",
                 s->open && secure_is_within(s) ? " within a TLS record," : "");
    return s->end = at_end;
}

/* Begins each public call that reads, sends or shakes hands. Returns false if
 * the stream is broken. */
static bool stream_begin(struct stream *s)
{
    if (s->broken)
        return false;
    s->heard = false;
    s->events = 0;
    if (s->end == STREAM_OK)
        s->cause[0] = '\0';
    return true;
}

enum stream_state stream_handshake(struct stream *s)
{
    if (!stream_begin(s))
        return STREAM_FAILED;
    return s->ssl ? secure_handshake(s) : STREAM_OK;
}

enum stream_state stream_offer_ticket(struct stream *s)
{
    if (!stream_begin(s))
        return STREAM_FAILED;
    return s->open ? resume_offer_ticket(s) : STREAM_OK;
}

enum stream_state stream_read(struct stream *s, void *into, size_t len,
                              size_t *got)
{
    enum stream_state st = s->end;
    *got = 0;
    if (st == STREAM_OK && !stream_begin(s))
        st = STREAM_FAILED;
    else if (st == STREAM_OK && s->ssl)
        st = secure_read(s, into, len, got);
    else if (st == STREAM_OK && !io_received(&s->io))
        st = stream_receive(s, STREAM_CLOSED);
    if (st == STREAM_OK && !s->ssl)
        *got = io_take(&s->io, into, len);
    s->reported = st != STREAM_OK && st != STREAM_AGAIN;
    return st;
}

enum stream_state stream_write(struct stream *s, const void *from, size_t len,
                               size_t *took)
{
    *took = 0;
    if (!stream_begin(s))
        return STREAM_FAILED;
    if (s->ssl)
        return secure_write(s, from, len, took);
    while (*took < len) {
        int n = io_put(&s->io, from + *took, len - *took);
        if (n < 0)
            return stream_break(s, error_text(-n));
        *took += (size_t)n;
        if (n > 0)
            continue;
        enum stream_state st = stream_send(s);
        if (st != STREAM_OK)
            return st == STREAM_AGAIN && *took > 0 ? STREAM_OK : st;
    }
    return STREAM_OK;
}

enum stream_state stream_flush(struct stream *s)
{
    return stream_begin(s) ? stream_send(s) : STREAM_FAILED;
}

enum stream_state stream_shutdown(struct stream *s)
{
    enum stream_state st;

    if (!stream_begin(s))
        return STREAM_FAILED;
    s->io.last = true;
    st = s->open ? secure_shutdown(s) : stream_send(s);
    if (st == STREAM_OK)
        shutdown(s->io.fd, SHUT_WR);
    return st;
}

uint32_t stream_events(const struct stream *s)
{
    return s->events;
}

/* Also returns true if only the end is unread: the peer can be waiting for our
 * answer to the end, and send nothing more. */
bool stream_pending(const struct stream *s)
{
    if (s->reported)
        return false;
    if (s->broken || s->end != STREAM_OK)
        return true;
    return io_received(&s->io) || (s->open && SSL_pending(s->ssl) > 0);
}

uint64_t stream_traffic(const struct stream *s)
{
    return s->io.traffic;
}

bool stream_unsent(const struct stream *s)
{
    return io_unsent(&s->io) && !s->patient;
}

const char *stream_cause(const struct stream *s)
{
    return s->cause;
}

bool stream_bare_fin(const struct stream *s)
{
    return s->end == STREAM_CUT && s->fin && s->open && !secure_is_within(s);
}

bool stream_has_fin(const struct stream *s)
{
    return s->fin;
}

const char *stream_server_name(const struct stream *s)
{
    return s->open ? SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name)
                   : NULL;
}

const char *stream_cipher(const struct stream *s)
{
    return s->open ? s->cipher : "plain";
}
