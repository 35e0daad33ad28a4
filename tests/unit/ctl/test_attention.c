/* The array of "status" with all that needs attention, "check", and the plugin
 * for Nagios in etc/examples. The test plays the server. */
#include <sys/statvfs.h>

#include "ctl/ctl.h"
#include "fake_server.h"
#include "support/files.h"
#include "world.h"

TestSuite(attention, .init = world_make, .fini = scratch_remove);

#define DAY 86400

/* The server's answers. The plays are in a fork, so a test sets them before. */
static struct {
    int64_t days; /* until the certificate expires; 0: unknown */
    const char *name, *state, *away, *refused, *listening, *changed;
    unsigned sessions, limit;
} said = { .limit = 250,
           .name = "ftp.example.org",
           .away = "",
           .refused = "",
           .changed = "0",
           .listening = "[::]:21" };

static void plays(struct channel *c)
{
    int64_t end = said.days == 0 ? 0 : time(NULL) + said.days * DAY + DAY / 2;
    char expires[24], sessions[24], limit[24];
    snprintf(expires, sizeof(expires), "%lld", (long long)end);
    snprintf(sessions, sizeof(sessions), "%u", said.sessions);
    snprintf(limit, sizeof(limit), "%u", said.limit);
    fake_welcome(c);
    if (!cast_hear(c))
        return;
    fake_row(c, "all", "state", said.state, "#sessions", sessions, "#logged_in",
             "1", "#max_sessions", limit, "away", said.away, "users_refused",
             said.refused, "+listening", "[::1]:21", "+listening",
             said.listening, NULL);
    fake_row(c, "+certificates", "file", "/c.pem", "name", said.name,
             "@expires", expires, "~days", expires, "?changed", said.changed,
             NULL);
    FAKE_SAYS(c, end);
}

static void server_says(int64_t days, const char *state, unsigned sessions)
{
    said.days = days;
    said.state = state;
    said.sessions = sessions;
}

/* Returns the array of "status --json" as lines "LEVEL TEXT". */
static const char *attention(void)
{
    static char out[2 * COMPLAINT_MAX];
    const json_t *one;
    json_t *all;
    size_t i, len = 0;

    fake_begin(plays);
    all = json_loads(expect_run(0, "", "status --json")->out, 0, NULL);
    fake_end();
    out[0] = '\0';
    json_array_foreach(json_object_get(all, "attention"), i, one)
    {
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s %s\n",
                                text_of(one, "level", "?"),
                                text_of(one, "text", "?"));
    }
    json_decref(all);
    return out;
}

