/* The metrics of a real server, as curl gets them: what they count, and that
 * neither a reload nor the death of a process loses a count. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generation.h"
#include "support/processes.h"
#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"

#define UID_METRICS 69995

/* Returns false if nobody answers. The caller releases R. */
static bool scrape(const struct server *server, struct run_result *r)
{
    run(r, NULL, "curl", "--silent", "--fail", "--max-time", "20",
        "--unix-socket", server_path(server, "metrics"),
        "http://localhost/metrics", NULL);
    return r->status == 0;
}

struct wanted {
    const struct server *server;
    const char *series;
    double value, got; /* value ABOVE_0: any above */
};
#define ABOVE_0 (-2)

static bool has_value(void *argument)
{
    struct wanted *w = argument;
    size_t len = strlen(w->series);
    struct run_result r;

    w->got = -1;
    if (scrape(w->server, &r))
        for (const char *at = r.text; (at = strstr(at, w->series)); at += len)
            if ((at == r.text || at[-1] == '\n') && at[len] == ' ')
                w->got = strtod(at + len, NULL);
    run_release(&r);
    return w->value == ABOVE_0 ? w->got > 0 : w->got == w->value;
}

/* log counts when it reads an event, which may be after the reply. */
static void expect(const struct server *server, const char *series,
                   double value)
{
    struct wanted w = { server, series, value, 0 };

    cr_expect(wait_until(has_value, &w, WAIT_MS), "%s is %g, not %g", series,
              w.got, value);
}

/* The reload also shows that the setting needs no restart. */
static void start(struct server *server, const struct server_plan *plan)
{
    struct server_plan more = *plan;
    char uid[64], path[SERVER_PATH_MAX];

    snprintf(uid, sizeof(uid), "uid.metrics = %d\n", UID_METRICS);
    more.settings = uid;
    server_start(server, &more);
    snprintf(path, sizeof(path), "%s", server_path(server, "metrics"));
    server_set(server, "metrics_listen", path);
    generation_reload(server, GENERATION_CTL);
}

static void transfer_some(struct session *s, const struct server *server)
{
    struct buf got;
    struct data d;

    session_enter(s, server, "anna");
    session_store(s, "STOR", "file", "12345", 5);
    session_store(s, "STOR", "other", "1234567", 7);
    buf_init(&got, 1 << 20);
    session_fetch(s, "RETR file", &got);
    buf_release(&got);
    data_open(s, &d, "STOR cut");
    data_write(&d, "1", 1);
    data_cut(&d, false);
    session_expect(s, "426 {*}");
    session_do(s, "5{*}", "EPRT |1|127.0.0.1|5000|");
}

static size_t lines_of(const struct server *server, const char *word)
{
    struct buf text;
    size_t n = 0;

    buf_init(&text, 8 << 20);
    server_log(server, &text);
    for (const char *at = text.data; (at = strstr(at, word)); at++)
        n++;
    buf_release(&text);
    return n;
}

Test(metrics, agree_with_the_log, .timeout = 120)
{
    struct server server;
    struct session s, wrong;

    start(&server, &(struct server_plan){ .settings = NULL });
    session_init(&wrong);
    session_connect(&wrong, server.port);
    session_start_tls(&wrong);
    cr_expect_eq(session_try_login(&wrong, "anna", "not the password"), 530);
    session_drop(&wrong);
    transfer_some(&s, &server);
    expect(&server, "sallyport_logins_total{result=\"accepted\"}", 1);
    expect(&server, "sallyport_logins_total{result=\"wrong password\"}", 1);
    expect(&server, "sallyport_logins_total{result=\"other\"}", 0);
    expect(&server, "sallyport_sessions{state=\"logged in\"}", 1);
    expect(
        &server,
        "sallyport_transfers_total{direction=\"upload\",result=\"complete\"}",
        2);
    expect(&server,
           "sallyport_transfer_bytes_total{direction=\"upload\","
           "result=\"complete\"}",
           12);
    expect(&server,
           "sallyport_transfers_total{direction=\"upload\",result=\"cut\"}", 1);
    expect(&server,
           "sallyport_transfer_bytes_total{direction=\"download\","
           "result=\"complete\"}",
           5);
    expect(&server,
           "sallyport_transfer_duration_seconds_count{direction=\"upload\"}",
           3);
    expect(&server,
           "sallyport_tls_handshakes_total{connection=\"data\","
           "version=\"TLSv1.3\",resumed=\"yes\"}",
           4);
    expect(&server,
           "sallyport_refused_commands_total{"
           "reason=\"active = no\"}",
           1);
    session_close(&s);
    expect(&server, "sallyport_sessions{state=\"logged in\"}", 0);
    expect(&server, "sallyport_session_duration_seconds_count", 2);
    expect(&server, "sallyport_events_total{event=\"transfer\"}",
           (double)lines_of(&server, " transfer "));
    server_stop(&server);
}

