/* Bandwidth that sessions share, and transfers at a time: of one user, and of
 * all. The short tests know only how much time the bytes need at least, so that
 * a slow machine fails none of them. The long one measures. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "generation.h"
#include "sallyport/base/clock.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"

#define MIB       (1u << 20)
#define SIZE      (2 * MIB)
#define LEAST_MS  400 /* SIZE at 4 MiB/s takes 500; a piece comes at once */
#define SESSIONS  4
#define LONG_RATE (4 * MIB)
#define LONG_MS   10000
#define TOLERATED 500 /* 5 % of it */
#define UNFAIR_MS 1000
#define SLOW_BYTES                                                             \
    "64K" /* a second: these transfers don't end by themselves                 \
           */

static const struct server_user users[] = {
    { .name = "up", .keys = "bandwidth_up=4M" },
    { .name = "down", .keys = "bandwidth_down=4M" },
    { .name = "free" },
    { .name = "slow", .keys = "bandwidth_down=4K bandwidth_up=4K" },
    { .name = "two", .keys = "bandwidth_down=64K max_transfers=2" },
    { .name = "one", .keys = "bandwidth_down=0" },
    { .name = "anna", .keys = "teams=swift" },
    { .name = "bert", .keys = "teams=few" },
    { .name = "dora", .keys = "teams=swift bandwidth_down=8M" },
    { .name = "carl", .keys = "teams=few" },
};
static const char teams[] = "@team:swift:bandwidth_down=4M bandwidth_up=4M\n"
                            "@team:few:max_transfers=1 bandwidth_down=64K\n";
#define USERS (sizeof(users) / sizeof(users[0]))

static unsigned char noise[SIZE];

static void start(struct server *server, const char *settings)
{
    const struct server_plan plan = { .settings = settings,
                                      .users = users,
                                      .user_count = USERS,
                                      .lines = teams };

    files_noise(noise, sizeof(noise), 5);
    server_start(server, &plan);
}

/* The file f0 of this user. */
static void give(const struct server *server, const char *user, size_t len)
{
    const char *path = server_home_file(server, user, "f0");

    files_write(path, noise, len < SIZE ? len : SIZE, 0600);
    cr_assert_eq(truncate(path, (off_t)len), 0);
    files_give_to_owner_of(server_home(server, user), path);
}

/* In a process of its own, which ends after one transfer. */
static pid_t client(const struct server *server, const char *user, bool upload,
                    size_t len)
{
    pid_t pid = fork();
    struct session s;
    struct data d;

    if (pid != 0)
        return pid;
    session_enter(&s, server, user);
    data_open(&s, &d, "%s f%d", upload ? "STOR" : "RETR",
              upload ? getpid() : 0);
    for (size_t sent = 0; upload && sent < len; sent += 64 * FAULT_KIB)
        data_write(&d, noise, 64 * FAULT_KIB);
    if (upload)
        data_close(&d);
    else
        for (char rest[4096]; tls_client_read(d.tls, rest, sizeof(rest)) > 0;)
            ;
    session_expect(&s, "226 {*}");
    _exit(0);
}

/* N clients at a time, each with LEN bytes. Returns the ms until the last one
 * has ended; *first: until the first one has. */
static uint64_t take(const struct server *server, const char *user, bool upload,
                     int n, size_t len, uint64_t *first)
{
    uint64_t began = clock_ms(), now = began;
    int status;

    for (int i = 0; i < n; i++)
        cr_assert_gt(client(server, user, upload, len), 0);
    for (int i = 0; i < n; i++) {
        cr_assert_gt(wait(&status), 0);
        cr_assert_eq(status, 0, "%s: client %d: %d", user, i, status);
        now = clock_ms();
        if (i == 0)
            *first = now - began;
    }
    return now - began;
}

static void expect_least(const struct server *server, const char *user,
                         bool upload, int n)
{
    uint64_t first, ms;

    give(server, user, SIZE / (size_t)n);
    ms = take(server, user, upload, n, SIZE / (size_t)n, &first);
    cr_expect_geq(ms, LEAST_MS, "%s, %d: %llu ms", user, n,
                  (unsigned long long)ms);
}

/* One session, and several of one user. */
Test(bandwidth, of_a_user, .timeout = 120)
{
    struct server server;

    start(&server, "");
    for (int n = 1; n <= SESSIONS; n += SESSIONS - 1) {
        expect_least(&server, "up", true, n);
        expect_least(&server, "down", false, n);
    }
    server_stop(&server);
}

/* The setting is for each user; a row's value counts instead, also 0. */
Test(bandwidth, of_each_user_by_the_setting, .timeout = 120)
{
    struct server server;
    struct session s;
    struct buf got;
    uint64_t began;

    start(&server,
          "user_bandwidth_up = 4M\nuser_bandwidth_down = " SLOW_BYTES "\n");
    expect_least(&server, "free", true, 1);
    give(&server, "one", SIZE);
    buf_init(&got, 2 * SIZE);
    began = clock_ms();
    session_enter(&s, &server, "one");
    session_fetch(&s, "RETR f0", &got); /* else it would take 32 s */
    cr_expect(got.len == SIZE && memcmp(got.data, noise, SIZE) == 0);
    cr_expect_lt(clock_ms() - began, 30000);
    buf_release(&got);
    session_close(&s);
    server_stop(&server);
}

