/* A burst, and then a limited rate: the debt that time pays off. */
#include "sallyport/base/clock.h"
#include "support/test.h"

#define MOST 3
#define EACH 100

/* Uses up a burst at START. */
static void use_up(uint64_t *b, uint64_t start)
{
    for (int i = 0; i < MOST; i++)
        cr_assert_eq(debt_take(b, EACH, MOST * EACH, start), 0);
}

Test(debt, then_one_in_each_interval)
{
    uint64_t b = 0;
    uint64_t start = 1000000;

    use_up(&b, start);
    for (uint64_t i = 1; i < 5; i++) {
        uint64_t before = start + (i - 1) * EACH;

        cr_expect_eq(debt_take(&b, EACH, MOST * EACH, before), EACH);
        cr_expect_eq(debt_take(&b, EACH, MOST * EACH, before + EACH - 1), 1);
        cr_expect_eq(debt_take(&b, EACH, MOST * EACH, before + EACH), 0);
    }
}

/* Waiting for the returned time is enough. */
Test(debt, the_wait_is_long_enough)
{
    uint64_t b = 0;
    uint64_t now = 17;

    use_up(&b, now);
    now += 42;
    now += debt_take(&b, EACH, MOST * EACH, now);
    cr_expect_eq(now, 17 + EACH);
    cr_expect_eq(debt_take(&b, EACH, MOST * EACH, now), 0);
    cr_expect_gt(debt_take(&b, EACH, MOST * EACH, now), 0);
}

Test(debt, fills_up_by_one_in_each_interval)
{
    uint64_t b = 0;

    use_up(&b, 0);
    cr_expect_eq(debt_take(&b, EACH, MOST * EACH, 2 * EACH + 1), 0);
    cr_expect_eq(debt_take(&b, EACH, MOST * EACH, 2 * EACH + 1), 0);
    cr_expect_eq(debt_take(&b, EACH, MOST * EACH, 2 * EACH + 1), EACH - 1);
}

Test(debt, fills_up_to_the_most)
{
    uint64_t b = 0;

    use_up(&b, 0);
    use_up(&b, 1000 * EACH);
    cr_expect_eq(debt_take(&b, EACH, MOST * EACH, 1000 * EACH), EACH);
    use_up(&b, UINT64_MAX / 2);
}

/* The interval begins with the burst, not at time 0. */
Test(debt, an_interval_begins_with_the_first)
{
    uint64_t b = 0;

    use_up(&b, 10 * EACH + 99);
    cr_expect_eq(debt_take(&b, EACH, MOST * EACH, 11 * EACH), EACH - 1);
}

/* More may be owed than the credit, and then the wait is longer; but there is
 * an end, also for a debt that somebody else has counted. */
Test(debt, the_most)
{
    uint64_t b = 0;

    for (int i = 0; i < 20; i++)
        debt_add(&b, EACH, 5 * EACH, 1000);
    cr_expect_eq(debt_owed(&b, 1000), 5 * EACH);
    cr_expect_eq(debt_wait(&b, EACH, MOST * EACH, 1000), 3 * EACH);
    cr_expect_eq(debt_take(&b, EACH, MOST * EACH, 1000), 3 * EACH);
    cr_expect_eq(debt_owed(&b, 1000), 5 * EACH);
    cr_expect_eq(debt_owed(&b, 1001), 5 * EACH - 1);
    cr_expect_eq(debt_owed(&b, 1000 + 6 * EACH), 0);
    b = UINT64_MAX;
    debt_add(&b, EACH, 5 * EACH, 1000);
    cr_expect_eq(debt_owed(&b, 1000), 5 * EACH);
}