static void upload(const struct server *server)
{
    struct session s;

    session_enter(&s, server, "anna");
    session_store(&s, "STOR", "file", "12345", 5);
    session_close(&s);
}

Test(metrics, survive_every_death, .timeout = 240)
{
    static const char uploads[] =
        "sallyport_transfers_total{direction=\"upload\",result=\"complete\"}";
    static const char *const titles[] = { "sallyport: metrics",
                                          "sallyport: log" };
    struct server server;
    unsigned n = 0;

    start(&server, &(struct server_plan){ .troubles = true });
    for (size_t i = 0; i < 2; i++) {
        upload(&server);
        expect(&server, uploads, ++n);
        processes_kill(server.pid, titles[i]);
    }
    upload(&server);
    expect(&server, uploads, ++n);
    generation_reload(&server, GENERATION_SIGNAL);
    upload(&server);
    expect(&server, uploads, ++n);
    processes_kill(server.pid, "sallyport: master");
    server_log_wait(&server, "replaces processes that failed", NULL);
    upload(&server);
    expect(&server, uploads, ++n);
    /* Also under master's filter, as a restarted process is. */
    cr_expect_not(server_log_has(&server, " syscall process="));
    cr_expect_not(server_log_has(&server, " peer-error process="));
    server_stop(&server);
}

static void expect_sandbox(const struct process_row *metrics)
{
    char wanted[64], got[64];

    snprintf(wanted, sizeof(wanted), "%d\t%d\t%d\t%d", UID_METRICS, UID_METRICS,
             UID_METRICS, UID_METRICS);
    if (geteuid() == 0)
        cr_expect_str_eq(process_status(metrics->pid, "Uid", got, sizeof(got)),
                         wanted);
    cr_expect_eq(process_number(metrics->pid, "NoNewPrivs"), 1);
    if (!server_is_sanitized())
        cr_expect_eq(process_number(metrics->pid, "Seccomp"), 2);
}

static bool is_silent(void *argument)
{
    struct run_result r;
    bool silent = !scrape(argument, &r);

    run_release(&r);
    return silent;
}

/* A port that the kernel gives to nobody else, and another process of this test
 * hardly has. */
static void expect_at_an_address(const struct server *server)
{
    const int port = 20000 + getpid() % 10000;
    struct run_result r;
    char at[64], url[96];

    snprintf(at, sizeof(at), "127.0.0.77:%d", port);
    snprintf(url, sizeof(url), "http://%s/metrics", at);
    server_set(server, "metrics_listen", at);
    for (int i = 0; i < 2; i++) { /* the second one inherits the listener */
        generation_reload(server, GENERATION_CTL);
        run(&r, NULL, "curl", "--silent", "--fail", "--max-time", "20", url,
            NULL);
        cr_expect_eq(r.status, 0, "%s", url);
        cr_expect(strstr(r.text, "\nsallyport_users 1\n"), "%s", r.text);
        run_release(&r);
    }
}

Test(metrics, end_with_the_setting, .timeout = 120)
{
    struct server server;
    struct processes p;

    start(&server, &(struct server_plan){ .settings = NULL });
    processes_wait(server.pid, "sallyport: metrics", 1, &p);
    expect_sandbox(processes_find(&p, "sallyport: metrics"));
    expect(&server, "sallyport_bans", 0);
    expect(&server, "sallyport_disk_free_bytes{setting=\"homes\"}", ABOVE_0);
    expect(&server, "sallyport_certificate_expiry_timestamp_seconds", ABOVE_0);
    expect_at_an_address(&server);
    server_set(&server, "metrics_listen", "");
    generation_reload(&server, GENERATION_CTL);
    processes_wait(server.pid, "sallyport: metrics", 0, &p);
    cr_expect(wait_until(is_silent, &server, WAIT_MS));
    server_stop(&server);
}
