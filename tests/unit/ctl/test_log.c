/* "log": times, and the journal, played by a script that prints what journalctl
 * prints; cases/log.txt has the lines of a log. */
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "ctl/log/log.h"
#include "support/wait.h"
#include "world.h"

TestSuite(log, .init = world_make, .fini = scratch_remove);

static void expect_has(const struct run *r, const char *said, bool expected)
{
    cr_expect_eq(strstr(r->out, said) != NULL, expected, "%s: %s%s", said,
                 r->out, r->err);
}

/* Times. */

/* Returns the value as local time, "Tue 2026-11-17 08:00:00". */
static const char *when(const char *text, bool end)
{
    static char out[64];
    struct context x = { .complaint.text = "" };
    int64_t ms = 0;
    time_t seconds;

    cr_assert_eq(log_when(&x, "since", text, end, &ms), 0, "%s: %s", text,
                 x.complaint.text);
    seconds = ms / 1000;
    strftime(out, sizeof(out), "%a %F %T", localtime(&seconds));
    return out;
}

Test(log, dates_are_local)
{
    setenv("TZ", "Europe/Berlin", 1);
    cr_expect_str_eq(when("2026-11-20", false), "Fri 2026-11-20 00:00:00");
    cr_expect_str_eq(when("2026-11-20", true), "Sat 2026-11-21 00:00:00");
    cr_expect_str_eq(when("2026-12-31", true), "Fri 2027-01-01 00:00:00");
    cr_expect_str_eq(when("2026-11-20 08:00", true), "Fri 2026-11-20 08:00:00");
    cr_expect_str_eq(when("2026-07-20T08:00:05", false),
                     "Mon 2026-07-20 08:00:05");
    cr_expect_str_eq(when("2026-07-20T08:00Z", false),
                     "Mon 2026-07-20 10:00:00");
    /* A day of 25 hours. */
    cr_expect_str_eq(when("2026-10-25", false), "Sun 2026-10-25 00:00:00");
    cr_expect_str_eq(when("2026-10-25", true), "Mon 2026-10-26 00:00:00");
}

/* A day of the week is the last one before today. */
Test(log, days_and_durations)
{
    static const char *const days[] = { "sunday",   "Mon",    "tuesday", "wed",
                                        "thursday", "friday", "sat" };
    time_t now = time(NULL);
    struct context x = { .complaint.text = "" };
    struct tm tm;
    int64_t ms;

    setenv("TZ", "UTC", 1);
    for (int i = 0; i < 7; i++) {
        cr_expect(strncasecmp(when(days[i], false), days[i], 3) == 0);
        log_when(&x, "since", days[i], false, &ms);
        cr_expect(ms / 1000 <= now - now % 86400 - 86400 + 1, "%s", days[i]);
        cr_expect(ms / 1000 >= now - now % 86400 - 7 * 86400, "%s", days[i]);
    }
    gmtime_r(&now, &tm);
    log_when(&x, "since", "today", false, &ms);
    cr_expect_geq(ms / 1000, now - now % 86400);
    log_when(&x, "until", "yesterday", true, &ms);
    cr_expect_geq(ms / 1000, now - now % 86400);
    log_when(&x, "since", "2h", false, &ms);
    cr_expect_leq(llabs(ms / 1000 - (now - 7200)), 60);
    log_when(&x, "since", "99999w", false, &ms);
    cr_expect_eq(ms, 0);
}

/* The journal. */

/* From now on journalctl is a script that writes its arguments into "said", and
 * runs CODE. */
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
}

/* It prints TEXT, and ends with STATUS. */
static void journal_is(const char *text, int status)
{
    char code[8000];

    snprintf(code, sizeof(code), "cat <<'END'\n%sEND\nexit %d\n", text, status);
    journal_runs(code);
}

