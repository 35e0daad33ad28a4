/* Each session keeps to its rate by itself. The short tests check only that the
 * bytes take a minimum time, so they pass on a slow machine. The long test
 * measures the time. */
#include "ctl.h"
#include "fault.h"
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
#define TOLERATED 500 /* 5 % of LONG_MS */

static const struct server_user users[] = {
    { .name = "up", .keys = "bandwidth_up=4M" },
    { .name = "down", .keys = "bandwidth_down=4M" },
    { .name = "free" },
    { .name = "slow", .keys = "bandwidth_down=4K bandwidth_up=4K" },
    { .name = "one", .keys = "bandwidth_down=0" },
    { .name = "anna", .keys = "teams=swift" },
    { .name = "dora", .keys = "teams=swift bandwidth_down=8M" },
};
static const char teams[] = "@team:swift:bandwidth_down=4M bandwidth_up=4M\n";
#define ALL (sizeof(users) / sizeof(users[0]))

static unsigned char noise[SIZE];

static void make_noise(void)
{
    files_noise(noise, sizeof(noise), 5);
}

TestSuite(bandwidth, .init = make_noise);

#define WITH(more)                                                             \
    PLAN(.settings = (more), .users = users, .user_count = ALL, .lines = teams)

/* Makes the user's file f0, of LEN bytes. */
static void give(const struct server *server, const char *user, size_t len)
{
    server_put(server, user, "f0", noise, len < SIZE ? len : SIZE);
    cr_assert_eq(truncate(server_home_file(server, user, "f0"), (off_t)len), 0);
}

/* Moves a file in the session, which a process ends with. */
static void move(struct session *s, bool upload, size_t len)
{
    struct data d;

    data_open(s, &d, "%s f%d", upload ? "STOR" : "RETR", upload ? getpid() : 0);
    for (size_t sent = 0; upload && sent < len; sent += 64 * FAULT_KIB)
        data_write(&d, noise, 64 * FAULT_KIB);
    if (upload)
        data_close(&d);
    else
        for (char rest[4096]; tls_client_read(d.tls, rest, sizeof(rest)) > 0;)
            ;
    session_expect(s, "226 {*}");
    _exit(0);
}

/* Starts a client in a process that ends after one transfer. Returns its
 * pid. */
static pid_t client(const struct server *server, const char *user, bool upload,
                    size_t len)
{
    pid_t pid = fork();
    struct session s;

    if (pid == 0) {
        session_enter(&s, server, user);
        move(&s, upload, len);
    }
    return pid;
}

/* Runs N clients at the same time, each with LEN bytes. Returns the ms until
 * the last client has ended; in *FIRST, the ms until the first client has
 * ended. */
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
    uint64_t first;

    give(server, user, SIZE);
    take(server, user, upload, n, SIZE, &first);
    cr_expect_geq(first, LEAST_MS, "%s, %d: %llu ms", user, n,
                  (unsigned long long)first);
}

/* Each session of a user has the rate of the user's row. */
ServerTest(bandwidth, of_a_user, 120, WITH(""))
{
    for (int n = 1; n <= SESSIONS; n += SESSIONS - 1) {
        expect_least(server, "up", true, n);
        expect_least(server, "down", false, n);
    }
}

/* A value in the user's row replaces the setting, also 0 (no limit). */
ServerTest(bandwidth, of_each_session_by_the_setting, 120,
           WITH("bandwidth_up = 4M\nbandwidth_down = 64K\n"))
{
    struct session s;
    uint64_t began;

    expect_least(server, "free", true, 1);
    give(server, "one", SIZE);
    began = clock_ms();
    session_enter(&s, server, "one");
    /* with the setting's limit this would take 32 s */
    session_expect_fetch(&s, "RETR f0", noise, SIZE);
    cr_expect_lt(clock_ms() - began, 30000);
    session_close(&s);
}

/* A team's rate is of each session of its members. Their own rates are
 * larger. */
ServerTest(bandwidth, of_a_team, 120, WITH("bandwidth_down = 64M\n"))
{
    for (int upload = 0; upload < 2; upload++) {
        expect_least(server, "anna", upload, 1);
        expect_least(server, "dora", upload, 1);
    }
}

