/* The bucket of a sender's events, with a clock of the test's own. */
#include <criterion/criterion.h>

#include "log/rate.h"

static unsigned passes(struct rate *r, uint64_t now, unsigned tries)
{
    unsigned n = 0;

    while (tries-- > 0)
        n += rate_pass(r, now);
    return n;
}

Test(rate, burst_then_so_many_a_second)
{
    static const struct {
        uint64_t after; /* ms since the row before */
        unsigned pass;
    } rows[] = {
        { 0, RATE_BURST },
        { 0, 0 },
        { 1, 0 }, /* one every 2 ms */
        { 1, 1 },
        { 1000, RATE_SECOND },
        { 1500, 750 },
        { 5000, RATE_BURST },
        { 1000000000, RATE_BURST }, /* never more */
        { UINT64_MAX / 2, RATE_BURST },
    };
    uint64_t now = 12345;
    struct rate r;

    rate_init(&r, now);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        now += rows[i].after;
        cr_assert_eq(passes(&r, now, 3000), rows[i].pass, "row %zu", i);
    }
}
