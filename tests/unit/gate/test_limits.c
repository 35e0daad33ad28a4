/* Tests gate's counts of connections, of sessions that ended without a login,
 * and of events, without sockets and by a clock of the test. */
#include "gate/gate.h"
#include "support/long.h"
#include "support/test.h"

static uint64_t seed = 1;

static unsigned below(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static struct address host(const char *text)
{
    struct address a;

    cr_assert_eq(address_parse(slice_from(text), &a), 0, "%s", text);
    return a;
}

static struct address nth(unsigned n)
{
    return (struct address){ .family = 4,
                             .bytes = { 10, (uint8_t)(n >> 16),
                                        (uint8_t)(n >> 8), (uint8_t)n } };
}

/* Addresses, and numbers of their networks, the widest first: an IPv4 address,
 * or a /48, a /56 and a /64, which is a client. The first ones have the same
 * bytes. */
static const struct {
    const char *text;
    unsigned network[PREFIXES];
} hosts[] = {
    { "192.0.2.1", { 1 } },
    { "192.0.2.2", { 2 } },
    { "::ffff:192.0.2.1", { 1 } },
    { "c000:0201::", { 3, 3, 3 } },
    { "2001:db8::1", { 4, 4, 4 } },
    { "2001:db8::ffff", { 4, 4, 4 } },
    { "2001:db8:0:1::1", { 4, 4, 5 } },
    { "2001:db8:0:1:ffff::2", { 4, 4, 5 } },
    { "2001:db8:0:ffff::1", { 4, 6, 6 } },
    { "2001:db8:1::1", { 7, 7, 7 } },
    { "2001:db8:1:ff00::1", { 7, 8, 8 } },
};
#define HOSTS (sizeof(hosts) / sizeof(hosts[0]))

#define PLACES   20
#define ADDRESS  6
#define STARTUPS 8

/* A connection is in the queue, or it is a session: of an unknown client, of a
 * known one, without a login, and with one. */
static struct connection {
    enum { NONE, QUEUED, UNKNOWN, KNOWN, WAITING, USER } state;
    unsigned network[PREFIXES];
    struct address a;
    struct prefixes in;
} connections[PLACES + LIMIT_QUEUE];
#define CONNECTIONS (sizeof(connections) / sizeof(connections[0]))

/* Gives C one of the addresses above, or an address in a /64 and a /48 of its
 * own. */
static void take_address(struct connection *c)
{
    const unsigned i = below(3 * HOSTS),
                   own = 100 + (unsigned)(c - connections);

    if (i < HOSTS) {
        c->a = host(hosts[i].text);
        memcpy(c->network, hosts[i].network, sizeof(c->network));
    } else {
        c->a = host("2001:db9:0:1::1");
        c->a.bytes[4] = (uint8_t)(own >> 8);
        c->a.bytes[5] = (uint8_t)own;
        for (int k = 0; k < PREFIXES; k++)
            c->network[k] = own;
    }
}

static bool is_known(const struct connection *o)
{
    return o->state != NONE && o->state != UNKNOWN;
}

/* Expects the counts of a network of C. Returns the number of all its
 * connections. */
static uint64_t expect_network(const struct prefix_count *p,
                               const struct connection *c, int level)
{
    uint64_t all = 0, waiting = 0, queued = 0;

    for (size_t i = 0; i < CONNECTIONS; i++) {
        const struct connection *o = &connections[i];
        const bool same = o->network[level] == c->network[level];

        all += same && is_known(o);
        waiting += same && o->state == WAITING;
        queued += same && o->state == QUEUED;
    }
    cr_assert_eq(p != NULL, all > 0);
    cr_assert(!p || (p->all == all && p->line[LINE_LOGIN] == waiting &&
                     p->line[LINE_QUEUE] == queued));
    return all;
}

/* Expects the counts of the networks of C, and what they forbid. */
static void expect_counts(const struct limits *l, const struct connection *c)
{
    const struct prefixes p = limits_prefixes(l, &c->a);
    uint64_t total = 0, unknown = 0, waiting = 0, client = 0;

    for (size_t i = 0; i < CONNECTIONS; i++) {
        total += connections[i].state >= UNKNOWN;
        unknown += connections[i].state == UNKNOWN;
        waiting += connections[i].state == WAITING;
    }
    for (int i = 0; i < PREFIXES && c->network[i]; i++)
        client = expect_network(p.of[i], c, i);
    cr_assert(l->total == total && l->unknown == unknown &&
              l->waiting == waiting);
    cr_assert_eq(limits_full(l), waiting >= STARTUPS);
    for (uint64_t coming = 0; coming < 3; coming++)
        cr_assert_eq(limits_check(l, coming),
                     total + coming >= PLACES ? LIMIT_SESSIONS : LIMIT_NONE);
    cr_assert_eq(limits_check_client(l, &c->a),
                 client >= ADDRESS     ? LIMIT_ADDRESS
                 : waiting >= STARTUPS ? LIMIT_STARTUPS
                                       : LIMIT_NONE);
}

static void stand(struct limits *l, struct connection *c, enum line line)
{
    c->in = limits_prefixes(l, &c->a);
    limits_line(l, line, &c->in, 1);
}

static void enter(struct limits *l, struct connection *c)
{
    take_address(c);
    expect_counts(l, c);
    if (c < connections + LIMIT_QUEUE) {
        c->state = QUEUED;
        limits_count_in(l, &c->a);
        stand(l, c, LINE_QUEUE);
    } else if (below(3) == 0) {
        c->state = UNKNOWN;
        limits_enter(l, NULL);
    } else {
        c->state = WAITING;
        limits_enter(l, &c->a);
        stand(l, c, LINE_LOGIN);
    }
}

static void go_on(struct limits *l, struct connection *c)
{
    if (c->state < UNKNOWN || c->state == USER)
        return;
    if (c->state == UNKNOWN)
        limits_add(l, &c->a);
    else if (c->state == KNOWN)
        stand(l, c, LINE_LOGIN);
    else
        limits_line(l, LINE_LOGIN, &c->in, -1);
    c->state++;
}

static void leave(struct limits *l, struct connection *c)
{
    if (c->state == WAITING)
        limits_line(l, LINE_LOGIN, &c->in, -1);
    if (c->state == QUEUED) {
        limits_line(l, LINE_QUEUE, &c->in, -1);
        limits_count_out(l, &c->a);
    } else if (c->state != NONE) {
        limits_leave(l, c->state == UNKNOWN ? NULL : &c->a);
    }
    c->state = NONE;
    expect_counts(l, c);
}

/* Random connections: many without a login, then many with one, and then all
 * leave. No record is lost. */
Test(limits, any_program, .timeout = 60)
{
    const struct settings s = { .max_sessions = PLACES,
                                .max_per_address = ADDRESS,
                                .startups = STARTUPS };
    size_t unused = 0;
    struct limits l;

    cr_assert_eq(limits_init(&l, &s, PLACES), 0);
    for (unsigned i = 0; i < 30000; i++) {
        struct connection *c = &connections[below(CONNECTIONS)];

        if (below(2))
            c = &connections[LIMIT_QUEUE + below(PLACES)];
        if (below(10) == 0)
            leave(&l, c);
        else if (c->state == NONE)
            enter(&l, c);
        else if (i / 1500 % 2 == 1 || below(10) == 0)
            go_on(&l, c);
        for (size_t n = 0; i % 3000 == 2999 && n < CONNECTIONS; n++)
            leave(&l, &connections[(i + n) % CONNECTIONS]);
    }
    for (struct prefix_count *p = SLIST_FIRST(&l.unused); p;
         p = SLIST_NEXT(p, unused))
        unused++;
    cr_expect_eq(unused, l.prefixes);
    limits_release(&l);
}

#define MINUTE 60000

static struct fruitless f;

/* Networks, how many times an address's sessions each may have, the byte in
 * which its narrower networks differ, and an address outside. */
static const struct {
    const char *inside, *outside;
    unsigned times, byte;
} levels[] = {
    { "10.0.0.1", "10.0.0.2", 1, 15 },
    { "2001:db8::1", "2001:db8:0:1::1", 1, 15 },
    { "2001:db8::1", "2001:db8:0:100::1", 2, 7 },
    { "2001:db8::1", "2001:db8:1::1", 4, 6 },
};

/* A network gets a quarter of its sessions of a minute at once, and then its
 * rate, however many addresses it has. No other network must wait for it. */
static void expect_rate(size_t level, uint64_t most)
{
    const uint64_t rate = most * levels[level].times,
                   burst = most < 4 ? levels[level].times : rate / 4,
                   until = 5000 + 300 * MINUTE / rate;
    const struct address outside = host(levels[level].outside);
    struct address a = host(levels[level].inside);
    uint64_t at_once = 0, later = 0;

    f = (struct fruitless){ 0 };
    for (uint64_t now = 5000, n = 0; now < until; n++) {
        a.bytes[levels[level].byte] = (uint8_t)n;
        if (fruitless_too_many(&f, &a, most, now)) {
            cr_assert_not(fruitless_too_many(&f, &outside, most, now));
            now += 1 + below((unsigned)(MINUTE / rate / 8) + 1);
            continue;
        }
        fruitless_add(&f, &a, most, now);
        at_once += now == 5000;
        later += now > 5000;
    }
    cr_expect_eq(at_once, burst, "%zu, %lu: %lu", level, most, at_once);
    cr_expect(later >= 270 && later <= 301, "%zu, %lu: %lu", level, most,
              later);
}

Test(fruitless, any_rate, WITHOUT_SANITIZERS)
{
    static const uint64_t most[] = { 1, 2, 8, 120, 1000, 40000 };

    for (size_t level = 0; level < sizeof(levels) / sizeof(levels[0]); level++)
        for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++)
            expect_rate(level, most[i]);
}