static void expect_least_of_both(const struct server *server, const char *user,
                                 const char *other)
{
    uint64_t began;
    int status;

    for (int upload = 0; upload < 2; upload++) {
        give(server, user, SIZE / 2);
        give(server, other, SIZE / 2);
        began = clock_ms();
        cr_assert_gt(client(server, user, upload, SIZE / 2), 0);
        cr_assert_gt(client(server, other, upload, SIZE / 2), 0);
        for (int i = 0; i < 2; i++)
            cr_assert(wait(&status) > 0 && status == 0);
        cr_expect_geq(clock_ms() - began, LEAST_MS, "%s, %d", user, upload);
    }
}

/* All users together. */
Test(bandwidth, in_all, .timeout = 120)
{
    struct server server;

    start(&server, "bandwidth_down = 4M\nbandwidth_up = 4M\n");
    expect_least_of_both(&server, "free", "one");
    server_stop(&server);
}

/* The members together. Their own limits hold too, and are larger. */
Test(bandwidth, of_a_team, .timeout = 120)
{
    struct server server;

    start(&server, "user_bandwidth_down = 64M\n");
    expect_least_of_both(&server, "anna", "dora");
    server_stop(&server);
}

/* Bytes, and the end of the file, are the same with each conversion. */
Test(bandwidth, conversions, .timeout = 120)
{
    struct server server;
    struct session s;
    struct buf got;

    start(&server, "mode_z = yes\nascii = yes\n");
    buf_init(&got, 2 * SIZE);
    session_enter(&s, &server, "slow");
    session_do(&s, "200 {*}", "TYPE A");
    session_store(&s, "STOR", "a", "one\r\ntwo\r", 9);
    session_fetch(&s, "RETR a", &got);
    cr_expect_eq(got.len, 9);
    cr_expect(got.len == 9 && memcmp(got.data, "one\r\ntwo\r", 9) == 0);
    buf_release(&got);
    session_close(&s);
    server_stop(&server);
}

/* 4096 bytes a second: half a megabyte, as much as the server gathers for a
 * client without a limit, would take longer than this test may. */
Test(bandwidth, each_piece_is_sent, .timeout = 60)
{
    struct server server;
    struct session s;
    struct data d;
    char first[16];

    start(&server, "");
    give(&server, "slow", SIZE);
    session_enter(&s, &server, "slow");
    data_open(&s, &d, "RETR f0");
    cr_expect_gt(tls_client_read(d.tls, first, sizeof(first)), 0);
    data_cut(&d, true);
    session_expect(&s, "426 {*}");
    session_close(&s);
    server_stop(&server);
}

/* Processor time of all processes of the server, and of ended ones. */
static uint64_t cpu_ms(const struct server *server)
{
    unsigned long ticks = 0;
    struct processes p;

    processes_of(server->pid, &p);
    for (size_t i = 0; i < p.count; i++) {
        char path[64], line[1024] = "";
        unsigned long t[4] = { 0 };
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)p.row[i].pid);
        f = fopen(path, "r");
        if (!f)
            continue;
        if (fgets(line, sizeof(line), f))
            sscanf(strrchr(line, ')') + 2,
                   "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu "
                   "%lu",
                   &t[0], &t[1], &t[2], &t[3]);
        fclose(f);
        ticks += t[0] + t[1] + t[2] + t[3];
    }
    return (uint64_t)ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* Both gate and a session that waits. */
Test(bandwidth, nobody_spins, .timeout = 60)
{
    struct server server;
    struct session s;
    struct data d;
    uint64_t began, cpu;
    char bytes[512];

    start(&server, "");
    give(&server, "slow", SIZE);
    session_enter(&s, &server, "slow");
    data_open(&s, &d, "RETR f0");
    cr_assert_gt(tls_client_read(d.tls, bytes, sizeof(bytes)), 0);
    began = clock_ms();
    cpu = cpu_ms(&server);
    while (clock_ms() - began < 1000)
        cr_assert_gt(tls_client_read(d.tls, bytes, sizeof(bytes)), 0);
    cr_expect_lt(cpu_ms(&server) - cpu, 300);
    data_cut(&d, true);
    session_expect(&s, "426 {*}");
    session_close(&s);
    server_stop(&server);
}

/* A session that waits for bytes serves its client. */
Test(bandwidth, abor_while_it_waits, .timeout = 120)
{
    struct server server;
    struct session s;
    struct data d;

    start(&server, "");
    give(&server, "slow", SIZE);
    session_enter(&s, &server, "slow");
    for (int i = 0; i < 3; i++) {
        data_open(&s, &d, "RETR f0");
        session_do(&s, "200 {*}", "NOOP");
        session_do(&s, "426 {*}", "ABOR");
        session_expect(&s, "226 {*}");
        data_cut(&d, false);
        data_open(&s, &d, "STOR new");
        data_write(&d, noise, 64 * FAULT_KIB);
        session_do(&s, "426 {*}", "ABOR");
        session_expect(&s, "226 {*}");
        data_cut(&d, false);
    }
    session_close(&s);
    server_stop(&server);
}

