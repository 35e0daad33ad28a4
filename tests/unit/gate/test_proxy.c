/* Listeners and ports behind a proxy, here 127.0.0.5 or .6. The fake sessions
 * decide whose connection it is, since they read no header. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define LISTENER "listen = 127.0.0.1:1 proxy\nproxies = 127.0.0.5, 127.0.0.6\n"
#define FREE                                                                   \
    LISTENER "max_sessions = 400\nmax_per_address = 100\n"                     \
             "startups = 400\n"
#define PORTS FREE "ports = auto 8 proxy\n"

#define CLIENT "198.51.100.1"
#define OTHER  "198.51.100.2"
#define SERVER "203.0.113.7:21"

/* Connects as the proxy; its client isn't known yet. */
static struct fake enter_unknown(struct bench *b, int *proxy)
{
    *proxy = client_connect("127.0.0.5", b->control.port);
    return bench_session(b);
}

static void ask_for(const struct fake *f, const char *client)
{
    char line[128];

    snprintf(line, sizeof(line), "enter %s:4711 " SERVER, client);
    fake_do(f, line);
}

static struct fake enter(struct bench *b, const char *client, int *proxy)
{
    struct fake f = enter_unknown(b, proxy);
    char text[ADDRESS_TEXT_MAX];
    struct address peer;

    ask_for(&f, client);
    peer = bench_peer(b, &f);
    cr_assert_str_eq(address_text(&peer, text), client);
    cr_assert_eq(peer.port, 4711);
    return f;
}

/* The same, and its user has logged in. */
static struct fake enter_user(struct bench *b, const char *client, int *proxy)
{
    struct fake f = enter(b, client, proxy);

    bench_logged_in(b, &f, 0);
    return f;
}

static void expect_said(const struct fake *f, const char *what)
{
    char line[256];

    cr_assert_str_eq(fake_says(f, line, sizeof(line)), what);
}

/* The host that a proxied session calls its client may be any: gate connects
 * nowhere, though somebody listens there. */
Test(proxy, active_mode_is_refused, .timeout = 60)
{
    struct bench_plan plan = { .settings = FREE "active = yes\n",
                               .first = true };
    char line[128];
    struct bench b;
    struct fake f;
    int proxy;

    bench_start(&b, &plan);
    f = enter_user(&b, "127.0.0.1", &proxy);
    snprintf(line, sizeof(line), "active 127.0.0.1:%u", b.control.port);
    fake_do(&f, line);
    expect_said(&f, "active-none 95"); /* EOPNOTSUPP */
    bench_heard(&b);
    cr_expect(bench_quiet(&b)); /* nobody has connected to its listener */
    bench_stop(&b, 0);
}

static void expect_event(struct bench *b, const char *words)
{
    bench_reports(b, words);
}

Test(proxy, a_client_is_known)
{
    struct bench_plan plan = { .settings = FREE, .first = true };
    char text[ADDRESS_TEXT_MAX];
    struct bench b;
    struct fake f;
    int proxy;

    bench_start(&b, &plan);
    f = enter_unknown(&b, &proxy);
    cr_expect_str_eq(address_text(&f.peer, text), "127.0.0.5");
    cr_expect_eq(f.listener, 0);
    ask_for(&f, CLIENT);
    bench_peer(&b, &f);
    fake_do(&f, "exit 7");
    cr_expect_eq(bench_gone(&b, &f), 7 << 8);
    bench_stop(&b, 0);
}

/* A session ends if it sends these before its client is known, or a second
 * time. */
static const struct {
    const char *first, *then, *wrong;
} lies[] = {
    { "port", NULL, "a message in the wrong phase" },
    { "close", NULL, "a message in the wrong phase" },
    { "mine", NULL, "a message in the wrong phase" },
    { "active 198.51.100.1:4711", NULL, "a message in the wrong phase" },
    { "enter none none", NULL, "a client without an address" },
    { "enter 198.51.100.1:1 [2001:db8::1]:21", NULL,
      "a client without an address" },
    { "enter 198.51.100.1:1 " SERVER, "enter 198.51.100.2:1 " SERVER,
      "a message in the wrong phase" },
    /* before the login */
    { "enter 198.51.100.1:1 " SERVER, "port", "a message in the wrong phase" },
    { "enter 127.0.0.1:1 127.0.0.1:21", "active 127.0.0.1:4711",
      "a message in the wrong phase" },
};

