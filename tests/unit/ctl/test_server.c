/* Requests to the running server: if there is none, if it refuses, and if it
 * lies. */
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "ctl/ctl.h"
#include "fake_server.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/channel.h"
#include "world.h"

TestSuite(server, .init = world_make, .fini = scratch_remove);

static void says(int code, const char *words, const char *complaint)
{
    const struct run *r = expect_run(code, "", words);

    cr_expect_not_null(strstr(r->err, complaint), "%s said: %s", words, r->err);
}

Test(server, is_not_there)
{
    says(EX_UNAVAILABLE, "status", "start it (systemctl start sallyport)");
    says(EX_UNAVAILABLE, "reload", "no server answers at");
    says(EX_UNAVAILABLE, "who", "no server answers at");
    cr_expect_str_eq(expect_run(EX_UNAVAILABLE, "", "status --json")->out, "");
}

/* Without root the socket is in the directory of the configuration. */
Test(server, of_another_user_or_of_root)
{
    if (geteuid() != 0)
        world_skip("root's part");
    cr_assert_eq(chmod(scratch, 0755), 0);
    cr_assert_eq(chmod(world.conf, 0644), 0);
    cr_assert_eq(seteuid(65533), 0);
    says(EX_NOPERM, "status", "only root may ask it; run: sudo sallyportctl");
    cr_assert_eq(seteuid(0), 0);
}

/* A killed server leaves the name. */
Test(server, is_not_there_any_more)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

    snprintf(at.sun_path, sizeof(at.sun_path), "%s", in_scratch("control"));
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    close(fd);
    says(EX_UNAVAILABLE, "status", "Connection refused");
}

static void hangs_up(struct channel *c)
{
    (void)c;
}

static void hangs_up_later(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
}

static void is_another_program(struct channel *c)
{
    cr_assert(send(c->fd, "220 hello\r\n", 11, 0) == 11);
}

static void welcomes_twice(struct channel *c)
{
    fake_welcome(c);
    fake_welcome(c);
}

static void answers_another_request(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
    m.request++;
    FAKE_SAYS(c, &m, control_done);
}

static void answers_something_else(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
    FAKE_SAYS(c, &m, control_done);
}

static void asks_back(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    c->self = PROCESS_CTL; /* passes the check at the test's own end */
    c->peer = PROCESS_MASTER;
    SEND(c, status, 0);
    c->self = PROCESS_MASTER;
    c->peer = PROCESS_CTL;
    fake_hears(c, &m);
}

static void has_an_unknown_state(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
    FAKE_SAYS(c, &m, status_is, .state = SERVER_STATES);
}

static void listens_without_end(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
    for (int i = 0; i < 65; i++)
        FAKE_SAYS(c, &m, status_listener);
}

static void gives_a_file(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
    FAKE_SAYS(c, &m, held_bytes, .file = 0);
}

