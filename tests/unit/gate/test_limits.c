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
    limits_leave(&l, &a[1], false);
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
        limits_leave(&l, &in, false);
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
    limits_logged_in(&l);
    cr_assert_eq(limits_check(&l, &a, 99), LIMIT_NONE);
    limits_leave(&l, &a, true);
    cr_assert_eq(l.waiting, 1);
    limits_leave(&l, &a, false);
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
            limits_leave(&l, &a, false);
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
    cr_expect_eq(l.waiting, 2);
    cr_expect_eq(limits_check(&l, &a, 0), LIMIT_NONE);
    cr_expect_eq(limits_check_client(&l, &a), LIMIT_NONE);
    limits_know(&l, &a);
    cr_expect_eq(l.total, 2);
    cr_expect_eq(limits_check_client(&l, &a), LIMIT_ADDRESS);
    cr_expect_eq(limits_check(&l, &a, 0), LIMIT_ADDRESS);
    cr_expect_eq(limits_check(&l, NULL, 0), LIMIT_NONE);
    limits_enter(&l, NULL);
    cr_expect_eq(limits_check(&l, NULL, 0), LIMIT_SESSIONS);
    limits_leave(&l, NULL, false);
    limits_leave(&l, NULL, false);
    cr_expect_eq(limits_check_client(&l, &a), LIMIT_ADDRESS);
    limits_leave(&l, &a, true);
    cr_expect_eq(limits_check_client(&l, &a), LIMIT_NONE);
    cr_expect_eq(l.total, 0);
    limits_release(&l);
}