Test(proxy, lies)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct bench_plan plan = { .settings = FREE, .first = true };
        struct bench b;
        struct fake f;
        int proxy;

        bench_start(&b, &plan);
        f = enter_unknown(&b, &proxy);
        fake_do(&f, lies[i].first);
        if (lies[i].then) {
            bench_peer(&b, &f);
            fake_do(&f, lies[i].then);
        }
        expect_event(&b, lies[i].wrong);
        cr_expect_eq(bench_gone(&b, &f), SIGKILL);
        bench_stop(&b, 0);
    }
}

/* A session whose client connected directly has no header to report. */
Test(proxy, nobody_else_may_ask)
{
    struct bench_plan plan = { .settings = FREE };
    struct bench b;
    struct fake f;
    int client;

    bench_start(&b, &plan);
    f = bench_enter(&b, "127.0.0.9", &client);
    ask_for(&f, CLIENT);
    expect_event(&b, "a message in the wrong phase");
    cr_expect_eq(bench_gone(&b, &f), SIGKILL);
    bench_stop(&b, 0);
}

/* max_per_address counts clients, and never the proxy. */
Test(proxy, the_limit_of_an_address)
{
    struct bench_plan plan = { .settings = LISTENER "max_per_address = 2\n",
                               .first = true };
    struct fake f[3], other[3];
    struct bench b;
    int proxy;

    bench_start(&b, &plan);
    f[0] = enter(&b, CLIENT, &proxy);
    f[1] = enter(&b, CLIENT, &proxy);
    for (int i = 0; i < 3; i++) /* none of these counts yet */
        other[i] = enter_unknown(&b, &proxy);
    f[2] = enter_unknown(&b, &proxy);
    ask_for(&f[2], CLIENT);
    expect_said(
        &f[2],
        "kept out Too many connections: from your address. Try again later");
    expect_event(&b, "refused peer=" CLIENT ":4711");
    fake_do(&f[2], "exit 0");
    bench_gone(&b, &f[2]);
    fake_do(&other[0],
            "exit 0"); /* a session without an address counts for no address */
    bench_gone(&b, &other[0]);
    f[2] = enter_unknown(&b, &proxy);
    ask_for(&f[2], CLIENT);
    expect_said(
        &f[2],
        "kept out Too many connections: from your address. Try again later");
    fake_do(&f[0], "exit 0"); /* its count is removed with it */
    bench_gone(&b, &f[0]);
    enter(&b, CLIENT, &proxy);
    enter(&b, OTHER, &proxy);
    bench_stop(&b, 0);
}

/* For IPv6 the network counts, as always. */
Test(proxy, the_limit_of_a_network)
{
    struct bench_plan plan = { .settings = LISTENER "max_per_address = 1\n",
                               .first = true };
    struct fake f;
    struct bench b;
    int proxy;

    bench_start(&b, &plan);
    f = enter_unknown(&b, &proxy);
    fake_do(&f, "enter [2001:db8::1]:1 [2001:db8::9]:21");
    bench_peer(&b, &f);
    f = enter_unknown(&b, &proxy);
    fake_do(&f, "enter [2001:db8::2]:1 [2001:db8::9]:21");
    expect_said(
        &f,
        "kept out Too many connections: from your address. Try again later");
    f = enter_unknown(&b, &proxy);
    fake_do(&f, "enter [2001:db8:0:1::2]:1 [2001:db8::9]:21");
    bench_peer(&b, &f);
    bench_stop(&b, 0);
}

