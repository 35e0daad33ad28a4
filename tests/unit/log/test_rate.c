/* The debts in bytes, with a clock of the test. */
#include "log/log.h"
#include "support/test.h"

#define LINE 1000

/* Returns how many lines of LINE bytes pass at NOW. */
static unsigned passes(uint64_t *r, uint64_t now)
{
    unsigned n = 0;

    for (; rate_wait(r, now) == 0; n++)
        rate_charge(r, LINE, now);
    return n;
}

/* A line that begins when a single byte is left is written, and paid for
 * later. */
Test(rate, burst_then_so_many_bytes_a_second)
{
    static const struct {
        uint64_t after; /* ms after the row before */
        unsigned pass;
    } rows[] = {
        { 0, RATE_BURST / LINE + 1 },
        { 0, 0 },
        { 1, 0 },
        { 999, RATE_SECOND / LINE },
        { 1000, RATE_SECOND / LINE },
        { 1000000000, RATE_BURST / LINE + 1 }, /* never more */
    };
    uint64_t now = 12345;
    uint64_t r = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned n;

        now += rows[i].after;
        n = passes(&r, now);
        cr_assert(n + 1 >= rows[i].pass && n <= rows[i].pass + 1, "row %zu: %u",
                  i, n);
    }
}

/* A line passes after that time, and not before. */
Test(rate, tells_how_long)
{
    uint64_t now = 1000, ms;
    uint64_t r = 0;

    rate_charge(&r, RATE_BURST + 5 * RATE_SECOND, now);
    ms = rate_wait(&r, now);
    cr_assert(ms >= 5000 && ms <= 5001, "%llu", (unsigned long long)ms);
    cr_assert_eq(rate_wait(&r, now + ms - 2), 2);
    cr_assert_eq(rate_wait(&r, now + ms), 0);
    r = 0;
    rate_charge(&r, RATE_BURST - 1, now);
    cr_assert_eq(rate_wait(&r, now), 0);
    rate_charge(&r, 1, now);
    cr_assert_eq(rate_wait(&r, now), 1);
}

/* All sessions of a user share one rate; two users nearly always have two. */
Test(rate, one_a_user)
{
    static struct rates all;
    unsigned shared = 0;
    char name[32];

    cr_assert_eq(rate_wait(rate_of_user(&all, SLICE("anna")), 0), 0);
    cr_assert_eq(rate_of_user(&all, SLICE("anna")),
                 rate_of_user(&all, SLICE("anna")));
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "user%d", i);
        shared += rate_of_user(&all, SLICE("anna")) ==
                  rate_of_user(&all, slice_from(name));
    }
    cr_assert_leq(shared, 3);
}