Test(attention, certificates)
{
    static const struct {
        int64_t days;
        const char *text;
    } rows[] = {
        { 60, "" },
        { 0, "" },
        { 14, "" },
        { 13, "warning /c.pem expires in 13 d\n" },
        { 2, "critical /c.pem expires in 2 d\n" },
        { -5, "critical /c.pem has expired; renew it, then run: sallyportctl "
              "reload\n" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        server_says(rows[i].days, "running", 7);
        cr_expect_str_eq(attention(), rows[i].text);
    }
    server_says(60, "running", 7);
    said.changed = "1";
    cr_expect_str_eq(attention(), "warning /c.pem has other bytes than the "
                                  "server uses; to use them, run: sallyportctl "
                                  "reload\n");
    said.changed = "0";
    said.name = "drop";
    cr_expect_eq(
        strncmp(attention(),
                "warning /c.pem: partners can't reach its name \"drop\"", 52),
        0);
    said.listening = "127.0.0.1:21";
    cr_expect_str_eq(attention(), "");
}

Test(attention, sessions_and_states)
{
    server_says(60, "running", 224);
    cr_expect_str_eq(attention(), "");
    server_says(60, "running", 225);
    cr_expect_str_eq(attention(),
                     "warning 225 of at most 250 sessions (max_sessions)\n");
    server_says(60, "running", 250);
    cr_expect_str_eq(attention(),
                     "critical 250 of at most 250 sessions (max_sessions)\n");
    server_says(60, "stopping", 1);
    cr_expect_str_eq(attention(), "warning the server is stopping\n");
    said.limit = 1;
    server_says(60, "running", 0);
    cr_expect_str_eq(attention(), "");
    said.limit = 250;
    server_says(60, "draining", 1);
    cr_expect_eq(strncmp(attention(), "warning the server drains", 25), 0);
    server_says(60, "running", 1);
    char refused[COMPLAINT_MAX];

    memset(refused, 'x', sizeof(refused));
    strcpy(refused + sizeof(refused) - 5, "END.");
    said.refused = refused;
    cr_expect_not_null(strstr(attention(), "xEND.\n"));
    said.refused = "users:3: bad";
    said.away = "homes: gone";
    cr_expect_str_eq(attention(),
                     "critical new clients get 421: homes: gone\n"
                     "warning the server doesn't accept the users file, so the "
                     "previous one stays in force: users:3: bad\n");
}

static const char *hanging; /* the path whose disk hangs */
static struct statvfs pretended = {
    .f_blocks = 100, .f_bfree = 50, .f_bavail = 50, .f_frsize = 4096
};

/* Replaces libc's statvfs(). On a disk that hangs only SIGKILL ends it, as in
 * the kernel. */
int statvfs(const char *path, struct statvfs *ret)
{
    sigset_t all;

    sigfillset(&all);
    if (hanging && strcmp(path, hanging) == 0 &&
        sigprocmask(SIG_BLOCK, &all, NULL) == 0)
        for (;;)
            pause();
    *ret = pretended;
    return access(path, F_OK);
}

Test(attention, a_disk_that_hangs, .timeout = 30)
{
    cr_assert_eq(mkdir(world.homes, 0700), 0);
    hanging = world.homes;
    server_says(60, "running", 1);
    cr_expect_not_null(strstr(attention(), "homes: the disk hangs\n"));
}

#define BLOCK  4096
#define BLOCKS 1000000

Test(attention, disks)
{
    static const struct {
        uint64_t left, files;
        const char *min_free, *text;
    } rows[] = {
        { BLOCKS / 2, 9, "0", "" },
        { BLOCKS / 100 * 11, 9, "0", "" },
        { BLOCKS / 10, 9, "0", "warning {}: the disk is 90 % full\n" },
        { 0, 9, "0", "critical {}: the disk is full, so uploads fail\n" },
        { BLOCKS / 2, 0, "0",
          "critical {}: the disk has no free inode for another file\n" },
        { BLOCKS / 2, 9, "60%",
          "critical {}: less than min_free is left on the disk, so uploads "
          "fail\n" },
        { BLOCKS / 2, 9, "1G", "" },
    };
    char plain[4096];

    cr_assert_eq(mkdir(world.homes, 0700), 0);
    file_write(world.users, "");
    server_says(60, "running", 1);
    snprintf(plain, sizeof(plain), "%s", file_text(world.conf));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *rest = strstr(rows[i].text, "{}");
        char expected[512] = "";

        pretended = (struct statvfs){ .f_blocks = BLOCKS,
                                      .f_bfree = rows[i].left,
                                      .f_bavail = rows[i].left,
                                      .f_frsize = BLOCK,
                                      .f_files = 10,
                                      .f_favail = rows[i].files };
        file_write(world.conf, plain);
        world_configure("min_free = %s\n", rows[i].min_free);
        if (rest)
            snprintf(expected, sizeof(expected), "%.*s%s%s",
                     (int)(rest - rows[i].text), rows[i].text, world.homes,
                     rest + 2);
        const char *text = attention();
        cr_expect(expected[0] ? strncmp(text, expected, strlen(expected)) == 0
                              : text[0] == '\0',
                  "%zu: %s", i, text);
        cr_expect_eq(strstr(text, "/users: the disk is full, so changes of "
                                  "users can fail\n") != NULL,
                     rows[i].left == 0, "%s", text);
    }
}