/* Sessions that were already open when the address reached its limit count,
 * too, but its debt is limited. */
Test(fruitless, the_debt_has_an_end)
{
    struct address a = nth(1);

    for (int i = 0; i < 20000; i++)
        fruitless_add(&f, &a, 120, 1000);
    cr_expect(fruitless_too_many(&f, &a, 120, 1000 + MINUTE / 4));
    cr_expect_not(fruitless_too_many(&f, &a, 120, 1000 + MINUTE / 4 + 1000));
}

/* If 100 addresses flood, fewer than 100 of 10,000 other addresses must
 * wait. */
Test(fruitless, others_are_left_alone)
{
    unsigned hit = 0;

    fruitless_init(&f);
    for (unsigned i = 0; i < 3100; i++) {
        struct address a = nth(i % 100);

        fruitless_add(&f, &a, 120, 0);
    }
    for (unsigned i = 1000; i < 11000; i++) {
        struct address a = nth(i);

        hit += fruitless_too_many(&f, &a, 120, 0);
    }
    cr_expect_lt(hit, 100);
}

/* An address has at most one event a second, and all addresses together have
 * at most one for each slot. Each other event is counted once. */
Test(throttle, any_flood)
{
    uint64_t now = 5000, own = 0, any = 0, second = 0, silenced;
    unsigned passed = 0, in_second = 0, pending = 0;
    struct throttle t;

    throttle_init(&t);
    for (unsigned i = 0; i < 50000; i++) {
        const unsigned n = below(i / 5000 % 2 ? 1000 : 1);
        const struct address a = nth(n);

        now += below(20) ? 0 : below(100);
        if (now >= second + 1000) {
            second = now;
            in_second = 0;
        }
        if (below(1000) == 0) {
            cr_assert_eq(throttle_tally(&t), pending);
            pending = 0;
        }
        if (!throttle_pass(&t, &a, now, &silenced)) {
            cr_assert_lt(now, any + 1000);
            pending++;
            continue;
        }
        cr_assert_eq(silenced, pending);
        cr_assert(n > 0 || now >= own + 1000);
        any = now;
        own = n > 0 ? own : now;
        pending = 0;
        passed++;
        cr_assert_leq(++in_second, THROTTLE_SLOTS);
    }
    cr_expect_gt(passed, 2000);
}