/* The total counts from the start, before any header. */
Test(proxy, the_limit_in_all)
{
    struct bench_plan plan = { .settings = LISTENER "max_sessions = 2\n",
                               .first = true };
    char line[128];
    struct bench b;
    int proxy;

    bench_start(&b, &plan);
    enter_unknown(&b, &proxy);
    enter_unknown(&b, &proxy);
    proxy = client_connect("127.0.0.5", b.control.port);
    cr_expect(strncmp(client_line(proxy, line, sizeof(line)), "421 ", 4) == 0,
              "%s", line);
    bench_stop(&b, 0);
}

/* A client that floods through the proxy: only that client is refused. */
Test(proxy, fruitless)
{
    struct bench_plan plan = { .settings = LISTENER "max_fruitless = 1\n",
                               .first = true };
    struct bench b;
    struct fake f;
    int proxy;

    bench_start(&b, &plan);
    enter(&b, CLIENT, &proxy);
    f = enter(&b, CLIENT, &proxy);
    fake_do(&f, "exit 0");
    bench_gone(&b, &f);
    f = enter_unknown(&b, &proxy);
    ask_for(&f, CLIENT);
    expect_said(&f, "kept out Too many connections: from your address, without "
                    "login. Try again later");
    expect_event(&b, "reason=max_fruitless");
    enter(&b, OTHER, &proxy);
    bench_stop(&b, 0);
}

/* All places without a login are taken: the next sessions wait for gate's
 * answer, and another client's gets a place of the client with the most. */
Test(proxy, the_queue)
{
    struct bench_plan plan = { .settings = LISTENER "startups = 2\n",
                               .first = true };
    struct fake first, second, own, gone, other;
    struct bench b;
    int proxy;

    bench_start(&b, &plan);
    first = enter(&b, CLIENT, &proxy);
    second = enter(&b, CLIENT, &proxy);
    gone = enter_unknown(&b, &proxy);
    ask_for(&gone, CLIENT);
    own = enter_unknown(&b, &proxy);
    ask_for(&own, CLIENT);
    fake_do(&gone, "exit 0");
    bench_gone(&b, &gone);
    bench_heard(&b);
    cr_expect(bench_quiet(&b));
    BENCH_SAY(&b, logged_in, .serial = second.serial, .user = 0);
    bench_peer(&b, &own);
    other = enter_unknown(&b, &proxy);
    ask_for(&other, OTHER);
    bench_peer(&b, &other);
    cr_expect_eq(bench_gone(&b, &first), SIGKILL);
    expect_event(&b, "made room for another address");
    bench_stop(&b, 0);
}

/* A wait has a limit. */
Test(proxy, the_queue_in_time)
{
    struct bench_plan plan = { .settings = LISTENER
                               "startups = 1\nlogin_timeout = 1s\n",
                               .first = true };
    struct bench b;
    struct fake f;
    int proxy;

    bench_start(&b, &plan);
    enter(&b, CLIENT, &proxy);
    f = enter_unknown(&b, &proxy);
    ask_for(&f, CLIENT);
    expect_said(&f, "kept out Too many connections: many are logging in just "
                    "now. Try again later");
    bench_stop(&b, 0);
}

/* There are few places for sessions with an unknown client. The next one waits,
 * and gets its turn whatever happens to one of them. */
Test(proxy, a_throng)
{
    struct bench_plan plan = { .settings = FREE, .first = true };
    struct fake f[ENTRY_UNKNOWN + 2];
    int proxy[ENTRY_UNKNOWN + 2], n = 0;
    struct bench b;

    bench_start(&b, &plan);
    for (; n < ENTRY_UNKNOWN; n++)
        f[n] = enter_unknown(&b, &proxy[n]);
    proxy[n] = client_connect("127.0.0.5", b.control.port);
    proxy[n + 1] = client_connect("127.0.0.5", b.control.port);
    bench_heard(&b);
    cr_expect(bench_quiet(&b));
    ask_for(&f[0], CLIENT);
    bench_peer(&b, &f[0]);
    f[n] = bench_session(&b);
    fake_do(&f[1], "exit 0");
    bench_gone(&b, &f[1]);
    f[n + 1] = bench_session(&b);
    ask_for(&f[n + 1], OTHER);
    bench_peer(&b, &f[n + 1]);
    bench_stop(&b, 0);
}

