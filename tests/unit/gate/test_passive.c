/* Passive ports, with real sockets from 127.0.0.x. */
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define FREE "max_sessions = 400\nmax_per_address = 100\nstartups = 400\n"

static bool is_one_of(const struct bench *b, unsigned ports, uint16_t port)
{
    for (unsigned i = 0; i < ports; i++)
        if (b->port[i].port == port)
            return true;
    return false;
}

/* The client connects, and its session gets the socket. */
static void use(const struct fake *f, const char *from, uint16_t port)
{
    char said[128], want[128], line[64];
    int fd = client_connect(from, port);

    snprintf(want, sizeof(want), "data %s nodelay 1 blocking 0", from);
    cr_assert_str_eq(fake_says(f, said, sizeof(said)), want);
    cr_assert_str_eq(client_line(fd, line, sizeof(line)), "here\r\n");
    close(fd);
}

Test(passive, a_data_connection)
{
    struct bench_plan plan = { .settings = FREE, .ports = 4 };
    struct fake f;
    struct bench b;
    int client;

    f = bench_open(&b, &plan, &client);
    for (int i = 0; i < 20; i++) { /* a used pair is free at once */
        uint16_t port = fake_port(&f);

        cr_assert(is_one_of(&b, 4, port));
        use(&f, "127.0.0.1", port);
    }
    bench_stop(&b, 0);
}

/* The announced address, by the setting and by the bind address. */
struct told_row {
    const char *setting;
    bool wildcard;
    const char *told;
};

static const struct told_row told[] = {
    { "", false, "127.0.0.1" },
    { "", true, "127.0.0.1" },
    { "address = 192.0.2.77\n", false, "192.0.2.77" },
    { "address = 192.0.2.77\n", true, "192.0.2.77" },
    { "address = 2001:db8::7\n", false, "127.0.0.1" }, /* another family */
    { "address.127.0.0.0/8 = 192.0.2.8\n", true, "192.0.2.8" },
    { "address.127.0.0.0/30 = 192.0.2.8\naddress.127.0.0.0/8 = 192.0.2.9\n"
      "address = 192.0.2.77\n",
      false, "192.0.2.8" },
    { "address.127.0.0.1 =\naddress = 192.0.2.77\n", false, "127.0.0.1" },
    { "address.127.0.0.2/31 = 192.0.2.8\naddress = 192.0.2.77\n", false,
      "192.0.2.77" },
    { "address.::/0 = 2001:db8::7\naddress = 192.0.2.77\n", false,
      "192.0.2.77" },
};

Test(passive, told_address)
{
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        char text[256];
        struct bench_plan plan = { .settings = text,
                                   .ports = 1,
                                   .wildcard = told[i].wildcard };
        struct address a;
        struct fake f;
        struct bench b;
        int client;

        snprintf(text, sizeof(text), FREE "%s", told[i].setting);
        f = bench_open(&b, &plan, &client);
        fake_do(&f, "port");
        fake_says(&f, text, sizeof(text));
        cr_assert(strncmp(text, "is ", 3) == 0, "%s", text);
        cr_assert_eq(address_parse_port(slice_from(text + 3), &a), 0);
        cr_assert_eq(a.port, b.port[0].port);
        cr_assert_str_eq(address_text(&a, text), told[i].told, "row %zu", i);
        bench_stop(&b, 0);
    }
}

static void expect_told(const struct fake *f, const char *address)
{
    char text[128];
    struct address a;

    fake_do(f, "port");
    fake_says(f, text, sizeof(text));
    cr_assert_eq(address_parse_port(slice_from(text + 3), &a), 0, "%s", text);
    cr_expect_str_eq(address_text(&a, text), address);
}

/* Where none is known: the one that the client connected to. */
Test(passive, told_the_address_of_a_host)
{
    struct bench_plan plan = {
        .settings = FREE "address = a.example\n"
                         "address.127.0.0.2 = b.example\n",
        .resolved = "192.0.2.1",
        .ports = 2,
    };
    struct fake f[2];
    struct bench b;
    int client;

    f[0] = bench_open(&b, &plan, &client);
    f[1] = bench_user(&b, "127.0.0.2", &client);
    expect_told(&f[0], "192.0.2.1");
    expect_told(&f[1], "127.0.0.1");
    bench_stop(&b, 0);
}

/* Sessions of one host never share a port; if none is left, they get that
 * answer. */
