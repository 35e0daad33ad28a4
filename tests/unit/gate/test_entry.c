/* Tests control connections: what gate gives to a session, and which clients
 * gate refuses. */
#include <sys/ioctl.h>

#include "bench.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "support/dimensions.h"
#include "support/wait.h"

#define FREE       "max_per_address = 100\nstartups = 100\n"
#define ANY_NUMBER "no_ban = 127.0.0.0/8\n"

GateTest(entry, a_session_and_its_end, .settings = FREE, .ports = 1)
{
    struct fake f;
    char text[256];
    int client;

    f = bench_enter(b, "127.0.0.5", &client);
    cr_assert_neq(f.serial, 0);
    cr_assert_eq(f.listener, 7);
    cr_assert_str_eq(address_text(&f.peer, text), "127.0.0.5");
    cr_assert_str_eq(address_text(&f.local, text), BENCH_SERVER);
    cr_assert_eq(f.local.port, b->control.port);
    fake_do(&f, "look");
    cr_assert_str_eq(fake_says(&f, text, sizeof(text)), "ignored 1 blocked 0");
    fake_do(&f, "exit 3");
    cr_assert_eq(bench_gone(b, &f), 3 << 8);
    cr_assert(client_closed(client));
    cr_assert(bench_silent(b)); /* the session itself sends its event */
}

GateTest(entry, serials_differ, .settings = FREE)
{
    uint64_t seen[8];

    for (int i = 0; i < 8; i++) {
        int client;

        seen[i] = bench_enter(b, "127.0.0.1", &client).serial;
        for (int k = 0; k < i; k++)
            cr_assert_neq(seen[i], seen[k]);
    }
}

struct limit_case {
    const char *settings;
    unsigned allowed; /* from 127.0.0.1, not logged in */
    const char *reply, *reason;
};

static const struct limit_case limits[] = {
    { "max_sessions = 2\nmax_per_address = 5\nstartups = 100\n", 2,
      "421 Too many connections: the server is full. Try again later.\r\n",
      "reason=max_sessions" },
    { "max_sessions = 9\nmax_per_address = 3\nstartups = 100\n", 3,
      "421 Too many connections: from your address. Try again later.\r\n",
      "reason=max_per_address" },
};

static void check_refused(struct bench *b, const struct limit_case *row)
{
    int client = client_connect("127.0.0.1", b->control.port);
    char line[512];

    cr_assert_str_eq(client_line(client, line, sizeof(line)), row->reply);
    cr_assert(client_closed(client));
    close(client);
    bench_event(b, line, sizeof(line));
    cr_assert(strncmp(line, "refused ", 8) == 0, "%s", line);
    cr_assert(strstr(line, "peer=127.0.0.1:"), "%s", line);
    cr_assert(strstr(line, row->reason), "%s", line);
}

static const struct {
    bool plays;
    int status; /* of the session's process */
    const char *why_not;
} ends[] = {
#define EXITS(as) { true, W_EXITCODE(ENDING_##as, 0), NULL }
    [END_BY_QUIT] = EXITS(QUIT),
    [END_BY_CUT] = EXITS(CLOSED),
    [END_BY_KICK] = EXITS(KICKED),
    [END_BY_LOCK] = EXITS(LOCKED),
    [END_BY_TIME] = EXITS(IDLE_TIME),
    [END_BY_DRAIN] = EXITS(DRAINED),
    [END_BY_RELOAD] = { .why_not = "another gate reaps it: "
                                   "generations/elders_count" },
    [END_BY_RETIREMENT] = EXITS(REPLACED),
    [END_BY_STOP] = EXITS(SHUTDOWN),
    [END_BY_DEATH] = { true, SIGKILL, NULL },
};
DIMENSION_ROWS(ends, END_BY_COUNT);

/* The session leaves, and the next one gets its place. */
static void leave(struct bench *b, struct fake *f, enum end_by by)
{
    char line[32];
    int client;

    if (!dimension_plays(end_by_words[by], ends[by].plays, ends[by].why_not))
        return;
    snprintf(line, sizeof(line), "exit %d", WEXITSTATUS(ends[by].status));
    if (by == END_BY_DEATH)
        cr_assert_eq(kill(f->pid, SIGKILL), 0);
    else
        fake_do(f, line);
    cr_expect_eq(bench_gone(b, f), ends[by].status, "%s", end_by_words[by]);
    *f = bench_enter(b, "127.0.0.1", &client);
}

