/* Tests the counts of sessions that ended without a login. No session runs. */
#include "gate/limits.h"
#include "support/test.h"

#define MINUTE 60000

static struct address host(unsigned n)
{
    return (struct address){ .family = 4,
                             .bytes = { 10, (uint8_t)(n >> 16),
                                        (uint8_t)(n >> 8), (uint8_t)n } };
}

/* most: sessions in a minute; burst: sessions at once */
static const struct {
    uint64_t most, burst;
} rows[] = { { 1, 1 },    { 2, 1 },      { 7, 1 },           { 8, 2 },
             { 120, 30 }, { 1000, 250 }, { 1000000, 250000 } };

Test(fruitless, as_many_a_minute)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t most = rows[i].most, now = 5000;
        struct address a = host(1), b = host(2);
        static struct fruitless f;

        fruitless_init(&f);
        for (uint64_t n = 0; n < rows[i].burst; n++) {
            cr_assert_not(fruitless_too_many(&f, &a, most, now), "%lu of %lu",
                          n, most);
            fruitless_add(&f, &a, most, now);
        }
        cr_expect(fruitless_too_many(&f, &a, most, now), "%lu", most);
        cr_expect_not(fruitless_too_many(&f, &b, most, now));
        cr_expect_not(fruitless_too_many(&f, &a, most, now + MINUTE / most + 1),
                      "%lu", most);
    }
}

/* In ten minutes, an address gets its burst and ten times 120 sessions, and no
 * more. */
Test(fruitless, the_average_holds)
{
    struct address a = host(1);
    static struct fruitless f;
    unsigned passed = 0;

    fruitless_init(&f);
    for (uint64_t now = 0; now < 10 * MINUTE; now += 50)
        if (!fruitless_too_many(&f, &a, 120, now)) {
            fruitless_add(&f, &a, 120, now);
            passed++;
        }
    cr_expect_leq(passed, 10 * 120 + 31);
    cr_expect_geq(passed, 10 * 120 + 28);
}

/* Sessions that were already open when the address reached its limit count,
 * too, but its debt is limited. */
Test(fruitless, the_debt_has_an_end)
{
    struct address a = host(1);
    static struct fruitless f;

    fruitless_init(&f);
    for (int i = 0; i < 20000; i++)
        fruitless_add(&f, &a, 120, 1000);
    cr_expect(fruitless_too_many(&f, &a, 120, 1000 + MINUTE / 4));
    cr_expect_not(fruitless_too_many(&f, &a, 120, 1000 + MINUTE / 4 + 1000));
}

/* If 100 addresses flood, fewer than 100 of 10,000 other addresses must
 * wait. */
Test(fruitless, others_are_left_alone)
{
    static struct fruitless f;
    unsigned hit = 0;

    fruitless_init(&f);
    for (unsigned i = 0; i < 100; i++)
        for (int n = 0; n <= 30; n++) {
            struct address a = host(i);

            fruitless_add(&f, &a, 120, 0);
        }
    for (unsigned i = 1000; i < 11000; i++) {
        struct address a = host(i);

        hit += fruitless_too_many(&f, &a, 120, 0);
    }
    cr_expect_lt(hit, 100);
}

/* The networks of 2001:db8::1, and how many times an address's burst each may
 * have. */
static const struct {
    unsigned bits, times;
    const char *inside, *outside;
} levels[] = {
    { 64, 1, "2001:db8::2", "2001:db8:0:1::1" },
    { 56, 2, "2001:db8:0:ff::1", "2001:db8:0:100::1" },
    { 48, 4, "2001:db8:0:ffff::1", "2001:db8:1::1" },
};

/* Whoever has a wide network and takes another address of it each time gets the
 * burst of this network. No other network must wait for it. */
Test(fruitless, by_network)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        static struct fruitless f;
        struct address a, inside, outside;

        fruitless_init(&f);
        address_parse(SLICE("2001:db8::1"), &a);
        address_parse(slice_from(levels[i].inside), &inside);
        address_parse(slice_from(levels[i].outside), &outside);
        for (unsigned n = 0; n < levels[i].times * 30; n++) {
            cr_assert_not(fruitless_too_many(&f, &inside, 120, 5000), "%u: %u",
                          levels[i].bits, n);
            /* another narrower network each time */
            if (levels[i].bits < 64)
                a.bytes[levels[i].bits / 8] = (uint8_t)n;
            fruitless_add(&f, &a, 120, 5000);
        }
        cr_expect(fruitless_too_many(&f, &inside, 120, 5000), "%u",
                  levels[i].bits);
        cr_expect_not(fruitless_too_many(&f, &outside, 120, 5000), "%u",
                      levels[i].bits);
        cr_expect_not(fruitless_too_many(
            &f, &inside, 120, 5000 + MINUTE / 120 / levels[i].times + 1));
    }
}
