/* Tests gate's counts of connections, without sockets. */
#include "gate/limits.h"
#include "support/test.h"

static struct address host(const char *text)
{
    struct address a;

    cr_assert_eq(address_parse(slice_from(text), &a), 0, "%s", text);
    return a;
}

static struct limits make(uint64_t sessions, uint64_t address,
                          uint64_t startups)
{
    struct settings s = { .max_sessions = sessions,
                          .max_per_address = address,
                          .startups = startups };
    struct limits l;

    cr_assert_eq(limits_init(&l, &s, sessions), 0);
    return l;
}

/* Ends a session that hasn't logged in. */
static void leave(struct limits *l, const struct address *a)
{
    limits_end_wait(l, a);
    limits_leave(l, a);
}

#define NEVER 1000

/* Decides like gate about a new connection. PEER NULL: its client isn't known
 * yet. */
static enum limit check(const struct limits *l, const struct address *peer)
{
    enum limit limit = limits_check(l);

    return limit == LIMIT_NONE && peer ? limits_check_client(l, peer) : limit;
}

/* in: an address with two sessions; knocks: an address that connects; same: do
 * both count as one client? */
struct prefix_row {
    const char *in, *knocks;
    bool same;
};

static const struct prefix_row prefixes[] = {
    { "192.0.2.1", "192.0.2.1", true },
    { "192.0.2.1", "192.0.2.2", false },
    { "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true },
    { "2001:db8:0:1::1", "2001:db8:0:2::1", false },
    { "::ffff:192.0.2.1", "192.0.2.1", true },
    { "192.0.2.1", "c000:0201::", false },
};

Test(limits, one_address)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        const struct prefix_row *row = &prefixes[i];
        struct limits l = make(10, 2, NEVER);
        struct address in = host(row->in), knocks = host(row->knocks);

        limits_enter(&l, &in);
        cr_assert_eq(check(&l, &knocks), LIMIT_NONE);
        limits_enter(&l, &in);
        cr_assert_eq(check(&l, &knocks), row->same ? LIMIT_ADDRESS : LIMIT_NONE,
                     "%s %s", row->in, row->knocks);
        leave(&l, &in);
        cr_assert_eq(check(&l, &knocks), LIMIT_NONE);
        limits_release(&l);
    }
}

/* One address can use all places. Gate refuses none of its sessions before. */
Test(limits, startups)
{
    struct limits l = make(100, 100, 32);
    struct address a = host("192.0.2.1"), other = host("192.0.2.2");

    for (unsigned n = 0; n < 32; n++) {
        cr_assert_eq(check(&l, &a), LIMIT_NONE, "%u", n);
        cr_assert_not(limits_full(&l));
        limits_enter(&l, &a);
    }
    cr_expect_eq(check(&l, &a), LIMIT_STARTUPS);
    cr_expect_eq(check(&l, &other), LIMIT_STARTUPS);
    cr_expect_eq(check(&l, NULL), LIMIT_NONE); /* it can have any address */
    cr_expect(limits_full(&l));
    limits_release(&l);
}

Test(limits, login_frees_a_startup)
{
    struct limits l = make(100, 100, 2);
    struct address a = host("192.0.2.1");

    limits_enter(&l, &a);
    limits_enter(&l, &a);
    cr_assert_eq(check(&l, &a), LIMIT_STARTUPS);
    limits_end_wait(&l, &a);
    cr_assert_eq(check(&l, &a), LIMIT_NONE);
    limits_leave(&l, &a);
    cr_assert_eq(l.waiting, 1);
    leave(&l, &a);
    cr_assert_eq(l.waiting, 0);
    cr_assert_eq(l.total, 0);
    limits_release(&l);
}

/* Uses up all places, each for another prefix, again and again. No place is
 * lost. */
Test(limits, places_come_back)
{
    struct limits l = make(64, 1, NEVER);

    for (unsigned round = 0; round < 100; round++) {
        struct address a = { .family = 4, .bytes = { 10, 0, 0, 0 } };

        for (unsigned i = 0; i < 64; i++) {
            a.bytes[2] = (uint8_t)round;
            a.bytes[3] = (uint8_t)i;
            cr_assert_eq(check(&l, &a), LIMIT_NONE);
            limits_enter(&l, &a);
        }
        for (unsigned i = 0; i < 64; i++) {
            a.bytes[3] = (uint8_t)i;
            leave(&l, &a);
        }
    }
    limits_release(&l);
}

/* A proxied client counts in the total from the start, and for its address once
 * the address is known. */