Test(passive, one_host_and_two_ports)
{
    struct bench_plan plan = { .settings = FREE, .ports = 2 };
    struct fake f[3], other;
    uint16_t port[2];
    struct bench b;
    int client;

    bench_start(&b, &plan);
    for (int i = 0; i < 3; i++)
        f[i] = bench_user(&b, "127.0.0.1", &client);
    port[0] = fake_port(&f[0]);
    port[1] = fake_port(&f[1]);
    cr_assert_neq(port[0], port[1]);
    cr_assert_eq(fake_port(&f[2]), 0);
    other = bench_user(&b, "127.0.0.2", &client);
    cr_assert_neq(fake_port(&other), 0);
    use(&f[1], "127.0.0.1", port[1]);
    use(&f[0], "127.0.0.1", port[0]); /* each one its own, in any order */
    cr_assert_neq(fake_port(&f[2]), 0);
    bench_stop(&b, 0);
}

/* A late connection is closed and logged, and reaches no other session. */
static void check_late(struct bench *b, uint16_t port)
{
    int late = client_connect("127.0.0.1", port);
    char line[512];

    cr_assert(client_closed(late));
    close(late);
    bench_event(b, line, sizeof(line));
    cr_assert(strncmp(line, "data-refused ", 13) == 0, "%s", line);
    cr_assert(strstr(line, "reason=\"too late\""), "%s", line);
}

/* Opens a session with the only port, and another one of the same host. */
static uint16_t begin_rest(struct bench *b, const char *settings,
                           struct fake *f, struct fake *next)
{
    struct bench_plan plan = { .settings = settings, .ports = 1 };
    uint16_t port;
    int client;

    bench_start(b, &plan);
    *f = bench_user(b, "127.0.0.1", &client);
    *next = bench_user(b, "127.0.0.1", &client);
    port = fake_port(f);
    cr_assert_neq(port, 0);
    return port;
}

static void end_rest(struct bench *b, const struct fake *next, uint16_t port)
{
    cr_assert_eq(fake_port(next), 0);
    check_late(b, port);
    bench_stop(b, 0);
}

/* Gate gets this before all later requests. */
static void close_port(const struct fake *f)
{
    char line[256];

    fake_do(f, "close");
    fake_do(f, "look");
    fake_says(f, line, sizeof(line));
}

Test(passive, a_closed_pair_rests)
{
    struct fake f, next;
    struct bench b;
    uint16_t port = begin_rest(&b, FREE, &f, &next);

    close_port(&f);
    end_rest(&b, &next, port);
}

/* The session gets its own port again, and its late client reaches it. */
Test(passive, a_left_pair_is_lent_to_its_session)
{
    struct fake f, next;
    struct bench b;
    uint16_t port = begin_rest(&b, FREE, &f, &next);

    close_port(&f);
    cr_assert_eq(fake_port(&next), 0);
    cr_assert_eq(fake_port(&f), port);
    use(&f, "127.0.0.1", port);
    cr_assert_eq(fake_port(&next), port);
    bench_stop(&b, 0);
}

static void look(const struct fake *f)
{
    char line[256];

    fake_do(f, "look");
    fake_says(f, line, sizeof(line));
    cr_assert(strncmp(line, "keepalive", 9) == 0, "%s", line);
}

/* The client connected, was refused the command, and closed that connection: it
 * waits in the queue when the session asks for a port again. */
Test(passive, a_given_up_connection_is_not_the_next_one)
{
    char line[256];
    struct fake f, next;
    struct bench b;
    uint16_t port = begin_rest(&b, FREE, &f, &next);
    int late;

    kill(b.gate, SIGSTOP);
    fake_do(&f, "close");
    fake_do(&f, "port");
    look(&f); /* both messages were sent */
    late = client_connect("127.0.0.1", port);
    kill(b.gate, SIGCONT);
    fake_says(&f, line, sizeof(line));
    cr_assert(strncmp(line, "is ", 3) == 0, "%s", line);
    cr_assert_eq(recv(late, line, 1, 0), 0, "not turned away");
    close(late);
    look(&f); /* no data came */
    use(&f, "127.0.0.1", port);
    bench_stop(&b, 0);
}

/* A session that asks and never connects takes only one port from the
 * others. */
Test(passive, one_session_cannot_take_all_ports)
{
    struct bench_plan plan = { .settings = FREE, .ports = 2 };
    struct fake greedy, other;
    struct bench b;
    int client;

    greedy = bench_open(&b, &plan, &client);
    other = bench_user(&b, "127.0.0.1", &client);
    for (int i = 0; i < 10; i++)
        cr_assert_neq(fake_port(&greedy), 0);
    cr_assert_neq(fake_port(&other), 0);
    bench_stop(&b, 0);
}

