/* Drops on a real server: accounts that may store a few files or bytes, and
 * files that expire. */
#include "clock.h"
#include "ctl.h"
#include "support/files.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

static const struct server_plan plan = { 0 };

#define MANY 10

/* Ten sessions send 5 bytes at once. Their commits come as close together as
 * they can: all bytes are there before the first one ends. */
static unsigned store_many(const struct server *server, const char *user)
{
    struct session s[MANY];
    struct data d[MANY];
    unsigned stored = 0;

    for (int i = 0; i < MANY; i++) {
        session_enter(&s[i], server, user);
        data_open(&s[i], &d[i], "STOR f%d", i);
        data_write(&d[i], "bytes", 5);
    }
    for (int i = 0; i < MANY; i++)
        data_close(&d[i]);
    for (int i = 0; i < MANY; i++) {
        int code = session_reply(&s[i]);

        cr_expect(code == 226 || code == 552, "%d", code);
        stored += code == 226;
        session_close(&s[i]);
    }
    return stored;
}

static unsigned count_files(const char *directory)
{
    DIR *dir = opendir(directory);
    unsigned n = 0;

    cr_assert_not_null(dir);
    for (const struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void expect_refused(const struct server *server, const char *user,
                           const char *reply)
{
    struct session s;

    session_enter(&s, server, user);
    session_do(&s, "229 {*}", "EPSV");
    session_do(&s, reply, "STOR more");
    session_close(&s);
}

/* Six files have used up the limit, and it stays used up; RAISE leaves room for
 * one more. */
static void expect_used_up(struct server *server, const char *reply,
                           const char *raise)
{
    struct session s;

    ctl(server, 0, "reload", "");
    expect_refused(server, "partner", reply);
    cr_assert_eq(count_files(server_home(server, "partner")), 6);
    ctl(server, 0, raise, "");
    session_enter(&s, server, "partner");
    session_store(&s, "STOR", "f", "bytes", 5);
    session_close(&s);
    expect_refused(server, "partner", reply);
}

#define NO_FILES "552 {*}uploads{*}"

ServerTest(own_files, a_few_files_and_no_more, 240, &plan)
{
    struct session s;

    ctl(server, 0, "user add partner --role drop --expires 7d --uploads 6", "");
    session_enter(&s, server, "partner");
    session_store(&s, "STOR", "f", "bytes", 5);
    session_store(&s, "STOR", "f", "bytes", 5);
    session_close(&s);
    ctl(server, 0, "user show partner",
        "limits:   uploads 6\nteam_limits: none\nfiles:    2\n");
    server_kill(server);
    server_again(server);
    cr_expect_eq(store_many(server, "partner"), 4);
    ctl(server, 0, "user show partner",
        "limits:   uploads 6\nteam_limits: none\nfiles:    6\n");
    expect_used_up(server, NO_FILES, "user change partner --uploads 7");
}

#define NO_BYTES "552 {*}upload_bytes{*}"

ServerTest(own_files, a_few_bytes_and_no_more, 240, &plan)
{
    struct session s;
    struct data d;

    ctl(server, 0, "user add partner --role drop --upload-bytes 30", "");
    session_enter(&s, server, "partner");
    session_do(&s, "200 {*}", "ALLO 30");
    session_do(&s, NO_BYTES, "ALLO 31");
    session_store(&s, "STOR", "f", "bytes", 5);
    data_open(&s, &d, "STOR long");
    data_finish(&s, &d, "twenty-six of the 25 bytes", 26, NO_BYTES);
    session_do(&s, "213 25", "AVBL");
    session_close(&s);
    server_log_expect(server, 1, "transfer ", " path=/long ", "result=552 ",
                      "\"over upload_bytes=\"", NULL);
    ctl(server, 0, "user show partner", "bytes:    5\n");
    server_kill(server);
    server_again(server);
    cr_expect_eq(store_many(server, "partner"), 5);
    ctl(server, 0, "user show partner", "bytes:    30\n");
    ctl(server, 0, "user can partner upload /x", "yes\n"); /* asks no disk */
    expect_used_up(server, NO_BYTES, "user change partner --upload-bytes 35");
}

/* As the timer runs it, so many seconds later. */
static void retention(const struct server *server, time_t later,
                      const char *text, const char *said)
{
    char name[64];
    volatile time_t *ahead = clock_take(name, sizeof(name));

    *ahead = later;
    setenv("SALLYPORT_TEST_CLOCK", name, 1);
    setenv("LD_PRELOAD", server_build(CLOCK_PRELOAD), 1);
    ctl(server, 0, text, said);
    unsetenv("LD_PRELOAD");
    unlink(name);
}

#define DAY 86400

/* A share, and a directory of a home, in which a user has put links. */
ServerTest(own_files, files_that_expire, 240, &plan)
{
    struct session s;
    struct data d;
    char home[SERVER_PATH_MAX];

    ctl(server, 0, "share add contracts --retain 30d", "");
    ctl(server, 0, "share grant contracts anna:full", "");
    ctl(server, 0, "user change anna --retain /in:2d", "anna");
    session_enter(&s, server, "anna");
    session_do(&s, "257 {*}", "MKD in");
    session_do(&s, "257 {*}", "MKD keep");
    session_store(&s, "STOR", "in/f", "bytes", 5);
    session_store(&s, "STOR", "keep/f", "bytes", 5);
    session_store(&s, "STOR", "/contracts/f", "bytes", 5);
    session_do(&s, "213 {*}", "MFMT 20300101000000 in/f");
    const char *outside = server_path(server, "victim");
    snprintf(home, sizeof(home), "%s/in", server_home(server, "anna"));
    cr_assert_eq(mkdir(outside, 0777), 0);
    cr_assert_eq(chmod(outside, 0777), 0);
    cr_assert_eq(chdir(home), 0);
    cr_assert_eq(symlink(outside, "away"), 0);
    cr_assert_eq(symlink("../keep", "keep"), 0);
    cr_assert_eq(chdir(outside), 0);
    cr_assert_eq(close(creat("f", 0666)), 0);
    data_open(&s, &d, "STOR in/new");
    data_write(&d, "bytes", 5);
    retention(server, DAY, "retention run", "0 removed");
    retention(server, 3 * DAY, "retention run --dry-run", "expired");
    cr_expect(files_exists(server_home_file(server, "anna", "in/f")));
    retention(server, 3 * DAY, "retention run", "1 removed, 5 bytes; 1 being");
    cr_expect_not(files_exists(server_home_file(server, "anna", "in/f")));
    cr_expect(files_exists(server_home_file(server, "anna", "keep/f")));
    cr_expect(files_exists("f"));
    cr_expect(files_exists(server_share_path(server, "/contracts/f")));
    retention(server, 31 * DAY, "retention run --json", "\"/contracts\"");
    cr_expect_not(files_exists(server_share_path(server, "/contracts/f")));
    data_close(&d);
    session_expect(&s, "226 {*}");
    session_close(&s);
    ctl(server, 0, "user change anna --retain /in:none", "");
}

static void cut_upload(struct session *s, const char *name)
{
    static char bytes[300000];
    struct data d;

    data_open(s, &d, "STOR %s", name);
    data_write(&d, bytes, sizeof(bytes));
    data_cut(&d, false);
    session_expect(s, "426 {*}");
}

/* In each home and share, whether files of it expire or not. The share's
 * process isn't the uploader. */
ServerTest(own_files, uploads_that_nobody_continues, 240, &plan)
{
    struct session s;
    struct data d;

    ctl(server, 0, "share add contracts", "");
    ctl(server, 0, "share grant contracts anna:full", "");
    session_enter(&s, server, "anna");
    cut_upload(&s, "old");
    cut_upload(&s, "contracts/old");
    data_open(&s, &d, "STOR new");
    data_write(&d, "bytes", 5);
    retention(server, 6 * DAY, "retention run", "0 removed");
    retention(server, 8 * DAY, "retention run --dry-run", "expired");
    retention(server, 8 * DAY, "retention run", "2 removed, 524288 bytes");
    data_close(&d);
    session_expect(&s, "226 {*}");
    session_do(&s, "550 {*}", "SIZE old");
    session_do(&s, "550 {*}", "SIZE contracts/old");
    session_do(&s, "213 5", "SIZE new");
    session_close(&s);
}