#define ENTRY(message)                                                         \
    "{\"_BOOT_ID\":\"b\",\"MESSAGE\":\"" message "\",\"__REALTIME_TIMESTAMP\"" \
    ":\"1763629322123456\",\"__CURSOR\":\"s=1\"}\n"

Test(log, journal)
{
    const struct run *r;

    setenv("TZ", "UTC", 1);
    journal_is(ENTRY("2026-11-17T08:12:45.120Z login user=anna")
                   ENTRY("login user=bert") /* without its time */
               ENTRY("{\\\"v\\\":1,\\\"time\\\":\\\"2026-11-17T08:12:45.120Z"
                     "\\\",\\\"event\\\":\\\"login\\\",\\\"user\\\":"
                     "\\\"carl\\\"}")
                   ENTRY("sallyportd: ready") "{\"MESSAGE\":[200,201]}\n{\"x\":"
                                              "1}\nnothing\n",
               0);
    r = expect_run(0, "", "log --unit sallyport --since 2025-01-01");
    expect_has(r, "2026-11-17 08:12:45  anna ", true);
    expect_has(r, "2025-11-20 09:02:02  bert ", true);
    expect_has(r, "2026-11-17 08:12:45  carl ", true);
    cr_expect(strstr(r->err, "no events: 3 lines"), "%s", r->err);
    cr_expect_str_eq(file_text(in(scratch, "said")),
                     "--quiet --no-pager --all --output=json "
                     "--output-fields=MESSAGE,_HOSTNAME --since=@1735689600 "
                     "_SYSTEMD_UNIT=sallyport.service ");
}

/* Its first line says how far it reaches back. */
Test(log, unused_users_by_the_journal)
{
    const struct run *r;

    file_write(world.users, "anna:!:70000:70000::/a::\n"
                            "bert:!:70001:70001::/b::\n");
    journal_is(ENTRY("2001-01-01T08:12:45.120Z service reason=ready")
                   ENTRY("2199-01-01T08:12:45.120Z login user=anna"),
               0);
    r = expect_run(0, "", "user list --unused 90d --unit sallyport");
    expect_has(r, "bert ", true);
    expect_has(r, "anna ", false);
    cr_expect_str_eq(r->err, "");
    cr_expect(strstr(file_text(in(scratch, "said")), "--since=@"));
    cr_expect_not(strstr(file_text(in(scratch, "said")), "--since=@0 "));
    journal_is(ENTRY("2199-01-01T08:12:45.120Z login user=anna"), 0);
    expect_err(EX_DATAERR, "", "user list --unused 90d --unit sallyport",
               "the log begins at 2199-01-01T08:12:45Z, ");
    journal_is("", 0);
    expect_err(EX_NOINPUT, "", "user list --unused 90d --unit sallyport",
               "the log has no line of the server");
}

#define ENTRY_OF(machine, message)                                             \
    "{\"MESSAGE\":\"" message "\",\"_HOSTNAME\":\"" machine                    \
    "\",\"__REALTIME_TIMESTAMP\":\"1763629322123456\"}\n"

/* Of several machines, as systemd-journal-remote collects them. A machine may
 * say any name. */
Test(log, of_several_machines)
{
    const struct run *r;

    journal_is(ENTRY_OF("node1", "login user=anna")
                   ENTRY_OF("node2", "login user=bert")
                       ENTRY_OF("n\\u001b[2Jx", "login user=carl")
                           ENTRY("login user=dora"),
               0);
    r = expect_run(0, "",
                   "log --unit sallyport --directory /j --since 2025-01-01");
    expect_has(r, "MACHINE       USER ", true);
    expect_has(r, "  node1         anna ", true);
    expect_has(r, "  node2         bert ", true);
    expect_has(r, "  n\\x1b[2Jx     carl ", true);
    expect_has(r, "  -             dora ", true);
    cr_expect_str_eq(file_text(in(scratch, "said")),
                     "--quiet --no-pager --all --output=json "
                     "--output-fields=MESSAGE,_HOSTNAME --since=@1735689600 "
                     "_SYSTEMD_UNIT=sallyport.service --directory=/j ");
    r = expect_run(0, "",
                   "log --directory /j --unit sallyport --json --since all");
    expect_has(r, "\"machine\":\"node1\"}", true);
    expect_has(expect_run(0, "", "log --unit sallyport --json"), "machine",
               false);
    expect_err(EX_USAGE, "", "log --directory /j --file -",
               "give --file or --directory");
    journal_is("", 0);
    expect_err(0, "", "log --directory /j --unit sallyport",
               "the journals in /j have no line");
}

