/* The command "log" with the journal. A script plays journalctl. cases/log.txt
 * tests the lines of a log. */
#include "ctl/log/log.h"
#include "world.h"

TestSuite(log, .init = world_make, .fini = scratch_remove);

static void expect_has(const struct run *r, const char *said, bool expected)
{
    cr_expect_eq(strstr(r->out, said) != NULL, expected, "%s: %s%s", said,
                 r->out, r->err);
}

/* Replaces journalctl by a script that writes its arguments into the file
 * "said", and runs CODE. */
static void journal_runs(const char *code)
{
    static char script[512];
    char all[8192];

    snprintf(script, sizeof(script), "%s", in(scratch, "journalctl"));
    snprintf(all, sizeof(all), "#!/bin/sh\nprintf '%%s ' \"$@\" >%s\n%s",
             in(scratch, "said"), code);
    file_write(script, all);
    cr_assert_eq(chmod(script, 0755), 0);
    log_journalctl = script;
    snprintf(world.conf, sizeof(world.conf), SETTINGS_FILE);
}

/* Replaces journalctl by a script that prints TEXT, and ends with STATUS. */
static void journal_is(const char *text, int status)
{
    char code[8000];

    snprintf(code, sizeof(code), "cat <<'END'\n%sEND\nexit %d\n", text, status);
    journal_runs(code);
}

#define AT(second, name)                                                       \
    "2026-11-17T08:00:0" second ".000Z login user=" name "\n"

Test(log, journal)
{
    const struct run *r;

    setenv("TZ", "UTC", 1);
    journal_is(AT("1", "anna") "{\"v\":1,\"time\":\"2026-11-17T08:12:45.120Z\","
                               "\"event\":\"login\",\"user\":\"carl\"}\n"
                               "sallyportd: ready\nnothing\n",
               0);
    r = expect_run(0, "", "log --since 2025-01-01");
    expect_has(r, "2026-11-17 08:00:01  anna ", true);
    expect_has(r, "2026-11-17 08:12:45  carl ", true);
    cr_expect(strstr(r->err, "1 line skipped"), "%s", r->err);
    cr_expect_str_eq(file_text(in(scratch, "said")),
                     "--quiet --no-pager --all _SYSTEMD_UNIT=sallyport.service "
                     "--output=cat --since=2025-01-01 ");
}

/* A command of the script that prints a login of NAME. */
#define SAY(name) "printf %s '" AT("1", name) "'\n"

/* journalctl prints the newest record first, and has many more than the command
 * needs. */
Test(log, the_last_lines_of_the_journal)
{
    const struct run *r;
    const char *bert, *anna;

    journal_runs(SAY("anna") "echo '2026-11-17T08:00:01.000Z connect'\n" SAY(
        "bert") "while " SAY("carl") "do :; done\n");
    r = expect_run(0, "", "log -n 2 --event login");
    bert = strstr(r->out, " bert ");
    anna = strstr(r->out, " anna ");
    cr_expect(bert && anna && bert < anna, "%s", r->out);
    expect_has(r, "carl", false);
    cr_expect(strstr(file_text(in(scratch, "said")), " --reverse "));
}

/* A second server has a unit of its own. Its configuration doesn't name the
 * unit, so the command can't ask the journal. */
Test(log, of_another_server)
{
    expect_err(EX_USAGE, "", "log", "-o cat | sallyportctl log --file -");
}

/* The command passes times to journalctl, as they are or in its form. If no
 * time is given, it asks for the last day. */
Test(log, times_are_those_of_journalctl)
{
    static const struct {
        const char *words, *said;
    } rows[] = {
        { "log", "--since=-24h " },
        { "log --since yesterday", "--since=yesterday " },
        { "log --until -2h", "cat --until=-2h " },
        { "log --since 2026-11-20T08:00:00Z --until 2026-11-20T08:00:01.120Z",
          "--since=2026-11-20 08:00:00 UTC "
          "--until=2026-11-20 08:00:01.120 UTC " },
        { "log --since xxxxxxxxxxTZ", "--since=xxxxxxxxxx  UTC " },
        { "log --since -7d --until -2h", "--since=-7d --until=-2h " },
        { "log -n 3", "cat --reverse " },
        { "log -f", "cat --follow " },
        { "log -f --since -2h", "cat --follow --since=-2h " },
    };

    journal_is(AT("1", "bert"), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect_run(0, "", rows[i].words);
        cr_expect(strstr(file_text(in(scratch, "said")), rows[i].said),
                  "%s: %s", rows[i].words, file_text(in(scratch, "said")));
    }
}

Test(log, journal_that_fails)
{
    bool root = geteuid() == 0;

    journal_is(AT("1", "bert"), 1);
    expect_err(EX_IOERR, "", "log", "journalctl has failed");
    journal_is("", 0);
    expect_err(0, "", "log", /* an empty journal is no failure */
               root ? "of the server in that time; --file reads another log"
                    : "join the group systemd-journal");
    log_journalctl = "/nowhere/journalctl";
    expect_err(EX_UNAVAILABLE, "", "log",
               "no /nowhere/journalctl here: give the server's log by --file");
}
