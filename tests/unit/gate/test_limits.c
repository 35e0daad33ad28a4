/* The counts, without any socket. */
#include <criterion/criterion.h>

#include "gate/limits.h"

static struct address host(const char *text)
{
    struct address a;

    cr_assert_eq(address_parse(slice_from(text), &a), 0, "%s", text);
    return a;
}

static struct limits make(uint64_t sessions, uint64_t address,
                          struct startups startups)
{
    struct settings s = { .max_sessions = sessions,
                          .max_per_address = address,
                          .startups = startups };
    struct limits l;

    cr_assert_eq(limits_init(&l, &s), 0);
    return l;
}

/* One that hasn't logged in goes. */
static void leave(struct limits *l, const struct address *a)
{
    limits_settle(l, a);
    limits_leave(l, a);
}

static const struct startups never = { 1000, 30, 1000 };

Test(limits, all_sessions)
{
    struct limits l = make(3, 3, never);
    struct address a[] = { host("192.0.2.1"), host("192.0.2.2"),
                           host("2001:db8::1"), host("192.0.2.3") };

    for (int i = 0; i < 3; i++) {
        cr_assert_eq(limits_check(&l, &a[i], 0), LIMIT_NONE);
        limits_enter(&l, &a[i]);
    }
    cr_assert_eq(limits_check(&l, &a[3], 0), LIMIT_SESSIONS);
    leave(&l, &a[1]);
    cr_assert_eq(limits_check(&l, &a[3], 0), LIMIT_NONE);
    limits_release(&l);
}

/* One row: who is in twice, who knocks, and whether they are one prefix. */
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
        struct limits l = make(10, 2, never);
        struct address in = host(row->in), knocks = host(row->knocks);

        limits_enter(&l, &in);
        cr_assert_eq(limits_check(&l, &knocks, 0), LIMIT_NONE);
        limits_enter(&l, &in);
        cr_assert_eq(limits_check(&l, &knocks, 0),
                     row->same ? LIMIT_ADDRESS : LIMIT_NONE, "%s %s", row->in,
                     row->knocks);
        leave(&l, &in);
        cr_assert_eq(limits_check(&l, &knocks, 0), LIMIT_NONE);
        limits_release(&l);
    }
}

/* 10:30:100: nothing below 10, 30 % at 10, 65 % at 55, all at 100. */
struct startup_row {
    unsigned waiting, dice;
    enum limit limit;
};

static const struct startup_row startups[] = {
    { 0, 0, LIMIT_NONE },        { 9, 0, LIMIT_NONE },
    { 10, 29, LIMIT_STARTUPS },  { 10, 30, LIMIT_NONE },
    { 55, 64, LIMIT_STARTUPS },  { 55, 65, LIMIT_NONE },
    { 99, 98, LIMIT_STARTUPS },  { 99, 99, LIMIT_NONE },
    { 100, 99, LIMIT_STARTUPS },
};

Test(limits, early_drop)
{
    for (size_t i = 0; i < sizeof(startups) / sizeof(startups[0]); i++) {
        const struct startup_row *row = &startups[i];
        struct limits l = make(1000, 1000, (struct startups){ 10, 30, 100 });
        struct address a = host("192.0.2.1");

        for (unsigned n = 0; n < row->waiting; n++)
            limits_enter(&l, &a);
        cr_assert_eq(limits_check(&l, &a, row->dice), row->limit, "%u %u",
                     row->waiting, row->dice);
        limits_release(&l);
    }
}

Test(limits, login_frees_a_startup)
{
    struct limits l = make(100, 100, (struct startups){ 2, 100, 2 });
    struct address a = host("192.0.2.1");

    limits_enter(&l, &a);
    limits_enter(&l, &a);
    cr_assert_eq(limits_check(&l, &a, 99), LIMIT_STARTUPS);
    limits_settle(&l, &a);
    cr_assert_eq(limits_check(&l, &a, 99), LIMIT_NONE);
    limits_leave(&l, &a);
    cr_assert_eq(l.waiting, 1);
    leave(&l, &a);
    cr_assert_eq(l.waiting, 0);
    cr_assert_eq(l.total, 0);
    limits_release(&l);
}

/* As many prefixes as sessions, again and again: no place is lost. */
Test(limits, places_come_back)
{
    struct limits l = make(64, 1, never);

    for (unsigned round = 0; round < 100; round++) {
        struct address a = { .family = 4, .bytes = { 10, 0, 0, 0 } };

        for (unsigned i = 0; i < 64; i++) {
            a.bytes[2] = (uint8_t)round;
            a.bytes[3] = (uint8_t)i;
            cr_assert_eq(limits_check(&l, &a, 0), LIMIT_NONE);
            limits_enter(&l, &a);
        }
        for (unsigned i = 0; i < 64; i++) {
            a.bytes[3] = (uint8_t)i;
            leave(&l, &a);
        }
    }
    limits_release(&l);
}

/* Who came by a proxy counts in all from the start, and for an address once it
 * is known. */
