/* Tests that transcripts can't express: two segments in a row, urgent data,
 * lines in the log. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "support/fail.h"
#include "support/server_log.h"
#include "support/session.h"

#define URGENT "\xff\xf4\xff\xf2"

/* Plain text in a segment of its own after AUTH TLS. It comes before or after
 * the 234, and isn't executed in either case. */
Test(protocol, injection_in_two_segments, .timeout = 60)
{
    const struct server_plan plan = { 0 };
    struct server server;

    server_start(&server, &plan);
    for (int i = 0; i < 20; i++) {
        struct session s;
        struct buf got;

        session_init(&s);
        session_connect(&s, server.port);
        session_expect(&s, "220 {*}");
        session_send(&s, "AUTH TLS");
        session_send(&s, "NOOP");
        buf_init(&got, 65536);
        session_read_rest(&s, &got);
        cr_assert(!memmem(got.data, got.len, "200 ", 4), "it was run: %s",
                  got.data);
        cr_assert(strncmp(got.data, "234 ", 4) == 0 || got.data[0] == '5',
                  "got: %s", got.data);
        buf_release(&got);
        session_drop(&s);
    }
    server_stop(&server);
}

/* Before TLS telnet's commands are removed from the stream, also if the client
 * sends Synch's Data Mark as urgent data, as RFC 959 defines it. */
Test(protocol, urgent_data, .timeout = 60)
{
    const struct server_plan plan = { 0 };
    struct server server;

    server_start(&server, &plan);
    for (int urgent = 0; urgent < 2; urgent++) {
        struct session s;

        fail_context("urgent %d: ", urgent);
        session_init(&s);
        session_connect(&s, server.port);
        session_expect(&s, "220 {*}");
        session_raw(&s, URGENT, 3);
        cr_assert_eq(send(s.fd, &URGENT[3], 1, urgent ? MSG_OOB : 0), 1);
        session_do(&s, "530 TLS is required{*}", "ABOR");
        session_raw(&s, URGENT, 3);
        cr_assert_eq(send(s.fd, &URGENT[3], 1, urgent ? MSG_OOB : 0), 1);
        session_do(&s, "200 {*}", "NOOP");
        session_do(&s, "234 {*}", "AUTH TLS");
        session_secure(&s);
        session_close(&s);
    }
    server_stop(&server);
}

/* One line for each login and transfer; never a password, wherever it was
 * typed. */
Test(protocol, log, .timeout = 60)
{
    const struct server_plan plan = { 0 };
    struct server server;
    struct session s;
    struct buf got;

    buf_init(&got, 1 << 20);
    server_start(&server, &plan);
    session_init(&s);
    session_connect(&s, server.port);
    session_start_tls(&s);
    cr_assert_eq(session_try_login(&s, "anna", "canary-one"), 530);
    session_drop(&s);
    session_enter(&s, &server, "anna");
    session_store(&s, "STOR", "a b\xff", "12345", 5);
    session_store(&s, "STOR", "f", "12345", 5);
    session_fetch(&s, "RETR f", &got);
    session_do(&s, "229 {*}", "EPSV");
    session_do(&s, "550 {*}", "RETR nothing");
    session_close(&s);
    server_log_wait(&server, "login-failed process=session by=auth serial=",
                    " peer=127.0.0.1:", "user=anna",
                    "reason=\"wrong password\"", NULL);
    server_log_wait(&server, "login ", "user=anna", "TLSv1.3", NULL);
    server_log_wait(&server, "transfer ", "verb=STOR", "a b\\xff", "bytes=5",
                    "result=226", "tls=\"TLSv1.3 ", NULL);
    server_log_wait(&server, "transfer ", "verb=RETR", "path=/f", "result=226",
                    "tls=\"TLSv1.3 ", NULL);
    server_log_wait(&server, "end ", "quit", NULL);
    cr_assert(!server_log_has(&server, "canary"));
    cr_assert(!server_log_has(&server, SERVER_PASSWORD));
    buf_release(&got);
    server_stop(&server);
}
