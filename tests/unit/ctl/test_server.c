/* Requests to the running server that need more than a text: of another uid,
 * with deadlines, and without memory. cases/server.txt has the rest. */
#include <jansson.h>

#include "ctl/ctl.h"
#include "played.h"
#include "support/allocation.h"
#include "support/nth.h"
#include "world.h"

TestSuite(server, .init = world_make, .fini = scratch_remove);

/* A caller who isn't root looks for the socket in the directory of the
 * configuration. */
Test(server, of_another_user_or_of_root)
{
    if (geteuid() != 0)
        world_skip("root's part");
    cr_assert_eq(chmod(scratch, 0755), 0);
    cr_assert_eq(chmod(world.conf, 0644), 0);
    cr_assert_eq(seteuid(65533), 0);
    expect_err(EX_NOPERM, "", "status",
               "only root may ask it; run: sudo sallyportctl");
    cr_assert_eq(seteuid(0), 0);
}

Test(server, rows_without_end)
{
    char script[101 * 64] = "ON\n";

    for (int i = 0; i < 101; i++)
        strcat(script, "-> ROW guessing+worst address=192.0.2.1\n");
    played_server(script);
    expect_err(EX_PROTOCOL, "", "status", "an invalid row");
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

/* A server that says nothing at all, and one that only says welcome. */
Test(server, says_nothing)
{
    static const char *const scripts[] = { "ON begin -> WAIT\n",
                                           "ON -> WAIT\n" };

    for (size_t i = 0; i < 2; i++) {
        struct context x = { .patience = 200 };
        struct complaint why;

        cr_assert_eq(conf_load(&x.settings, world.conf, NULL, &why), 0);
        played_server(scripts[i]);
        cr_expect_eq(code_of(status_show, &x), EX_TEMPFAIL);
    }
}

/* If an allocation fails, a command doesn't print a part of an answer as the
 * whole. "status" may print an answer without the transfers, so there the
 * server never sends them. */
Test(server, no_memory, .timeout = 120)
{
    static const struct {
        const char *words, *script;
    } rows[] = {
        { "status --json",
          "ON show\n"
          "-> ROW all state=running away= @since=1795161600 "
          "+listening=127.0.0.1:21 +listening=[::1]:990 #sessions=7\n"
          "-> ROW +certificates file=/c/c @expires=1577836800 ~days=1577836800 "
          "?self_signed=1\n"
          "-> ROW guessing+worst address=192.0.2.7 #wrong=90 -> end\n" },
        { "who --json",
          "ON who -> who_is serial=0xabc user=anna since=4102444800 "
          "login=4102444800 -> end\n"
          "ON show -> ROW +doing serial=0000000000000abc command=STOR path=/a "
          "#bytes=5 #ms=2 -> end\n" },
        { "ban list --json",
          "ON show -> ROW +bans network=192.0.2.7 reason=x @since=1795161600 "
          "@until=0 ?automatic=1 -> end\n" },
    };
    static char whole[WORLD_TEXT];
    struct run r;

    if (!allocation_can_fail())
        world_skip(ALLOCATION_MISSING);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        played_server(rows[i].script);
        strcpy(whole, expect_run(0, "", rows[i].words)->out);
        for (r.code = 0; r.code != NOTHING_FAILS;) {
            world.fails += nth_stride();
            run_ctl(&r, "", rows[i].words);
            cr_expect_leq(r.code == NOTHING_FAILS ? 0 : r.code, 128, "%s: %u",
                          rows[i].words, world.fails);
            cr_expect(r.code ? strlen(r.err) > 0 || r.code == NOTHING_FAILS
                             : strcmp(r.out, whole) == 0,
                      "%s: %u: %d %s%s", rows[i].words, world.fails, r.code,
                      r.out, r.err);
        }
        cr_expect_gt(world.fails, 20);
        world.fails = 0;
    }
}

#define LATE_MS 4000

/* A reload has a longer deadline than other requests, since the start of a
 * server can take longer. */
Test(server, a_reload_has_more_time)
{
    struct context x = { .patience = LATE_MS / 2, .args.config = world.conf };
    char script[128];

    snprintf(script, sizeof(script),
             "ON reload -> WAIT %d\n"
             "-> control_refused refusal=REFUSAL_BAD_FILE why=mistake\n",
             LATE_MS);
    played_server(script);
    cr_expect_eq(code_of(status_reload, &x), EX_DATAERR);
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
        played_server("");
        cr_assert_eq(write(pair[1], "", 1), 1);
        pause();
    }
    cr_assert_eq(read(pair[0], &byte, 1), 1);
    expect_err(EX_NOPERM, "", "status", "neither root's nor yours");
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
