/* "report": its figures are those of the log, each text in it is harmless, and
 * no log is too large for it. tests/system/report_page looks at the page with a
 * browser. */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "ctl/report.h"
#include "world.h"

TestSuite(report, .init = world_make, .fini = scratch_remove);

#define DAYS "--since 2026-11-17 --until 2026-11-19"
#define TRANSFER(time, user, verb, more)                                       \
    time ".000Z transfer user=" user " verb=" verb " " more "\n"

static const char week[] = TRANSFER(
    "2026-11-16T23:59:59", "early", "STOR",
    "bytes=1 result=226") TRANSFER("2026-11-17T08:00:00", "anna", "STOR",
                                   "path=/a bytes=2048 result=226")
    TRANSFER("2026-11-17T09:00:00", "anna", "APPE",
             "path=/b bytes=1024 size=4096 result=226")
        TRANSFER("2026-11-18T08:30:00", "bert", "RETR",
                 "path=/a bytes=2048 result=226")
            TRANSFER("2026-11-18T08:30:00", "bert", "STOR",
                     "path=/c bytes=100 result=426 reason=stalled")
                TRANSFER(
                    "2026-11-18T08:30:00", "bert", "MLSD",
                    "bytes=100 result=226") "2026-11-18T10:00:00.000Z login "
                                            "user=bert tls=\"TLSv1.3 "
                                            "TLS_AES_X\"\n"
                                            "2026-11-18T10:00:00.000Z client "
                                            "user=bert name=curl\n"
                                            "2026-11-19T10:00:00.000Z "
                                            "login-failed user=? "
                                            "reason=\"unknown user\"\n"
                                            "2026-11-19T10:00:00.000Z ban "
                                            "peer=192.0.2.7 reason=\"100 wrong "
                                            "passwords\"\n"
                                            "torn\n" TRANSFER(
                                                "2026-11-20T00:00:00", "late",
                                                "STOR", "bytes=1 result=226");

/* Returns the body of the page of this log, with a '|' for each tag. */
static const char *page_of(const char *log, const char *words)
{
    static char plain[WORLD_TEXT];
    char text[512], *to = plain;
    const struct run *r;
    bool in_tag = false;

    setenv("TZ", "UTC", 1);
    snprintf(text, sizeof(text), "report --file - %s", words);
    r = expect_run(0, log, text);
    for (const char *c = strstr(r->out, "<body>"); *c; c++) {
        if (*c == '<')
            in_tag = true;
        if (!in_tag && *c != '\n')
            *to++ = *c;
        if (*c == '>') {
            in_tag = false;
            *to++ = '|';
        }
    }
    *to = '\0';
    return plain;
}

static void expect_row(const char *page, const char *row)
{
    cr_expect(strstr(page, row), "%s: %s", row, page);
}

Test(report, figures_are_those_of_the_log)
{
    const char *page = page_of(week, DAYS);

    expect_row(page, "|uploads||2, 3 KiB|");
    expect_row(page, "|downloads||1, 2 KiB|");
    expect_row(page, "|failures||2|");
    expect_row(page, "|logins||1|");
    expect_row(page, "|Tue 17 Nov||2, 3 KiB||0|");
    expect_row(page, "|Wed 18 Nov||0||1, 2 KiB|");
    expect_row(page, "|Thu 19 Nov||0||0|");
    cr_expect(!strstr(page, "16 Nov||") && !strstr(page, "20 Nov||"));
    expect_row(page, "|08:00||1, 2 KiB||1, 2 KiB|");
    expect_row(page, "|09:00||1, 1 KiB||0|");
    expect_row(page, "|anna||2, 3 KiB||0|");
    expect_row(page, "|bert||0||1, 2 KiB|");
    expect_row(page, "|upload: stalled||1|");
    expect_row(page, "|login-failed: unknown user||1|");
    expect_row(page, "|/b|||uploaded by anna, Tue 17 Nov 2026 09:00 UTC|||4 "
                     "KiB|");
    expect_row(page, "|TLSv1.3||1|");
    expect_row(page, "|curl||1|");
    expect_row(page, "|192.0.2.7|Thu 19 Nov 2026 10:00 UTC|||100 wrong");
    expect_row(page, "no events: 1|");
    cr_expect(!strstr(page, "early") && !strstr(page, "late"));
}

/* No log of a server has such numbers. */
Test(report, figures_have_an_end)
{
#define MOST                                                                   \
    TRANSFER("2026-11-17T08:00:00", "a", "STOR",                               \
             "path=/a bytes=9223372036854775807 result=226")
    char most[SIZE_TEXT_MAX], row[80];

    snprintf(row, sizeof(row), "|uploads||2, %s|", size_text(INT64_MAX, most));
    expect_row(page_of(MOST MOST, DAYS), row);
}

/* One HTML file, which needs nothing else and runs nothing. */
static void expect_alone(const char *html)
{
    static const char *const bad[] = { "<script", "<img", "<link",  "http:",
                                       "https:",  "url(", "@import" };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect(!strstr(html, bad[i]), "%s", bad[i]);
}

