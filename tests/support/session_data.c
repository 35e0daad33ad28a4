/* Data connections of a scripted client, in the order of curl: connect,
 * command, 150, handshake. */
#include "fail.h"
#include "sallyport/base/fd.h"
#include "session_private.h"
#include "test.h"

#define PIECE (256u << 10)

void data_connect_to(struct session *s, struct data *d, unsigned port)
{
    d->tls = NULL;
    d->fd = session_socket(s, port);
}

void data_connect(struct session *s, struct data *d)
{
    session_do(s, "229 {*}(|||{port}|){*}", "EPSV");
    data_connect_to(s, d, s->port);
}

void data_secure(struct session *s, struct data *d)
{
    struct tls_session *own = tls_client_session(s->tls);
    const struct tls_session *show = s->show ? s->show : own;

    d->tls = session_tls_new(s, d->fd, s->data_name, s->anew ? NULL : show);
    tls_session_free(own);
}

bool data_may_connect(struct session *s, struct data *d)
{
    const int control = s->fd;
    const bool made = session_may_connect(s, s->port);

    *d = (struct data){ .fd = s->fd };
    s->fd = control;
    return made;
}

bool data_may_secure(struct session *s, struct data *d)
{
    struct tls_session *own = tls_client_session(s->tls);

    d->tls = session_tls_try(s, d->fd, s->data_name, own);
    tls_session_free(own);
    return d->tls != NULL;
}

bool data_may_write(struct data *d, const void *bytes, size_t len)
{
    return d->tls && tls_client_write(d->tls, bytes, len);
}

bool data_may_read(struct data *d, void *into, size_t len)
{
    char *at = into;

    while (len > 0) {
        const long n = tls_client_read(d->tls, at, len);

        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool data_may_read_all(struct data *d, struct buf *into)
{
    long n;

    do {
        FAIL_IF(buf_reserve(into, PIECE), "more bytes than expected");
        n = tls_client_read(d->tls, into->data + into->len, PIECE);
        into->len += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    return n == TLS_CLIENT_END;
}

bool data_may_close(struct data *d)
{
    long n = tls_client_shutdown(d->tls) ? 1 : TLS_CLIENT_FAILED;
    char rest[4096];

    while (n > 0)
        n = tls_client_read(d->tls, rest, sizeof(rest));
    tls_client_free(d->tls);
    d->tls = NULL;
    fd_close(&d->fd);
    return n == TLS_CLIENT_END;
}

void data_open(struct session *s, struct data *d, const char *format, ...)
{
    va_list args;

    data_connect(s, d);
    va_start(args, format);
    session_vsend(s, format, args);
    va_end(args);
    session_expect(s, "150 {*}");
    data_secure(s, d);
}

void data_write(struct data *d, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        size_t n = len < PIECE ? len : PIECE;

        session_tls_write(d->tls, at, n);
        at += n;
        len -= n;
    }
}

void data_read_all(struct data *d, struct buf *into)
{
    FAIL_IF(!data_may_read_all(d, into),
            "the data connection was cut after %zu bytes, or nothing came in "
            "time: %s",
            into->len, tls_client_error());
}

void data_close(struct data *d)
{
    FAIL_IF(!data_may_close(d), "the server cut the data connection: %s",
            tls_client_error());
}

void data_cut(struct data *d, bool reset)
{
    const struct linger now = { .l_onoff = 1, .l_linger = 0 };

    if (reset)
        setsockopt(d->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    if (d->tls)
        tls_client_free(d->tls);
    d->tls = NULL;
    fd_close(&d->fd);
}

void session_wait_files(struct session *s)
{
    session_do(s, "200 {*}", "TYPE I");
}

void session_store(struct session *s, const char *verb, const char *name,
                   const void *bytes, size_t len)
{
    struct data d;

    data_open(s, &d, "%s %s", verb, name);
    data_finish(s, &d, bytes, len, "226 {*}");
}

void session_fetch(struct session *s, const char *command, struct buf *into)
{
    struct data d;

    data_open(s, &d, "%s", command);
    data_read_all(&d, into);
    data_close(&d);
    session_expect(s, "226 {*}");
}

void data_finish(struct session *s, struct data *d, const void *bytes,
                 size_t len, const char *pattern)
{
    data_write(d, bytes, len);
    data_close(d);
    session_expect(s, pattern);
}

void session_expect_fetch(struct session *s, const char *command,
                          const void *bytes, size_t len)
{
    struct buf got;

    buf_init(&got, len + (1 << 20));
    session_fetch(s, command, &got);
    FAIL_IF(!slice_equal(buf_slice(&got), (struct slice){ bytes, len }),
            "%s: %zu other bytes, not %zu: %.*s", command, got.len, len,
            (int)(got.len < 1024 ? got.len : 1024), got.data ? got.data : "");
    buf_release(&got);
}

/* Plays a transfer. Returns true if it has begun and ended: then its final
 * reply comes next. Returns false if its first reply isn't 150. */
static bool play_data(struct session *s, struct data *d, enum session_way way,
                      struct buf *record)
{
    struct buf got;

    if (session_reply(s) != 150) {
        data_cut(d, false);
        return false;
    }
    buf_init(&got, 1 << 20);
    buf_add(&got, s->reply.data, s->reply.len);
    data_secure(s, d);
    if (way == UP)
        data_write(d, "bytes", 5);
    else
        data_read_all(d, &got);
    if (record)
        buf_add(record, got.data, got.len);
    buf_release(&got);
    data_close(d);
    return true;
}

int session_play(struct session *s, const char *line, const char *base,
                 enum session_way way, struct buf *record)
{
    const char *at = strstr(line, "{}");
    int code, head = at ? (int)(at - line) : (int)strlen(line);
    struct data d;

    if (way != NO_DATA)
        data_connect(s, &d);
    session_send(s, "%.*s%s%s", head, line, at ? base : "", at ? at + 2 : "");
    if (way == NO_DATA || play_data(s, &d, way, record))
        session_reply(s);
    code = atoi(s->reply.data);
    if (record)
        buf_add(record, s->reply.data, s->reply.len);
    return code;
}
