/* "doctor --nagios": its line and its status, for each state of a server. The
 * test plays the server. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "ctl/server/doctor.h"
#include "fake_server.h"
#include "world.h"

TestSuite(monitor, .init = world_make, .fini = scratch_remove);

#define DAY 86400

/* What the server says; the plays are in a fork. */
static struct {
    int64_t days; /* of the certificate; 0: unknown */
    const char *staple, *state, *away, *refused;
    unsigned sessions, limit;
} said = { .limit = 250, .away = "", .refused = "" };

static void plays(struct channel *c)
{
    int64_t end = said.days == 0 ? 0 : time(NULL) + said.days * DAY + DAY / 2;
    char expires[24], sessions[24], limit[24];
    struct message m;

    snprintf(expires, sizeof(expires), "%lld", (long long)end);
    snprintf(sessions, sizeof(sessions), "%u", said.sessions);
    snprintf(limit, sizeof(limit), "%u", said.limit);
    fake_welcome(c);
    if (!fake_hears(c, &m))
        return;
    fake_row(c, &m, "all", "state", said.state, "sessions", sessions,
             "logged_in", "1", "max_sessions", limit, "away", said.away,
             "users_refused", said.refused, NULL);
    fake_row(c, &m, "certificates", "file", "/c.pem", "ocsp_file", said.staple,
             "expires", expires, "days", expires, "ocsp_until", "0", NULL);
    FAKE_SAYS(c, &m, end);
}

static void expect(int code, const char *words, const char *line)
{
    const struct run *r;

    fake_begin(plays);
    r = expect_run(code, "", words);
    fake_end();
    cr_expect_eq(strncmp(r->out, line, strlen(line)), 0, "%s: %s", words,
                 r->out);
    cr_expect_eq(strchr(r->out, '\n'), r->out + strlen(r->out) - 1,
                 "more than one line: %s", r->out);
    cr_expect_str_eq(r->err, "");
}

static void server_says(int64_t days, const char *staple, const char *state,
                        unsigned sessions)
{
    said.days = days;
    said.staple = staple;
    said.state = state;
    said.sessions = sessions;
}

Test(monitor, all_is_well)
{
    server_says(60, "", "running", 7);
    fake_begin(plays);
    expect_out(0, "", "doctor --nagios", " - version ");
    expect_out(0, "", "doctor --nagios",
               "7 of 250 sessions | sessions=7;225;250;0;250 logged_in=1 "
               "certificate_days=60;14:;3:\n");
    fake_end();
    server_says(0, "", "running", 7);
    expect(0, "doctor --nagios", "SALLYPORT OK - ");
}

Test(monitor, certificates)
{
    server_says(14, "", "running", 1);
    expect(0, "doctor --nagios", "SALLYPORT OK - ");
    server_says(13, "", "running", 1);
    expect(1, "doctor --nagios",
           "SALLYPORT WARNING - /c.pem expires in 13 d | ");
    server_says(2, "", "running", 1);
    expect(2, "doctor --nagios",
           "SALLYPORT CRITICAL - /c.pem expires in 2 d | ");
    server_says(-5, "", "running", 1);
    expect(2, "doctor --nagios --critical 0,100",
           "SALLYPORT CRITICAL - /c.pem has expired | ");
    fake_begin(plays);
    expect_out(2, "", "doctor --nagios", " certificate_days=-4;14:;3:\n");
    fake_end();
    server_says(60, "/o.der", "running", 1);
    expect(1, "doctor --nagios",
           "SALLYPORT WARNING - /c.pem has no OCSP response that counts | ");
}

Test(monitor, sessions_and_states)
{
    server_says(60, "", "running", 224);
    expect(0, "doctor --nagios", "SALLYPORT OK - ");
    server_says(60, "", "running", 225);
    expect(1, "doctor --nagios", "SALLYPORT WARNING - 225 of 250 sessions | ");
    server_says(60, "", "running", 250);
    expect(2, "doctor --nagios", "SALLYPORT CRITICAL - 250 of 250 sessions | ");
    server_says(60, "", "stopping", 1);
    expect(1, "doctor --nagios",
           "SALLYPORT WARNING - the server is stopping | ");
    said.limit = 1;
    server_says(60, "", "running", 0);
    expect(0, "doctor --nagios", "SALLYPORT OK - ");
    server_says(60, "", "running", 1);
    expect(2, "doctor --nagios", "SALLYPORT CRITICAL - 1 of 1 sessions | ");
}