static void open_one(const struct server *server, struct session *s,
                     struct data *d)
{
    session_enter(s, server, "two");
    data_open(s, d, "RETR f0");
}

static void try_as(const struct server *server, const char *user, int code)
{
    struct session s;
    struct data d;

    session_enter(&s, server, user);
    data_connect(&s, &d);
    session_send(&s, "RETR f0");
    cr_expect_eq(session_reply(&s), code, "%.*s", (int)s.reply.len,
                 s.reply.data);
    data_cut(&d, false);
    session_drop(&s);
}

static void try_another(const struct server *server, int code)
{
    try_as(server, "two", code);
}

/* One member's transfer is in the way of another's, until it ends. */
Test(bandwidth, transfers_of_a_team, .timeout = 120)
{
    struct server server;
    struct session s;
    struct data d;

    start(&server, "");
    give(&server, "bert", SIZE);
    give(&server, "carl", SIZE);
    session_enter(&s, &server, "bert");
    data_open(&s, &d, "RETR f0");
    try_as(&server, "carl", 450);
    server_log_wait(&server, "transfer ", "result=450 ", "of a team", NULL);
    session_do(&s, "426 {*}", "ABOR");
    session_expect(&s, "226 {*}");
    data_cut(&d, false);
    try_as(&server, "carl", 150);
    session_close(&s);
    server_stop(&server);
}

/* Two are permitted. The third one's reply names the limit. The end of one, in
 * whatever way, makes room. After a reload new sessions have a count of their
 * own. */
Test(bandwidth, transfers_of_a_user, .timeout = 180)
{
    struct server server;
    struct session s[2];
    struct data d[2];

    start(&server, "");
    give(&server, "two", SIZE);
    for (int i = 0; i < 2; i++)
        open_one(&server, &s[i], &d[i]);
    try_another(&server, 450);
    server_log_wait(&server, "transfer ", "result=450 ", "max_transfers", NULL);
    session_send(&s[0], "NLST"); /* held until the transfer is over */
    data_cut(&d[0], true);
    session_expect(&s[0], "426 {*}");
    try_another(&server, 150);
    session_drop(&s[0]);
    session_do(&s[1], "426 {*}", "ABOR");
    session_expect(&s[1], "226 {*}");
    data_cut(&d[1], false);
    for (int i = 0; i < 3; i++)
        try_another(&server, 150);
    data_open(&s[1], &d[1], "RETR f0");
    open_one(&server, &s[0], &d[0]);
    try_another(&server, 450);
    generation_reload(&server, GENERATION_CTL);
    try_another(&server, 150);
    for (int i = 0; i < 2; i++) {
        data_cut(&d[i], true);
        session_drop(&s[i]);
    }
    server_stop(&server);
}

/* A transfer that waits for bytes goes on after a reload, within the limit. */
Test(bandwidth, a_reload, .timeout = 180)
{
    struct server server;
    uint64_t began = clock_ms();
    int status;

    start(&server, "");
    give(&server, "down", 2 * SIZE);
    began = clock_ms();
    cr_assert_gt(client(&server, "down", false, 0), 0);
    server_log_wait(&server, "login ", "user=down", NULL);
    generation_reload(&server, GENERATION_CTL);
    cr_assert(wait(&status) > 0 && status == 0, "%d", status);
    cr_expect_geq(clock_ms() - began, 2 * LEAST_MS);
    server_stop(&server);
}

static void measure(const struct server *server, const char *user, bool upload,
                    int n)
{
    size_t len = (size_t)LONG_RATE * (LONG_MS / 1000) / (size_t)n;
    uint64_t first, ms, cpu = cpu_ms(server);

    give(server, user, len);
    ms = take(server, user, upload, n, len, &first);
    cpu = cpu_ms(server) - cpu;
    fprintf(stderr,
            "%s, %d: the first after %llu ms, the last after %llu; the server "
            "used %llu ms of a processor\n",
            user, n, (unsigned long long)first, (unsigned long long)ms,
            (unsigned long long)cpu);
    cr_expect_lt(cpu, LONG_MS / 10);
    cr_expect(ms + TOLERATED >= LONG_MS && ms <= LONG_MS + TOLERATED,
              "%s, %d: %llu ms", user, n, (unsigned long long)ms);
    cr_expect_geq(first + UNFAIR_MS, LONG_MS, "%s, %d: %llu ms", user, n,
                  (unsigned long long)first);
}

/* Within 5 % over 10 s, and fair: in the long run, without sanitizers. */
Test(bandwidth, precision, .timeout = 180)
{
    struct server server;

    if (!server_is_long() || server_is_sanitized())
        return;
    start(&server, "");
    for (int n = 1; n <= SESSIONS; n += SESSIONS - 1) {
        measure(&server, "down", false, n);
        measure(&server, "up", true, n);
    }
    server_stop(&server);
}