Test(passive, a_replaced_pair_rests)
{
    struct fake f, next;
    struct bench b;
    uint16_t port = begin_rest(&b, FREE, &f, &next);

    cr_assert_eq(fake_port(&f), port);
    close_port(&f);
    end_rest(&b, &next, port);
}

Test(passive, the_pair_of_an_ended_session_rests)
{
    struct fake f, next;
    struct bench b;
    uint16_t port = begin_rest(&b, FREE, &f, &next);

    fake_do(&f, "exit 0");
    bench_gone(&b, &f);
    end_rest(&b, &next, port);
}

/* The test doesn't wait for something to happen: it tests that this time has
 * passed. */
static void pass_time(uint64_t end)
{
    for (uint64_t now = clock_ms(); now < end; now = clock_ms())
        poll(NULL, 0, (int)(end - now));
}

Test(passive, a_pair_rests_when_its_time_is_over)
{
    struct fake f, next;
    struct bench b;
    uint16_t port = begin_rest(&b, FREE "connect_timeout = 100ms\n", &f, &next);

    pass_time(clock_ms() + 200);
    end_rest(&b, &next, port);
}

/* The client's time begins with the reply 150, and gate doesn't know when that
 * is sent. */
Test(passive, a_pair_waits_for_a_slow_150)
{
    struct bench_plan plan = { .settings = FREE "connect_timeout = 2s\n",
                               .ports = 1 };
    struct bench b;
    struct fake f;
    int client;

    f = bench_open(&b, &plan, &client);
    uint64_t asked = clock_ms();
    uint16_t port = fake_port(&f);
    pass_time(asked + 2100);
    use(&f, "127.0.0.1", port);
    bench_stop(&b, 0);
}

static struct fake enter_as(struct bench *b, uint64_t user)
{
    int client;
    struct fake f = bench_enter(b, "127.0.0.1", &client);

    bench_logged_in(b, &f, user);
    return f;
}

/* Gate gives the session a connection that may belong to another one. */
static int knock_in_doubt(const struct fake *f, uint16_t port)
{
    char said[128];
    int fd = client_connect("127.0.0.1", port);

    cr_assert_str_eq(fake_says(f, said, sizeof(said)),
                     "perhaps 127.0.0.1 nodelay 1 blocking 0");
    return fd;
}

/* A session has left the only port. Another user gets it at once, unless a late
 * connection could be valid for that user. */
Test(passive, left_ports_of_others)
{
    struct bench_plan plan = { .settings = FREE, .ports = 1 };
    struct fake first, same, other, third;
    struct bench b;
    uint16_t port;

    bench_start(&b, &plan);
    first = enter_as(&b, 1);
    same = enter_as(&b, 1);
    other = enter_as(&b, 2);
    third = enter_as(&b, 3);
    port = fake_port(&first);
    cr_assert_neq(port, 0);
    cr_expect_eq(fake_port(&other), 0); /* it is expected there */
    fake_do(&first, "exit 0");
    bench_gone(&b, &first);
    cr_expect_eq(fake_port(&same), 0);
    cr_expect_eq(fake_port(&other), port);
    close(knock_in_doubt(&other, port));
    fake_do(&other, "mine");
    look(&other);
    cr_expect_eq(fake_port(&same), 0);
    cr_expect_eq(fake_port(&third), port);
    bench_stop(&b, 0);
}

/* The late connection comes first and the session refuses it. Its own client's,
 * which has come meanwhile, is next. */
Test(passive, a_late_connection_of_another_user)
{
    struct bench_plan plan = { .settings = FREE, .ports = 1 };
    char line[512];
    struct fake first, other;
    struct bench b;
    int late, own;
    uint16_t port;

    bench_start(&b, &plan);
    first = enter_as(&b, 1);
    other = enter_as(&b, 2);
    port = fake_port(&first);
    close_port(&first);
    cr_assert_eq(fake_port(&other), port);
    late = knock_in_doubt(&other, port);
    own = client_connect("127.0.0.1", port);
    fake_do(&other, "foreign 3 192.0.2.9:77"); /* a lie */
    cr_assert_str_eq(fake_says(&other, line, sizeof(line)),
                     "perhaps 127.0.0.1 nodelay 1 blocking 0");
    bench_event(&b, line, sizeof(line));
    cr_expect(strstr(line, "reason=\"of another user"), "%s", line);
    cr_expect(strstr(line, "peer=127.0.0.1:77 "), "%s", line);
    fake_do(&other, "foreign 3 127.0.0.1:1"); /* nor that one */
    close(knock_in_doubt(&other, port));
    fake_do(&other, "foreign 3 127.0.0.1:1");
    look(&other);
    use(&other, "127.0.0.1", port); /* the last one, which is not in doubt */
    close(late);
    close(own);
    bench_stop(&b, 0);
}

