/* Floods of connections that don't log in, and somebody at another address who
 * does: the login succeeds, and soon. */
#include "flood.h"
#include "sallyport/base/clock.h"
#include "support/long.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

#define LOGINS 10
/* Time to the 230: each login beside a flood from one address, half of them
 * beside a worse flood. These are figures of an idle machine, so only the long
 * run checks them, and not with sanitizers, where a fork or a handshake takes
 * ten times as long. The short run checks that nobody is refused, and that no
 * reply takes WAIT_MS. */
#define SOON_MS 1000
#define LATE_MS 4000
#define ANY_MS  60000
#define GOOD    "127.0.0.2"
/* The server's default limits count for the flood's address and for the good
 * one. */
#define NOBODY       "192.0.2.1"
#define HEADER_FLOOD "PROXY TCP4 198.51.100.1 203.0.113.7 4711 21\r\n"
#define HEADER_GOOD  "PROXY TCP4 198.51.100.2 203.0.113.7 4711 21\r\n"

static uint64_t log_in(const struct server *server, const char *from,
                       const char *header)
{
    uint64_t began = clock_ms(), took;
    struct session s;

    session_init(&s);
    snprintf(s.from, sizeof(s.from), "%s", from);
    session_connect(&s, server->port);
    if (header)
        session_raw(&s, header, strlen(header));
    session_start_tls(&s);
    cr_assert_eq(session_try_login(&s, "anna", SERVER_PASSWORD), 230, "%s",
                 s.reply.data);
    took = clock_ms() - began;
    session_close(&s);
    return took;
}

/* Makes several logins in a row. None is refused; each takes at most MOST ms,
 * and half of them are fast. */
static void expect_soon(const struct server *server, const char *from,
                        const char *header, uint64_t most)
{
    bool claimed = is_long() && !server_is_sanitized();
    unsigned soon = 0;

    if (!claimed)
        most = ANY_MS;
    for (int i = 0; i < LOGINS; i++) {
        uint64_t took = log_in(server, from, header);

        cr_assert_lt(took, most, "login %d took %llu ms", i,
                     (unsigned long long)took);
        soon += took < SOON_MS;
    }
    cr_assert(!claimed || soon >= LOGINS / 2, "%u were soon", soon);
}

/* A proxied connection is refused after its fork. With sanitizers two thousand
 * forks take minutes: there it is enough that some were refused. */
static bool enough_are_closed(void *of)
{
    const struct flood *f = of;

    return f->score->closed > (server_is_sanitized() ? 10 : f->count / 2);
}

/* There are two thousand connections in the end. The kind that the plan names
 * comes first, since it then has all the places of its address. */
static void expect_soon_in_all(const struct server *server,
                               struct flood_plan plan, const char *header,
                               uint64_t most)
{
    struct flood f[FLOOD_KINDS];

    plan.port = server->port;
    for (int i = 0; i < FLOOD_KINDS; i++) {
        flood_start(&f[plan.kind], &plan);
        plan.kind = (plan.kind + 1) % FLOOD_KINDS;
        expect_soon(server, header ? plan.from : GOOD, header, most);
    }
    if (plan.kind == FLOOD_LEAVES)
        cr_expect_gt(f[FLOOD_LEAVES].score->hellos, 0);
    for (int kind = 0; kind < FLOOD_KINDS; kind++) {
        cr_expect(wait_until(enough_are_closed, &f[kind], WAIT_MS), "%d: %u",
                  kind, (unsigned)f[kind].score->closed);
        flood_stop(&f[kind]);
    }
}

/* The sum of all refusals in the log: lines, and their numbers. */
struct refusals {
    const struct server *server;
    uint64_t lines, number, awaited;
};

static void sum_refused(struct refusals *r)
{
    struct buf log;

    r->lines = r->number = 0;
    server_log(r->server, &log);
    for (const char *at = log.data; (at = strstr(at, " refused ")); at++) {
        const char *end = strchr(at, '\n'), *n = strstr(at, " number=");
        unsigned long long number = 0;

        if (n && n < end)
            cr_assert_eq(sscanf(n, " number=%llu", &number), 1);
        r->lines++;
        r->number += number;
        r->number += !memmem(at, (size_t)(end - at), "more of", 7);
    }
    buf_release(&log);
}

static bool as_many(void *argument)
{
    struct refusals *r = argument;

    sum_refused(r);
    return r->number >= r->awaited;
}

/* Each closed connection comes back after a second; first come those that reach
 * the private key. No refusal is missing in the log, and there is at most one
 * line a second and address. */
