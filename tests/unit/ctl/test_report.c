/* "log summary": its figures are those of the log, and no log is too large for
 * it. "report": the page has them, and each text in it is harmless.
 * tests/system/report_page looks at the page with a browser. */
#include <fcntl.h>
#include <glob.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "ctl/log/log.h"
#include "world.h"

static void make(void)
{
    const char *source = getenv("SALLYPORT_SOURCE");
    static char path[512];

    world_make();
    snprintf(path, sizeof(path), "%s/etc/report.html",
             source ? source : SOURCE_DIR);
    report_html = path;
    setenv("TZ", "UTC", 1);
}

TestSuite(report, .init = make, .fini = scratch_remove);

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
                                            "login-failed user=root "
                                            "reason=\"unknown user\"\n"
                                            "2026-11-19T10:00:00.000Z ban "
                                            "peer=192.0.2.7 reason=\"100 wrong "
                                            "passwords\"\n"
                                            "torn\n" TRANSFER(
                                                "2026-11-20T00:00:00", "late",
                                                "STOR", "bytes=1 result=226");

/* The caller owns it. */
static json_t *summary_of(const char *log, const char *words)
{
    char text[512];
    json_t *all;

    snprintf(text, sizeof(text), "log summary --json --file - %s", words);
    all = json_loads(expect_run(0, log, text)->out, 0, NULL);
    cr_assert_not_null(all, "%s", words);
    return all;
}

/* A row of a table, as compact JSON. */
static void expect_row(const json_t *all, const char *table, const char *name,
                       const char *row)
{
    const json_t *found = json_object_get(json_object_get(all, table), name);
    char *text = json_dumps(found, JSON_COMPACT);

    cr_expect(text && !strcmp(text, row), "%s.%s: %s instead of %s", table,
              name, text ? text : "none", row);
    free(text);
}

Test(report, figures_are_those_of_the_log)
{
    json_t *all = summary_of(week, DAYS);
    char *text = json_dumps(all, 0);

    cr_expect_str_eq(json_string_value(json_object_get(all, "since")),
                     "2026-11-17T00:00:00+0000");
    cr_expect_str_eq(json_string_value(json_object_get(all, "until")),
                     "2026-11-20T00:00:00+0000");
    cr_expect_eq(json_object_size(json_object_get(all, "days")), 3);
    cr_expect_eq(json_object_size(json_object_get(all, "hours")), 24);
#define UP(n, bytes)   "\"uploads\":" n ",\"upload_bytes\":" bytes
#define DOWN(n, bytes) "\"downloads\":" n ",\"download_bytes\":" bytes
    char *total = json_dumps(json_object_get(all, "total"), JSON_COMPACT);
    cr_expect_str_eq(total, "{" UP("2", "3072") "," DOWN(
                                "1", "2048") ",\"failures\":2,\"logins\":1,"
                                             "\"bans\":1,\"no_events\":1}");
    free(total);
    expect_row(all, "days", "2026-11-17", "{" UP("2", "3072") "}");
    expect_row(all, "days", "2026-11-18", "{" DOWN("1", "2048") "}");
    expect_row(all, "days", "2026-11-19", "{}");
    expect_row(all, "hours", "08",
               "{" UP("1", "2048") "," DOWN("1", "2048") "}");
    expect_row(all, "hours", "09", "{" UP("1", "1024") "}");
    expect_row(all, "users", "anna", "{" UP("2", "3072") "}");
    expect_row(all, "users", "bert", "{" DOWN("1", "2048") ",\"failures\":1}");
    expect_row(all, "causes", "upload: stalled", "{\"count\":1}");
    expect_row(all, "causes", "login-failed: unknown user", "{\"count\":1}");
    expect_row(all, "tls", "TLSv1.3", "{\"count\":1}");
    expect_row(all, "clients", "curl", "{\"count\":1}");
    cr_expect(strstr(text, "\"largest_files\": [{\"time\": "
                           "\"2026-11-17T09:00:00+0000\", \"user\": \"anna\", "
                           "\"event\": \"upload\", \"path\": \"/b\", "
                           "\"bytes\": 4096}"),
              "%s", text);
    cr_expect(strstr(text, "\"peer\": \"192.0.2.7\", \"reason\": \"100 wrong"));
    /* Nor is a user of this name anybody. */
    cr_expect(!strstr(text, "early") && !strstr(text, "late") &&
              !strstr(text, "root"));
    free(text);
    json_decref(all);
    all = summary_of(week, DAYS " --user bert");
    cr_expect_eq(json_object_size(json_object_get(all, "users")), 1);
    json_decref(all);
}

