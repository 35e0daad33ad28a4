/* "metrics": what it prints, and how it answers HTTP clients, which are slow or
 * wrong. The test plays the server, and systemd. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "fake_server.h"
#include "sallyport/event/metrics.h"
#include "support/wait.h"
#include "world.h"

TestSuite(metrics, .init = world_make, .fini = scratch_remove);

#define GET "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

static void counts(struct channel *c)
{
    struct metrics all = { .gauge = { [GAUGE_USERS] = 5 } };
    struct message m;

    fake_welcome(c);
    if (fake_hears(c, &m) && m.kind == MSG_show && m.show.what == SHOW_METRICS)
        FAKE_SAYS(c, &m, metrics_are,
                  .metrics = { (const char *)&all, sizeof(all) });
}

static void lies(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    if (fake_hears(c, &m))
        FAKE_SAYS(c, &m, metrics_are, .metrics = SLICE("12345678"));
}

static void hangs_up(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
}

Test(metrics, are_printed)
{
    fake_begin(counts);
    expect_out(0, "", "metrics", "\nsallyport_users 5\n");
    fake_end();
    fake_begin(lies);
    expect_err(EX_PROTOCOL, "", "metrics", "the server lies");
    fake_end();
    fake_begin(fake_welcome_older);
    expect_err(EX_PROTOCOL, "", "metrics",
               "still runs version 0.1.0; run: sallyportctl reload");
    fake_end();
    expect_err(EX_UNAVAILABLE, "", "metrics", "no server answers");
}

static void expect_answer(const char *request, const char *first,
                          const char *has)
{
    const struct run *r = expect_run(0, request, "metrics serve");

    cr_expect_eq(strncmp(r->out, first, strlen(first)), 0, "%s", r->out);
    cr_expect(strstr(r->out, has), "no \"%s\" in %s", has, r->out);
    cr_expect_str_eq(r->err, "");
}

Test(metrics, are_served)
{
    const char *length, *body;

    fake_begin(counts);
    expect_answer(GET, "HTTP/1.1 200 OK\r\n", "\nsallyport_users 5\n");
    expect_answer(GET, "HTTP/1.1 200 ", "text/plain; version=0.0.4");
    const struct run *r = expect_run(0, GET, "metrics serve");
    length = strstr(r->out, "Content-Length: ");
    body = strstr(r->out, "\r\n\r\n");
    cr_assert(length && body);
    cr_expect_eq(strtoul(length + 16, NULL, 10), strlen(body + 4));
    expect_answer("GET /metrics?x=y HTTP/1.0\n\n", "HTTP/1.1 200 ",
                  "sallyport_users 5");
    expect_answer("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ", "see /metrics");
    expect_answer("GET /metricsx HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ", "");
    expect_answer("POST /metrics HTTP/1.1\r\nContent-Length: 9\r\n\r\n123",
                  "HTTP/1.1 405 ", "Allow: GET, HEAD");
    expect_answer("\r\n\r\n", "HTTP/1.1 405 ", "only GET");
    r = expect_run(0, "HEAD /metrics HTTP/1.0\r\n\r\n", "metrics serve");
    cr_expect_str_eq(strstr(r->out, "\r\n\r\n"), "\r\n\r\n");
    fake_end();
}

/* It closes without an answer. */
Test(metrics, are_for_whole_requests)
{
    static char flood[20000];

    memset(flood, 'a', sizeof(flood) - 1);
    fake_begin(counts);
    cr_expect_str_eq(expect_run(0, flood, "metrics serve")->out, "");
    cr_expect_str_eq(expect_run(0, "GET /metr", "metrics serve")->out, "");
    cr_expect_str_eq(expect_run(0, "", "metrics serve")->out, "");
    fake_end();
}

Test(metrics, are_away_with_the_server)
{
    const struct run *r;

    r = expect_run(EX_UNAVAILABLE, GET, "metrics serve");
    cr_expect_eq(strncmp(r->out, "HTTP/1.1 503 ", 13), 0, "%s", r->out);
    cr_expect(strstr(r->err, "no server answers"), "%s", r->err);
    fake_begin(hangs_up);
    r = expect_run(EX_TEMPFAIL, GET, "metrics serve");
    cr_expect_eq(strncmp(r->out, "HTTP/1.1 503 ", 13), 0, "%s", r->out);
    fake_end();
}

/* One that sends a byte now and then has no more time than one that sends
 * nothing. */
struct slow {
    int fd;
    pid_t pid;
    int status;
};

static void slow_begin(struct slow *s)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    s->fd = ends[0];
    s->pid = fork();
    cr_assert_geq(s->pid, 0);
    if (s->pid == 0) {
        char *argv[] = { (char[]){ "sallyportctl" },
                         (char[]){ "metrics" },
                         (char[]){ "serve" },
                         (char[]){ "--config" },
                         world.conf,
                         NULL };

        dup2(ends[1], STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        metrics_client_s = 1;
        _exit(ctl_run(5, argv));
    }
    close(ends[1]);
}

static bool has_ended(void *argument)
{
    struct slow *s = argument;

    send(s->fd, "a", 1, MSG_NOSIGNAL);
    return waitpid(s->pid, &s->status, WNOHANG) == s->pid;
}

Test(metrics, end_slow_clients, .timeout = 60)
{
    struct slow s;

    fake_begin(counts);
    slow_begin(&s);
    cr_expect(wait_until(has_ended, &s, WAIT_MS));
    cr_expect_eq(s.status, 0);
    close(s.fd);
    slow_begin(&s); /* it never hangs up */
    cr_assert_eq(send(s.fd, GET, strlen(GET), 0), (ssize_t)strlen(GET));
    cr_expect(wait_until(has_ended, &s, WAIT_MS));
    cr_expect_eq(s.status, 0);
    close(s.fd);
    fake_end();
}

/* Root's rights are gone before the first byte is read. */
Test(metrics, are_served_without_root, .timeout = 60)
{
    char path[64], status[4096] = "";
    struct slow s;
    char got[64];

    if (geteuid() != 0)
        world_skip("only root can give up root");
    fake_begin(counts);
    slow_begin(&s);
    /* An answer to a whole request shows that it has begun to read. */
    cr_assert_eq(send(s.fd, GET, strlen(GET), 0), (ssize_t)strlen(GET));
    cr_assert_gt(recv(s.fd, got, sizeof(got), 0), 0);
    snprintf(path, sizeof(path), "/proc/%d/status", (int)s.pid);
    strncpy(status, file_text(path), sizeof(status) - 1);
    cr_expect(strstr(status, "\nUid:\t65534\t65534\t65534\t65534\n"), "%s",
              status);
    cr_expect(strstr(status, "\nGid:\t65534\t65534\t65534\t65534\n"));
    cr_expect(strstr(status, "\nCapPrm:\t0000000000000000\n"));
    cr_expect(strstr(status, "\nNoNewPrivs:\t1\n"));
    close(s.fd);
    cr_expect_eq(waitpid(s.pid, &s.status, 0), s.pid);
    fake_end();
}
