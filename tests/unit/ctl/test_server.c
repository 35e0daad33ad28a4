/* Requests to the running server: the commands' results if there is no server,
 * if it refuses, and if it lies. */
#include <jansson.h>
#include <sys/un.h>

#include "ctl/ctl.h"
#include "fake_server.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "support/allocation.h"
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

/* A caller who isn't root looks for the socket in the directory of the
 * configuration. */
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

/* A killed server leaves the name of its socket. */
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

static void is_another_program(struct channel *c)
{
    cr_assert(send(c->fd, "220 hello\r\n", 11, 0) == 11);
}

static void welcomes_twice(struct channel *c)
{
    fake_welcome(c);
    fake_welcome(c);
}

/* The plays below answer the first request. */
typedef void first_answer(struct channel *c);
static first_answer *answer;

static void answers_wrongly(struct channel *c)
{
    fake_welcome(c);
    if (cast_hear(c) && answer)
        answer(c);
}

static void answers_another_request(struct channel *c)
{
    heard.request++;
    FAKE_SAYS(c, control_done);
}

static void answers_something_else(struct channel *c)
{
    FAKE_SAYS(c, control_done);
}

static void asks_back(struct channel *c)
{
    fake_welcome(c);
    c->self = PROCESS_CTL; /* passes the check at the test's own end */
    c->peer = PROCESS_MASTER;
    SEND(c, show, 0, .build = SLICE("x"), .what = 0, .place = 0);
    c->self = PROCESS_MASTER;
    c->peer = PROCESS_CTL;
    cast_hear(c);
}

static void has_no_state(struct channel *c)
{
    FAKE_SAYS(c, end);
}

static void has_rows_without_end(struct channel *c)
{
    for (int i = 0; i < 101; i++)
        fake_row(c, "guessing+worst", "address", "192.0.2.1", NULL);
}

static void has_no_value(struct channel *c)
{
    FAKE_SAYS(c, row, .table = SLICE("all"),
              .values = { "=state\0running", 14 });
}

static void gives_a_file(struct channel *c)
{
    FAKE_SAYS(c, held_bytes, .file = 0);
}

/* The name of a part, a list or a value can't be any text, and no name can be
 * used for two of them. */
static const struct {
    const char *table, *name, *value;
} wrong[] = {
    { "all", "a b", "1" },       { "a b", "a", "1" },
    { "+a b", "a", "1" },        { "+", "a", "1" },
    { "state", "#a", "1" },      { "+state", "a", "1" },
    { "all", "+state", "1" },    { "all", "*kind", "1" },
    { "all", "#users", "many" },
};
static size_t how;

static void has_a_wrong_row(struct channel *c)
{
    fake_row(c, "all", "state", "running", NULL);
    fake_row(c, wrong[how].table, wrong[how].name, wrong[how].value, NULL);
}

Test(server, rows_that_are_wrong)
{
    for (how = 0; how < sizeof(wrong) / sizeof(wrong[0]); how++) {
        answer = has_a_wrong_row;
        fake_begin(answers_wrongly);
        says(EX_PROTOCOL, "status", "an invalid row");
        fake_end();
    }
}