Test(monitor, what_the_server_knows)
{
    server_says(60, "", "draining", 1);
    expect(1, "doctor --nagios", "SALLYPORT WARNING - the server drains | ");
    server_says(60, "", "running", 1);
    said.refused = "users:3: bad";
    expect(1, "doctor --nagios",
           "SALLYPORT WARNING - the old users stay: users:3: bad | ");
    said.away = "homes: gone";
    expect(2, "doctor --nagios",
           "SALLYPORT CRITICAL - new clients get 421: homes: gone | ");
}

/* The service is up: after an upgrade somebody has forgotten the reload. */
static void is_another_build(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    if (fake_hears(c, &m))
        FAKE_SAYS(c, &m, control_refused, .refusal = REFUSAL_BUSY,
                  .why = SLICE("another build"));
}

Test(monitor, of_another_build)
{
    fake_begin(is_another_build);
    expect_out(3, "", "doctor --nagios", "SALLYPORT UNKNOWN - another build\n");
    fake_end();
}

/* "sallyportctl" alone: each trouble, not only the worst. */
Test(monitor, at_first_sight)
{
    const struct run *r;

    server_says(60, "", "running", 7);
    fake_begin(plays);
    r = expect_run(0, "", "");
    fake_end();
    cr_expect(strstr(r->out, "sessions:  7 of 250, 1 logged in\n"), "%s",
              r->out);
    cr_expect(strstr(r->out, "attention: nothing\n"), "%s", r->out);
    cr_expect(strstr(r->out, "sallyportctl doctor "), "%s", r->out);
    server_says(10, "", "stopping", 7);
    fake_begin(plays);
    r = expect_run(0, "", "");
    fake_end();
    cr_expect(strstr(r->out, "attention: the server is stopping\n"), "%s",
              r->out);
    cr_expect(strstr(r->out, " expires in 10 d\n"), "%s", r->out);
    cr_expect_not(strstr(r->out, "nothing"), "%s", r->out);
}

Test(monitor, thresholds)
{
    server_says(20, "", "running", 100);
    expect(1, "doctor --nagios --warning 21,90",
           "SALLYPORT WARNING - /c.pem expires in 20 d | ");
    expect(2, "doctor --nagios --critical 21,100",
           "SALLYPORT CRITICAL - /c.pem expires in 20 d | ");
    expect(1, "doctor --nagios --warning 14,40",
           "SALLYPORT WARNING - 100 of 250 sessions | sessions=100;100;250;");
    expect(3, "doctor --nagios --warning 14",
           "SALLYPORT UNKNOWN - --warning 14: use days, a comma and percent");
    expect(3, "doctor --nagios --critical 1,101",
           "SALLYPORT UNKNOWN - --critical 1,101");
    expect(3, "doctor --nagios --critical -1,10",
           "SALLYPORT UNKNOWN - --critical -1,10");
}

/* No disk has that much room. */
Test(monitor, disks)
{
    cr_assert_eq(mkdir(world.shares, 0700), 0);
    server_says(60, "", "running", 1);
    expect(2, "doctor --nagios --warning 14,0 --critical 3,0",
           "SALLYPORT CRITICAL - ");
    fake_begin(plays);
    expect_out(1, "", "doctor --nagios --warning 14,0 --critical 3,100",
               "%;0;100\n");
    expect_out(1, "", "doctor --nagios --warning 14,0 --critical 3,100",
               " shares=");
    fake_end();
    world_configure("min_free = 1000000T\n");
    fake_begin(plays);
    expect_out(2, "", "doctor --nagios",
               "/shares: the disk is full up to min_free, uploads fail | ");
    fake_end();
}

static const char *hanging;      /* the disk of this path does */
static struct statvfs pretended; /* unless it has no blocks */

/* In place of libc's. Only SIGKILL ends it, as in the kernel. */
int statvfs(const char *path, struct statvfs *ret)
{
    sigset_t all;
    int fd;

    sigfillset(&all);
    if (hanging && strcmp(path, hanging) == 0 &&
        sigprocmask(SIG_BLOCK, &all, NULL) == 0)
        for (;;)
            pause();
    if (pretended.f_blocks > 0) {
        *ret = pretended;
        return 0;
    }
    fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int r = fstatvfs(fd, ret);
    close(fd);
    return r;
}