/* While one is checked, few others wait, and they are closed when the wait
 * ends. */
Test(passive, those_that_wait_meanwhile)
{
    struct bench_plan plan = { .settings = FREE, .ports = 1 };
    int late, waits[EXPECT_PARKED + 1];
    struct fake first, other;
    struct bench b;
    uint16_t port;

    bench_start(&b, &plan);
    first = enter_as(&b, 1);
    other = enter_as(&b, 2);
    port = fake_port(&first);
    close_port(&first);
    cr_assert_eq(fake_port(&other), port);
    late = knock_in_doubt(&other, port);
    for (int i = 0; i <= EXPECT_PARKED; i++)
        waits[i] = client_connect("127.0.0.1", port);
    cr_expect(client_closed(waits[EXPECT_PARKED]));
    fake_do(&other, "mine");
    for (int i = 0; i < EXPECT_PARKED; i++)
        cr_expect(client_closed(waits[i]), "%d", i);
    close(late);
    bench_stop(&b, 0);
}

/* A thousand sessions that never connect to their port, and after each of them
 * a session of another user. */
Test(passive, a_thousand_left_ports, .timeout = 120)
{
    struct bench_plan plan = { .settings = FREE "max_fruitless = 1000000\n",
                               .ports = BENCH_PORTS };
    struct bench b;
    struct fake honest;

    bench_start(&b, &plan);
    honest = enter_as(&b, 1);
    for (uint64_t i = 0; i < 1000; i++) {
        int client;
        struct fake f = bench_enter(&b, "127.0.0.1", &client);
        uint16_t port;

        bench_logged_in(&b, &f, 2 + i % 10);
        fake_port(&f); /* it may be refused */
        fake_do(&f, "exit 0");
        bench_gone(&b, &f);
        close(client);
        port = fake_port(&honest);
        cr_assert_neq(port, 0, "after %llu", (unsigned long long)i);
    }
    bench_stop(&b, 0);
}

/* Two sessions expect a client at the port: both still get their connection. */
Test(passive, a_stranger_to_two)
{
    struct bench_plan plan = { .settings = FREE, .ports = 1 };
    struct fake f[2];
    struct bench b;
    int client, stranger;
    uint16_t port;

    f[0] = bench_open(&b, &plan, &client);
    f[1] = bench_user(&b, "127.0.0.2", &client);
    port = fake_port(&f[0]);
    cr_assert_eq(fake_port(&f[1]), port);
    stranger = client_connect("127.0.0.66", port);
    cr_assert(client_closed(stranger));
    use(&f[0], "127.0.0.1", port);
    use(&f[1], "127.0.0.2", port);
    bench_stop(&b, 0);
}

Test(passive, nobody_is_expected)
{
    struct bench_plan plan = { .settings = FREE, .ports = 1 };
    struct bench b;
    int stranger;

    bench_start(&b, &plan);
    stranger = client_connect("127.0.0.66", b.port[0].port);
    cr_assert(client_closed(stranger));
    bench_reports(&b, "reason=\"nobody is expected\"");
    bench_stop(&b, 0);
}

/* A pair takes one connection: the second one belongs to nobody. */
Test(passive, one_connection_per_port_command)
{
    struct bench_plan plan = { .settings = FREE, .ports = 1 };
    struct fake f;
    struct bench b;
    int client, second;
    uint16_t port;

    f = bench_open(&b, &plan, &client);
    port = fake_port(&f);
    use(&f, "127.0.0.1", port);
    second = client_connect("127.0.0.1", port);
    cr_assert(client_closed(second));
    bench_stop(&b, 0);
}

Test(passive, no_ports_at_all)
{
    struct bench_plan plan = { .settings = FREE };
    struct fake f;
    struct bench b;
    int client;

    f = bench_open(&b, &plan, &client);
    cr_assert_eq(fake_port(&f), 0);
    bench_stop(&b, 0);
}

/* The choice is random: in 200 tries each of 8 ports comes up (by chance one is
 * missing once in 10^10 runs). */
