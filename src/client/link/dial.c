/* Sockets, lines and TLS. Each connect, handshake and reply has a deadline for
 * all of its bytes. */
#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "link.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define REPLY_LINES_MAX 1000

SSL_CTX *dial_context(const struct options *o, struct failure *why)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx) {
        fail(why, EX_OSERR, "out of memory");
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    if (!o->cert || (SSL_CTX_use_certificate_chain_file(ctx, o->cert) == 1 &&
                     SSL_CTX_use_PrivateKey_file(ctx, o->key ? o->key : o->cert,
                                                 SSL_FILETYPE_PEM) == 1))
        return ctx;
    SSL_CTX_free(ctx);
    fail(why, EX_NOINPUT, "the client certificate of --cert can't be used");
    return NULL;
}

static int dial_try(struct dial *d, const struct addrinfo *a)
{
    struct timeval patience = { .tv_sec = d->timeout };
    struct sockaddr_storage at = { 0 };

    d->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (d->fd < 0)
        return -errno;
    setsockopt(d->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(d->fd, a->ai_addr, a->ai_addrlen) == 0 &&
        fd_set_nonblock(d->fd, true) == 0) {
        memcpy(&at, a->ai_addr, a->ai_addrlen);
        return address_from_sockaddr(&d->peer, &at);
    }
    int r = errno == EINPROGRESS ? -ETIMEDOUT : -errno;
    fd_close(&d->fd);
    return r;
}

int dial_connect(struct dial *d, const struct proxy *proxy, const char *host,
                 unsigned port, int family, unsigned timeout,
                 struct failure *why)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
    char service[8];
    int r = -ENOENT;

    *d = (struct dial){ .fd = -1, .timeout = timeout };
    if (proxy->name[0]) {
        d->fd = proxy_connect(proxy, host, port, timeout, why);
        return d->fd < 0 ? -1 : 0;
    }
    hints.ai_family = family == 4   ? AF_INET
                      : family == 6 ? AF_INET6
                                    : AF_UNSPEC;
    snprintf(service, sizeof(service), "%u", port);
    int error = getaddrinfo(host, service, &hints, &list);
    if (family != 0 && (error == EAI_ADDRFAMILY || error == EAI_NODATA))
        return fail(why, EX_NOHOST, "%s has no IPv%d address", host, family);
    if (error != 0)
        return fail(why, EX_NOHOST, "%s: %s", host, gai_strerror(error));
    for (const struct addrinfo *a = list; a && r < 0; a = a->ai_next)
        r = dial_try(d, a);
    freeaddrinfo(list);
    if (r == 0)
        return 0;
    fail(why, EX_UNAVAILABLE, "%s port %u: %s; check host, port and firewall",
         host, port, strerror(-r));
    why->cut = true;
    return -1;
}

static void dial_begin(struct dial *d)
{
    d->end = clock_ms() + 1000 * (uint64_t)d->timeout;
}

/* Returns false: the time is over, or the user has pressed Ctrl-C. */
static bool dial_wait(struct dial *d, short events)
{
    return link_poll(&(struct pollfd){ .fd = d->fd, .events = events }, 1,
                     d->end);
}

/* After R from SSL: may it be called again? */
static bool dial_tls_waits(struct dial *d, int r)
{
    int error = SSL_get_error(d->tls, r);

    return (error == SSL_ERROR_WANT_READ && dial_wait(d, POLLIN)) ||
           (error == SSL_ERROR_WANT_WRITE && dial_wait(d, POLLOUT));
}

static int dial_tls_failed(struct failure *why)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return fail(why, EX_PROTOCOL, "the TLS handshake failed: %s",
                reason ? reason : "it was cut, or took too long");
}

int dial_tls(struct dial *d, SSL_CTX *ctx, const char *host,
             SSL_SESSION *resume, struct failure *why)
{
    struct address literal;
    int r;

    ERR_clear_error();
    d->tls = SSL_new(ctx);
    if (!d->tls || SSL_set_fd(d->tls, d->fd) != 1)
        return fail(why, EX_OSERR, "out of memory");
    if (address_parse(slice_from(host), &literal) < 0)
        SSL_set_tlsext_host_name(d->tls, host);
    if (resume)
        SSL_set_session(d->tls, resume);
    dial_begin(d);
    do
        r = SSL_connect(d->tls);
    while (r != 1 && dial_tls_waits(d, r));
    return r == 1 ? 0 : dial_tls_failed(why);
}