static int64_t since_said(void)
{
    const char *since = strstr(file_text(in(scratch, "said")), "--since=@");

    return since ? atoll(since + strlen("--since=@")) : -1;
}

/* Without a time it is the last day; but not if other words limit it. */
Test(log, the_last_day)
{
    const int64_t day_ago = (int64_t)time(NULL) - 86400;

    journal_is(ENTRY("login user=bert"), 0);
    expect_run(0, "", "log --unit x");
    cr_expect_geq(since_said(), day_ago);
    cr_expect_leq(since_said(), day_ago + 60);
    expect_run(0, "", "log --unit x --since all");
    cr_expect_eq(since_said(), 0);
    expect_run(0, "", "log --unit x --until yesterday");
    cr_expect_eq(since_said(), 0);
    expect_run(0, "", "log --unit x -n 3");
    cr_expect_eq(since_said(), 0);
    expect_err(0, "", "log --unit x --user acme",
               "no lines of acme in the last 24h; the users file has no");
    journal_is("", 0);
    expect_err(0, "", "log --unit x", " in the last 24h");
}

/* A terminal says why there is nothing. */
Test(log, a_terminal_says_where_older_lines_are)
{
    char *argv[] = { (char[]){ "sallyportctl" },
                     (char[]){ "log" },
                     (char[]){ "--unit" },
                     (char[]){ "x" },
                     (char[]){ "--config" },
                     world.conf,
                     NULL };
    char seen[4096] = "";
    size_t len = 0;
    ssize_t n;
    int end, status;
    pid_t pid;

    journal_is(ENTRY("login user=bert"), 0); /* of last year */
    pid = forkpty(&end, NULL, NULL, NULL);
    cr_assert_geq(pid, 0);
    if (pid == 0)
        ctl_run(6, argv);
    while ((n = read(end, seen + len, sizeof(seen) - 1 - len)) > 0)
        len += (size_t)n;
    cr_expect(wait_exit(pid, &status, WAIT_MS) && status == 0);
    cr_expect(strstr(seen, "no such lines in the last 24h; --since all"), "%s",
              seen);
    cr_expect_str_empty(expect_run(0, "", "log --unit x")->err);
}

/* A command of the script. */
#define SAY(message) "printf %s '" ENTRY(message) "'\n"

/* The newest record comes first from journalctl, which may have many more. */
Test(log, the_last_lines_of_the_journal)
{
    const struct run *r;
    const char *bert, *anna;

    journal_runs(SAY("login user=anna") SAY("connect") SAY(
        "login user=bert") "while " SAY("login user=carl") "do :; done\n");
    r = expect_run(0, "", "log --unit x -n 2 --event login");
    bert = strstr(r->out, " bert ");
    anna = strstr(r->out, " anna ");
    cr_expect(bert && anna && bert < anna, "%s", r->out);
    expect_has(r, "carl", false);
    cr_expect(strstr(file_text(in(scratch, "said")), " --reverse "));
}