/* No log of a server has such numbers. */
Test(report, figures_have_an_end)
{
#define MOST                                                                   \
    TRANSFER("2026-11-17T08:00:00", "a", "STOR",                               \
             "path=/a bytes=9223372036854775807 result=226")
    json_t *all = summary_of(MOST MOST, DAYS);

    expect_row(all, "users", "a", "{" UP("2", "9223372036854775807") "}");
    json_decref(all);
}

/* A day that a change of the clock makes shorter or longer is a day. */
Test(report, local_days)
{
    json_t *all;

    setenv("TZ", "Europe/Berlin", 1);
    all = summary_of(TRANSFER("2026-10-24T22:30:00", "a", "STOR",
                              "path=/a bytes=1 result=226"),
                     "--since 2026-10-24 --until 2026-10-26");
    cr_expect_eq(json_object_size(json_object_get(all, "days")), 3);
    expect_row(all, "days", "2026-10-25", "{" UP("1", "1") "}");
    expect_row(all, "hours", "00", "{" UP("1", "1") "}");
    json_decref(all);
}

/* The JSON that is in the page. */
static json_t *data_of(const char *page)
{
    static const char begin[] = "type=\"application/json\" id=\"report\">";
    const char *data = strstr(page, begin);
    size_t len;
    json_t *all;

    cr_assert(data, "%s", page);
    data += strlen(begin);
    len = strcspn(data, "<");
    cr_expect(!strncmp(data + len, "</script>", 9));
    all = json_loadb(data, len, 0, NULL);
    cr_assert(all);
    return all;
}