static void signal_others(const struct server *server, int number)
{
    struct processes p;

    processes_of(server->pid, &p);
    for (size_t i = 0; i < p.count; i++)
        if (!strstr(p.row[i].title, "sallyport: session") &&
            !strstr(p.row[i].title, "sallyport: files"))
            cr_assert_eq(kill(p.row[i].pid, number), 0);
}

/* A transfer needs two processes, session and files: all others are stopped
 * meanwhile, also gate. */
ServerTest(bandwidth, two_processes, 120, WITH(""))
{
    for (int upload = 0; upload < 2; upload++) {
        const char *user = upload ? "up" : "down";
        struct session s;
        struct data d;

        give(server, user, SIZE);
        session_enter(&s, server, user);
        data_open(&s, &d, upload ? "STOR f1" : "RETR f0");
        signal_others(server, SIGSTOP);
        if (upload) {
            data_write(&d, noise, SIZE);
            data_close(&d);
        } else {
            struct buf got;

            buf_init(&got, 2 * SIZE);
            data_read_all(&d, &got);
            cr_expect_eq(got.len, SIZE);
            data_close(&d);
            buf_release(&got);
        }
        session_expect(&s, "226 {*}");
        signal_others(server, SIGCONT);
        session_close(&s);
    }
}

/* Returns the processor time of the server's processes, and of ended ones. */
static uint64_t cpu_ms(const struct server *server)
{
    uint64_t ticks = 0;
    struct processes p;

    processes_of(server->pid, &p);
    for (size_t i = 0; i < p.count; i++)
        ticks += process_ticks(p.row[i].pid);
    return ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* A session that waits uses little processor time. It sends its bytes at once,
 * not half a megabyte as to a client without a limit. */
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

/* A transfer that waits goes on after a reload and a gate's death, within its
 * rate. */
ServerTest(bandwidth, a_reload_and_a_death, 180,
           PLAN(.users = users, .user_count = ALL, .lines = teams,
                .troubles = true))
{
    uint64_t began = clock_ms();
    int status;

    give(server, "down", 2 * SIZE);
    began = clock_ms();
    cr_assert_gt(client(server, "down", false, 0), 0);
    server_log_wait(server, "login ", "user=down", NULL);
    processes_kill(server->pid, "sallyport: gate");
    ctl(server, 0, "reload", "");
    cr_assert(wait(&status) > 0 && status == 0, "%d", status);
    cr_expect_geq(clock_ms() - began, 2 * LEAST_MS);
}

static void expect_about_long(const char *user, int n, uint64_t ms,
                              uint64_t first)
{
    fprintf(stderr, "%s, %d: the first after %llu ms, the last after %llu\n",
            user, n, (unsigned long long)first, (unsigned long long)ms);
    cr_expect(ms + TOLERATED >= LONG_MS && ms <= LONG_MS + TOLERATED,
              "%s, %d: %llu ms", user, n, (unsigned long long)ms);
    cr_expect_geq(first + TOLERATED, LONG_MS, "%s, %d: %llu ms", user, n,
                  (unsigned long long)first);
}

static void measure(const struct server *server, const char *user, bool upload,
                    int n)
{
    size_t len = (size_t)LONG_RATE * (LONG_MS / 1000);
    uint64_t first, ms, cpu = cpu_ms(server);

    give(server, user, len);
    ms = take(server, user, upload, n, len, &first);
    cpu = cpu_ms(server) - cpu;
    fprintf(stderr, "the server used %llu ms of a processor\n",
            (unsigned long long)cpu);
    cr_expect_lt(cpu, LONG_MS / 10 * (uint64_t)n);
    expect_about_long(user, n, ms, first);
}

/* The rate of each session is exact within 5 % over 10 s. Only the row
 * bandwidth_alone runs this, while nothing else runs. */
ServerTest(bandwidth, precision, 180, WITH(""))
{
    if (!getenv("SALLYPORT_ALONE"))
        return;
    for (int n = 1; n <= SESSIONS; n += SESSIONS - 1) {
        measure(server, "down", false, n);
        measure(server, "up", true, n);
    }
}
