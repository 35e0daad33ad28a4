/* "metrics": the counters and gauges of the running server, as Prometheus reads
 * them. "metrics serve" answers one client, whose connection a socket unit of
 * systemd passes as standard input and output. It asks the server first, and
 * then gives up root: no byte of a client is read with any right. */
#include "rows.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/event/metrics.h"
#include "sallyport/sandbox/sandbox.h"

#define TEXT_MAX (256u << 10)
#define HEAD_MAX 8192 /* of a request */
#define NOBODY   65534

/* A client's time, for its request and the answer. */
unsigned metrics_client_s = 10;

static int metrics_ask(struct context *x, struct buf *text)
{
    struct server s;
    struct message m;
    struct metrics all;
    int code = server_open(&s, x);

    if (code == 0)
        code = server_ask(&s, SHOW_METRICS, 0, &m);
    if (code == 0 &&
        (m.kind != MSG_metrics_are || m.metrics_are.metrics.len != sizeof(all)))
        code = server_lies(x, "no metrics");
    if (code == 0) {
        memcpy(&all, m.metrics_are.metrics.ptr, sizeof(all));
        if (metrics_text(&all, text) < 0)
            code = ctl_fail(x, EX_OSERR, "no memory for the metrics");
    }
    server_close(&s);
    return code;
}

struct http_answer {
    const char *status, *header; /* an additional one */
    struct slice body;
};

/* TEXT is empty if the server can't be asked. */
static struct http_answer http_judge(struct slice head, struct slice text)
{
    struct slice method = { 0 }, target = { 0 }, path = { 0 };

    slice_cut(&head, ' ', &method);
    slice_cut(&head, ' ', &target);
    slice_cut(&target, '?', &path);
    if (!slice_equal(method, SLICE("GET")) &&
        !slice_equal(method, SLICE("HEAD")))
        return (struct http_answer){ "405 Method Not Allowed",
                                     "Allow: GET, HEAD\r\n",
                                     SLICE("only GET and HEAD\n") };
    if (!slice_equal(path, SLICE("/metrics")))
        return (struct http_answer){ "404 Not Found", "",
                                     SLICE("see /metrics\n") };
    if (text.len == 0)
        return (struct http_answer){ "503 Service Unavailable", "",
                                     SLICE("the server doesn't answer\n") };
    return (struct http_answer){ "200 OK", "", text };
}

static bool head_is_complete(struct slice head)
{
    return memmem(head.ptr, head.len, "\r\n\r\n", 4) ||
           memmem(head.ptr, head.len, "\n\n", 2);
}

/* Returns false if the client leaves, or sends too much. */
static bool http_read_head(char *head, struct slice *ret)
{
    ssize_t n = 1;

    *ret = (struct slice){ head, 0 };
    while (n > 0 && ret->len < HEAD_MAX && !head_is_complete(*ret)) {
        n = read(STDIN_FILENO, head + ret->len, HEAD_MAX - ret->len);
        ret->len += n > 0 ? (size_t)n : 0;
    }
    return head_is_complete(*ret);
}

/* The rest is read to its end: closing a socket with unread bytes would cut the
 * answer off. */
static void http_serve(struct slice text)
{
    static char head[HEAD_MAX];
    struct slice got;
    char first[256];
    int len;

    if (!http_read_head(head, &got))
        return;
    const struct http_answer a = http_judge(got, text);
    len = snprintf(first, sizeof(first),
                   "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; "
                   "charset=utf-8\r\nContent-Length: %zu\r\n%sConnection: "
                   "close\r\n\r\n",
                   a.status, a.body.len, a.header);
    if (fd_write_all(STDOUT_FILENO, first, (size_t)len) == 0 &&
        !slice_starts(got, SLICE("HEAD ")))
        fd_write_all(STDOUT_FILENO, a.body.ptr, a.body.len);
    if (shutdown(STDOUT_FILENO, SHUT_WR) == 0)
        while (read(STDIN_FILENO, head, sizeof(head)) > 0)
            continue;
}

static void http_on_late(int number)
{
    (void)number;
    _exit(EXIT_SUCCESS);
}

int metrics_show(struct context *x)
{
    struct buf text;
    int code;

    buf_init(&text, TEXT_MAX);
    code = metrics_ask(x, &text);
    if (code == 0)
        fwrite(text.data, 1, text.len, stdout);
    buf_release(&text);
    return code;
}

/* Returns the exit code of the question, also if the client is wrong. */
int metrics_serve(struct context *x)
{
    struct buf text;
    int code, r;

    if (isatty(STDIN_FILENO))
        return ctl_fail(x, EX_USAGE,
                        "metrics serve answers an HTTP client, which systemd "
                        "passes as standard input; to serve the metrics on "
                        "127.0.0.1:9521 run: systemctl enable --now "
                        "sallyport-metrics.socket; to see them: sallyportctl "
                        "metrics");
    buf_init(&text, TEXT_MAX);
    code = metrics_ask(x, &text);
    r = sandbox_give_up(geteuid() == 0, NOBODY, NOBODY);
    if (r == 0) {
        signal(SIGPIPE, SIG_IGN);
        signal(SIGALRM, http_on_late);
        alarm(metrics_client_s);
        http_serve(code ? (struct slice){ 0 } : buf_slice(&text));
        alarm(0);
    }
    buf_release(&text);
    return r < 0 ? ctl_fail(x, EX_OSERR, "can't give up root: %s", strerror(-r))
                 : code;
}