Test(server, lies)
{
    static const struct {
        fake_play *play;
        int code;
        const char *complaint;
    } rows[] = {
        { hangs_up, EX_TEMPFAIL,
          "the server hung up; what was asked may be done" },
        { hangs_up_later, EX_TEMPFAIL, "the server hung up" },
        { is_another_program, EX_PROTOCOL, "of another version?" },
        { welcomes_twice, EX_PROTOCOL, "in the wrong phase" },
        { answers_another_request, EX_PROTOCOL, "an answer without a request" },
        { answers_something_else, EX_PROTOCOL, "no answer to status" },
        { asks_back, EX_PROTOCOL, "not this peer's" },
        { has_an_unknown_state, EX_PROTOCOL, "unknown or malformed" },
        { listens_without_end, EX_PROTOCOL, "too many listeners" },
        { gives_a_file, EX_PROTOCOL, "not this peer's" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_begin(rows[i].play);
        says(rows[i].code, "status", rows[i].complaint);
        cr_expect_str_eq(expect_run(rows[i].code, "", "status --json")->out,
                         "");
        fake_end();
    }
}

static void says_nothing(struct channel *c)
{
    struct message m;

    fake_hears(c, &m);
}

static void welcomes_and_says_nothing(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    while (fake_hears(c, &m))
        ;
}

Test(server, says_nothing)
{
    fake_play *const plays[] = { says_nothing, welcomes_and_says_nothing };

    for (size_t i = 0; i < 2; i++) {
        struct context x = { .patience = 200 };

        cr_assert_eq(conf_load(&x.settings, world.conf, &x.complaint), 0);
        fake_begin(plays[i]);
        cr_expect_eq(status_show(&x), EX_TEMPFAIL);
        cr_expect_str_eq(x.complaint.text, "the server doesn't answer in time");
        fake_end();
    }
}

/* The exit code for each refusal; the refusal's words can't do harm. */
static enum refusal refusal;

static void refuses_to_welcome(struct channel *c)
{
    SEND(c, control_refused, 0, .refusal = refusal, .why = SLICE("no \033[2J"));
}

static void refuses(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
    FAKE_SAYS(c, &m, control_refused, .refusal = refusal,
              .why = SLICE("no \033[2J"));
}

Test(server, refuses)
{
    static const int codes[] = {
        [REFUSAL_BUSY] = EX_TEMPFAIL,    [REFUSAL_DENIED] = EX_NOPERM,
        [REFUSAL_NO_USER] = EX_NOUSER,   [REFUSAL_HOME] = EX_NOINPUT,
        [REFUSAL_BAD_FILE] = EX_DATAERR,
    };

    for (refusal = 0; refusal < REFUSAL_COUNT; refusal++) {
        fake_begin(refuses);
        says(codes[refusal], "reload", "no \\x1b[2J");
        fake_end();
        fake_begin(refuses_to_welcome);
        says(codes[refusal], "reload", "no \\x1b[2J");
        fake_end();
    }
}

#define IN_2100 4102444800 /* 2100-01-01 00:00:00 */
#define IN_2020 1577836800

static void is_well(struct channel *c)
{
    static const struct {
        struct slice path, staple_path;
        int64_t expires, staple_until;
    } certificates[] = {
        { SLICE("/c/a"), SLICE(""), IN_2100, 0 },
        { SLICE("/c/b"), SLICE("/o/b"), IN_2100, IN_2100 },
        { SLICE("/c/c"), SLICE("/o/c"), IN_2020, IN_2020 },
        { SLICE("/c/d\x1b"), SLICE("/o/d"), 0, 0 },
    };
    const struct address one = { .family = 4,
                                 .bytes = { 127, 0, 0, 1 },
                                 .port = 21 };
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
    FAKE_SAYS(c, &m, status_listener, .bound = one);
    for (size_t i = 0; i < sizeof(certificates) / sizeof(certificates[0]); i++)
        FAKE_SAYS(c, &m, status_certificate, .path = certificates[i].path,
                  .staple_path = certificates[i].staple_path,
                  .expires = certificates[i].expires,
                  .staple_until = certificates[i].staple_until);
    FAKE_SAYS(c, &m, status_is, .state = SERVER_RUNS, .since = 1795161600,
              .sessions = 7, .logged_in = 5, .limit = 500, .users = 12);
}

/* The number of days until 2100 depends on the present day. */
static char *without_days(const char *text)
{
    static char out[2048];
    char *to = out;

    for (const char *at = text; *at && to < out + sizeof(out) - 2; at++) {
        *to++ = *at;
        if (at[0] != '(')
            continue;
        *to++ = '#';
        at += strspn(at + 1, "0123456789");
    }
    *to = '\0';
    return out;
}

static void check_certificates(json_t *all)
{
    json_t *a = json_array_get(all, 0), *b = json_array_get(all, 1),
           *c = json_array_get(all, 2), *d = json_array_get(all, 3);

    cr_assert_eq(json_array_size(all), 4);
    cr_expect_str_eq(json_string_value(json_object_get(a, "file")), "/c/a");
    cr_expect_gt(json_integer_value(json_object_get(a, "days")), 20000);
    cr_expect(json_is_null(json_object_get(a, "ocsp_file")));
    cr_expect_str_eq(json_string_value(json_object_get(b, "ocsp_file")),
                     "/o/b");
    cr_expect_str_eq(json_string_value(json_object_get(b, "ocsp_until")),
                     "2100-01-01T00:00:00Z");
    cr_expect_eq(json_integer_value(json_object_get(c, "days")), -1);
    cr_expect(json_is_null(json_object_get(c, "ocsp_until")));
    cr_expect(json_is_null(json_object_get(d, "expires")));
    cr_expect(json_is_null(json_object_get(d, "days")));
}

Test(server, status)
{
    json_t *one;

    fake_begin(is_well);
    cr_expect_str_eq(without_days(expect_run(0, "", "status")->out),
                     "server:    running, version 0.1.0, pid 4711\n"
                     "since:     2026-11-20T08:00:00Z\n"
                     "listening: 127.0.0.1:21\n"
                     "certificates:\n"
                     "  /c/a, expires 2100-01-01T00:00:00Z (# d)\n"
                     "  /c/b, expires 2100-01-01T00:00:00Z (# d), OCSP until "
                     "2100-01-01T00:00:00Z\n"
                     "  /c/c, EXPIRED 2020-01-01T00:00:00Z: most clients "
                     "refuse it; renew it, and reload, no OCSP response "
                     "that counts\n"
                     "  /c/d\\x1b, no OCSP response that counts\n"
                     "sessions:  7 of 500, 5 logged in\n"
                     "users:     12\n");
    one = json_loads(expect_run(0, "", "status --json")->out, 0, NULL);
    cr_assert_not_null(one);
    cr_expect_eq(json_object_size(one), 18);
    cr_expect(json_is_null(json_object_get(one, "guessing")), "it is older");
    cr_expect(json_is_null(json_object_get(one, "transfers")), "it is older");
    cr_expect(json_is_null(json_object_get(one, "totals")), "it is older");
    check_certificates(json_object_get(one, "certificates"));
    cr_expect_str_eq(json_string_value(json_object_get(one, "since")),
                     "2026-11-20T08:00:00Z");
    cr_expect_eq(json_integer_value(json_object_get(one, "logged_in")), 5);
    json_decref(one);
    fake_end();
}

/* Answers all questions of "status", but hangs up at "who". */
static void hangs_up_at_who(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    while (fake_hears(c, &m) && m.kind != MSG_who) {
        if (m.kind == MSG_status)
            FAKE_SAYS(c, &m, status_is, .state = SERVER_RUNS, .limit = 500);
        else if (m.kind == MSG_guessing)
            FAKE_SAYS(c, &m, guessing_is, .wrong = 1);
        else if (m.kind == MSG_details)
            FAKE_SAYS(c, &m, details_is, .pid = 4712, .generations = 1);
        else if (m.kind == MSG_drain)
            FAKE_SAYS(c, &m, drain_is, .on = false);
        else if (m.kind == MSG_totals)
            FAKE_SAYS(c, &m, totals_is, .complete = 3);
        else if (m.kind == MSG_away)
            FAKE_SAYS(c, &m, away_is, .what = SLICE("homes: gone"));
        else
            FAKE_SAYS(c, &m, users_refused_is,
                      .why = SLICE("users:3: \"a\\x22\033\""));
    }
}

/* The server may end or restart after the first answers. */
Test(server, status_without_transfers)
{
    json_t *one;

    fake_begin(hangs_up_at_who);
    expect_out(0, "", "status", "\ntransfers: unknown\n");
    one = json_loads(expect_run(0, "", "status --json")->out, 0, NULL);
    cr_expect(json_is_null(json_object_get(one, "transfers")));
    cr_expect_eq(json_integer_value(json_object_get(one, "generations")), 1);
    cr_expect_str_eq(json_string_value(json_object_get(one, "away")),
                     "homes: gone");
    cr_expect_str_eq(json_string_value(json_object_get(one, "users_refused")),
                     "users:3: \"a\\x5cx22\\x1b\"");
    json_decref(one);
    expect_out(0, "", "status",
               "\nAWAY:      new clients get 421: homes: gone\n"
               "USERS:     the old users stay: users:3: "
               "\"a\\x5cx22\\x1b\"\n");
    fake_end();
}

static void reloads(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
    if (m.kind == MSG_reload)
        FAKE_SAYS(c, &m, control_done);
    else
        FAKE_SAYS(c, &m, welcome);
}

Test(server, reload)
{
    fake_begin(reloads);
    expect_out(0, "", "reload", "reloaded");
    fake_end();
}

static void is_of_another_version(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
    FAKE_SAYS(c, &m, control_refused, .refusal = REFUSAL_BAD_FILE,
              .why = SLICE("sallyportd: messages of another version"));
}

/* Also a server of 0.3.0, which doesn't know what to do. */
Test(server, a_reload_that_needs_a_restart)
{
    fake_begin(is_of_another_version);
    says(EX_DATAERR, "reload",
         "messages of another version; the running server continues as "
         "before; restart it once: sallyportctl drain --timeout 30min; "
         "systemctl restart sallyport\n");
    fake_end();
}

static const char *mistake;
static enum refusal reload_refusal;

static void has_a_mistake(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
    FAKE_SAYS(c, &m, control_refused, .refusal = reload_refusal,
              .why = slice_from(mistake));
}

/* Whatever prevents the new generation, the old one lives. */
Test(server, a_reload_that_fails)
{
    static const struct {
        enum refusal refusal;
        int code;
        const char *why, *more;
    } table[] = {
        { REFUSAL_BAD_FILE, EX_DATAERR, "/c.pem: no certificate",
          "; the running server continues as before\n" },
        { REFUSAL_BAD_FILE, EX_DATAERR, "/users:1: unknown key \"colour\"",
          "; the running server" },
        { REFUSAL_BUSY, EX_TEMPFAIL, "try again later: no memory",
          "; the running server continues as before\n" },
        { REFUSAL_BUSY, EX_TEMPFAIL, "the reload waits: 8 generations", "\n" },
        { REFUSAL_BUSY, EX_TEMPFAIL, "the takeover failed (x); a recovery",
          "\n" },
    };
    char words[256];

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        mistake = table[i].why;
        reload_refusal = table[i].refusal;
        snprintf(words, sizeof(words), "%s%s", mistake, table[i].more);
        fake_begin(has_a_mistake);
        says(table[i].code, "reload", words);
        fake_end();
    }
}

