/* Bandwidth that sessions share, and transfers at a time: of one user, and of
 * all. The short tests know only how much time the bytes need at least, so that
 * a slow machine fails none of them. The long one measures. */
#include "fault.h"
#include "generation.h"
#include "sallyport/base/clock.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/run.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

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
#define ALL (sizeof(users) / sizeof(users[0]))

static unsigned char noise[SIZE];

static void make_noise(void)
{
    files_noise(noise, sizeof(noise), 5);
}

TestSuite(bandwidth, .init = make_noise);

#define WITH(more)                                                             \
    PLAN(.settings = (more), .users = users, .user_count = ALL, .lines = teams)

/* The file f0 of this user. */
static void give(const struct server *server, const char *user, size_t len)
{
    server_put(server, user, "f0", noise, len < SIZE ? len : SIZE);
    cr_assert_eq(truncate(server_home_file(server, user, "f0"), (off_t)len), 0);
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
ServerTest(bandwidth, of_a_user, 120, WITH(""))
{
    for (int n = 1; n <= SESSIONS; n += SESSIONS - 1) {
        expect_least(server, "up", true, n);
        expect_least(server, "down", false, n);
    }
}

/* The setting is for each user; a row's value counts instead, also 0. */
ServerTest(bandwidth, of_each_user_by_the_setting, 120,
           WITH("user_bandwidth_up = 4M\nuser_bandwidth_down = " SLOW_BYTES
                "\n"))
{
    struct session s;
    struct buf got;
    uint64_t began;

    expect_least(server, "free", true, 1);
    give(server, "one", SIZE);
    buf_init(&got, 2 * SIZE);
    began = clock_ms();
    session_enter(&s, server, "one");
    session_fetch(&s, "RETR f0", &got); /* else it would take 32 s */
    cr_expect(got.len == SIZE && memcmp(got.data, noise, SIZE) == 0);
    cr_expect_lt(clock_ms() - began, 30000);
    buf_release(&got);
    session_close(&s);
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
ServerTest(bandwidth, in_all, 120,
           WITH("bandwidth_down = 4M\nbandwidth_up = 4M\n"))
{
    expect_least_of_both(server, "free", "one");
}

/* The members together. Their own limits hold too, and are larger. */
ServerTest(bandwidth, of_a_team, 120, WITH("user_bandwidth_down = 64M\n"))
{
    expect_least_of_both(server, "anna", "dora");
}

/* Bytes, and the end of the file, are the same with each conversion. */
ServerTest(bandwidth, conversions, 120, WITH("mode_z = yes\nascii = yes\n"))
{
    struct session s;
    struct buf got;

    buf_init(&got, 2 * SIZE);
    session_enter(&s, server, "slow");
    session_do(&s, "200 {*}", "TYPE A");
    session_store(&s, "STOR", "a", "one\r\ntwo\r", 9);
    session_fetch(&s, "RETR a", &got);
    cr_expect_eq(got.len, 9);
    cr_expect(got.len == 9 && memcmp(got.data, "one\r\ntwo\r", 9) == 0);
    buf_release(&got);
    session_close(&s);
}

/* 4096 bytes a second: half a megabyte, as much as the server gathers for a
 * client without a limit, would take longer than this test may. */
ServerTest(bandwidth, each_piece_is_sent, 60, WITH(""))
{
    struct session s;
    struct data d;
    char first[16];

    give(server, "slow", SIZE);
    session_enter(&s, server, "slow");
    data_open(&s, &d, "RETR f0");
    cr_expect_gt(tls_client_read(d.tls, first, sizeof(first)), 0);
    data_cut(&d, true);
    session_expect(&s, "426 {*}");
    session_close(&s);
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
ServerTest(bandwidth, nobody_spins, 60, WITH(""))
{
    struct session s;
    struct data d;
    uint64_t began, cpu;
    char bytes[512];

    give(server, "slow", SIZE);
    session_enter(&s, server, "slow");
    data_open(&s, &d, "RETR f0");
    cr_assert_gt(tls_client_read(d.tls, bytes, sizeof(bytes)), 0);
    began = clock_ms();
    cpu = cpu_ms(server);
    while (clock_ms() - began < 1000)
        cr_assert_gt(tls_client_read(d.tls, bytes, sizeof(bytes)), 0);
    cr_expect_lt(cpu_ms(server) - cpu, 300);
    data_cut(&d, true);
    session_expect(&s, "426 {*}");
    session_close(&s);
}

/* A session that waits for bytes serves its client. */
ServerTest(bandwidth, abor_while_it_waits, 120, WITH(""))
{
    struct session s;
    struct data d;

    give(server, "slow", SIZE);
    session_enter(&s, server, "slow");
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
ServerTest(bandwidth, transfers_of_a_team, 120, WITH(""))
{
    struct session s;
    struct data d;

    give(server, "bert", SIZE);
    give(server, "carl", SIZE);
    session_enter(&s, server, "bert");
    data_open(&s, &d, "RETR f0");
    try_as(server, "carl", 450);
    server_log_wait(server, "transfer ", "result=450 ", "of a team", NULL);
    session_do(&s, "426 {*}", "ABOR");
    session_expect(&s, "226 {*}");
    data_cut(&d, false);
    try_as(server, "carl", 150);
    session_close(&s);
}

/* Two are permitted. The third one's reply names the limit. The end of one, in
 * whatever way, makes room. After a reload new sessions have a count of their
 * own. */
ServerTest(bandwidth, transfers_of_a_user, 180, WITH(""))
{
    struct session s[2];
    struct data d[2];

    give(server, "two", SIZE);
    for (int i = 0; i < 2; i++)
        open_one(server, &s[i], &d[i]);
    try_another(server, 450);
    server_log_wait(server, "transfer ", "result=450 ", "max_transfers", NULL);
    session_send(&s[0], "NLST"); /* held until the transfer is over */
    data_cut(&d[0], true);
    session_expect(&s[0], "426 {*}");
    try_another(server, 150);
    session_drop(&s[0]);
    session_do(&s[1], "426 {*}", "ABOR");
    session_expect(&s[1], "226 {*}");
    data_cut(&d[1], false);
    for (int i = 0; i < 3; i++)
        try_another(server, 150);
    data_open(&s[1], &d[1], "RETR f0");
    open_one(server, &s[0], &d[0]);
    try_another(server, 450);
    generation_reload(server, GENERATION_CTL);
    try_another(server, 150);
    for (int i = 0; i < 2; i++) {
        data_cut(&d[i], true);
        session_drop(&s[i]);
    }
}

/* A transfer that waits for bytes goes on after a reload, within the limit. */
ServerTest(bandwidth, a_reload, 180, WITH(""))
{
    uint64_t began = clock_ms();
    int status;

    give(server, "down", 2 * SIZE);
    began = clock_ms();
    cr_assert_gt(client(server, "down", false, 0), 0);
    server_log_wait(server, "login ", "user=down", NULL);
    generation_reload(server, GENERATION_CTL);
    cr_assert(wait(&status) > 0 && status == 0, "%d", status);
    cr_expect_geq(clock_ms() - began, 2 * LEAST_MS);
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
ServerTest(bandwidth, precision, 180, WITH(""))
{
    for (int n = 1; n <= SESSIONS; n += SESSIONS - 1) {
        measure(server, "down", false, n);
        measure(server, "up", true, n);
    }
}
