/* Calendar arithmetic without a time zone file, compared with the C
 * library's. */
#include "sallyport/base/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(clock, utc_agrees_with_gmtime)
{
    for (time_t t = -62135596800; t < 253402300799; t += 86400 * 13 + 3607) {
        struct tm ours, theirs;

        clock_utc(t, &ours);
        gmtime_r(&t, &theirs);
        cr_assert(
            ours.tm_year == theirs.tm_year && ours.tm_mon == theirs.tm_mon &&
                ours.tm_mday == theirs.tm_mday &&
                ours.tm_hour == theirs.tm_hour &&
                ours.tm_min == theirs.tm_min && ours.tm_sec == theirs.tm_sec &&
                ours.tm_wday == theirs.tm_wday,
            "at %lld", (long long)t);
    }
}

Test(clock, and_back)
{
    for (time_t t = 0; t <= 253402300799; t += 86400 * 5 + 3607) {
        struct tm tm;
        time_t back = -1;

        clock_utc(t, &tm);
        cr_assert_eq(clock_from_utc(&tm, &back), 0, "at %lld", (long long)t);
        cr_assert_eq(back, t, "at %lld", (long long)t);
    }
}

Test(clock, no_such_time)
{
    static const struct tm rows[] = {
        { .tm_year = 69, .tm_mon = 11, .tm_mday = 31 },
        { .tm_year = 8100, .tm_mon = 0, .tm_mday = 1 },
        { .tm_year = 100, .tm_mon = 12, .tm_mday = 1 },
        { .tm_year = 100, .tm_mon = -1, .tm_mday = 1 },
        { .tm_year = 100, .tm_mon = 1, .tm_mday = 30 },
        { .tm_year = 101, .tm_mon = 1, .tm_mday = 29 },
        { .tm_year = 200, .tm_mon = 1, .tm_mday = 29 },
        { .tm_year = 100, .tm_mon = 3, .tm_mday = 31 },
        { .tm_year = 100, .tm_mon = 3, .tm_mday = 0 },
        { .tm_year = 100, .tm_mday = 1, .tm_hour = 24 },
        { .tm_year = 100, .tm_mday = 1, .tm_hour = -1 },
        { .tm_year = 100, .tm_mday = 1, .tm_min = 60 },
        { .tm_year = 100, .tm_mday = 1, .tm_sec = 60 },
        { .tm_year = 100, .tm_mday = 1, .tm_sec = -1 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        time_t t = 7;

        cr_expect_eq(clock_from_utc(&rows[i], &t), -ERANGE, "row %zu", i);
        cr_expect_eq(t, 7, "row %zu", i);
    }
}

Test(clock, clamps)
{
    struct tm tm;

    clock_utc(-1, &tm);
    cr_assert_eq(tm.tm_year, 69);
    clock_utc(INT64_MIN, &tm);
    cr_assert_eq(tm.tm_year, 1 - 1900);
    cr_expect(clock_has_year(-62135596800));
    cr_expect_not(clock_has_year(-62135596801));
    cr_expect(clock_has_year(253402300799));
    cr_expect_not(clock_has_year(253402300800));
    clock_utc(INT64_MAX, &tm);
    cr_assert_eq(tm.tm_year, 9999 - 1900);
}

Test(clock, text_has_its_shape)
{
    char out[CLOCK_TEXT_MAX];

    clock_text(out);
    cr_assert_eq(strlen(out), 24);
    cr_assert(out[4] == '-' && out[10] == 'T' && out[23] == 'Z');
    cr_assert_geq(clock_us() / 1000 + 1, clock_ms() - 1);
}
