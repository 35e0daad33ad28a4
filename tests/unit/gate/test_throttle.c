/* Tests the limit on the events of a flood. */
#include "gate/gate.h"
#include "support/test.h"

static struct address host(unsigned n)
{
    return (struct address){ .family = 4,
                             .bytes = { 10, (uint8_t)(n >> 16),
                                        (uint8_t)(n >> 8), (uint8_t)n } };
}

Test(throttle, one_a_second)
{
    struct address a = host(1);
    struct throttle t;
    uint64_t silenced = 99;

    throttle_init(&t);
    cr_assert(throttle_pass(&t, &a, 5000, &silenced));
    cr_assert_eq(silenced, 0);
    cr_assert_not(throttle_pass(&t, &a, 5000, &silenced));
    cr_assert_not(throttle_pass(&t, &a, 5999, &silenced));
    cr_assert(throttle_pass(&t, &a, 6000, &silenced));
    cr_assert_eq(silenced, 2);
    cr_assert(throttle_pass(&t, &a, 7000, &silenced));
    cr_assert_eq(silenced, 0);
    /* Events without a line are reported at the end, once. */
    cr_assert_eq(throttle_tally(&t), 0);
    for (int i = 0; i < 3; i++)
        throttle_pass(&t, &a, 7000, &silenced);
    cr_assert_eq(throttle_tally(&t), 3);
    cr_assert_eq(throttle_tally(&t), 0);
    cr_assert(throttle_pass(&t, &a, 8000, &silenced));
    cr_assert_eq(silenced, 0);
}

/* An attacker with many addresses causes at most one line per slot. */
Test(throttle, bounded_in_all)
{
    struct throttle t;
    uint64_t silenced, passed = 0, sum = 0;

    throttle_init(&t);
    for (unsigned i = 0; i < 100000; i++) {
        struct address a = host(i);

        if (throttle_pass(&t, &a, 1000, &silenced)) {
            passed++;
            sum += silenced;
        }
    }
    cr_assert_leq(passed, THROTTLE_SLOTS);
    cr_assert_gt(passed, 1);
    cr_assert_eq(passed + sum + t.silenced, 100000);
}
