/* "log": lines of all kinds, what a filter wants, times, and a log that nobody
 * can trust. The journal is played by a script, which prints what journalctl
 * prints. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "ctl/log/log.h"
#include "world.h"

TestSuite(log, .init = world_make, .fini = scratch_remove);

#define TUESDAY "2026-11-17T08:12:45.120Z "
#define ANNA                                                                   \
    TUESDAY "transfer process=session serial=5b647d0dbdf9f5a6 "                \
            "peer=203.0.113.5:4711 user=anna verb=STOR path=/contract.pdf "    \
            "to=/contract.pdf bytes=1500000 ms=17 result=226 "                 \
            "tls=\"TLSv1.3 TLS_AES_128_GCM_SHA256 resumed\"\n"
#define BERT                                                                   \
    "2026-11-17T09:00:00.000Z transfer process=session "                       \
    "serial=00000000000000b1 peer=203.0.113.6:4711 user=bert verb=STOR "       \
    "path=\"/my contract.pdf\" bytes=300 ms=1 result=426 "                     \
    "reason=\"closed by the client\"\n"
#define GUESS                                                                  \
    "2026-11-18T09:00:00.000Z login-failed process=auth "                      \
    "serial=00000000000000c1 peer=203.0.113.7:1 user=? "                       \
    "reason=\"unknown user\"\n"
#define START                                                                  \
    "sallyportd: ready: listening on 0.0.0.0:21\n\n"                           \
    "reloaded: new sessions get the new configuration\n"
#define JSON                                                                   \
    "{\"v\":1,\"time\":\"2026-11-19T00:00:00.000Z\","                          \
    "\"event\":\"transfer\",\"severity\":\"info\",\"user\":\"carl\",\"verb\":" \
    "\"RETR\","                                                                \
    "\"path\":\"/\\\\x1b[2J\",\"bytes\":7,\"size\":2048,\"result\":226}\n"

/* Runs "log --file - WORDS" with this input. */
static const struct run *show(const char *input, const char *words)
{
    char text[512];

    setenv("TZ", "UTC", 1);
    snprintf(text, sizeof(text), "log --file - %s", words);
    return expect_run(0, input, text);
}

static void expect_has(const struct run *r, const char *said, bool expected)
{
    cr_expect_eq(strstr(r->out, said) != NULL, expected, "%s: %s%s", said,
                 r->out, r->err);
}

Test(log, answers_who_and_why)
{
    const struct run *r = show(START ANNA BERT GUESS JSON, "");

    cr_expect_str_eq(
        r->out,
        "TIME                 USER          WHAT          SIZE        RESULT   "
        "   PATH OR CLIENT, AND WHY\n"
        "2026-11-17 08:12:45  anna          upload        1.4 MiB     done     "
        "   /contract.pdf\n"
        "2026-11-17 09:00:00  bert          upload        300 bytes   failed "
        "426  /my contract.pdf: closed by the client\n"
        "2026-11-18 09:00:00  ?             login-failed  -           failed   "
        "   203.0.113.7:1: unknown user\n"
        "2026-11-19 00:00:00  carl          download      2 KiB       done     "
        "   /\\x1b[2J\n");
    cr_expect_str_empty(r->err);
}

/* A path, a name, a process, or nothing. */
Test(log, subjects)
{
    const struct run *r = show(
        TUESDAY
        "admin process=master uid=1000 verb=\"user lock\" "
        "to=anna\n" TUESDAY "service process=master reason=stopping\n" TUESDAY
        "service reason=reload\n" TUESDAY
        "client peer=192.0.2.1:9 user=anna name=\"lftp 4\"\n" TUESDAY
        "change user=anna verb=RNTO path=/a to=/b result=250\n" TUESDAY
        "command-refused user=anna verb=RNFR path=/c result=550\n" TUESDAY
        "change user=anna verb=MKD path=/a result=451\n",
        "");

    expect_has(r, "  -           -           user lock anna (uid 1000)\n",
               true);
    expect_has(r, "  -           -           master: stopping\n", true);
    expect_has(r, "  -           -           reload\n", true);
    expect_has(r,
               "  client        -           -           192.0.2.1:9 lftp 4\n",
               true);
    expect_has(r, "  rename        -           done        /a -> /b\n", true);
    expect_has(r, "  rename        -           failed 550  /c: ", true);
    expect_has(r, "failed 451  /a: the server failed\n", true);
}

/* Who may read the journal needn't be able to read the configuration. */
Test(log, needs_no_configuration)
{
    snprintf(world.conf, sizeof(world.conf), "/nowhere/sallyport.conf");
    expect_has(show(ANNA, ""), "/contract.pdf", true);
    expect_err(EX_CONFIG, "", "status", "/nowhere/sallyport.conf");
}

/* Each line is written at its end, so that nothing is left to write later. */
Test(log, a_full_disk)
{
    world.out = "/dev/full";
    expect_err(EX_IOERR, ANNA, "log --file -", "standard output: ");
    expect_err(EX_IOERR, ANNA, "log --file - --json", "standard output: ");
    world.out = NULL;
}