Test(limits, an_address_that_comes_later)
{
    struct limits l = make(3, 1, NEVER);
    struct address a = host("192.0.2.1");

    limits_enter(&l, NULL);
    limits_enter(&l, NULL);
    cr_expect_eq(l.total, 2);
    cr_expect_eq(l.unknown, 2);
    cr_expect_eq(l.waiting, 0);
    cr_expect_eq(check(&l, &a), LIMIT_NONE);
    cr_expect_eq(limits_check_client(&l, &a), LIMIT_NONE);
    limits_add(&l, &a);
    cr_expect_eq(l.total, 2);
    cr_expect_eq(l.unknown, 1);
    cr_expect_eq(l.waiting, 0);
    cr_expect_eq(limits_of_network(&l, &a), 1);
    limits_begin_wait(&l, &a);
    cr_expect_eq(l.waiting, 1);
    cr_expect_eq(limits_check_client(&l, &a), LIMIT_ADDRESS);
    cr_expect_eq(check(&l, &a), LIMIT_ADDRESS);
    cr_expect_eq(check(&l, NULL), LIMIT_NONE);
    limits_enter(&l, NULL);
    cr_expect_eq(check(&l, NULL), LIMIT_SESSIONS);
    limits_leave(&l, NULL);
    limits_leave(&l, NULL);
    cr_expect_eq(limits_check_client(&l, &a), LIMIT_ADDRESS);
    leave(&l, &a);
    cr_expect_eq(limits_check_client(&l, &a), LIMIT_NONE);
    cr_expect_eq(l.total, 0);
    limits_release(&l);
}

static struct address nth(unsigned n)
{
    return (struct address){
        .family = 4, .bytes = { 10, 0, (uint8_t)(n >> 8), (uint8_t)n }
    };
}

/* Queued connections count only for their addresses, even if each has an
 * address of its own and no place is left. */
Test(limits, the_queue)
{
    struct limits l = make(4, 3, 4);
    struct address a = nth(0);

    for (unsigned i = 0; i < 4; i++) {
        struct address in = nth(i);

        limits_enter(&l, &in);
    }
    for (unsigned i = 0; i < LIMIT_QUEUE; i++) {
        struct address waits = nth(100 + i);

        limits_count_in(&l, &waits);
    }
    cr_expect_eq(l.waiting, 4);
    cr_expect_eq(l.total, 4);
    for (unsigned i = 0; i < LIMIT_QUEUE; i++) {
        struct address waits = nth(100 + i);

        cr_assert_eq(limits_of_network(&l, &waits), 1);
        cr_assert_eq(limits_waiting(&l, &waits), 0);
        limits_count_out(&l, &waits);
        cr_assert_eq(limits_of_network(&l, &waits), 0);
    }
    limits_count_in(&l, &a);
    cr_expect_eq(limits_check_client(&l, &a), LIMIT_STARTUPS);
    limits_count_in(&l, &a);
    cr_expect_eq(limits_check_client(&l, &a), LIMIT_ADDRESS);
    limits_release(&l);
}

/* A /48 is one network, and each /64 of it is a client. The first /64 is a
 * client, too, although it has the same bytes as the /48. No record is lost. */
Test(limits, one_subscriber)
{
    struct limits l = make(100, 2, 100);
    struct address mine = host("2001:db8:0:ffff::1"),
                   other = host("2001:db8:1::1"), in;
    size_t unused = 0;

    for (unsigned n = 0; n < 100; n++) {
        in = host("2001:db8::1");
        in.bytes[7] = (uint8_t)n;
        cr_assert_eq(check(&l, &in), LIMIT_NONE);
        limits_enter(&l, &in);
    }
    cr_expect_eq(limits_check_client(&l, &mine), LIMIT_STARTUPS);
    cr_expect_eq(limits_of_network(&l, &mine), 100);
    cr_expect_eq(limits_waiting(&l, &mine), 100);
    cr_expect_eq(limits_waiting(&l, &other), 0);
    in = host("2001:db8::1");
    limits_count_in(&l, &in);
    cr_expect_eq(limits_check_client(&l, &in), LIMIT_ADDRESS);
    limits_count_out(&l, &in);
    for (unsigned n = 0; n < 100; n++) {
        in.bytes[7] = (uint8_t)n;
        leave(&l, &in);
    }
    for (struct prefix_count *p = SLIST_FIRST(&l.unused); p;
         p = SLIST_NEXT(p, unused))
        unused++;
    cr_expect_eq(unused, l.prefixes);
    limits_release(&l);
}
