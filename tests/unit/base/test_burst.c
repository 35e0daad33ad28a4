/* A burst, and then a limited rate. */
#include "sallyport/base/clock.h"

#include <criterion/criterion.h>

#define MOST 3
#define EACH 100

/* Uses up a burst at START. */
static void use_up(struct burst *b, uint64_t start)
{
    for (int i = 0; i < MOST; i++)
        cr_assert_eq(burst_take(b, MOST, EACH, start), 0);
}

Test(burst, then_one_in_each_interval)
{
    struct burst b = { 0 };
    uint64_t start = 1000000;

    use_up(&b, start);
    for (uint64_t i = 1; i < 5; i++) {
        uint64_t before = start + (i - 1) * EACH;

        cr_expect_eq(burst_take(&b, MOST, EACH, before), EACH);
        cr_expect_eq(burst_take(&b, MOST, EACH, before + EACH - 1), 1);
        cr_expect_eq(burst_take(&b, MOST, EACH, before + EACH), 0);
    }
}

/* Waiting for the returned time is enough. */
Test(burst, the_wait_is_long_enough)
{
    struct burst b = { 0 };
    uint64_t now = 17;

    use_up(&b, now);
    now += 42;
    now += burst_take(&b, MOST, EACH, now);
    cr_expect_eq(now, 17 + EACH);
    cr_expect_eq(burst_take(&b, MOST, EACH, now), 0);
    cr_expect_gt(burst_take(&b, MOST, EACH, now), 0);
}

Test(burst, fills_up_by_one_in_each_interval)
{
    struct burst b = { 0 };

    use_up(&b, 0);
    cr_expect_eq(burst_take(&b, MOST, EACH, 2 * EACH + 1), 0);
    cr_expect_eq(burst_take(&b, MOST, EACH, 2 * EACH + 1), 0);
    cr_expect_eq(burst_take(&b, MOST, EACH, 2 * EACH + 1), EACH - 1);
}

Test(burst, fills_up_to_the_most)
{
    struct burst b = { 0 };

    use_up(&b, 0);
    use_up(&b, 1000 * EACH);
    cr_expect_eq(burst_take(&b, MOST, EACH, 1000 * EACH), EACH);
    use_up(&b, UINT64_MAX / 2);
}

/* The interval begins with the burst, not at time 0. */
Test(burst, an_interval_begins_with_the_first)
{
    struct burst b = { 0 };

    use_up(&b, 10 * EACH + 99);
    cr_expect_eq(burst_take(&b, MOST, EACH, 11 * EACH), EACH - 1);
}