Test(monitor, a_disk_that_hangs, .timeout = 30)
{
    hanging = world.homes;
    server_says(60, "", "running", 1);
    fake_begin(plays);
    expect_out(2, "", "doctor --nagios", "homes: the disk hangs | sessions=1;");
    fake_end();
    struct context x = { .patience = 0 };
    struct server_doctor d = { .x = &x, .check = "disk", .list = json_array() };
    cr_assert_eq(conf_load(&x.settings, world.conf, &x.complaint), 0);
    doctor_disk(&d);
    const json_t *one = json_array_get(d.list, 0);
    cr_expect_str_eq(text_of(one, "finding", ""), "bad");
    cr_expect(strstr(text_of(one, "text", ""), ": the disk hangs"));
    json_decref(d.list);
}

#define BLOCK  4096
#define BLOCKS 1000000

/* By one table, for "doctor --nagios" and for "doctor". */
Test(monitor, a_disk)
{
    static const struct {
        uint64_t left, files;
        struct min_free keep;
        enum level level;
        const char *finding, *text;
    } rows[] = {
        { BLOCKS / 2, 9, { 0, 0 }, LEVEL_OK, "good", "1.9 GiB free" },
        { BLOCKS / 100 * 11, 9, { 0, 0 }, LEVEL_OK, "good", " free" },
        { BLOCKS / 10,
          9,
          { 0, 0 },
          LEVEL_WARNING,
          "warning",
          ": 90 % of the disk; 390" },
        { 0,
          9,
          { 0, 0 },
          LEVEL_CRITICAL,
          "bad",
          "full up to min_free, uploads fail; 0 bytes free" },
        { BLOCKS / 2,
          0,
          { 0, 0 },
          LEVEL_CRITICAL,
          "bad",
          "no place for a further file" },
        { BLOCKS / 2, 9, { 0, 60 }, LEVEL_CRITICAL, "bad", "min_free" },
        { BLOCKS / 2,
          9,
          { BLOCKS / 3 * BLOCK, 0 },
          LEVEL_OK,
          "warning",
          "only 1.9 GiB free" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct context x = { .patience = 0 };
        struct server_doctor d = { .x = &x, .list = json_array() };
        struct complaint why = { "" };
        struct disk_look look;
        const json_t *one;

        cr_assert_eq(conf_load(&x.settings, world.conf, &x.complaint), 0);
        x.settings.min_free = rows[i].keep;
        d.check = "disk";
        pretended = (struct statvfs){ .f_blocks = BLOCKS,
                                      .f_bfree = rows[i].left,
                                      .f_bavail = rows[i].left,
                                      .f_frsize = BLOCK,
                                      .f_files = 10,
                                      .f_favail = rows[i].files };
        cr_expect_eq(
            monitor_disk("/h", &rows[i].keep, &monitor_usual, &look, &why),
            rows[i].level, "%zu: %s", i, why.text);
        cr_expect_eq(why.text[0] != '\0', rows[i].level != LEVEL_OK);
        doctor_disk(&d);
        one = json_array_get(d.list, 0);
        cr_expect_str_eq(text_of(one, "finding", ""), rows[i].finding, "%zu",
                         i);
        cr_expect(strstr(text_of(one, "text", ""), rows[i].text), "%zu: %s", i,
                  text_of(one, "text", ""));
        json_decref(d.list);
    }
}

static void hangs_up(struct channel *c)
{
    (void)c;
}

Test(monitor, its_words)
{
    server_says(60, "", "running", 7);
    fake_begin(plays);
    expect_out(1, "", "check --warning 100,90", "SALLYPORT WARNING - ");
    expect_err(1, "", "check --warning 100,90",
               "check is now called doctor --nagios");
    fake_end();
    expect_err(EX_USAGE, "", "doctor --warning 21,80",
               "--warning and --critical go with --nagios");
    expect_err(EX_USAGE, "", "doctor --critical 21,80",
               "--warning and --critical go with --nagios");
    expect_out(3, "", "doctor --nagios --json",
               "SALLYPORT UNKNOWN - give --json or --nagios, not both\n");
}

/* The reload after an upgrade is nobody's outage. */
Test(monitor, another_version)
{
    fake_begin(fake_welcome_older);
    expect_out(3, "", "doctor --nagios",
               "SALLYPORT UNKNOWN - the server still runs version 0.1.0; run: "
               "sallyportctl reload\n");
    fake_end();
}

Test(monitor, no_answer)
{
    expect_out(2, "", "doctor --nagios",
               "SALLYPORT CRITICAL - no server answers at ");
    fake_begin(hangs_up);
    expect_out(2, "", "doctor --nagios", "SALLYPORT CRITICAL - ");
    fake_end();
    file_write(world.conf, "nonsense\n");
    expect_out(3, "", "doctor --nagios", "SALLYPORT UNKNOWN - ");
}