Test(passive, every_port_is_chosen)
{
    struct bench_plan plan = { .settings = FREE, .ports = BENCH_PORTS };
    unsigned seen[BENCH_PORTS] = { 0 };
    struct fake f;
    struct bench b;
    int client;

    f = bench_open(&b, &plan, &client);
    for (int i = 0; i < 200; i++) {
        uint16_t port = fake_port(&f);

        use(&f, "127.0.0.1", port);
        for (unsigned k = 0; k < BENCH_PORTS; k++)
            seen[k] += b.port[k].port == port;
    }
    for (unsigned k = 0; k < BENCH_PORTS; k++)
        cr_assert_gt(seen[k], 0);
    bench_stop(&b, 0);
}

static uint64_t cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Passive ports without sockets, in the test's own process. */
static struct gate gate_of_many;
static int many_ends[2]; /* of the channel of all its sessions */

static const struct address many_host = { .family = 4,
                                          .bytes = { 127, 0, 0, 1 } };

static void many_begin(unsigned ports, size_t pairs)
{
    struct address a = many_host;

    gate_of_many = (struct gate){ .settings.connect_timeout = 1000 };
    cr_assert_eq(fd_pair(many_ends), 0);
    cr_assert_eq(loop_init(&gate_of_many.frame.loop), 0);
    for (a.port = 1; a.port <= ports; a.port++)
        cr_assert_eq(passive_add(&gate_of_many, -1, &a, false), 0);
    cr_assert_eq(expect_init(&gate_of_many.passive.expect, pairs, 100000), 0);
}

static void many_end(void)
{
    passive_release(&gate_of_many);
    loop_release(&gate_of_many.frame.loop);
    close(many_ends[0]);
    close(many_ends[1]);
}

static struct child many_child(uint64_t serial)
{
    struct child c = { .gate = &gate_of_many,
                       .serial = serial,
                       .peer = many_host,
                       .local = many_host,
                       .server = many_host };

    channel_init(&c.channel, many_ends[0], PROCESS_GATE, PROCESS_SESSION,
                 PHASE_RUN);
    return c;
}

static void many_epsv(struct child *c)
{
    struct message m;

    cr_assert_eq(passive_port(c, 1), 0);
    cr_assert_gt(recv(many_ends[1], &m, sizeof(m), 0), 0);
    cr_assert(c->pair);
}

/* CPU time in us of some EPSV with so many passive ports. */
static uint64_t cost_of_ports(unsigned count)
{
    struct child c;
    uint64_t before;

    many_begin(count, 100);
    c = many_child(1);
    before = cpu_us();
    for (int i = 0; i < 200; i++) {
        many_epsv(&c);
        c.pair->given = true; /* its connection has come */
        passive_mine(&c);
        cr_assert_null(c.pair);
    }
    before = cpu_us() - before;
    many_end();
    return before;
}

/* Nobody else waits longer because there are many ports. */
Test(passive, many_ports_cost_no_more_than_few)
{
    uint64_t few = cost_of_ports(60), many = cost_of_ports(60000);

    cr_expect_lt(many, 10 * few, "%llu us with many, %llu us with few",
                 (unsigned long long)many, (unsigned long long)few);
}

/* Gate walks over all pairs of a host at each EPSV. 64 sessions that never
 * connect leave so few that no walk is long, although the host could leave
 * 30,000. A host with few of them keeps its sixteenth. */
Test(passive, one_host_leaves_few_of_many_ports)
{
    enum { SESSIONS = 64, PORTS = 30000, ASKED = 60 };
    static struct child c[SESSIONS];
    struct rests r;

    many_begin(PORTS, SESSIONS + PASSIVE_RESTING);
    for (unsigned i = 0; i < SESSIONS; i++)
        c[i] = many_child(i + 1);
    for (unsigned n = 0; n < ASKED; n++)
        many_epsv(&c[0]);
    r = expect_rests(&gate_of_many.passive.expect, &many_host, 1);
    cr_expect_eq(r.of_session, ASKED - 1, "%zu", r.of_session);
    for (unsigned n = 0; n < ASKED; n++)
        for (unsigned i = 0; i < SESSIONS; i++)
            many_epsv(&c[i]);
    r = expect_rests(&gate_of_many.passive.expect, &many_host, 1);
    cr_expect_geq(r.of_host + SESSIONS, PASSIVE_HOST_RESTING, "%zu", r.of_host);
    cr_expect_leq(r.of_host, PASSIVE_HOST_RESTING + SESSIONS, "%zu", r.of_host);
    many_end();
}
