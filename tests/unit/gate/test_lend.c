/* The listeners that gate lends, with real sockets from 127.0.0.x. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "bench.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "support/cast.h"
#include "support/ports.h"
#include "support/settings.h"

#define FREE "max_sessions = 400\nmax_per_address = 100\nstartups = 400\n"

/* Connects as the client. The session must get the connection. */
static void use(const struct fake *f, const char *from, uint16_t port)
{
    char said[128], want[128], line[64];
    int fd = client_connect(from, port);

    snprintf(want, sizeof(want), "data %s nodelay 1", from);
    cr_assert_str_eq(fake_says(f, said, sizeof(said)), want);
    cr_assert_str_eq(client_line(fd, line, sizeof(line)), "here\r\n");
    close(fd);
}

GateTest(lend, a_data_connection, .settings = FREE, .ports = 4)
{
    struct fake f;
    int client;

    f = bench_user(b, "127.0.0.1", &client);
    for (int i = 0; i < 5; i++) {
        uint16_t port = fake_port(&f);

        cr_assert(port >= b->port && port < b->port + 4);
        use(&f, "127.0.0.1", port);
    }
}

/* The address that gate announces depends on the setting, and on the address to
 * which the client has connected. */
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

Test(lend, told_address)
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
        cr_assert_eq(a.port, b.port);
        cr_assert_str_eq(address_text(&a, text), told[i].told, "row %zu", i);
        bench_stop(&b, 0);
    }
}

static void expect_told(struct bench *b, const char *from, const char *address)
{
    char text[128];
    struct address a;
    struct fake f;
    int client;

    f = bench_user(b, from, &client);
    fake_do(&f, "port");
    fake_says(&f, text, sizeof(text));
    cr_assert_eq(address_parse_port(slice_from(text + 3), &a), 0, "%s", text);
    cr_expect_str_eq(address_text(&a, text), address);
    close(client);
    bench_gone(b, &f);
}

Test(lend, told_the_address_of_its_network)
{
    struct bench_plan plan = {
        .settings = FREE "address = 192.0.2.1\n"
                         "address.127.0.0.2 = 192.0.2.2\n",
    };
    struct bench b;

    bench_start(&b, &plan);
    expect_told(&b, "127.0.0.1", "192.0.2.1");
    expect_told(&b, "127.0.0.2", "192.0.2.2");
    bench_stop(&b, 0);
}

/* A lent listener listens at the address to which its client has connected, and
 * at no other. Gate keeps no copy of the listener. (Other programs bind ports
 * of 127.0.0.1, so the client connects to 127.0.0.8. A port of `auto` could be
 * another test's, once it is free.) */
GateTest(lend, at_the_address_of_the_control_connection, .settings = FREE,
         .wildcard = true, .ports = 1)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr = { htonl(INADDR_LOOPBACK + 8) } };
    char line[64];
    struct fake f;
    int client, others_client, fd;

    client = client_connect_to("127.0.0.1", "127.0.0.8", b->control.port);
    f = bench_session(b);
    client_line(client, line, sizeof(line));
    bench_logged_in(b, &f);
    a.sin_port = htons(fake_port(&f));
    fd = client_connect_to("127.0.0.1", "127.0.0.8", ntohs(a.sin_port));
    cr_expect_str_eq(client_line(fd, line, sizeof(line)), "here\r\n");
    close(fd);
    cr_expect_str_eq(fake_says(&f, line, sizeof(line)),
                     "data 127.0.0.1 nodelay 1");
    /* Gate lets another session in only after it has closed its copy. */
    bench_user(b, "127.0.0.1", &others_client);
    for (int there = 0; there < 2; there++) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_expect_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), -1);
        cr_expect_eq(errno, ECONNREFUSED);
        close(fd);
        fake_do(&f, "drop");
        fake_do(&f, "look");
        fake_says(&f, line, sizeof(line));
        /* so the session has closed its listener */
        cr_expect_eq(strncmp(line, "ignored ", 8), 0);
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 7); /* 127.0.0.8 */
    }
    close(others_client);
    close(client);
}

/* Two sessions never have the same port, even if their hosts differ. A port is
 * free again when its session has ended, even if a connection to it was closed
 * just now. */
GateTest(lend, one_port_for_each, .settings = FREE, .ports = 2)
{
    struct fake f[3], next;
    uint16_t port[2];
    int client, data;
    char line[64];

    f[0] = bench_user(b, "127.0.0.1", &client);
    f[1] = bench_user(b, "127.0.0.1", &client);
    f[2] = bench_user(b, "127.0.0.2", &client);
    port[0] = fake_port(&f[0]);
    port[1] = fake_port(&f[1]);
    cr_assert_neq(port[0], port[1]);
    cr_assert_eq(fake_port(&f[2]), 0);
    use(&f[1], "127.0.0.1", port[1]);
    data = client_connect("127.0.0.1", port[0]);
    client_line(data, line, sizeof(line)); /* the server closes first */
    cr_assert(client_closed(data));
    fake_do(&f[0], "exit 0");
    bench_gone(b, &f[0]);
    next = bench_user(b, "127.0.0.3", &client);
    cr_assert_eq(fake_port(&next), port[0]);
    use(&next, "127.0.0.3", port[0]);
    close(data);
}