Test(server, lies)
{
    static const struct {
        fake_play *play; /* NULL: it answers the first request */
        first_answer *answer;
        int code;
        const char *complaint;
    } rows[] = {
        { hangs_up, NULL, EX_TEMPFAIL,
          "the server closed the connection, and may have done" },
        { NULL, NULL, EX_TEMPFAIL, "the server closed the connection" },
        { is_another_program, NULL, EX_PROTOCOL,
          "version differs, restart it" },
        { welcomes_twice, NULL, EX_PROTOCOL, "in the wrong phase" },
        { NULL, answers_another_request, EX_PROTOCOL,
          "an answer without a request" },
        { NULL, answers_something_else, EX_PROTOCOL, "no rows" },
        { asks_back, NULL, EX_PROTOCOL, "not this peer's" },
        { NULL, has_no_state, EX_PROTOCOL, "no state" },
        { NULL, has_rows_without_end, EX_PROTOCOL, "an invalid row" },
        { NULL, has_no_value, EX_PROTOCOL, "an invalid row" },
        { NULL, gives_a_file, EX_PROTOCOL, "not this peer's" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        answer = rows[i].answer;
        fake_begin(rows[i].play ? rows[i].play : answers_wrongly);
        says(rows[i].code, "status", rows[i].complaint);
        cr_expect_str_eq(expect_run(rows[i].code, "", "status --json")->out,
                         "");
        fake_end();
    }
}

static void says_nothing(struct channel *c)
{
    cast_hear(c);
}

static void welcomes_and_says_nothing(struct channel *c)
{
    fake_welcome(c);
    while (cast_hear(c))
        ;
}

/* Runs the command in a process of its own, since fail() can end it. Returns
 * the exit status. */
static int code_of(ctl_function *command, struct context *x)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        ctl = *x;
        command();
        _exit(ctl_status);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

Test(server, says_nothing)
{
    fake_play *const plays[] = { says_nothing, welcomes_and_says_nothing };

    for (size_t i = 0; i < 2; i++) {
        struct context x = { .patience = 200 };
        struct complaint why;

        cr_assert_eq(conf_load(&x.settings, world.conf, NULL, &why), 0);
        fake_begin(plays[i]);
        cr_expect_eq(code_of(status_show, &x), EX_TEMPFAIL);
        fake_end();
    }
}

/* Each refusal has its exit code, and the terminal gets no control characters
 * of its words. */
static enum refusal refusal;

static void refuses_to_welcome(struct channel *c)
{
    SEND(c, control_refused, 0, .refusal = refusal, .why = SLICE("no \033[2J"));
}

static void refuses(struct channel *c)
{
    fake_welcome(c);
    cast_hear(c);
    FAKE_SAYS(c, control_refused, .refusal = refusal,
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
        says(codes[refusal], "reload", "no ?[2J");
        fake_end();
        fake_begin(refuses_to_welcome);
        says(codes[refusal], "reload", "no ?[2J");
        fake_end();
    }
}

#define IN_2020 "1577836800"

static void say_certificate(struct channel *c, const char *file,
                            const char *expires, const char *days)
{
    fake_row(c, "+certificates", "file", file, "@expires", expires, "~days",
             days, "?self_signed", "1", NULL);
}

static void say_status(struct channel *c)
{
    fake_row(c, "all", "state", "running", "away", "", "@since", "1795161600",
             "+listening", "127.0.0.1:21", "+listening", "[::1]:990",
             "#sessions", "7", NULL);
    say_certificate(c, "/c/c", IN_2020, IN_2020);
    say_certificate(c, "/c/d\x1b", "0", "0");
    fake_row(c, "+client_files", NULL);
    fake_row(c, "guessing", "#wrong", "120", NULL);
    fake_row(c, "guessing+worst", "address", "192.0.2.7", "#wrong", "90", NULL);
    fake_row(c, "guessing+worst", "address", "2001:db8::/64", "#wrong", "89",
             NULL);
    fake_row(c, "totals", "#complete", "3", "#bytes_out",
             "18446744073709551615", NULL);
}

static void is_well(struct channel *c)
{
    fake_welcome(c);
    cast_hear(c);
    if (heard.kind != MSG_show || heard.show.what != SHOW_STATUS ||
        !slice_equal(heard.show.build, slice_from(build_name())))
        return;
    say_status(c);
    FAKE_SAYS(c, end);
}

Test(server, status)
{
    json_t *all;
    char *text;

    fake_begin(is_well);
    cr_expect_str_eq(
        expect_run(0, "", "status")->out,
        "state:    running\n"
        "since:    2026-11-20T08:00:00Z\n"
        "listening: 127.0.0.1:21,[::1]:990\n"
        "sessions: 7\n"
        "certificates:\n"
        "  file /c/c, expires 2020-01-01T00:00:00Z, days -1, self_signed yes\n"
        "  file /c/d?, self_signed yes\n"
        "guessing: wrong 120, worst address 192.0.2.7, wrong 90; address "
        "2001:db8::/64, wrong 89\n"
        "totals:   complete 3, bytes_out 7.9 EiB\n"
        "attention:\n"
        "  /c/c has expired; renew it, then run: sallyportctl reload\n");
    all = json_loads(expect_run(0, "", "status --json")->out, 0, NULL);
    json_object_del(all, "disks");
    json_object_del(all, "attention");
    text = json_dumps(all, JSON_COMPACT);
    cr_expect_str_eq(text,
                     "{\"state\":\"running\",\"away\":null,"
                     "\"since\":\"2026-11-20T08:00:00Z\","
                     "\"listening\":[\"127.0.0.1:21\",\"[::1]:990\"],"
                     "\"sessions\":7,\"certificates\":["
                     "{\"file\":\"/c/c\",\"expires\":\"2020-01-01T00:00:00Z\","
                     "\"days\":-1,\"self_signed\":true},"
                     "{\"file\":\"/c/d?\",\"expires\":null,\"days\":null,"
                     "\"self_signed\":true}],\"client_files\":[],\"guessing\":{"
                     "\"wrong\":120,\"worst\":["
                     "{\"address\":\"192.0.2.7\",\"wrong\":90},"
                     "{\"address\":\"2001:db8::/64\",\"wrong\":89}]},"
                     "\"totals\":{\"complete\":3,"
                     "\"bytes_out\":9223372036854775807}}");
    free(text);
    json_decref(all);
    fake_end();
}

static bool hides_sessions;

/* Answers each request. */
static void answers(struct channel *c)
{
    fake_welcome(c);
    while (cast_hear(c)) {
        if (heard.kind == MSG_who && hides_sessions)
            return;
        if (heard.kind == MSG_who) {
            FAKE_SAYS(c, who_is, .serial = 0xabc, .user = SLICE("anna"),
                      .since = 4102444800, .login = 4102444800);
            FAKE_SAYS(c, end);
            continue;
        }
        if (heard.show.what == SHOW_STATUS)
            say_status(c);
        else if (heard.show.what == SHOW_BANS)
            fake_row(c, "+bans", "network", "192.0.2.7", "reason", "x",
                     "@since", "1795161600", "@until", "0", "?automatic", "1",
                     NULL);
        else
            fake_row(c, "+doing", "serial", "0000000000000abc", "command",
                     "STOR", "path", "/a", "#bytes", "5", "#ms", "2", NULL);
        FAKE_SAYS(c, end);
    }
}

/* If an allocation fails, a command doesn't print a part of an answer as the
 * whole. "status" may print an answer without the transfers, so there the
 * server never sends them. */
Test(server, no_memory, .timeout = 120)
{
    static const char *const words[] = { "status --json", "who --json",
                                         "ban list --json" };
    static char whole[WORLD_TEXT];
    struct run r;

    if (!allocation_can_fail())
        world_skip(ALLOCATION_MISSING);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        hides_sessions = i == 0;
        fake_begin(answers);
        strcpy(whole, expect_run(0, "", words[i])->out);
        for (r.code = 0; r.code != NOTHING_FAILS;) {
            world.fails++;
            run_ctl(&r, "", words[i]);
            cr_expect_leq(r.code == NOTHING_FAILS ? 0 : r.code, 128, "%s: %u",
                          words[i], world.fails);
            cr_expect(r.code ? strlen(r.err) > 0 || r.code == NOTHING_FAILS
                             : strcmp(r.out, whole) == 0,
                      "%s: %u: %d %s%s", words[i], world.fails, r.code, r.out,
                      r.err);
        }
        cr_expect_gt(world.fails, 20);
        world.fails = 0;
        fake_end();
    }
}

