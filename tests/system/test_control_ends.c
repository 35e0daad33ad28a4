/* Ends the control connection for each reason. The client must get the last
 * reply, close_notify and a FIN. It must get no reset, neither for input that
 * the server hasn't read nor for its own last bytes. */
#include "parting.h"
#include "support/fail.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/test.h"

static const int versions[] = { SESSION_TLS_12, SESSION_TLS_13 };

/* Both versions of TLS, with and without unread input. */
#define VARIANTS 4

static void begin(struct session *s, const struct server *server,
                  const char *what, int variant)
{
    fail_context("%s, TLS 1.%d: ", what, 2 + variant % 2);
    session_enter_as(s, server, "anna", versions[variant % 2]);
}

static bool is_noisy(int variant)
{
    return variant >= 2;
}

/* Sends the last line, and in a noisy variant more input, which must get no
 * answer. */
static void send_last(struct session *s, const char *line, int variant)
{
    session_send(s, "%s", line);
    if (is_noisy(variant))
        parting_write_junk(s->fd, s->tls);
}

static char too_long[16000];

static const struct {
    const char *what, *line, *reply;
} lines[] = {
    { "QUIT", "QUIT", "221 {*}" },
    { "too long a line", too_long, "500 {*}" },
};

ServerTest(control_ends, by_a_line, 120, PLAN(0))
{
    memset(too_long, 'x', sizeof(too_long) - 1);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        for (int v = 0; v < VARIANTS; v++) {
            struct session s;

            begin(&s, server, lines[i].what, v);
            send_last(&s, lines[i].line, v);
            session_expect(&s, lines[i].reply);
            parting_expect_control(&s, PARTING_NOTIFIED);
        }
}

/* The same holds if TLS begins before the greeting. */
ServerTest(control_ends, of_implicit_tls, 60,
           PLAN(.listen = "127.0.0.1:0, 127.0.0.1:0 tls",
                .settings = "login_timeout = 8s\n"))
{
    for (int v = 0; v < VARIANTS; v++) {
        struct session s;

        fail_context("implicit, TLS 1.%d: ", 2 + v % 2);
        session_init(&s);
        s.version = versions[v % 2];
        session_connect(&s, server->port_tls);
        session_secure(&s);
        session_expect(&s, "220 {*}");
        if (is_noisy(v))
            send_last(&s, "QUIT", v);
        session_expect(&s, is_noisy(v) ? "221 {*}" : "421 {*}");
        parting_expect_control(&s, PARTING_NOTIFIED);
    }
}

/* Before TLS the server ends the connection with a FIN alone. */
ServerTest(control_ends, in_plain_text, 60, PLAN(0))
{
    static const char *const last[] = { "QUIT", "GET / HTTP/1.1" };

    for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
        struct session s;

        fail_context("%s: ", last[i]);
        session_reach(&s, server);
        session_expect(&s, "220 {*}");
        send_last(&s, last[i], 2);
        parting_expect_control(&s, PARTING_BARE);
    }
}

static void kill_files(const struct server *server)
{
    static struct processes list;

    processes_of(server->pid, &list);
    kill(processes_find(&list, "sallyport: files")->pid, SIGKILL);
}

static void terminate(const struct server *server)
{
    kill(server->pid, SIGTERM);
}

static const struct {
    const char *what;
    void (*how)(const struct server *server);
    enum parting wanted;
} kicks[] = {
    { "shutdown", terminate, PARTING_NOTIFIED },
    { "the death of files", kill_files, PARTING_AT_ONCE },
};

/* Ends one session at a time, since the server waits for the client at most 1.5
 * s. */
static void end_by_server(size_t how, int variant)
{
    struct server server;
    struct session s;

    server_start(&server, PLAN(.troubles = true));
    begin(&s, &server, kicks[how].what, variant);
    kicks[how].how(&server);
    session_expect(&s, "421 {*}");
    if (is_noisy(variant) && kicks[how].wanted == PARTING_NOTIFIED)
        parting_write_junk(s.fd, s.tls);
    parting_expect_control(&s, kicks[how].wanted);
    server_stop(&server);
}

Test(control_ends, by_the_server, .timeout = 120)
{
    for (size_t i = 0; i < sizeof(kicks) / sizeof(kicks[0]); i++)
        for (int v = 0; v < VARIANTS; v++)
            end_by_server(i, v);
}

/* A client that leaves without QUIT, by a close_notify or by a bare FIN, also
 * gets a close_notify and a FIN. */
ServerTest(control_ends, by_the_client, 60, PLAN(0))
{
    for (int v = 0; v < VARIANTS; v++) {
        struct session s;

        begin(&s, server, v < 2 ? "close_notify" : "FIN", v);
        if (v < 2)
            cr_assert(tls_client_shutdown(s.tls));
        else
            shutdown(s.fd, SHUT_WR);
        parting_expect_control(&s, v < 2 ? PARTING_NOTIFIED : PARTING_AT_ONCE);
    }
}