Test(attention, in_status)
{
    const struct run *r;

    server_says(60, "running", 7);
    fake_begin(plays);
    r = expect_run(0, "", "status");
    fake_end();
    cr_expect(strstr(r->out, "attention: nothing\n"), "%s", r->out);
    server_says(10, "stopping", 7);
    fake_begin(plays);
    r = expect_run(0, "", "status");
    fake_end();
    cr_expect(strstr(r->out, "attention:\n  the server is stopping\n"), "%s",
              r->out);
    cr_expect(strstr(r->out, " expires in 10 d\n"), "%s", r->out);
}

static const char *passwd = "", *group = ""; /* the system's files */

/* Replaces libc's fopen(), which opens all other files. */
FILE *fopen(const char *path, const char *mode)
{
    const char *text = strcmp(path, "/etc/passwd") == 0  ? passwd
                       : strcmp(path, "/etc/group") == 0 ? group
                                                         : NULL;

    return text ? fmemopen((char *)(uintptr_t)text, strlen(text) + 1, "r")
                : fopen64(path, mode);
}

/* The numbers of users that are also the system's. */
Test(attention, numbers_of_the_system)
{
    static const struct {
        const char *passwd, *group, *text;
    } rows[] = {
        { "a:x:1000:1000::/:\n", "g:x:1000:\n", "" },
        { "a:x:70009:1::/:\n", "g:x:70009:\n", "" },
        { "b:x:1:1::/:\na:x:70001:1::/:\n", "",
          "critical user anna: uid 70001 is also the system's; run: "
          "sallyportctl check\n" },
        { "a:x:70001:1::/:\n", "g:x:70002:\n", /* the first one of several */
          "critical user anna: uid 70001 is also the system's; run: "
          "sallyportctl check\n" },
        { "", "g:x:70001:\n",
          "critical user anna: gid 70001 is also the system's; run: "
          "sallyportctl check\n" },
        { "", "s:x:80000:\n", "" }, /* of a share: permitted */
    };

    server_says(60, "running", 7);
    file_write(world.users, "@share:a:80000:/a:\nanna:!:70001:70001::/h::\n"
                            "carl:!:70002:70002::/i::\n"
                            "a mistake\nbert:!:500:500::/h::\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        passwd = rows[i].passwd;
        group = rows[i].group;
        cr_expect_str_eq(attention(), rows[i].text);
    }
}

/* These commands work even if the configuration has a mistake. "reload" and
 * "user add" don't. */
Test(attention, with_a_mistake_in_the_configuration)
{
    const struct run *r;

    file_write(world.users, "anna:*:70000:70000::/h::\n");
    world_configure("max_sesions = 20\nports = no ports\n");
    server_says(60, "running", 7);
    fake_begin(plays);
    r = expect_run(0, "", "status");
    cr_expect(strstr(r->out, "sessions: 7\n"), "%s", r->out);
    cr_expect(strstr(r->err, "warning: "), "%s", r->err);
    cr_expect(strstr(r->err, "unknown key \"max_sesions\""), "%s", r->err);
    cr_expect(strstr(r->err, "this line has no effect here\n"), "%s", r->err);
    expect_run(0, "", "");
    fake_end();
    expect_out(0, "", "user lock anna", "user anna: locked");
    expect_run(EX_UNAVAILABLE, "", "kick anna");
    expect_run(EX_UNAVAILABLE, "", "who");
    expect_run(EX_UNAVAILABLE, "", "ban add 192.0.2.1");
    expect_err(EX_CONFIG, "", "reload",
               "max_sessions\"?; a running server continues as before");
    expect_run(EX_CONFIG, "", "user add bert --print-password");
}

/* A command on users fails if the mistake may be in the line that names the
 * users file. */
Test(attention, with_a_mistake_about_the_users)
{
    static const char *const lines[] = { "user = /x\n", "users /x\n",
                                         "users = x y\n" };
    char plain[4096];

    snprintf(plain, sizeof(plain), "%s", file_text(world.conf));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        file_write(world.conf, plain);
        world_configure("%s", lines[i]);
        expect_run(EX_CONFIG, "", "user lock anna");
    }
}