Test(entry, each_limit_is_reached_and_left)
{
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct bench_plan plan = { .settings = limits[i].settings };
        struct fake first;
        struct bench b;
        char line[512];
        int client;

        bench_start(&b, &plan);
        first = bench_enter(&b, "127.0.0.1", &client);
        for (unsigned n = 1; n < limits[i].allowed; n++)
            bench_enter(&b, "127.0.0.1", &client);
        check_refused(&b, &limits[i]);
        for (enum end_by by = 0; by < END_BY_COUNT; by++)
            leave(&b, &first, by);
        client = client_connect("127.0.0.1", b.control.port);
        cr_expect_str_eq(client_line(client, line, sizeof(line)),
                         limits[i].reply, "a place too many");
        bench_stop(&b, 0);
    }
}

/* If the files can't be reached, gate logs no refusal: master has logged the
 * cause once, and each health check of a proxy would be another line. */
GateTest(entry, turned_away, .settings = FREE)
{
    static const struct {
        bool away, drains;
        const char *reply, *reason; /* NULL: no event */
    } rows[] = {
        { true, false,
          "421 The server can't reach its files now. Try again later.\r\n",
          NULL },
        { true, true, "421 The server is shutting down; come back later.\r\n",
          "reason=drain" },
    };
    char line[512];
    int client;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        board_set(&b->board->row[0].away, rows[i].away);
        board_set(&b->board->drains, rows[i].drains);
        client = client_connect("127.0.0.1", b->control.port);
        cr_expect_str_eq(client_line(client, line, sizeof(line)),
                         rows[i].reply);
        cr_expect(client_closed(client));
        close(client);
        if (rows[i].reason) {
            bench_event(b, line, sizeof(line));
            cr_expect(strstr(line, rows[i].reason), "%s", line);
        }
        cr_expect(bench_silent(b));
    }
    board_set(&b->board->row[0].away, 0);
    board_set(&b->board->drains, 0);
    bench_enter(b, "127.0.0.1", &client);
}

/* Connects. The connection can have to wait. */
static int knock(struct bench *b, const char *from)
{
    return client_connect(from, b->control.port);
}

/* Expects that gate has begun no session after it has handled all messages. */
static void expect_nobody(struct bench *b)
{
    bench_heard(b);
    cr_assert(bench_quiet(b));
}

static void expect_greeted(int client)
{
    char line[512];

    cr_assert_str_eq(client_line(client, line, sizeof(line)), "220 fake\r\n");
}

GateTest(entry, a_login_frees_a_startup, .settings = "startups = 1\n")
{
    struct fake f;
    int client;

    f = bench_enter(b, "127.0.0.1", &client);
    bench_log_in(b, 12345); /* no such session: no effect */
    bench_log_in(b, f.serial);
    bench_log_in(b, f.serial); /* counts once */
    bench_heard(b);
    f = bench_enter(b, "127.0.0.1", &client);
    client = knock(b, "127.0.0.1");
    expect_nobody(b);
    bench_log_in(b, f.serial);
    bench_session(b);
    expect_greeted(client);
}

/* Waiting connections get their turns in order, the oldest first, whether the
 * client before logs in or leaves. */
GateTest(entry, the_queue_in_order, .settings = "startups = 1\n")
{
    int client, waits[8];
    struct fake f;

    f = bench_enter(b, "127.0.0.1", &client);
    for (int i = 0; i < 8; i++) {
        waits[i] = knock(b, "127.0.0.1");
        expect_nobody(b);
    }
    for (int i = 0; i < 8; i++) {
        if (i % 2) {
            bench_log_in(b, f.serial);
        } else {
            fake_do(&f, "exit 0");
            bench_gone(b, &f);
        }
        f = bench_session(b);
        expect_greeted(waits[i]);
    }
}

/* A client that closes while it waits frees its place. */
GateTest(entry, a_client_leaves_the_queue,
         .settings = "max_per_address = 3\n"
                     "startups = 1\n")
{
    int client, gone, waits;
    struct fake f;

    f = bench_enter(b, "127.0.0.1", &client);
    for (int i = 0; i < 20; i++) {
        gone = knock(b, "127.0.0.1");
        expect_nobody(b);
        shutdown(gone, SHUT_WR);
        cr_assert(client_closed(gone));
        close(gone);
    }
    waits = knock(b, "127.0.0.1");
    expect_nobody(b);
    bench_log_in(b, f.serial);
    bench_session(b);
    expect_greeted(waits);
}