/* If another program listens on the only port, the session gets EADDRINUSE. */
GateTest(lend, no_port_is_free, .settings = FREE, .ports = 1)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    char line[64], want[64];
    const int one = 1;
    struct fake f;
    int client, fd;

    f = bench_user(b, "127.0.0.1", &client);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)),
                 0);
    a.sin_port = htons((uint16_t)b->port);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    cr_assert_eq(listen(fd, 1), 0);
    snprintf(want, sizeof(want), "none %d", EADDRINUSE);
    fake_do(&f, "port");
    cr_expect_str_eq(fake_says(&f, line, sizeof(line)), want);
    close(fd);
}

/* A session that asks again and again for another listener gets one in a
 * second. An honest session keeps its listener longer. */
GateTest(lend, one_in_a_second, .settings = FREE, .ports = 8)
{
    struct fake f, other;
    uint64_t begin;
    int client;

    f = bench_user(b, "127.0.0.1", &client);
    other = bench_user(b, "127.0.0.1", &client);
    begin = clock_ms();
    cr_assert_neq(fake_port(&f), 0);
    fake_do(&f, "drop");
    cr_assert(fake_port(&f) == 0 || clock_ms() - begin >= LEND_PAUSE_MS);
    cr_assert_neq(fake_port(&other), 0);
    while (fake_port(&f) == 0)
        ;
    cr_expect_geq(clock_ms() - begin, LEND_PAUSE_MS);
}

/* ---- in the test's own process ---- */

static struct gate own_gate;

/* Asks gate for a port, as a session whose client has connected to LOCAL.
 * Returns gate's listener, and sets *IS; -EX: gate can't open one. */
static int opens(const char *local, unsigned first, unsigned last,
                 struct msg_port_is *is)
{
    struct gate_child c = { .gate = &own_gate };
    struct channel far;
    int end = channel_make(&far, PROCESS_SESSION, PROCESS_GATE, PHASE_RUN);
    int r;

    own_gate.settings.ports =
        (struct port_range){ .first = (uint16_t)first, .last = (uint16_t)last };
    cr_assert_eq(address_parse(slice_from(local), &c.local), 0);
    c.peer = c.server = c.local;
    channel_init(&c.channel, end, PROCESS_GATE, PROCESS_SESSION, PHASE_USER);
    far.seen[MSG_port] = true;
    cr_assert_eq(lend_on_port(&c, &(struct msg_port){ .request = 1 }), 0);
    r = cast_hear(&far) == MSG_port_is ? fd_take(&heard.port_is.listener)
                                       : -heard.port_none.error;
    if (r >= 0)
        *is = heard.port_is;
    cr_assert_neq(heard.kind, MSG_NONE, "%s", far.wrong);
    channel_close(&far);
    channel_close(&c.channel);
    return r;
}

/* Gate chooses ports at random: 200 tries choose each of eight ports (except
 * once in 10^10 runs). If few ports are free, gate finds each of them. */
Test(lend, every_port_is_chosen)
{
    unsigned first = ports_free(8), seen[8] = { 0 };
    struct msg_port_is is;
    int held[8];

    for (int i = 0; i < 200; i++) {
        int fd = opens("127.0.0.1", first, first + 7, &is);

        cr_assert_geq(fd, 0);
        seen[is.bound.port - first]++;
        close(fd);
    }
    for (int i = 0; i < 8; i++) {
        cr_expect_gt(seen[i], 0);
        held[i] = opens("127.0.0.1", first, first + 7, &is);
        cr_expect_geq(held[i], 0);
    }
    cr_expect_eq(opens("127.0.0.1", first, first + 7, &is), -EADDRINUSE);
    for (int i = 0; i < 8; i++)
        close(held[i]);
}

/* A number of ports that is larger than the number of gate's random tries. */
#define PORTS 150

/* Gate finds each free port, also the last one. */
Test(lend, as_many_as_there_are_ports)
{
    unsigned first = ports_free(PORTS);
    struct msg_port_is is;
    int held[PORTS];

    for (int i = 0; i < PORTS; i++) {
        held[i] = opens("127.0.0.1", first, first + PORTS - 1, &is);
        cr_assert_geq(held[i], 0, "%d", i);
    }
    for (int i = 0; i < PORTS; i++) {
        close(held[i]);
        held[i] = opens("127.0.0.1", first, first + PORTS - 1, &is);
        cr_assert_geq(held[i], 0, "%d", i);
        cr_expect_eq(is.bound.port, is.address.port);
    }
    cr_expect_eq(opens("127.0.0.1", first, first + PORTS - 1, &is),
                 -EADDRINUSE);
    for (int i = 0; i < PORTS; i++)
        close(held[i]);
}

/* An IPv6 listener accepts no IPv4. If the address is link-local, gate listens
 * at all addresses, since it doesn't know the interface. */
Test(lend, ipv6)
{
    static const char *const locals[] = { "::1", "fe80::1" };
    unsigned first = ports_free(8);

    for (size_t i = 0; i < 2; i++) {
        struct msg_port_is is;
        int only = 0, fd = opens(locals[i], first, first + 7, &is);
        socklen_t size = sizeof(only);

        if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
            cr_skip_test("no IPv6 here");
        cr_assert_geq(fd, 0, "%s: %d", locals[i], fd);
        cr_assert_eq(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size),
                     0);
        cr_expect_eq(only, 1);
        cr_expect_eq(address_is_any(&is.bound), i == 1);
        cr_expect_eq(is.bound.port, is.address.port);
        close(fd);
    }
}

/* If the server has lost the address, gate's answer differs from the answer for
 * busy ports. */
Test(lend, an_address_that_is_gone)
{
    struct msg_port_is is;

    cr_expect_eq(opens("192.0.2.1", 30000, 30000, &is), -EADDRNOTAVAIL);
}