static void hangs_up(struct channel *c)
{
    (void)c;
}

/* "check" also reports that it can't execute sallyportd: there is none beside
 * this program. */
Test(attention, check)
{
    const struct run *r;

    server_says(10, "running", 7);
    fake_begin(plays);
    r = expect_run(2, "", "check");
    fake_end();
    cr_expect(strstr(r->out, "critical "), "%s", r->out);
    cr_expect(strstr(r->out, "--check can't be executed\n"), "%s", r->out);
    cr_expect(strstr(r->out, "warning  /c.pem expires in 10 d\n"), "%s",
              r->out);
    expect_out(2, "", "check --csv", "level,text\n");
    fake_begin(hangs_up);
    expect_out(2, "", "check --json", "the server closed the connection");
    fake_end();
    expect_out(2, "", "check", "critical no server answers at ");
}

/* Runs etc/examples/check_sallyport. Its sallyportctl is a script that prints
 * JSON and, on standard error, ERRORS, and ends with CODE. OUT gets the output.
 * Returns the exit status. */
static int plugin(const char *json, const char *errors, int code, char out[256])
{
    char text[1024], command[512];
    FILE *f;

    snprintf(text, sizeof(text),
             "#!/bin/sh\nprintf '%s' >&2\necho '%s'\nexit %d\n", errors, json,
             code);
    file_write(in_scratch("sallyportctl"), text);
    cr_assert_eq(chmod(in_scratch("sallyportctl"), 0755), 0);
    snprintf(command, sizeof(command), "PATH=%s:$PATH '%s'", in_scratch("."),
             in_source("etc/examples/check_sallyport"));
    f = popen(command, "re");
    cr_assert_not_null(f);
    out[fread(out, 1, 255, f)] = '\0';
    return WEXITSTATUS(pclose(f));
}

#define SAID(attention)                                                        \
    "{\"version\":\"1\",\"sessions\":3,\"logged_in\":1,\"max_sessions\":50,"   \
    "\"attention\":[" attention                                                \
    "],\"certificates\":[{\"days\":9},{\"days\":null}],\"disks\":[{\"name\":"  \
    "\"homes\",\"percent\":4}]}"
#define FIGURES " | sessions=3;;;0;50 logged_in=1 certificate_days=9 homes=4%\n"

Test(attention, a_plugin_for_nagios)
{
    char out[256];

    if (system("command -v jq >/dev/null") != 0)
        world_skip("needs jq");
    cr_expect_eq(plugin(SAID(""), "", 0, out), 0);
    cr_expect_str_eq(out, "SALLYPORT OK - version 1, 3 of 50 sessions" FIGURES);
    cr_expect_eq(
        plugin(SAID("{\"level\":\"warning\",\"text\":\"w\"}"), "", 0, out), 1);
    cr_expect_str_eq(out, "SALLYPORT WARNING - w" FIGURES);
    cr_expect_eq(plugin(SAID("{\"level\":\"warning\",\"text\":\"w\"},"
                             "{\"level\":\"critical\",\"text\":\"c\"}"),
                        "", 0, out),
                 2);
    cr_expect_str_eq(out, "SALLYPORT CRITICAL - c" FIGURES);
    cr_expect_eq(plugin("", "no server\\n", EX_UNAVAILABLE, out), 2);
    cr_expect_str_eq(out, "SALLYPORT CRITICAL - no server\n");
    cr_expect_eq(plugin("", "a mistake\\nmore\\n", EX_CONFIG, out), 3);
    cr_expect_str_eq(out, "SALLYPORT UNKNOWN - a mistake\n");
    /* A mistake in the configuration is a warning of "status". */
    cr_expect_eq(plugin(SAID(""), "a mistake\\n", 0, out), 1);
    cr_expect_str_eq(out, "SALLYPORT WARNING - a mistake" FIGURES);
}