/* max_per_address limits the sessions and the queued connections of an address
 * together. No connection waits longer than login_timeout. */
GateTest(entry, the_bounds_of_the_queue,
         .settings = "max_per_address = 3\n"
                     "startups = 1\n"
                     "login_timeout = 5s\n")
{
    int client, waits[2];
    char line[512];

    bench_enter(b, "127.0.0.1", &client);
    waits[0] = knock(b, "127.0.0.1");
    waits[1] = knock(b, "127.0.0.1");
    check_refused(b, &limits[1]);
    for (int i = 0; i < 2; i++) {
        cr_expect_str_eq(
            client_line(waits[i], line, sizeof(line)),
            "421 The server is busy with other logins. Try again later.\r\n");
        cr_expect(client_closed(waits[i]));
    }
}

/* If one address has filled the queue, gate refuses its next connection. Its
 * oldest connection in the queue makes room for the first connection of another
 * address. */
GateTest(entry, a_full_queue,
         .settings = "max_per_address = 2000\n"
                     "startups = 1\n")
{
    static int waits[LIMIT_QUEUE];
    int client, other;
    struct fake f;
    char line[512];

    f = bench_enter(b, "127.0.0.1", &client);
    for (int i = 0; i < LIMIT_QUEUE; i++)
        waits[i] = knock(b, "127.0.0.1");
    client = knock(b, "127.0.0.1");
    cr_expect(strncmp(client_line(client, line, sizeof(line)), "421 ", 4) == 0);
    other = knock(b, "127.0.0.2");
    cr_expect(strncmp(client_line(waits[0], line, sizeof(line)), "421 ", 4) ==
              0);
    bench_log_in(b, f.serial);
    f = bench_session(b); /* the address with fewer connections comes first */
    expect_greeted(other);
    bench_log_in(b, f.serial);
    bench_session(b);
    expect_greeted(waits[1]);
}

/* A flood of refused connections causes at most one line in a second; then a
 * line has the number of the others. */
GateTest(entry, events_of_a_flood_are_bounded,
         .settings = "max_sessions = 1\n"
                     "max_per_address = 1\n")
{
    char line[512];
    int client;

    bench_user(b, "127.0.0.1", &client); /* makes no room */
    for (int i = 0; i < 50; i++) {
        int refused = client_connect("127.0.0.2", b->control.port);

        client_line(refused, line, sizeof(line));
        cr_assert(strncmp(line, "421 ", 4) == 0, "%s", line);
        close(refused);
    }
    bench_event(b, line, sizeof(line));
    cr_assert(strstr(line, "peer=127.0.0.2:"), "%s", line);
    for (int lines = 0; !strstr(line, "\"more of them\""); lines++) {
        cr_assert_lt(lines, 10); /* at most one for each second of the flood */
        bench_event(b, line, sizeof(line));
    }
    cr_assert(strstr(line, " number="), "%s", line); /* of the others */
}

#define REFUSALS 200

/* Refuses each address twice: at least the last refusal has no event. */
static void refuse_many(struct bench *b)
{
    char line[512], from[32];

    for (int i = 0; i < REFUSALS; i++) {
        int client;

        snprintf(from, sizeof(from), "127.0.2.%d", i / 2 + 1);
        client = client_connect(from, b->control.port);
        client_line(client, line, sizeof(line));
        close(client);
    }
}

static void expect_refusals(struct bench *b, unsigned long refusals)
{
    char line[512];
    unsigned long sum = 0;

    while (sum < refusals) {
        const char *number;

        bench_event(b, line, sizeof(line));
        cr_assert_not(strstr(line, "dropped"), "%s", line);
        number = strstr(line, " number=");
        sum += strstr(line, " peer=") != NULL;
        sum += number ? strtoul(number + 8, NULL, 10) : 0;
    }
    cr_expect_eq(sum, refusals);
}

/* While log reads nothing, gate counts what it can't send. */
GateTest(entry, no_refusal_is_lost,
         .settings = "max_sessions = 1\n"
                     "max_per_address = 1\n")
{
    int client;

    bench_user(b, "127.0.0.1", &client); /* makes no room */
    refuse_many(b);
    expect_refusals(b, REFUSALS);
}