Test(limits, an_address_that_comes_later)
{
    struct limits l = make(3, 1, never);
    struct address a = host("192.0.2.1");

    limits_enter(&l, NULL);
    limits_enter(&l, NULL);
    cr_expect_eq(l.total, 2);
    cr_expect_eq(l.unknown, 2);
    cr_expect_eq(l.waiting, 0);
    cr_expect_eq(limits_check(&l, &a, 0), LIMIT_NONE);
    cr_expect_eq(limits_check_client(&l, &a, 0), LIMIT_NONE);
    limits_know(&l, &a);
    cr_expect_eq(l.total, 2);
    cr_expect_eq(l.unknown, 1);
    cr_expect_eq(l.waiting, 1);
    cr_expect_eq(limits_check_client(&l, &a, 0), LIMIT_ADDRESS);
    cr_expect_eq(limits_check(&l, &a, 0), LIMIT_ADDRESS);
    cr_expect_eq(limits_check(&l, NULL, 0), LIMIT_NONE);
    limits_enter(&l, NULL);
    cr_expect_eq(limits_check(&l, NULL, 0), LIMIT_SESSIONS);
    limits_leave(&l, NULL);
    limits_leave(&l, NULL);
    cr_expect_eq(limits_check_client(&l, &a, 0), LIMIT_ADDRESS);
    leave(&l, &a);
    cr_expect_eq(limits_check_client(&l, &a, 0), LIMIT_NONE);
    cr_expect_eq(l.total, 0);
    limits_release(&l);
}

static struct address nth(unsigned n)
{
    return (struct address){
        .family = 4, .bytes = { 10, 0, (uint8_t)(n >> 8), (uint8_t)n }
    };
}

static void enter_many(struct limits *l, unsigned others, unsigned each)
{
    for (unsigned i = 0; i < others; i++)
        for (unsigned k = 0; k < each; k++) {
            struct address a = nth(i);

            limits_enter(l, &a);
        }
}

/* So many prefixes have so many waiting each; one that has OWN knocks, by
 * 10:30:100. The load that it meets is told by the dice: LEAST is the first
 * that lets it in. */
static const struct share_row {
    unsigned others, each, own, least;
} shares[] = {
    { 1, 99, 0, 0 },  /* one other, whatever it holds, keeps nobody out */
    { 9, 11, 0, 0 },  /* nor do nine */
    { 10, 9, 0, 30 }, /* ten others: as if each had one */
    { 55, 1, 0, 65 }, /* a flood from many addresses: as ever */
    { 55, 9, 0, 65 }, /* … and no worse if they hold more */
    { 100, 1, 0, 100 }, { 4, 20, 1, 0 }, /* 1 + 4 * 2 */
    { 4, 20, 2, 33 },                    /* 2 + 4 * 3 = 14: 30 + 70 * 4 / 90 */
    { 4, 2, 30, 51 }, /* 30 + 8 = 38: whoever holds many meets all */
    { 0, 0, 10, 30 }, /* alone: as ever */
};

Test(limits, no_other_counts_for_more_than_oneself)
{
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        const struct share_row *row = &shares[i];
        struct limits l = make(1000, 1000, (struct startups){ 10, 30, 100 });
        struct address own = host("192.0.2.1");

        enter_many(&l, row->others, row->each);
        for (unsigned n = 0; n < row->own; n++)
            limits_enter(&l, &own);
        if (row->least > 0)
            cr_expect_eq(limits_check(&l, &own, row->least - 1), LIMIT_STARTUPS,
                         "row %zu", i);
        if (row->least < 100)
            cr_expect_eq(limits_check(&l, &own, row->least), LIMIT_NONE,
                         "row %zu", i);
        limits_release(&l);
    }
}

/* Whoever is let in while all places are taken, takes one of a prefix that has
 * more: so there are never more than FULL, and at the end all have the same. */
Test(limits, full_places_are_shared)
{
    struct limits l = make(1000, 1000, (struct startups){ 10, 30, 20 });
    unsigned held[10] = { 0 };

    for (unsigned round = 0; round < 40; round++)
        for (unsigned i = 0; i < 5; i++) {
            struct address a = nth(i);

            if (limits_check(&l, &a, 99) != LIMIT_NONE)
                continue;
            for (unsigned k = 0; limits_full(&l) && k < 5; k++) {
                struct address b = nth(k);

                if (!limits_is_heaviest(&l, &b))
                    continue;
                cr_assert_gt(held[k], held[i] + 1, "%u for %u", k, i);
                leave(&l, &b);
                held[k]--;
            }
            limits_enter(&l, &a);
            held[i]++;
            cr_assert_leq(l.waiting, 20);
        }
    for (unsigned i = 0; i < 5; i++)
        cr_expect_eq(held[i], 4, "%u has %u", i, held[i]);
    limits_release(&l);
}

Test(limits, one_gives_way_to_another)
{
    struct limits l = make(100, 100, (struct startups){ 10, 30, 20 });
    struct address many = host("2001:db8::1"), same = host("2001:db8::2"),
                   other = host("2001:db8:0:1::1");

    cr_expect_not(limits_full(&l));
    for (int i = 0; i < 20; i++) /* the dice were with it */
        limits_enter(&l, &many);
    cr_expect(limits_full(&l));
    cr_expect_eq(limits_check(&l, &same, 99), LIMIT_STARTUPS);
    cr_expect_eq(limits_check(&l, &other, 0), LIMIT_NONE);
    cr_expect(limits_is_heaviest(&l, &same));
    cr_expect_not(limits_is_heaviest(&l, &other));
    limits_settle(&l, &many);
    cr_expect_not(limits_full(&l));
    cr_expect_eq(l.total, 20); /* it still is a session */
    limits_leave(&l, &many);
    cr_expect_eq(l.total, 19);
    cr_expect_eq(l.most, 19);
    limits_release(&l);
}
