/* Tests listeners and ports behind a proxy, here 127.0.0.5 or .6. */
#include "bench.h"

#define LISTENER "listen = 127.0.0.1:1 proxy\nproxies = 127.0.0.5, 127.0.0.6\n"
#define FREE                                                                   \
    LISTENER "max_sessions = 400\nmax_per_address = 100\n"                     \
             "startups = 400\n"

#define CLIENT "198.51.100.1"
#define OTHER  "198.51.100.2"
#define SERVER "203.0.113.7:21"

/* Connects as the proxy. Gate doesn't know the client yet. */
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

/* Does as enter(), and logs the user in. */
static struct fake enter_user(struct bench *b, const char *client, int *proxy)
{
    struct fake f = enter(b, client, proxy);

    bench_logged_in(b, &f);
    return f;
}

static void expect_said(const struct fake *f, const char *what)
{
    char line[256];

    cr_assert_str_eq(fake_says(f, line, sizeof(line)), what);
}

GateTest(proxy, a_client_is_known, .settings = FREE, .first = true)
{
    char text[ADDRESS_TEXT_MAX];
    struct fake f;
    int proxy;

    f = enter_unknown(b, &proxy);
    cr_expect_str_eq(address_text(&f.peer, text), "127.0.0.5");
    cr_expect_eq(f.listener, 0);
    ask_for(&f, CLIENT);
    bench_peer(b, &f);
    fake_do(&f, "exit 7");
    cr_expect_eq(bench_gone(b, &f), 7 << 8);
}

/* Lists messages that a session must not send before its client is known
 * (first), or afterwards (then). Gate has the session killed. */
static const struct {
    const char *first, *then, *wrong;
} lies[] = {
    { "port", NULL, "a message in the wrong phase" },
    { "enter none none", NULL, "a client without an address" },
    { "enter 198.51.100.1:1 [2001:db8::1]:21", NULL,
      "a client without an address" },
    { "enter 198.51.100.1:1 " SERVER, "enter 198.51.100.2:1 " SERVER,
      "a message in the wrong phase" },
    /* the user hasn't logged in */
    { "enter 198.51.100.1:1 " SERVER, "port", "a message in the wrong phase" },
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
        bench_reports(&b, lies[i].wrong);
        bench_kills(&b, &f, ENDING_PEER);
        bench_stop(&b, 0);
    }
}

/* A session whose client connected directly has no header to report. */
GateTest(proxy, nobody_else_may_ask, .settings = FREE)
{
    struct fake f;
    int client;

    f = bench_enter(b, "127.0.0.9", &client);
    ask_for(&f, CLIENT);
    bench_reports(b, "a message in the wrong phase");
    bench_kills(b, &f, ENDING_PEER);
}

/* max_per_address counts a proxy's clients, and never the proxy. */
GateTest(proxy, the_limit_of_an_address,
         .settings = LISTENER "max_per_address = 2\n", .first = true)
{
    struct fake f[3], other[3];
    int proxy;

    f[0] = enter(b, CLIENT, &proxy);
    f[1] = enter(b, CLIENT, &proxy);
    for (int i = 0; i < 3; i++) /* none of these has an address yet */
        other[i] = enter_unknown(b, &proxy);
    f[2] = enter_unknown(b, &proxy);
    ask_for(&f[2], CLIENT);
    expect_said(
        &f[2],
        "kept out Too many connections: from your address. Try again later");
    bench_reports(b, "refused peer=" CLIENT ":4711");
    fake_do(&f[2], "exit 0");
    bench_gone(b, &f[2]);
    fake_do(&other[0],
            "exit 0"); /* a session without an address counts for no address */
    bench_gone(b, &other[0]);
    f[2] = enter_unknown(b, &proxy);
    ask_for(&f[2], CLIENT);
    expect_said(
        &f[2],
        "kept out Too many connections: from your address. Try again later");
    fake_do(&f[0], "exit 0"); /* its client's count falls */
    bench_gone(b, &f[0]);
    enter(b, CLIENT, &proxy);
    enter(b, OTHER, &proxy);
}

/* An IPv6 client is a /64, as without a proxy. */
GateTest(proxy, the_limit_of_a_network,
         .settings = LISTENER "max_per_address = 1\n", .first = true)
{
    struct fake f;
    int proxy;

    f = enter_unknown(b, &proxy);
    fake_do(&f, "enter [2001:db8::1]:1 [2001:db8::9]:21");
    bench_peer(b, &f);
    f = enter_unknown(b, &proxy);
    fake_do(&f, "enter [2001:db8::2]:1 [2001:db8::9]:21");
    expect_said(
        &f,
        "kept out Too many connections: from your address. Try again later");
    f = enter_unknown(b, &proxy);
    fake_do(&f, "enter [2001:db8:0:1::2]:1 [2001:db8::9]:21");
    bench_peer(b, &f);
}

/* A session counts for max_sessions from its start, before its header. */
GateTest(proxy, the_limit_in_all, .settings = LISTENER "max_sessions = 2\n",
         .first = true)
{
    char line[128];
    int proxy;

    enter_unknown(b, &proxy);
    enter_unknown(b, &proxy);
    proxy = client_connect("127.0.0.5", b->control.port);
    cr_expect(strncmp(client_line(proxy, line, sizeof(line)), "421 ", 4) == 0,
              "%s", line);
}

