/* The control channel of a scripted client. */
#include <netinet/tcp.h>

#include "fail.h"
#include "pattern.h"
#include "sallyport/base/fd.h"
#include "session.h"
#include "session_private.h"
#include "test.h"
#include "wait.h"

#define REPLY_MAX (4u << 20)
#define PIECE     4096

void session_init(struct session *s)
{
    signal(SIGPIPE, SIG_IGN); /* a write to a closed session is an error */
    memset(s, 0, sizeof(*s));
    s->fd = -1;
    strcpy(s->host, "127.0.0.1");
    buf_init(&s->in, REPLY_MAX);
    buf_init(&s->reply, REPLY_MAX);
}

static socklen_t to_address(const char *host, unsigned port,
                            struct sockaddr_storage *ret)
{
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
    struct sockaddr_in *four = (struct sockaddr_in *)ret;

    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        return sizeof(*four);
    }
    FAIL_IF(inet_pton(AF_INET6, host, &six->sin6_addr) != 1, "address %s",
            host);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    return sizeof(*six);
}

static int try_socket(const struct session *s, unsigned port)
{
    const struct timeval limit = { .tv_sec = WAIT_MS / 1000 };
    struct sockaddr_storage to, from;
    socklen_t len = to_address(s->host, port, &to);
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    FAIL_IF(fd < 0, "socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (*s->from) {
        socklen_t n = to_address(s->from, 0, &from);

        FAIL_IF(bind(fd, (struct sockaddr *)&from, n), "bind to %s: %s",
                s->from, strerror(errno));
    }
    if (connect(fd, (struct sockaddr *)&to, len))
        fd_close(&fd);
    return fd;
}

int session_socket(const struct session *s, unsigned port)
{
    int fd = try_socket(s, port);

    FAIL_IF(fd < 0, "connect to %s port %u: %s", s->host, port,
            strerror(errno));
    return fd;
}

bool session_may_connect(struct session *s, unsigned port)
{
    s->fd = try_socket(s, port);
    return s->fd >= 0;
}

void session_connect(struct session *s, unsigned port)
{
    s->fd = session_socket(s, port);
}

void session_raw(struct session *s, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (!s->tls && len > 0) {
        ssize_t n = send(s->fd, at, len, MSG_NOSIGNAL);

        FAIL_IF(n <= 0, "sending: %s", strerror(errno));
        at += n;
        len -= (size_t)n;
    }
    if (s->tls && len > 0)
        session_tls_write(s->tls, at, len);
}

void session_vsend(struct session *s, const char *format, va_list args)
{
    char *line = NULL;
    int n = vasprintf(&line, format, args);

    FAIL_IF(n < 0, "no memory");
    line = realloc(line, (size_t)n + 3);
    FAIL_IF(!line, "no memory");
    memcpy(line + n, "\r\n", 2);
    session_raw(s, line, (size_t)n + 2);
    free(line);
}

void session_send(struct session *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    session_vsend(s, format, args);
    va_end(args);
}

static long receive_plain(struct session *s)
{
    ssize_t n = recv(s->fd, s->in.data + s->in.len, PIECE, 0);

    FAIL_IF(n < 0 && errno == EAGAIN, "the server said nothing for %d ms",
            WAIT_MS);
    return n < 0 ? TLS_CLIENT_CUT : n;
}

/* Receives more bytes. Returns false at the end of the connection. */
static bool receive(struct session *s)
{
    long n;

    FAIL_IF(buf_reserve(&s->in, PIECE), "a reply is too long");
    if (s->tls)
        n = session_tls_read(s->tls, s->in.data + s->in.len, PIECE);
    else
        n = receive_plain(s);
    s->cut = n == TLS_CLIENT_CUT;
    if (n <= 0)
        return false;
    s->in.len += (size_t)n;
    return true;
}

/* Moves a line to the end of the reply; every line must end with CRLF. */
const char *session_line(struct session *s)
{
    const char *end;
    size_t len, at = s->reply.len;

    while (!(end = memchr(s->in.data ? s->in.data : "", '\n', s->in.len)))
        FAIL_IF(!receive(s), "the server closed instead of a reply; got: %.*s",
                (int)s->in.len, s->in.data ? s->in.data : "");
    len = (size_t)(end - s->in.data);
    FAIL_IF(len == 0 || end[-1] != '\r', "a line without CR: %.*s", (int)len,
            s->in.data);
    FAIL_IF(memchr(s->in.data, '\0', len), "a NUL in a reply");
    FAIL_IF(buf_add(&s->reply, s->in.data, len - 1) ||
                buf_add(&s->reply, "", 1),
            "a reply is too long");
    buf_consume(&s->in, len + 1);
    return s->reply.data + at;
}

static bool is_last(const char *line, const char *code)
{
    return strlen(line) >= 4 && memcmp(line, code, 3) == 0 && line[3] == ' ';
}

int session_reply(struct session *s)
{
    char code[4] = "";
    const char *line;

    buf_clear(&s->reply);
    line = session_line(s);
    FAIL_IF(strlen(line) < 4 || strspn(line, "0123456789") != 3 ||
                (line[3] != ' ' && line[3] != '-'),
            "not a reply: %s", line);
    memcpy(code, line, 3);
    while (!is_last(line, code)) {
        s->reply.data[s->reply.len - 1] = '\n';
        line = session_line(s);
    }
    return atoi(code);
}

void session_expect(struct session *s, const char *pattern)
{
    struct pattern_match m = { 0 };
    const char *last;

    session_reply(s);
    last = strrchr(s->reply.data, '\n');
    last = last ? last + 1 : s->reply.data;
    FAIL_IF(!pattern_matches(slice_from(pattern), slice_from(last), &m),
            "expected: %s\n     got: %s", pattern, s->reply.data);
    if (m.port)
        s->port = m.port;
}

void session_do(struct session *s, const char *pattern, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    session_vsend(s, format, args);
    va_end(args);
    session_expect(s, pattern);
}

bool session_may_reply(struct session *s, const char *code)
{
    while (!memchr(s->in.data ? s->in.data : "", '\n', s->in.len))
        if (!receive(s))
            return false;
    return session_reply(s) == atoi(code);
}

void session_read_rest(struct session *s, struct buf *into)
{
    while (receive(s))
        ;
    FAIL_IF(buf_add_slice(into, buf_slice(&s->in)) || buf_add(into, "", 1),
            "more came than expected");
    buf_clear(&s->in);
}

bool session_is_refused(struct session *s)
{
    struct buf got;
    bool refused;

    buf_init(&got, REPLY_MAX);
    session_read_rest(s, &got);
    refused = got.len == 1 || strncmp(got.data, "421 ", 4) == 0;
    buf_release(&got);
    return refused;
}

void session_expect_end(struct session *s)
{
    FAIL_IF(s->in.len > 0 || receive(s),
            "expected the end of the session, got: %.*s", (int)s->in.len,
            s->in.data);
    FAIL_IF(s->cut, "the session was cut, not closed in order");
}

void session_drop(struct session *s)
{
    if (s->tls)
        tls_client_free(s->tls);
    s->tls = NULL;
    fd_close(&s->fd);
    buf_release(&s->in);
    buf_release(&s->reply);
}

void session_close(struct session *s)
{
    session_do(s, "221 {*}", "QUIT");
    session_expect_end(s);
    session_drop(s);
}