/* ---- ports ---- */

/* The announced address is the proxy's, if data comes through it. */
/* If master doesn't read, the clients wait in the queue; none is refused. */
Test(proxy, a_slow_master)
{
    enum { CLIENTS = 20 };
    struct bench_plan plan = { .settings = FREE,
                               .first = true,
                               .room = BENCH_NARROW };
    struct fake f[CLIENTS];
    struct bench b;
    int proxy;

    bench_start(&b, &plan);
    for (int i = 0; i < CLIENTS; i++)
        f[i] = enter_unknown(&b, &proxy);
    for (int i = 0; i < CLIENTS; i++)
        ask_for(&f[i], CLIENT);
    for (int i = 0; i < CLIENTS; i++)
        bench_sleeps(f[i].pid);
    bench_sleeps(b.gate);
    for (int i = 0; i < CLIENTS; i++)
        bench_hear(&b, MSG_session_peer, &(struct message){ 0 });
    cr_assert(bench_silent(&b));
    bench_stop(&b, 0);
}

Test(proxy, told_address)
{
    static const struct {
        const char *settings, *told;
    } rows[] = {
        { PORTS, "203.0.113.7" },
        { FREE, "127.0.0.1" },
        { PORTS "address = 192.0.2.77\n", "192.0.2.77" },
        { FREE "address = 192.0.2.77\n", "192.0.2.77" },
        { PORTS "address.198.51.100.0/24 = 192.0.2.8\n", "192.0.2.8" },
        { PORTS "address.127.0.0.0/8 = 192.0.2.8\n", "203.0.113.7" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench_plan plan = { .settings = rows[i].settings,
                                   .ports = 1,
                                   .first = true };
        char line[128], want[128];
        struct bench b;
        struct fake f;
        int proxy;

        bench_start(&b, &plan);
        f = enter_user(&b, CLIENT, &proxy);
        snprintf(want, sizeof(want), "is %s:%u", rows[i].told, b.port[0].port);
        fake_do(&f, "port");
        cr_expect_str_eq(fake_says(&f, line, sizeof(line)), want, "%zu", i);
        bench_stop(&b, 0);
    }
}

/* A connection of the proxy is offered to the session that has the port. */
static int bring(struct bench *b, const struct fake *f, uint16_t port)
{
    char line[64];
    int fd = client_connect("127.0.0.6", port);

    (void)b;
    expect_said(f, "proxied 127.0.0.6");
    cr_assert_str_eq(client_line(fd, line, sizeof(line)), "here\r\n");
    return fd;
}

Test(proxy, a_data_connection)
{
    struct bench_plan plan = { .settings = PORTS, .ports = 2, .first = true };
    struct bench b;
    struct fake f;
    int proxy;

    bench_start(&b, &plan);
    f = enter_user(&b, CLIENT, &proxy);
    for (int i = 0; i < 20; i++) { /* a used pair is free at once */
        close(bring(&b, &f, fake_port(&f)));
        fake_do(&f, "mine");
    }
    bench_stop(&b, 0);
}

/* Gate has handled this session's earlier messages, since it answers in
 * order. */
static void heard(const struct fake *f)
{
    fake_port(f);
    fake_do(f, "close");
}

/* One port belongs to one session, whatever their clients are. */
Test(proxy, a_port_is_lent)
{
    struct bench_plan plan = { .settings = PORTS, .ports = 2, .first = true };
    struct fake f[3];
    uint16_t port[2];
    struct bench b;
    int proxy;

    bench_start(&b, &plan);
    for (int i = 0; i < 3; i++)
        f[i] = enter_user(&b, i == 2 ? OTHER : CLIENT, &proxy);
    port[0] = fake_port(&f[0]);
    port[1] = fake_port(&f[1]);
    cr_expect(port[0] != 0 && port[1] != 0 && port[0] != port[1]);
    cr_expect_eq(fake_port(&f[2]), 0, "no port is left");
    close(bring(&b, &f[0], port[0]));
    fake_do(&f[0], "mine");
    do /* until gate has handled it */
        port[1] = fake_port(&f[2]);
    while (port[1] == 0);
    cr_expect_eq(port[1], port[0]);
    bench_stop(&b, 0);
}

/* Sessions of another, direct listener share ports with each other, but not a
 * port that is lent. */
Test(proxy, a_direct_session_beside_it)
{
    struct bench_plan plan = { .settings = PORTS, .ports = 1 };
    struct bench b;
    struct fake f;
    int client, direct;
    uint16_t port;

    bench_start(&b, &plan);
    f = bench_user(&b, "127.0.0.5", &client); /* on the proxy's own host */
    port = fake_port(&f);
    direct = client_connect("127.0.0.5", port);
    expect_said(&f, "data 127.0.0.5 nodelay 1 blocking 0");
    close(direct);
    bench_stop(&b, 0);
}

/* Connections of others are given back, and the right one still arrives. Each
 * row has its own gate, since two hosts together may cause one line a
 * second. */
static const struct {
    const char *words, *event;
} others[] = {
    { "foreign 0 198.51.100.66:1", "data-refused peer=198.51.100.66:1" },
    { "foreign 1 127.0.0.6:1", "reason=\"no PROXY header in order\"" },
    { "foreign 2 none", NULL }, /* a check of the proxy */
};

Test(proxy, others_are_passed_over)
{
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct bench_plan plan = { .settings = PORTS,
                                   .ports = 1,
                                   .first = true };
        struct bench b;
        struct fake f;
        uint16_t port;
        int proxy;

        bench_start(&b, &plan);
        f = enter_user(&b, CLIENT, &proxy);
        port = fake_port(&f);
        for (int k = 0; k < 3; k++) {
            close(bring(&b, &f, port));
            fake_do(&f, others[i].words);
        }
        bring(&b, &f, port);
        fake_do(&f, "mine");
        if (others[i].event)
            expect_event(&b, others[i].event);
        heard(&f);
        cr_expect(bench_silent(&b), "%s", others[i].words);
        bench_stop(&b, 0);
    }
}