static int bytes_for_log(int log)
{
    int bytes = 0;

    cr_assert_eq(ioctl(log, FIONREAD, &bytes), 0);
    return bytes;
}

static int unread;

static bool log_gets_more(void *log)
{
    return bytes_for_log(*(int *)log) > unread;
}

/* A gate that ends reports what it has only counted, also if log is behind. */
GateTest(entry, the_last_refusals_are_counted,
         .settings = "max_sessions = 1\n"
                     "max_per_address = 1\n")
{
    struct pollfd log = { .fd = b->log.fd };
    int client;

    bench_user(b, "127.0.0.1", &client); /* makes no room */
    refuse_many(b);
    unread = bytes_for_log(log.fd);
    /* Nothing comes if the tally has come before, or if log has no room left:
     * both can be if the refusals took long. */
    wait_until(log_gets_more, &log.fd, 3000);
    refuse_many(b); /* more than gate sends to a log that reads nothing */
    shutdown(b->master.fd, SHUT_RDWR);
    cr_assert_eq(poll(&log, 1, 10000), 1); /* gate has ended */
    expect_refusals(b, 2 * REFUSALS);
}

/* Lets COUNT sessions of an address end, with or without a login. */
static void end_fruitless(struct bench *b, unsigned count, bool logged_in)
{
    for (unsigned i = 0; i < count; i++) {
        struct fake f;
        int client;

        f = bench_enter(b, "127.0.0.9", &client);
        if (logged_in)
            bench_log_in(b, f.serial);
        fake_do(&f, "exit 0");
        bench_reaps(b, &f, !logged_in);
        close(client);
    }
}

GateTest(entry, those_that_never_log_in, .settings = FREE "max_fruitless = 1\n")
{
    char line[512];
    int client;

    end_fruitless(b, 8, true); /* these log in, so they don't count */
    end_fruitless(b, 1, false);
    client = client_connect("127.0.0.9", b->control.port);
    cr_expect_str_eq(client_line(client, line, sizeof(line)),
                     "421 Too many connections from your address ended without "
                     "a login. Try again later.\r\n");
    cr_expect(client_closed(client));
    bench_event(b, line, sizeof(line));
    cr_expect(strstr(line, "refused peer=127.0.0.9:"), "%s", line);
    cr_expect(strstr(line, "reason=max_fruitless"), "%s", line);
    bench_enter(b, "127.0.0.10", &client); /* the next address isn't affected */
}

GateTest(entry, those_who_may_be_fruitless,
         .settings = FREE "max_fruitless = 1\nno_ban = 127.0.0.8/31\n")
{
    end_fruitless(b, 10, false);
}

/* If one address has all places, its oldest session makes room for the first
 * session of another address, and never for another session of its own. */
GateTest(entry, one_makes_room,
         .settings = "max_per_address = 50\n"
                     "startups = 4\n")
{
    struct fake f[4], other;
    int client[4], own, late;
    char line[512];

    for (int i = 0; i < 4; i++)
        f[i] = bench_enter(b, "127.0.0.1", &client[i]);
    own = knock(b, "127.0.0.1");
    expect_nobody(b);
    bench_log_in(b, f[0].serial); /* so f[1] is the oldest */
    bench_session(b);
    expect_greeted(own);
    own = knock(b, "127.0.0.1");
    expect_nobody(b);
    late = knock(b, "127.0.0.2");
    bench_kills(b, &f[1], ENDING_CROWDED);
    other = bench_session(b);
    cr_expect_eq(other.peer.bytes[3], 2);
    cr_expect(client_closed(client[1]));
    expect_greeted(late);
    fake_do(&other, "look");
    fake_says(&other, line, sizeof(line));
    for (int i = 0; i < 4; i++)
        if (i != 1) {
            fake_do(&f[i], "look");
            fake_says(&f[i], line, sizeof(line));
        }
    expect_nobody(b);
}

/* Two addresses have one session each, and a client of a third address waits.
 * After a quarter of login_timeout, gate ends the session that has waited
 * longest. It never does so for an address that has a session already. */