/* The old lines, and then those after the newest one. */
Test(log, follows_the_journal)
{
    const struct run *r;

    journal_runs("case \"$*\" in\n*--follow*)\n" SAY(
        "login user=carl") ";;\n"
                           "*)\necho '{\"MESSAGE\":\"login user=anna\","
                           "\"__REALTIME_TIMESTAMP\":\"1763629322123456\","
                           "\"__CURSOR\":\"s=9\"}'\n"
                           "echo torn\nesac\n");
    r = expect_run(0, "", "log --unit x -f");
    expect_has(r, " anna ", true);
    expect_has(r, " carl ", true);
    cr_expect(strstr(r->err, "no events: 1 lines"), "%s", r->err);
    cr_expect_str_eq(file_text(in(scratch, "said")),
                     "--quiet --no-pager --all --output=json "
                     "--output-fields=MESSAGE,_HOSTNAME --after-cursor=s=9 "
                     "_SYSTEMD_UNIT=x.service --follow --no-tail ");
    r = expect_run(0, "", "log --unit x -f --since 2025-01-01 --directory /j");
    expect_has(r, " carl ", true);
    cr_expect(strstr(file_text(in(scratch, "said")),
                     "--after-cursor=s=9 _SYSTEMD_UNIT=x.service "
                     "--directory=/j --follow --no-tail "));
    journal_is("", 0); /* there is no cursor yet */
    expect_run(0, "", "log --unit x --follow --since 2025-01-01");
    cr_expect_eq(since_said(), 1735689600);
    journal_is("", 1);
    expect_err(EX_IOERR, "", "log --unit x -f", "journalctl has failed");
}

static bool file_has(void *words)
{
    return strstr(file_text(in(scratch, "out")), words) != NULL;
}