/* More messages than a session may send in a second, but each one is an
 * answer. */
Test(proxy, many_others_are_no_flood)
{
    struct bench_plan plan = { .settings = PORTS, .ports = 1, .first = true };
    struct bench b;
    struct fake f;
    uint16_t port;
    int proxy;

    bench_start(&b, &plan);
    f = enter_user(&b, CLIENT, &proxy);
    port = fake_port(&f);
    for (int i = 0; i < CHILD_MESSAGES + 200; i++) {
        close(bring(&b, &f, port));
        fake_do(&f, "foreign 2 none");
    }
    close(bring(&b, &f, port));
    fake_do(&f, "mine");
    fake_do(&f, "exit 0");
    cr_expect_eq(bench_gone(&b, &f), 0);
    bench_stop(&b, 0);
}

/* While one connection is judged the next one waits, and isn't lost. */
Test(proxy, one_at_a_time)
{
    struct bench_plan plan = { .settings = PORTS, .ports = 1, .first = true };
    int proxy, first, second;
    char line[64];
    struct bench b;
    struct fake f, other;
    uint16_t port;

    bench_start(&b, &plan);
    f = enter_user(&b, CLIENT, &proxy);
    other = enter_user(&b, OTHER, &proxy);
    port = fake_port(&f);
    first = bring(&b, &f, port);
    second = client_connect("127.0.0.6", port);
    for (int i = 0; i < 3; i++) /* by then gate has done another round */
        cr_expect_eq(fake_port(&other), 0);
    fake_do(&f, "look");
    cr_expect(strncmp(fake_says(&f, line, sizeof(line)), "keepalive", 9) == 0,
              "offered too early: %s", line);
    fake_do(&f, "foreign 0 198.51.100.66:1");
    expect_said(&f, "proxied 127.0.0.6");
    cr_assert_str_eq(client_line(second, line, sizeof(line)), "here\r\n");
    fake_do(&f, "mine");
    close(first);
    bench_stop(&b, 0);
}