GateTest(entry, many_addresses_make_room,
         .settings = ANY_NUMBER "startups = 2\n"
                                "login_timeout = 6s\n")
{
    int client, equal, other;
    struct fake first, second;
    uint64_t began;

    began = clock_ms();
    first = bench_enter(b, "127.0.0.1", &client);
    second = bench_enter(b, "127.0.0.2", &client);
    equal = knock(b, "127.0.0.2");
    expect_nobody(b);
    other = knock(b, "127.0.0.3");
    bench_kills(b, &first, ENDING_CROWDED);
    cr_expect_geq(clock_ms() - began, 6000 / 4);
    bench_session(b);
    expect_greeted(other);
    fake_do(&second, "exit 0");
    bench_gone(b, &second);
    bench_session(b);
    expect_greeted(equal);
}

/* A number of sessions: their messages don't fit into BENCH_NARROW. */
#define MANY 100

/* Receives MANY sessions. A session lives as long as its rope. */
static void hear_of_many(struct bench *b, int *rope)
{
    for (unsigned i = 0; i < MANY; i++)
        rope[i] = bench_session(b).rope;
}

/* If master doesn't read, gate leaves connections in the backlog, and refuses
 * none. */
GateTest(entry, a_slow_master,
         .settings = "max_sessions = 2000\n"
                     "max_per_address = 2000\n"
                     "startups = 2000\n" ANY_NUMBER,
         .room = BENCH_NARROW)
{
    int client[MANY], rope[MANY];

    for (int i = 0; i < MANY; i++)
        client[i] = client_connect("127.0.0.1", b->control.port);
    bench_sleeps(b->gate);
    hear_of_many(b, rope);
    for (int i = 0; i < MANY; i++)
        expect_greeted(client[i]);
    cr_assert(bench_silent(b));
}

/* If gate has no descriptors left, it refuses connections. It serves clients
 * again as soon as descriptors are free. */
GateTest(entry, descriptors_run_out, .settings = FREE, .files = 16)
{
    struct fake f[16];
    int client[16], late;
    unsigned n = 0;
    char line[512];

    for (;;) {
        client[n] = client_connect("127.0.0.1", b->control.port);
        client_line(client[n], line, sizeof(line));
        if (strncmp(line, "421 ", 4) == 0)
            break;
        f[n] = bench_session(b);
        cr_assert_lt(++n, 16);
    }
    cr_assert_gt(n, 0);
    cr_assert_str_eq(
        line,
        "421 Too many connections: the server is busy. Try again later.\r\n");
    bench_reports(b, "reason=resources");
    for (unsigned i = 0; i < n; i++)
        fake_do(&f[i], "exit 0");
    for (unsigned i = 0; i < n; i++)
        bench_gone(b, &f[i]);
    bench_enter(b, "127.0.0.1", &late);
}

static uint64_t cpu_ms(pid_t pid)
{
    struct timespec used;
    clockid_t clock;

    cr_assert_eq(clock_getcpuclockid(pid, &clock), 0);
    cr_assert_eq(clock_gettime(clock, &used), 0);
    return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
}

/* If gate has no descriptor to accept with, it refuses control connections with
 * its spare descriptor, and pauses after each. */
GateTest(entry, not_one_descriptor_is_left, .settings = FREE, .files = 1)
{
    uint64_t cpu, begin;
    char line[512];

    cpu = cpu_ms(b->gate);
    begin = clock_ms();
    for (int i = 0; i < 6; i++) { /* gate pauses between two */
        int client = client_connect("127.0.0.1", b->control.port);

        client_line(client, line, sizeof(line));
        cr_assert(strstr(line, "the server is busy"), "%s", line);
        cr_assert(client_closed(client));
        close(client);
    }
    cr_assert_geq(clock_ms() - begin, 5 * ACCEPT_PAUSE_MS);
    cr_assert_lt(cpu_ms(b->gate) - cpu, ACCEPT_PAUSE_MS);
}

GateTest(entry, door_closes_and_sessions_stay, .settings = FREE, .ports = 1)
{
    struct sockaddr_storage there;
    struct fake f;
    char line[64];
    socklen_t len;
    int client, fd;

    f = bench_user(b, "127.0.0.1", &client);
    SAY(&b->master, stop_accepting);
    bench_heard(b);
    cr_assert_eq(fake_port(&f), b->port);
    fd = client_connect("127.0.0.1", (uint16_t)b->port);
    cr_assert_str_eq(client_line(fd, line, sizeof(line)), "here\r\n");
    fd = socket(AF_INET, SOCK_STREAM, 0);
    len = address_to_sockaddr(&b->control, &there);
    cr_assert_eq(connect(fd, (struct sockaddr *)&there, len), -1);
}