static const struct {
    const char *words;
    bool anna, bert, guess;
} filters[] = {
    { "--user anna", true, false, false },
    { "--user ann", false, false, false },
    { "--failed", false, true, true },
    { "--failed --user bert", false, true, false },
    { "--path contract.pdf", true, true, false },
    { "--path /contract", true, false, false },
    { "--event login-failed", false, false, true },
    { "--event upload", true, true, false },
    { "--event download", false, false, false },
    { "--event download,login-failed", false, false, true },
    { "--event transfer,login-failed", true, true, true },
    { "--serial 00000000000000b1", false, true, false },
    { "--since 2026-11-17 --until 2026-11-17", true, true, false },
    { "--since 2026-11-17T08:12:46", false, true, true },
    { "--since 2026-11-17T08:12:45", true, true, true },
    { "--until 2026-11-17T09:00", true, false, false },
    { "--until 2026-11-17T09:00:01Z", true, true, false },
    { "--since 2026-11-19", false, false, false },
};

Test(log, filters)
{
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        const struct run *r = show(ANNA BERT GUESS, filters[i].words);

        expect_has(r, " anna ", filters[i].anna);
        expect_has(r, " bert ", filters[i].bert);
        expect_has(r, " login-failed ", filters[i].guess);
    }
}

/* The path on the command line has the bytes of the name. */
Test(log, path_with_other_bytes)
{
    expect_has(show(TUESDAY "change user=anna verb=DELE path=/\\xff\\x5c "
                            "result=250\n",
                    "--path \xff\\"),
               "delete", true);
}

Test(log, json_has_the_schema)
{
    const struct run *r = show(ANNA, "--json");

    cr_expect_str_eq(
        r->out,
        "{\"v\":1,\"time\":\"2026-11-17T08:12:45.120Z\",\"event\":\"transfer\","
        "\"process\":\"session\",\"serial\":\"5b647d0dbdf9f5a6\","
        "\"peer\":\"203.0.113.5:4711\",\"user\":\"anna\",\"verb\":\"STOR\","
        "\"path\":\"/contract.pdf\",\"to\":\"/contract.pdf\","
        "\"bytes\":1500000,\"ms\":17,\"result\":226,"
        "\"tls\":\"TLSv1.3 TLS_AES_128_GCM_SHA256 resumed\"}\n");
    cr_expect_str_eq(show(JSON, "--json")->out, JSON);
    r = show(TUESDAY "admin uid=1000 verb=\"user add\"\n", "--json");
    cr_expect(strstr(r->out, "\"uid\":1000,"), "%s", r->out);
}

/* For programs that read what other servers write. */
Test(log, xferlog_has_its_form)
{
    const struct run *r = show(
        ANNA BERT GUESS TUESDAY
        "transfer peer=[2001:db8::1]:9 user=\"a b\" verb=RETR "
        "path=\"/x y\\xff\" bytes=5 ms=1999 result=226\n" TUESDAY
        "transfer user=anna verb=MLSD path=/ bytes=5 ms=1 result=226\n" TUESDAY
        "transfer verb=STOU bytes=5 ms=1 result=451\n",
        "--xferlog");

    cr_expect_str_eq(
        r->out,
        "Tue Nov 17 08:12:45 2026 0 203.0.113.5 1500000 /contract.pdf b _ i r "
        "anna ftp 0 * c\n"
        "Tue Nov 17 09:00:00 2026 0 203.0.113.6 300 /my\\x20contract.pdf b _ "
        "i r bert ftp 0 * i\n"
        "Tue Nov 17 08:12:45 2026 1 2001:db8::1 5 /x\\x20y\\xff b _ o r "
        "a\\x20b ftp 0 * c\n"
        "Tue Nov 17 08:12:45 2026 0 ? 5 ? b _ i r ? ftp 0 * i\n");
    setenv("TZ", "EST5", 1); /* the local time */
    expect_out(0, ANNA, "log --file - --xferlog", "Tue Nov 17 03:12:45 2026 ");
    expect_err(EX_USAGE, ANNA, "log --file - --json --xferlog",
               "give --json or --xferlog, not both");
}

static const char *const torn[] = {
    "no event at all",
    "2026-11-17T08:12:45.120Z",
    "2026-11-17T08:12:45Z end",
    "2026-02-30T08:12:45.120Z end",
    TUESDAY "transfer user",
    TUESDAY "transfer user=anna verb=\"STOR",
    TUESDAY "transfer user=anna verb=\"STOR\"x=y",
    TUESDAY "transfer user=anna user=bert",
    TUESDAY "transfer event=x",
    TUESDAY "Transfer user=anna",
    TUESDAY "transfer user=anna  verb=STOR",
    "{\"v\":1",
    "{\"v\":2,\"time\":\"2026-11-19T00:00:00.000Z\",\"event\":\"end\"}",
    "{\"v\":1,\"time\":\"2026-11-19\",\"event\":\"end\"}",
    "{\"v\":1,\"time\":\"2026-11-19T00:00:00.000Z\",\"event\":{}}",
    "{\"v\":1,\"time\":\"2026-11-19T00:00:00.000Z\",\"event\":\"end\","
    "\"user\":[]}",
    "{\"v\":1,\"v\":1,\"time\":\"2026-11-19T00:00:00.000Z\","
    "\"event\":\"end\"}",
    "[]",
};