/* Whatever ends a session's wait, the port continues. */
static const char *const ends[] = { "close", "exit 0", "part", "garbage" };

Test(proxy, a_port_is_never_stuck)
{
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct bench_plan plan = { .settings = PORTS,
                                   .ports = 1,
                                   .first = true };
        struct fake f, other;
        struct bench b;
        uint16_t port;
        int proxy;

        bench_start(&b, &plan);
        f = enter_user(&b, CLIENT, &proxy);
        port = fake_port(&f);
        bring(&b, &f, port);
        fake_do(&f, ends[i]);
        if (i > 0)
            bench_gone(&b, &f);
        else
            cr_expect_eq(fake_port(&f), port); /* the same port again */
        if (i == 0)
            fake_do(&f, "exit 0");
        if (i == 0)
            bench_gone(&b, &f);
        other = enter_user(&b, OTHER, &proxy);
        cr_assert_eq(fake_port(&other), port, "after %s", ends[i]);
        close(bring(&b, &other, port));
        bench_stop(&b, 0);
    }
}

/* Without an offer these messages mean nothing. */
Test(proxy, words_about_nothing)
{
    struct bench_plan plan = { .settings = PORTS, .ports = 1, .first = true };
    struct bench b;
    struct fake f;
    uint16_t port;
    int proxy;

    bench_start(&b, &plan);
    f = enter_user(&b, CLIENT, &proxy);
    fake_do(&f, "mine");
    fake_do(&f, "foreign 0 198.51.100.66:1");
    port = fake_port(&f);
    fake_do(&f, "mine");
    fake_do(&f, "foreign 0 198.51.100.66:1");
    cr_expect_eq(fake_port(&f), port); /* gate has handled them */
    bring(&b, &f, port);
    fake_do(&f, "mine");
    fake_do(&f, "mine");
    cr_expect_neq(fake_port(&f), 0);
    cr_expect(bench_silent(&b));
    fake_do(&f, "exit 0");
    bench_gone(&b, &f);
    bench_stop(&b, 0);
}

/* Nobody may connect without the proxy, not even the client itself. */
Test(proxy, past_the_proxy)
{
    struct bench_plan plan = { .settings = PORTS, .ports = 1, .first = true };
    struct bench b;
    struct fake f;
    uint16_t port;
    int proxy, past;

    bench_start(&b, &plan);
    f = enter_user(&b, "127.0.0.77", &proxy);
    port = fake_port(&f);
    past = client_connect("127.0.0.77", port);
    cr_assert(client_closed(past));
    expect_event(&b, "reason=\"not who is expected\"");
    bring(&b, &f, port);
    bench_stop(&b, 0);
}

/* If data doesn't come through the proxy, only the client itself may
 * connect. */
Test(proxy, ports_without_a_proxy)
{
    struct bench_plan plan = { .settings = FREE, .ports = 1, .first = true };
    struct bench b;
    struct fake f;
    uint16_t port;
    int proxy, data;

    bench_start(&b, &plan);
    f = enter_user(&b, "127.0.0.77", &proxy);
    port = fake_port(&f);
    data = client_connect("127.0.0.5", port);
    cr_assert(client_closed(data));
    expect_event(&b, "reason=\"not who is expected\"");
    data = client_connect("127.0.0.77", port);
    expect_said(&f, "data 127.0.0.77 nodelay 1 blocking 0");
    close(data);
    bench_stop(&b, 0);
}

/* A proxy's health check of a port causes no line in the log; a stranger's
 * connection does. */
Test(proxy, nobody_is_expected)
{
    struct bench_plan plan = { .settings = PORTS, .ports = 1, .first = true };
    struct bench b;
    int fd;

    bench_start(&b, &plan);
    fd = client_connect("127.0.0.6", b.port[0].port);
    cr_assert(client_closed(fd));
    cr_expect(bench_silent(&b));
    fd = client_connect("127.0.0.66", b.port[0].port);
    cr_assert(client_closed(fd));
    expect_event(&b, "reason=\"nobody is expected\"");
    bench_stop(&b, 0);
}