#define LATE_MS 1000

static void refuses_late(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
    poll(NULL, 0, LATE_MS);
    FAKE_SAYS(c, &m, control_refused, .refusal = REFUSAL_BAD_FILE,
              .why = SLICE("a mistake"));
}

/* A start may take longer than any other answer. */
Test(server, a_reload_has_more_time)
{
    struct context x = { .patience = LATE_MS / 2 };

    cr_assert_eq(conf_load(&x.settings, world.conf, &x.complaint), 0);
    fake_begin(refuses_late);
    cr_expect_eq(status_reload(&x), EX_DATAERR, "%s", x.complaint.text);
    cr_expect_str_eq(x.complaint.text, "a mistake");
    fake_end();
}

/* If root runs it, a socket of any other uid is no server. */
Test(server, of_somebody_else)
{
    pid_t pid;
    int pair[2];
    char byte;

    if (geteuid() != 0)
        world_skip("needs another uid");
    cr_assert_eq(chmod(scratch, 0777), 0);
    cr_assert_eq(pipe(pair), 0);
    pid = fork();
    if (pid == 0) {
        cr_assert(setgid(70001) == 0 && setuid(70001) == 0);
        fake_begin(is_well);
        cr_assert_eq(write(pair[1], "", 1), 1);
        pause();
    }
    cr_assert_eq(read(pair[0], &byte, 1), 1);
    says(EX_NOPERM, "status", "neither root's nor yours");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

Test(server, times_as_text)
{
    static const struct {
        int64_t then, now;
        const char *ago, *text;
    } rows[] = {
        { 0, 59, "59 s", "1970-01-01T00:00:00Z" },
        { 0, 60, "1 min", "1970-01-01T00:00:00Z" },
        { 0, 3599, "59 min", "1970-01-01T00:00:00Z" },
        { 0, 3600, "1 h", "1970-01-01T00:00:00Z" },
        { 0, 86400, "1 d", "1970-01-01T00:00:00Z" },
        { 100, 50, "0 s", "1970-01-01T00:01:40Z" },
        { -1, 50, "50 s", "1970-01-01T00:00:00Z" },
        { INT64_MAX, 50, "0 s", "9999-12-31T23:59:59Z" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[WHEN_MAX];

        cr_expect_str_eq(when_ago(rows[i].then, rows[i].now, out), rows[i].ago);
        cr_expect_str_eq(when_text(rows[i].then, out), rows[i].text);
    }
}
