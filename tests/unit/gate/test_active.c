/* Tests to which addresses gate connects in active mode, and to which it
 * doesn't. */
#include <arpa/inet.h>

#include "bench.h"

#define ACTIVE_ON "active = yes\nmax_sessions = 20\n"
#define OFF       "max_sessions = 20\n"

/* Binds a socket to HOST, and writes the order for a fake session to WHERE.
 * BACKLOG 0: the kernel accepts one connection, and no more; negative: the
 * socket doesn't listen. Returns the socket. */
static int await(const char *host, int backlog, char where[64])
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t size = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_eq(inet_pton(AF_INET, host, &a.sin_addr), 1);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, size), 0);
    cr_assert(backlog < 0 || listen(fd, backlog) == 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    snprintf(where, 64, "active %s:%u", host, ntohs(a.sin_port));
    return fd;
}

static int comes(int listener)
{
    struct pollfd one = { .fd = listener, .events = POLLIN };

    cr_assert_eq(poll(&one, 1, BENCH_MS), 1, "gate doesn't connect");
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

static void check_connection(const struct fake *f, const char *host)
{
    char where[64], said[128], line[64];
    int listener = await(host, 1, where), fd;

    fake_do(f, where);
    fd = comes(listener);
    cr_assert(strncmp(fake_says(f, said, sizeof(said)), "made nodelay ", 13) ==
                  0,
              "%s", said);
    cr_assert(strstr(said, " blocking 0"), "%s", said);
    cr_assert_str_eq(client_line(fd, line, sizeof(line)), "here\r\n");
    close(fd);
    close(listener);
}

static void try_connections(bool sandbox)
{
    struct bench_plan plan = { .settings = ACTIVE_ON, .sandbox = sandbox };
    struct fake f, g;
    struct bench b;
    int client, other;

    bench_start(&b, &plan);
    f = bench_user(&b, "127.0.0.2", &client);
    g = bench_user(&b, "127.0.0.3", &other);
    for (int i = 0; i < 3; i++) {
        check_connection(&f, "127.0.0.2");
        check_connection(&g, "127.0.0.3");
        cr_assert_neq(fake_port(&f), 0); /* passive mode works, too */
    }
    cr_assert(bench_silent(&b)); /* the sandbox has refused no system call */
    bench_stop(&b, 0);
}

Test(active, connections)
{
    try_connections(false);
}

Test(active, connections_from_the_sandbox)
{
    try_connections(true);
}

/* RFC 959 3.2: gate connects from the address to which the client has
 * connected, also if the kernel would choose another one. */
GateTest(active, from_the_address_of_the_control_connection,
         .settings = ACTIVE_ON, .wildcard = true, .sandbox = true)
{
    char where[64], line[64];
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    int client, listener, fd;
    struct fake f;

    client = client_connect_to("127.0.0.2", "127.0.0.7", b->control.port);
    f = bench_session(b);
    client_line(client, line, sizeof(line));
    bench_logged_in(b, &f);
    listener = await("127.0.0.2", 1, where);
    fake_do(&f, where);
    fd = comes(listener);
    cr_assert_eq(getpeername(fd, (struct sockaddr *)&from, &size), 0);
    cr_expect_str_eq(inet_ntop(AF_INET, &from.sin_addr, line, sizeof(line)),
                     "127.0.0.7");
    cr_assert(bench_silent(b)); /* the sandbox has refused no system call */
    close(fd);
    close(listener);
    close(client);
}

GateTest(active, nobody_listens, .settings = ACTIVE_ON, .sandbox = true)
{
    char where[64], said[128], want[64];
    struct fake f;
    int client, taken;

    f = bench_user(b, "127.0.0.1", &client);
    taken = await("127.0.0.1", -1, where);
    fake_do(&f, where);
    snprintf(want, sizeof(want), "active-none %d", ECONNREFUSED);
    cr_assert_str_eq(fake_says(&f, said, sizeof(said)), want);
    check_connection(&f, "127.0.0.1");
    close(taken);
}

/* If the backlog is full, the kernel drops new connections without an
 * answer. */
GateTest(active, no_answer_in_time,
         .settings = ACTIVE_ON "connect_timeout = 300ms\n", .sandbox = true)
{
    char where[64], said[128], want[64];
    int listener = await("127.0.0.1", 0, where), client, full;
    struct fake f;

    f = bench_user(b, "127.0.0.1", &client);
    full = client_connect("127.0.0.1", (uint16_t)atoi(strchr(where, ':') + 1));
    fake_do(&f, where);
    snprintf(want, sizeof(want), "active-none %d", ETIMEDOUT);
    cr_assert_str_eq(fake_says(&f, said, sizeof(said)), want);
    check_connection(&f, "127.0.0.1");
    close(full);
    close(listener);
}

/* Lists requests that no honest session sends. Gate has the session killed, and
 * connects nowhere. */
static const struct {
    const char *settings, *what, *reason;
} lies[] = {
    { OFF, "active 127.0.0.1:40000", "active mode, which is off" },
    { ACTIVE_ON, "active 127.0.0.2:40000", "a connection to another host" },
    { ACTIVE_ON, "active [::1]:40000", "a connection to another host" },
    { ACTIVE_ON, "active 127.0.0.1:1023", "a connection to a port below 1024" },
    { ACTIVE_ON, "active 127.0.0.1:0", "a connection to a port below 1024" },
};

/* Before the login, an attacker who controls a session can't make gate connect
 * anywhere, not even to the session's own client. */
Test(active, nowhere_before_the_login)
{
    struct bench_plan plan = { .settings = ACTIVE_ON };
    const char *const asks[] = { "active 127.0.0.1:40000", "port" };

    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        struct fake f;
        struct bench b;
        int client;

        bench_start(&b, &plan);
        f = bench_enter(&b, "127.0.0.1", &client);
        fake_do(&f, asks[i]);
        bench_kills(&b, &f, ENDING_PEER);
        bench_reports(&b, "a message in the wrong phase");
        close(client);
        bench_stop(&b, 0);
    }
}

Test(active, lies)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct bench_plan plan = { .settings = lies[i].settings };
        char line[512];
        struct fake f;
        struct bench b;
        int client;

        f = bench_open(&b, &plan, &client);
        fake_do(&f, lies[i].what);
        bench_kills(&b, &f, ENDING_PEER);
        bench_event(&b, line, sizeof(line));
        cr_assert(strstr(line, lies[i].reason), "row %zu: %s", i, line);
        close(client);
        bench_stop(&b, 0);
    }
}
