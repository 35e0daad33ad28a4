/* The metrics of a real server, as sallyportctl prints them: what they count,
 * and that neither a reload nor the death of a process loses a count. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "generation.h"
#include "support/processes.h"
#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"

/* Runs "metrics". Returns false if the server doesn't answer. The caller
 * releases R. */
static bool scrape(const struct server *server, struct run_result *r)
{
    char config[SERVER_PATH_MAX];

    snprintf(config, sizeof(config), "%s",
             server_path(server, "sallyport.conf"));
    run(r, NULL, server_program("sallyportctl"), "--config", config, "metrics",
        NULL);
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

    server_start(&server, &(struct server_plan){ .settings = NULL });
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
    static const char deaths[] = "sallyport_events_total{event=\"child\"}";
    struct server server;
    unsigned n = 0;

    server_start(&server, &(struct server_plan){ .troubles = true });
    upload(&server);
    expect(&server, uploads, ++n);
    processes_kill(server.pid, "sallyport: log");
    upload(&server);
    expect(&server, uploads, ++n);
    expect(&server, deaths, 1);
    generation_reload(&server, GENERATION_SIGNAL);
    upload(&server);
    expect(&server, uploads, ++n);
    processes_kill(server.pid, "sallyport: master");
    server_log_wait(&server, "replaces processes that failed", NULL);
    upload(&server);
    expect(&server, uploads, ++n);
    expect(&server, deaths, 2);
    server_log_wait(&server, " child process=master", "ended by signal 9",
                    NULL);
    /* Also under master's filter, as a restarted process is. */
    cr_expect_not(server_log_has(&server, " syscall process="));
    cr_expect_not(server_log_has(&server, " peer-error process="));
    server_stop(&server);
}

static bool disk_timestamp(const struct server *server, double *ret)
{
    static const char name[] = "\nsallyport_disk_timestamp_seconds ";
    struct run_result r;
    const char *at;

    *ret = 0;
    if (scrape(server, &r) && (at = strstr(r.text, name)))
        *ret = strtod(at + sizeof(name) - 1, NULL);
    run_release(&r);
    return *ret > 0;
}

/* What only master knows. Also under its filter, which permits the look at the
 * disks. */
Test(metrics, show_gauges, .timeout = 120)
{
    struct server server;
    double at;

    server_start(&server, &(struct server_plan){ .troubles = true });
    expect(&server, "sallyport_users", 1);
    expect(&server, "sallyport_bans", 0);
    expect(&server, "sallyport_sessions{state=\"logged in\"}", 0);
    expect(&server, "sallyport_disk_size_bytes{setting=\"homes\"}", ABOVE_0);
    expect(&server, "sallyport_disk_free_bytes{setting=\"homes\"}", ABOVE_0);
    expect(&server, "sallyport_certificate_expiry_timestamp_seconds", ABOVE_0);
    expect(&server, "sallyport_start_timestamp_seconds", ABOVE_0);
    cr_expect(disk_timestamp(&server, &at));
    cr_expect_geq(at, (double)time(NULL) - 60);
    generation_reload(&server, GENERATION_CTL);
    expect(&server, "sallyport_users", 1);
    cr_expect_not(server_log_has(&server, " syscall process="));
    server_stop(&server);
}