/* A server of another version has other rows. A server of another build of this
 * version refuses. */
static void is_older(struct channel *c)
{
    fake_welcome_older(c);
    cast_hear(c);
}

static void is_another_build(struct channel *c)
{
    fake_welcome(c);
    if (cast_hear(c) && heard.kind == MSG_show)
        FAKE_SAYS(c, control_refused, .refusal = REFUSAL_BUSY,
                  .why = SLICE("another build; run: sallyportctl reload"));
}

Test(server, of_another_build)
{
    static const char *const words[] = { "status", "status --json", "ban list",
                                         "metrics" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        fake_begin(is_older);
        says(EX_PROTOCOL, words[i],
             "the server still runs version 0.1.0; run: sallyportctl reload");
        fake_end();
        fake_begin(is_another_build);
        says(EX_PROTOCOL, words[i], "another build; run: sallyportctl reload");
        fake_end();
    }
}

static void reloads(struct channel *c)
{
    fake_welcome_older(c);
    cast_hear(c);
    if (heard.kind == MSG_reload)
        FAKE_SAYS(c, control_done);
    else
        FAKE_SAYS(c, welcome);
}

Test(server, reload)
{
    fake_begin(reloads);
    expect_out(0, "", "reload", "reloaded");
    fake_end();
}

static void is_of_another_version(struct channel *c)
{
    fake_welcome_older(c);
    cast_hear(c);
    FAKE_SAYS(c, control_refused, .refusal = REFUSAL_BAD_FILE,
              .why = SLICE("sallyportd: messages of another version"));
}