static int dial_read_tls(struct dial *d, void *out, size_t len, bool *whole)
{
    int n;

    do
        n = SSL_read(d->tls, out, len > INT_MAX ? INT_MAX : (int)len);
    while (n <= 0 && dial_tls_waits(d, n));
    if (n > 0)
        return n;
    *whole = SSL_get_error(d->tls, n) == SSL_ERROR_ZERO_RETURN;
    ERR_clear_error();
    return *whole ? 0 : -1;
}

int dial_read(struct dial *d, void *out, size_t len, bool *whole)
{
    ssize_t n;

    *whole = false;
    if (clock_ms() >= d->end)
        return -1;
    if (d->tls)
        return dial_read_tls(d, out, len, whole);
    do
        n = recv(d->fd, out, len, 0);
    while (n < 0 && errno == EAGAIN && dial_wait(d, POLLIN));
    return (int)n;
}

static int dial_write(struct dial *d, const void *bytes, size_t len)
{
    if (d->tls)
        return SSL_write(d->tls, bytes, (int)len) == (int)len ? 0 : -1;
    return fd_write_all(d->fd, bytes, len) == 0 ? 0 : -1;
}

/* Reads byte by byte, since the bytes after the reply to AUTH belong to TLS.
 * Plain text that an attacker inserts there makes the handshake fail. */
static int dial_line(struct dial *d, char text[DIAL_LINE_MAX])
{
    size_t len = 0;
    bool whole;

    for (;;) {
        char c;

        if (dial_read(d, &c, 1, &whole) != 1)
            return -1;
        if (c == '\n')
            break;
        if (c != '\r' && len + 1 < DIAL_LINE_MAX)
            text[len++] = c;
    }
    text[len] = '\0';
    return 0;
}

int dial_code(const char *line)
{
    for (int i = 0; i < 3; i++)
        if (line[i] < '0' || line[i] > '9')
            return -1;
    if (line[3] != ' ' && line[3] != '\0')
        return -1;
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

int dial_ask_each(struct dial *d, const char *line, char text[DIAL_LINE_MAX],
                  void (*each)(void *of, const char *line), void *of,
                  struct failure *why)
{
    char out[DIAL_LINE_MAX];
    int code = -1;

    text[0] = '\0';
    dial_begin(d);
    if (line) {
        int n = snprintf(out, sizeof(out), "%s\r\n", line);
        bool sent =
            n > 0 && n < (int)sizeof(out) && dial_write(d, out, (size_t)n) == 0;
        explicit_bzero(out, sizeof(out));
        if (!sent)
            return fail(why, EX_TEMPFAIL, "the connection was cut");
    }
    for (int lines = 0; code < 0 && lines < REPLY_LINES_MAX; lines++) {
        if (dial_line(d, text) < 0)
            break;
        if (each)
            each(of, text);
        code = dial_code(text);
    }
    return code >= 0 ? code
                     : fail(why, EX_TEMPFAIL, "the server gave no reply");
}

int dial_ask(struct dial *d, const char *line, char text[DIAL_LINE_MAX],
             struct failure *why)
{
    return dial_ask_each(d, line, text, NULL, NULL, why);
}

void dial_close(struct dial *d)
{
    if (d->tls) {
        SSL_shutdown(d->tls);
        SSL_free(d->tls);
        d->tls = NULL;
        ERR_clear_error();
    }
    fd_close(&d->fd);
}

static int dial_upgrade(struct dial *d, const struct url *url, SSL_CTX *ctx,
                        struct failure *why)
{
    char text[DIAL_LINE_MAX];
    int code;

    if (url->implicit) {
        if (dial_tls(d, ctx, url->host, NULL, why) < 0)
            return -1;
        return dial_ask(d, NULL, text, why) == 220
                   ? 0
                   : fail(why, EX_PROTOCOL, "the server gave no greeting");
    }
    code = dial_ask(d, NULL, text, why);
    if (code < 0)
        return -1;
    if (code != 220)
        return fail_curl(why, 0, code < 400 ? 421 : code, text, NULL);
    code = dial_ask(d, "AUTH TLS", text, why);
    if (code < 0)
        return -1;
    if (code != 234)
        return fail(why, EX_PROTOCOL,
                    "the server offers no TLS (\"%s\"), and nothing is sent "
                    "without",
                    text);
    return dial_tls(d, ctx, url->host, NULL, why);
}

int dial_control(struct dial *d, const struct url *url,
                 const struct proxy *proxy, SSL_CTX *ctx, unsigned timeout,
                 struct failure *why)
{
    if (dial_connect(d, proxy, url->host, url->port, 0, timeout, why) < 0)
        return -1;
    int r = dial_upgrade(d, url, ctx, why);
    if (r < 0)
        dial_close(d);
    return r;
}