static void append(const char *path, const char *text)
{
    FILE *f = fopen(path, "ae");

    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void expect_soon(const char *text)
{
    char words[64];

    snprintf(words, sizeof(words), "%s", text);
    cr_expect(wait_until(file_has, words, WAIT_MS), "%s: %s", text,
              file_text(in(scratch, "out")));
}

/* A line is shown when it is complete. The file may be emptied, or replaced. */
Test(log, follows_a_file)
{
    char log[512], next[512];
    char *argv[] = { (char[]){ "sallyportctl" },
                     (char[]){ "log" },
                     (char[]){ "-f" },
                     (char[]){ "--file" },
                     log,
                     (char[]){ "--config" },
                     world.conf,
                     NULL };
    int status;
    pid_t pid;

    snprintf(log, sizeof(log), "%s", in(scratch, "log"));
    snprintf(next, sizeof(next), "%s", in(scratch, "next"));
    for (int i = 0; i < 11; i++)
        append(log, i > 0 ? "2026-11-17T08:12:45.120Z login user=old\n"
                          : "2026-11-17T08:12:45.120Z login user=oldest\n");
    append(log, "2026-11-17T08:12:45.120Z login us");
    pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        freopen(in(scratch, "out"), "w", stdout);
        ctl_run(7, argv);
    }
    expect_soon(" old ");
    append(log, "er=anna\n");
    expect_soon(" anna ");
    file_write(log, "2026-11-17T08:12:45.120Z login user=bert\n");
    expect_soon(" bert ");
    file_write(next, "2026-11-17T08:12:45.120Z login user=carl\n");
    cr_assert_eq(rename(next, log), 0);
    expect_soon(" carl ");
    cr_expect_not(strstr(file_text(in(scratch, "out")), "oldest"));
    kill(pid, SIGINT);
    cr_expect(wait_exit(pid, &status, WAIT_MS));
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

/* A second server has a unit of its own, which no configuration names. */
Test(log, of_another_server)
{
    journal_is(ENTRY("login user=bert"), 0);
    expect_err(EX_USAGE, "", "log", "give its unit by --unit NAME");
    expect_err(EX_USAGE, "", "report", "give its unit by --unit NAME");
    expect_has(expect_run(0, "", "log --unit second --since all"), "bert",
               true);
    cr_expect(strstr(file_text(in(scratch, "said")),
                     "_SYSTEMD_UNIT=second.service "));
    expect_run(0, "", "log --unit drop@two.service");
    cr_expect(strstr(file_text(in(scratch, "said")),
                     "_SYSTEMD_UNIT=drop@two.service "));
    expect_err(EX_USAGE, "", "log --unit x --file /x", "not both");
    snprintf(world.conf, sizeof(world.conf), SETTINGS_FILE);
    expect_run(0, "", "log");
    cr_expect(strstr(file_text(in(scratch, "said")),
                     "_SYSTEMD_UNIT=sallyport.service "));
}

Test(log, goes_on_where_it_ended)
{
    char words[256];

    snprintf(words, sizeof(words), "log --unit sallyport --cursor %s",
             in(scratch, "mark"));
    journal_is(ENTRY("login user=bert"), 0);
    expect_has(expect_run(0, "", words), "bert", true);
    cr_expect(strstr(file_text(in(scratch, "said")), "--since=@0 "));
    cr_expect_str_eq(file_text(in(scratch, "mark")), "s=1\n");
    journal_is("", 0); /* nothing new is no reason to ask for rights */
    cr_expect_str_empty(expect_run(0, "", words)->err);
    cr_expect(strstr(file_text(in(scratch, "said")), "--after-cursor=s=1 "));
    cr_expect_not(strstr(file_text(in(scratch, "said")), "--since"));
    cr_expect_str_eq(file_text(in(scratch, "mark")), "s=1\n");
    journal_is(ENTRY("login user=bert"), 1); /* it may have left lines out */
    file_write(in(scratch, "mark"), "s=0\n");
    expect_err(EX_IOERR, "", words, "journalctl has failed");
    world.out = "/dev/full";
    journal_is(ENTRY("login user=bert"), 0);
    expect_err(EX_IOERR, "", words, "standard output: ");
    world.out = NULL;
    cr_expect_str_eq(file_text(in(scratch, "mark")), "s=0\n");
    snprintf(words, sizeof(words), "log --unit sallyport --cursor %s", scratch);
    expect_err(EX_NOINPUT, "", words, "Is a directory");
    expect_err(EX_USAGE, "", "log --cursor /tmp/mark --file -",
               "give --file or --cursor");
}

/* Root may keep it in a directory of the user whose programs get the events. */
Test(log, a_cursor_follows_no_link)
{
    char words[256];

    cr_assert_eq(symlink("victim", in(scratch, "mark.new")), 0);
    snprintf(words, sizeof(words), "log --unit sallyport --cursor %s",
             in(scratch, "mark"));
    journal_is(ENTRY("login user=bert"), 0);
    expect_run(0, "", words);
    cr_expect_not(files_exists(in(scratch, "victim")));
    cr_expect_str_eq(file_text(in(scratch, "mark")), "s=1\n");
}

/* The events after --until would be behind the cursor, and never shown. */
Test(log, a_cursor_without_an_end)
{
    expect_err(EX_USAGE, "", "log --cursor /tmp/mark --until yesterday",
               "give --until or --cursor");
}

/* The clock may have been wrong when SINCE was written. */
Test(log, since_is_for_the_first_call)
{
    char words[256];

    snprintf(words, sizeof(words),
             "log --unit sallyport --since 2030-01-01 --cursor %s",
             in(scratch, "mark"));
    journal_is(ENTRY("login user=bert"), 0);
    expect_has(expect_run(0, "", words), "bert", false);
    expect_has(expect_run(0, "", words), "bert", true);
}

Test(log, journal_that_fails)
{
    bool root = geteuid() == 0;

    journal_is(ENTRY("login user=bert"), 1);
    expect_err(EX_IOERR, "", "log --unit x", "journalctl has failed");
    journal_is("", 0);
    expect_err(0, "", "log --unit x", /* there may be none */
               root ? "of the server in the last 24h; --file reads another log"
                    : "join the group systemd-journal, or give the log");
    log_journalctl = "/nowhere/journalctl";
    expect_err(EX_UNAVAILABLE, "", "log --unit x",
               "no /nowhere/journalctl here: give the server's log by --file");
}