Test(report, texts_are_harmless)
{
#define EVIL "\"<script src='x'>&\033\xff\x5c\""
    const char *log = TRANSFER("2026-11-17T08:00:00", EVIL, "STOR",
                               "path=" EVIL " bytes=1 result=226")
        TRANSFER("2026-11-17T08:00:00", "a", "STOR",
                 "bytes=1 result=426 reason=" EVIL) "2026-11-18T10:00:00.000Z "
                                                    "login user=b tls=" EVIL
                                                    "\n"
                                                    "2026-11-18T10:00:00.000Z "
                                                    "client user=b name=" EVIL
                                                    "\n"
                                                    "2026-11-19T10:00:00.000Z "
                                                    "ban peer=" EVIL
                                                    " reason=" EVIL "\n";
    const struct run *r = expect_run(0, log, "report --file - " DAYS);
    size_t n = 0;

    expect_alone(r->out);
    for (const char *c = r->out;
         (c = strstr(c, "&lt;script src=&#39;x&#39;&gt;&amp;\\x1b\\xff\\"));
         c++)
        n++;
    cr_expect_eq(n, 7, "%s", r->out);
    for (const char *c = r->out; *c; c++)
        cr_expect(*c == '\n' || (*c >= 0x20 && *c < 0x7f), "%d", *c);
    cr_expect(strstr(r->out, "default-src 'none'"));
}

/* More users, bans, files and days than a page has room for. */
Test(report, many)
{
    enum { USERS = REPORT_NAMES_MAX + 500, BYTES = 120 * USERS };
    char *log = malloc(2 * BYTES);
    size_t len = 0;
    const char *page;

    for (unsigned i = 1; i <= USERS; i++)
        len += (size_t)snprintf(
            log + len, 2 * BYTES - len,
            "2026-11-17T08:00:00.000Z transfer user=u%u verb=STOR path=/%u "
            "bytes=%u result=226\n"
            "2026-11-17T08:00:00.000Z ban peer=p%u reason=r\n",
            i, i, 2000 - i, i);
    page = page_of(log, DAYS);
    expect_row(page, "|users with transfers||1000 or more|");
    expect_row(page, "|u1||1, 1.9 KiB|");
    expect_row(page, "|u14||1, 1.9 KiB|");
    expect_row(page, "|all others||1486, 1.7 MiB|");
    cr_expect(!strstr(page, "|u15||"));
    expect_row(page, "|uploads||1500, ");
    expect_row(page, "|/12|");
    cr_expect(!strstr(page, "|/13|"));
    expect_row(page, "|1500; the last ones:|");
    expect_row(page, "|p1500|");
    expect_row(page, "|p1481|");
    cr_expect(!strstr(page, "|p1480|"));
    free(log);
    page = page_of("", "--since 2025-10-16 --until 2026-11-19");
    expect_row(page, "|Thu 16 Oct||0||0|");
    expect_err(EX_USAGE, "",
               "report --file - --since 2025-10-15 --until "
               "2026-11-19",
               "the page can have 1 to 400 days");
    expect_err(EX_USAGE, "",
               "report --file - --since 2026-11-20 --until "
               "2026-11-19",
               "the page can have 1 to 400 days");
}

/* A line may be cut anywhere in a character. */
Test(report, long_texts)
{
    char log[2048], *to = log;
    const struct run *r;

    to += sprintf(to, "2026-11-17T08:00:00.000Z transfer user=a verb=STOR "
                      "bytes=1 result=226 path=/");
    for (int i = 0; i < 500; i++)
        to += sprintf(to, "\xc3\xa4");
    sprintf(to, "\n");
    r = expect_run(0, log, "report --file - " DAYS);
    cr_expect(strstr(r->out, "/\xc3\xa4"));
    cr_expect(strstr(r->out, "\xc3\xa4<div"), "%s", r->out);
}

/* A page that can't be written whole leaves the old one, and nothing else. */
Test(report, output_without_room)
{
    const struct rlimit most = { 1024, 1024 };
    char words[256];

    file_write(in(scratch, "p"), "the old page");
    snprintf(words, sizeof(words), "report --file /dev/null -o %s",
             in(scratch, "p"));
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &most), 0);
    expect_run(EX_IOERR, "", words);
    cr_expect_str_eq(file_text(in(scratch, "p")), "the old page");
    snprintf(words, sizeof(words), "%s/p.*", scratch);
    cr_expect_eq(glob(words, 0, NULL, &(glob_t){ 0 }), GLOB_NOMATCH);
}

Test(report, output)
{
    char words[256];
    struct stat st;

    umask(0);
    snprintf(words, sizeof(words), "report --file - -o %s", in(scratch, "p"));
    expect_out(0, week, words, "");
    cr_assert_eq(stat(in(scratch, "p"), &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
    cr_expect(strstr(file_text(in(scratch, "p")), "</html>\n"));
    expect_out(0, week, "report --file - -o -", "</html>\n");
    cr_assert_eq(chmod(in(scratch, "p"), 0644), 0);
    cr_assert_eq(symlink("p", in(scratch, "link")), 0);
    snprintf(words, sizeof(words), "report --file - -o %s",
             in(scratch, "link"));
    expect_run(0, week, words);
    cr_assert_eq(lstat(in(scratch, "p"), &st), 0);
    cr_expect_eq(st.st_mode, S_IFREG | 0644, "%o", st.st_mode);
    expect_out(0, week, "report --file - -o /dev/stdout", "</html>\n");
    expect_err(EX_IOERR, week, "report --file - -o /dev/full",
               "/dev/full: No space left");
    expect_err(EX_CANTCREAT, week, "report --file - --output /nowhere/p",
               "/nowhere/p: No such file or directory");
    expect_err(EX_USAGE, "", "report --since soon", "--since soon: use");
    file_write(world.users, "anna:x\n");
    expect_out(0, "", "report --file -", "Quotas unknown: ");
}