/* A line that is no event ends nothing, and is counted. */
Test(log, torn_lines)
{
    for (size_t i = 0; i < sizeof(torn) / sizeof(torn[0]); i++) {
        char text[1024];
        const struct run *r;

        snprintf(text, sizeof(text), "%s\n" BERT "%s", torn[i], torn[i]);
        r = show(text, "");
        expect_has(r, " bert ", true);
        cr_expect(strstr(r->err, "no events: 2 lines"), "%s: %s%s", torn[i],
                  r->err, r->out);
    }
}

/* A line may have LOG_LINE_MAX bytes; a longer one is passed over. */
Test(log, long_lines)
{
    static char text[3 * LOG_LINE_MAX];
    const char *head = TUESDAY "change user=long path=/";

    for (size_t more = 0; more < 2; more++) {
        size_t len = LOG_LINE_MAX + more;

        memset(text, 'x', sizeof(text));
        memcpy(text, head, strlen(head));
        snprintf(text + len, sizeof(text) - len, "\n%s", BERT);
        const struct run *r = show(text, "--event change");
        expect_has(r, " long ", more == 0);
        cr_expect_eq(strstr(r->err, "no events: 1 lines") != NULL, more == 1);
        expect_has(show(text, "--user bert"), " bert ", true);
    }
}

/* What a hostile log contains never reaches the terminal. */
Test(log, bytes_of_the_log_are_escaped)
{
    const struct run *r =
        show(TUESDAY "change user=\033[2J\a verb=\177MKD path=\"/"
                     "\xc2\x9b\r\xff\" reason=\033]0;x\a\n",
             "");

    expect_has(r, "/\\xc2\\x9b\\x0d\\xff: \\x1b]0;x\\x07", true);
    for (const char *c = r->out; *c; c++)
        cr_expect(*c == '\n' || (*c >= 0x20 && *c < 0x7f), "%d", *c);
}

static const struct {
    const char *words, *said;
    int code;
} wrong[] = {
    { "log x", "x: one word too many; see: sallyportctl log --help", EX_USAGE },
    { "log --file - --since 2026-02-30", "use a time ago, such as", EX_USAGE },
    { "log --file - --since soon", "--since soon: use", EX_USAGE },
    { "log --file - --until 2026-11-20x", "--until 2026-11-20x", EX_USAGE },
    { "log --file - --since 2026-11-20Z", "use a time ago", EX_USAGE },
    { "log --file - --event uplod",
      "--event uplod: no such event; did you "
      "mean upload?",
      EX_USAGE },
    { "log --file - --event upload,STOR",
      "--event STOR: no such event; use "
      "service, connect, ",
      EX_USAGE },
    { "log --file - --event trouble", ", end, syscall, ", EX_USAGE },
    { "log --file - --event login,", "--event : no such event", EX_USAGE },
    { "log --file /nowhere", "/nowhere: No such file or directory; --file is",
      EX_NOINPUT },
    { "log --file /", "the log: Is a directory", EX_IOERR },
};

Test(log, usage)
{
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect_err(wrong[i].code, "", wrong[i].words, wrong[i].said);
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

/* From now on journalctl is a script that writes its arguments into "said",
 * prints TEXT, and ends with STATUS. */
static void journal_is(const char *text, int status)
{
    static char script[512];
    char code[8192];

    snprintf(script, sizeof(script), "%s", in(scratch, "journalctl"));
    snprintf(code, sizeof(code),
             "#!/bin/sh\nprintf '%%s ' \"$@\" >%s\ncat <<'END'\n%sEND\n"
             "exit %d\n",
             in(scratch, "said"), text, status);
    file_write(script, code);
    cr_assert_eq(chmod(script, 0755), 0);
    log_journalctl = script;
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
    r = expect_run(0, "", "log --directory /j --unit sallyport --json");
    expect_has(r, "\"machine\":\"node1\"}", true);
    expect_has(expect_run(0, "", "log --unit sallyport --json"), "machine",
               false);
    expect_err(EX_USAGE, "", "log --directory /j --file -",
               "give --file or --directory");
    journal_is("", 0);
    expect_err(0, "", "log --directory /j --unit sallyport",
               "the journals in /j have no line");
}

/* A second server has a unit of its own, which no configuration names. */
Test(log, of_another_server)
{
    journal_is(ENTRY("login user=bert"), 0);
    expect_err(EX_USAGE, "", "log", "give its unit by --unit NAME");
    expect_err(EX_USAGE, "", "report", "give its unit by --unit NAME");
    expect_has(expect_run(0, "", "log --unit second"), "bert", true);
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
               root ? "no line of the server; --file reads another log"
                    : "join the group systemd-journal, or give the log");
    log_journalctl = "/nowhere/journalctl";
    expect_err(EX_UNAVAILABLE, "", "log --unit x",
               "no /nowhere/journalctl here: give the server's log by --file");
}