/* The command says how to restart the server, even a server of 0.3.0, whose
 * refusal doesn't say it. */
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
    fake_welcome(c);
    cast_hear(c);
    FAKE_SAYS(c, control_refused, .refusal = reload_refusal,
              .why = slice_from(mistake));
}

/* If a reload fails, the command says that the running server continues, unless
 * the server's refusal says what happens. */
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

#define LATE_MS 4000

static void refuses_late(struct channel *c)
{
    fake_welcome(c);
    cast_hear(c);
    poll(NULL, 0, LATE_MS);
    FAKE_SAYS(c, control_refused, .refusal = REFUSAL_BAD_FILE,
              .why = SLICE("a mistake"));
}

/* A reload has a longer deadline than other requests, since the start of a
 * server can take longer. */
Test(server, a_reload_has_more_time)
{
    struct context x = { .patience = LATE_MS / 2, .args.config = world.conf };

    fake_begin(refuses_late);
    cr_expect_eq(code_of(status_reload, &x), EX_DATAERR);
    fake_end();
}

/* If root runs the command, it refuses the socket of another uid. */
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
        int64_t time;
        const char *text;
    } rows[] = { { 0, "1970-01-01T00:00:00Z" },
                 { 100, "1970-01-01T00:01:40Z" },
                 { -1, "1970-01-01T00:00:00Z" },
                 { INT64_MAX, "9999-12-31T23:59:59Z" } };
    static const struct {
        int age;
        const char *text;
    } ages[] = { { -1, "0 s" },     { 0, "0 s" },       { 59, "59 s" },
                 { 60, "1 min" },   { 3599, "59 min" }, { 3600, "1 h" },
                 { 86399, "23 h" }, { 86400, "1 d" } };
    char out[WHEN_MAX];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_str_eq(when_text(rows[i].time, out), rows[i].text);
    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
        json_t *row = json_pack("{s:i}", "age", ages[i].age);
        struct buf text;

        buf_init(&text, 64);
        output_age(row, &text);
        cr_expect(slice_equal(buf_slice(&text), slice_from(ages[i].text)));
        buf_release(&text);
        json_decref(row);
    }
}
