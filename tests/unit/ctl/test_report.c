/* "report": the page has the figures of "log summary", and each text in it is
 * harmless. tests/system/report_page looks at the page with a browser. */
#include <fcntl.h>
#include <glob.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "ctl/log/log.h"
#include "fake_server.h"
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

#define UP(n, bytes) "\"uploads\":" n ",\"upload_bytes\":" bytes

static const char week[] = TRANSFER("2026-11-17T08:00:00", "anna", "STOR",
                                    "path=/a bytes=2048 result=226")
    TRANSFER("2026-11-17T09:00:00", "anna", "APPE",
             "path=/b bytes=1024 size=4096 result=226");

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

/* The second certificate lasts, and of the third the end isn't known. */
static void say_certificates(struct channel *c)
{
    const char *const expires[] = { "1577836800", "4102444800", "0" };
    struct message m;

    fake_welcome(c);
    if (!fake_hears(c, &m))
        return;
    fake_row(c, &m, "all", "state", "running", NULL);
    for (size_t i = 0; i < 3; i++)
        fake_row(c, &m, "certificates", "file", "/c.pem", "expires", expires[i],
                 "days", expires[i], NULL);
    FAKE_SAYS(c, &m, end);
}

static void expect_end(const json_t *ends, size_t i, const char *name,
                       const char *day)
{
    const json_t *one = json_array_get(ends, i);

    cr_expect_str_eq(text_of(one, "name", ""), name);
    cr_expect_eq(strncmp(text_of(one, "time", ""), day, 8), 0, "%s",
                 text_of(one, "time", ""));
}

/* Of the accounts those that can log in. There may be no server. */
Test(report, what_ends_soon)
{
    char line[256], day[3][16];
    json_t *all, *ends;

    for (int i = 0; i < 3; i++) {
        const time_t when = time(NULL) + (i == 0   ? 5
                                          : i == 1 ? 30
                                                   : -2) *
                                             86400;

        strftime(day[i], sizeof(day[i]), "%Y-%m-%d", gmtime(&when));
    }
    for (int i = 0; i < 3; i++) {
        snprintf(line, sizeof(line),
                 "user add u%d --print-password --expires %s", i, day[i]);
        run_ctl(&(struct run){ 0 }, "", line);
    }
    expect_run(0, "", "user add locked --print-password --ttl 5d");
    expect_run(0, "", "user lock locked");
    all = data_of(expect_run(0, "", "report --file -")->out);
    ends = json_object_get(all, "ends");
    cr_expect_eq(json_array_size(ends), 1);
    expect_end(ends, 0, "u0", day[0]);
    json_decref(all);
    fake_begin(say_certificates);
    all = data_of(expect_run(0, "", "report --file -")->out);
    fake_end();
    ends = json_object_get(all, "ends");
    cr_expect_eq(json_array_size(ends), 2);
    expect_end(ends, 1, "/c.pem", "2020-01-01");
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