/* It loads nothing, and what it runs is its own script alone. */
static void expect_alone(const char *html)
{
    static const char *const bad[] = {
        "src=",      "href=", "url(",   "import",
        "innerHTML", "eval(", "fetch(", "write("
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect(!strstr(html, bad[i]), "%s", bad[i]);
    cr_expect(strstr(html, "\"default-src 'none'; style-src 'unsafe-inline'; "
                           "script-src 'sha256-"));
}

Test(report, the_page_has_them)
{
    const struct run *r = expect_run(0, week, "report --file - " DAYS);
    json_t *all = data_of(r->out);

    expect_alone(r->out);
    expect_row(all, "users", "anna", "{" UP("2", "3072") "}");
    cr_expect_eq(json_array_size(json_object_get(all, "disks")), 0);
    cr_expect(json_is_array(json_object_get(all, "quotas")));
    cr_expect(json_is_string(json_object_get(all, "host")));
    json_decref(all);
    cr_assert_eq(mkdir(world.homes, 0711), 0);
    all = data_of(expect_run(0, "", "report --file -")->out);
    cr_expect_gt(
        json_integer_value(json_object_get(
            json_array_get(json_object_get(all, "disks"), 0), "bytes")),
        0);
    json_decref(all);
    file_write(world.users, "anna:x\n");
    all = data_of(expect_run(0, "", "report --file -")->out);
    cr_expect(json_is_string(json_object_get(all, "quotas")));
    json_decref(all);
}

Test(report, texts_are_harmless)
{
#define EVIL "\"</script><script src='x'>&\033\xff\x5c\""
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
    json_t *all = data_of(r->out);
    const char *name = "</script><script src='x'>&\\x1b\\xff\\";
    size_t n = 0;

    for (const char *c = r->out;
         (c = strstr(c,
                     "\\u003c/script>\\u003cscript src='x'>&\\\\x1b\\\\xff"));
         c++)
        n++;
    cr_expect_eq(n, 7, "%s", r->out);
    expect_row(all, "users", name, "{" UP("1", "1") "}");
    expect_row(all, "clients", name, "{\"count\":1}");
    json_decref(all);
}

/* More users, bans, files and days than there is room for. */
Test(report, many)
{
    enum { USERS = SUMMARY_NAMES_MAX + 500, BYTES = 120 * USERS };
    char *log = malloc(2 * BYTES);
    size_t len = 0;
    json_t *all, *list;

    for (unsigned i = 1; i <= USERS; i++)
        len += (size_t)snprintf(
            log + len, 2 * BYTES - len,
            "2026-11-17T08:00:00.000Z transfer user=u%u verb=STOR path=/%u "
            "bytes=%u result=226\n"
            "2026-11-17T08:00:00.000Z ban peer=p%u reason=r\n",
            i, i, i, i);
    world.out = in(scratch, "summary");
    file_write(world.out, "");
    expect_run(0, log, "log summary --file - " DAYS);
    all = json_load_file(world.out, 0, NULL);
    cr_assert(all);
    world.out = NULL;
    cr_expect_eq(json_object_size(json_object_get(all, "users")),
                 SUMMARY_NAMES_MAX);
    expect_row(all, "users", "u1000", "{" UP("1", "1000") "}");
    expect_row(all, "others", "users", "{" UP("500", "625250") "}");
    list = json_object_get(all, "largest_files");
    cr_expect_eq(json_array_size(list), 12);
    cr_expect_str_eq(
        json_string_value(json_object_get(json_array_get(list, 0), "path")),
        "/1500");
    cr_expect_str_eq(
        json_string_value(json_object_get(json_array_get(list, 11), "path")),
        "/1489");
    list = json_object_get(all, "last_bans");
    cr_expect_eq(json_array_size(list), 20);
    cr_expect_str_eq(
        json_string_value(json_object_get(json_array_get(list, 0), "peer")),
        "p1481");
    json_decref(all);
    free(log);
}

Test(report, days)
{
    json_t *all = summary_of("", "--since 2025-10-16 --until 2026-11-19");

    cr_expect_eq(json_object_size(json_object_get(all, "days")),
                 SUMMARY_DAYS_MAX);
    expect_row(all, "days", "2025-10-16", "{}");
    json_decref(all);
    expect_err(EX_USAGE, "",
               "report --file - --since 2025-10-15 --until 2026-11-19",
               "a summary can have 1 to 400 days");
    expect_err(EX_USAGE, "",
               "log summary --file - --since 2026-11-20 --until 2026-11-19",
               "a summary can have 1 to 400 days");
}

/* A line may be cut anywhere in a character. */
Test(report, long_texts)
{
    char log[2048], *to = log;
    json_t *all;
    const char *path;

    to += sprintf(to, "2026-11-17T08:00:00.000Z transfer user=a verb=STOR "
                      "bytes=1 result=226 path=/");
    for (int i = 0; i < 500; i++)
        to += sprintf(to, "\xc3\xa4");
    sprintf(to, "\n");
    all = summary_of(log, DAYS);
    path = json_string_value(json_object_get(
        json_array_get(json_object_get(all, "largest_files"), 0), "path"));
    cr_expect_eq(strlen(path), 511);
    json_decref(all);
}

/* The installation may be incomplete. */
Test(report, without_its_html)
{
    report_html = "/nowhere/report.html";
    expect_err(EX_OSFILE, "", "report --file -",
               "/nowhere/report.html: No such file or directory; install it");
    report_html = in(scratch, "empty");
    file_write(report_html, "");
    expect_err(EX_OSERR, "", "report --file -", "the page can't be made");
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
}