ServerTest(flood, from_one_address, 200, PLAN(.no_ban = NOBODY))
{
    uint64_t began = clock_ms();
    struct refusals refusals;

    expect_soon_in_all(server,
                       (struct flood_plan){ .from = "127.0.0.1",
                                            .kind = FLOOD_LEAVES,
                                            .again_ms = 1000 },
                       NULL, SOON_MS);
    refusals.server = server;
    refusals.awaited =
        server_is_sanitized() ? FLOOD_COUNT / 2 : 3 * FLOOD_COUNT;
    cr_expect(wait_until(as_many, &refusals, WAIT_MS), "%lu were told",
              refusals.number);
    cr_expect_leq(refusals.lines, (clock_ms() - began) / 1000 * 2 + 2);
}

/* First come those that hold all places of an address. */
ServerTest(flood, half_open_from_one_address, 200, PLAN(.no_ban = NOBODY))
{
    expect_soon_in_all(
        server, (struct flood_plan){ .from = "127.0.0.1", .again_ms = 1000 },
        NULL, SOON_MS);
}

/* They come back as fast as this machine can make them. */
ServerTest(flood, back_at_once, 200, PLAN(.no_ban = NOBODY))
{
    struct flood f;

    flood_start(&f, &(struct flood_plan){ .port = server->port,
                                          .kind = FLOOD_LEAVES,
                                          .from = "127.0.0.1" });
    expect_soon(server, GOOD, NULL, LATE_MS);
    server_log_wait(server, " refused ",
                    "peer=127.0.0.1:", "reason=max_fruitless", NULL);
    expect_soon(server, GOOD, NULL, LATE_MS);
    flood_stop(&f);
}

/* Four addresses fill all places for clients that haven't logged in. With so
 * few addresses no client is dropped by chance: one of the flood's must go. */
ServerTest(flood, from_some_addresses, 200,
           PLAN(.no_ban = NOBODY, .settings = "startups = 32\n"))
{
    struct flood f;

    flood_start(&f, &(struct flood_plan){ .port = server->port,
                                          .kind = FLOOD_AUTH,
                                          .from = "127.0.1.1",
                                          .from_count = 4,
                                          .again_ms = 1000 });
    do
        expect_soon(server, GOOD, NULL, LATE_MS);
    while (!server_log_has(server, "made room for another address"));
    flood_stop(&f);
}

/* The flood comes from a client of the proxy, not from the proxy itself. A
 * client that comes after five hundred others waits until each of them has got
 * a session to read its header, and no longer. */
ServerTest(flood, through_a_proxy, 200,
           PLAN(.no_ban = NOBODY, .listen = "127.0.0.1:0 proxy",
                .settings = "proxies = 127.0.0.5\n"))
{
    expect_soon_in_all(server,
                       (struct flood_plan){ .from = "127.0.0.5",
                                            .header = HEADER_FLOOD,
                                            .again_ms = 60000 },
                       HEADER_GOOD, LATE_MS);
    server_log_wait(server, " refused ", "peer=198.51.100.1:", NULL);
}

/* The refused clients read their 421, stay, and come again, a hundred in a
 * second. Nobody else waits for their sessions. */
ServerTest(flood, refused_ones_that_stay, 200,
           PLAN(.no_ban = NOBODY, .listen = "127.0.0.1:0 proxy",
                .settings = "proxies = 127.0.0.5\nmax_per_address = 8\n"))
{
    struct flood f;

    flood_start(&f, &(struct flood_plan){ .port = server->port,
                                          .from = "127.0.0.5",
                                          .header = HEADER_FLOOD,
                                          .stays = true,
                                          .again_ms = 5000 });
    expect_soon(server, "127.0.0.5", HEADER_GOOD, SOON_MS);
    flood_stop(&f);
}

/* One subscriber has 65,536 networks /64, and opens a connection from each of
 * 500. They fill all places and the queue, and never close. */
ServerTest(flood, from_one_subscriber, 200,
           PLAN(.no_ban = NOBODY, .listen = "127.0.0.1:0 proxy",
                .settings = "proxies = 127.0.0.5\n"))
{
    struct flood f;

    flood_start(&f, &(struct flood_plan){ .port = server->port,
                                          .from = "127.0.0.5",
                                          .subscriber = true,
                                          .again_ms = 1000 });
    expect_soon(server, "127.0.0.5", HEADER_GOOD, LATE_MS);
    flood_stop(&f);
}