/* If a client floods through the proxy, gate refuses only this client. */
GateTest(proxy, fruitless, .settings = LISTENER "max_fruitless = 1\n",
         .first = true)
{
    struct fake f;
    int proxy;

    enter(b, CLIENT, &proxy);
    f = enter(b, CLIENT, &proxy);
    fake_do(&f, "exit 0");
    bench_reaps(b, &f, true);
    f = enter_unknown(b, &proxy);
    ask_for(&f, CLIENT);
    expect_said(&f, "kept out Too many connections from your address ended "
                    "without a login. Try again later");
    bench_reports(b, "reason=max_fruitless");
    enter(b, OTHER, &proxy);
}

/* If all places without a login are taken, the next sessions wait for gate's
 * answer. The session of another client gets a place from the client that has
 * the most. */
GateTest(proxy, the_queue, .settings = LISTENER "startups = 2\n", .first = true)
{
    struct fake first, second, own, gone, other;
    int proxy;

    first = enter(b, CLIENT, &proxy);
    second = enter(b, CLIENT, &proxy);
    gone = enter_unknown(b, &proxy);
    ask_for(&gone, CLIENT);
    own = enter_unknown(b, &proxy);
    ask_for(&own, CLIENT);
    fake_do(&gone, "exit 0");
    bench_gone(b, &gone);
    bench_heard(b);
    cr_expect(bench_quiet(b));
    bench_log_in(b, second.serial);
    bench_peer(b, &own);
    other = enter_unknown(b, &proxy);
    ask_for(&other, OTHER);
    bench_kills(b, &first, ENDING_CROWDED);
    bench_peer(b, &other);
}

/* A session waits at most login_timeout. */
GateTest(proxy, the_queue_in_time,
         .settings = LISTENER "startups = 1\nlogin_timeout = 1s\n",
         .first = true)
{
    struct fake f;
    int proxy;

    enter(b, CLIENT, &proxy);
    f = enter_unknown(b, &proxy);
    ask_for(&f, CLIENT);
    expect_said(&f, "kept out The server is busy with other logins. Try again "
                    "later");
}

/* Gate has few places for sessions with an unknown client. The next connection
 * waits until one of these sessions reports its client, or ends. */
GateTest(proxy, a_throng, .settings = FREE, .first = true)
{
    struct fake f[ACCEPT_UNKNOWN + 2];
    int proxy[ACCEPT_UNKNOWN + 2], n = 0;

    for (; n < ACCEPT_UNKNOWN; n++)
        f[n] = enter_unknown(b, &proxy[n]);
    proxy[n] = client_connect("127.0.0.5", b->control.port);
    proxy[n + 1] = client_connect("127.0.0.5", b->control.port);
    bench_heard(b);
    cr_expect(bench_quiet(b));
    ask_for(&f[0], CLIENT);
    bench_peer(b, &f[0]);
    f[n] = bench_session(b);
    fake_do(&f[1], "exit 0");
    bench_gone(b, &f[1]);
    f[n + 1] = bench_session(b);
    ask_for(&f[n + 1], OTHER);
    bench_peer(b, &f[n + 1]);
}

/* If master doesn't read, the clients wait in the queue; none is refused. */
GateTest(proxy, a_slow_master, .settings = FREE, .first = true,
         .room = BENCH_NARROW)
{
    enum { CLIENTS = 20 };
    struct fake f[CLIENTS];
    int proxy;

    for (int i = 0; i < CLIENTS; i++)
        f[i] = enter_unknown(b, &proxy);
    for (int i = 0; i < CLIENTS; i++)
        ask_for(&f[i], CLIENT);
    for (int i = 0; i < CLIENTS; i++)
        bench_sleeps(f[i].pid);
    bench_sleeps(b->gate);
    for (int i = 0; i < CLIENTS; i++)
        EXPECT(&b->master, session_peer);
    cr_assert(bench_silent(b));
}

/* ---- ports ---- */

/* If the proxy makes the data connections, gate announces the proxy's address.
 * Then the session must know that each connection begins with a header. */
Test(proxy, told_address)
{
    static const struct {
        const char *settings;
        bool proxy;
        const char *told;
    } rows[] = {
        { FREE, true, "203.0.113.7" },
        { FREE, false, "127.0.0.1" },
        { FREE "address = 192.0.2.77\n", true, "192.0.2.77" },
        { FREE "address = 192.0.2.77\n", false, "192.0.2.77" },
        { FREE "address.198.51.100.0/24 = 192.0.2.8\n", true, "192.0.2.8" },
        { FREE "address.127.0.0.0/8 = 192.0.2.8\n", true, "203.0.113.7" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench_plan plan = { .settings = rows[i].settings,
                                   .ports = 1,
                                   .proxy = rows[i].proxy,
                                   .first = true };
        char line[128], want[128];
        struct bench b;
        struct fake f;
        int proxy;

        bench_start(&b, &plan);
        f = enter_user(&b, CLIENT, &proxy);
        snprintf(want, sizeof(want), "is %s:%u%s", rows[i].told, b.port,
                 rows[i].proxy ? " proxied" : "");
        fake_do(&f, "port");
        cr_expect_str_eq(fake_says(&f, line, sizeof(line)), want, "%zu", i);
        bench_stop(&b, 0);
    }
}

/* Sessions of another, direct listener get connections without a header. */
GateTest(proxy, a_direct_session_beside_it, .settings = FREE, .ports = 1,
         .proxy = true)
{
    char line[128];
    struct fake f;
    int client;

    f = bench_user(b, "127.0.0.5", &client); /* on the proxy's own host */
    fake_do(&f, "port");
    fake_says(&f, line, sizeof(line));
    cr_expect_not(strstr(line, "proxied"), "%s", line);
}
