/* Dates in UTC, and the clocks. */
#include "sallyport/base/clock.h"
#include "support/test.h"

Test(clock, days_of_the_week)
{
    static const struct {
        time_t when;
        int month, day, weekday;
    } rows[] = {
        { 0, 0, 1, 4 },
        { -1, 11, 31, 3 },
        { 951825600, 1, 29, 2 },    /* 2000-02-29 12:00:00 */
        { 4107542400, 2, 1, 1 },    /* 2100-03-01 00:00:00 */
        { 253402300799, 11, 31, 5 } /* the end of 9999 */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tm tm;

        clock_utc(rows[i].when, &tm);
        cr_expect(tm.tm_mon == rows[i].month && tm.tm_mday == rows[i].day &&
                      tm.tm_wday == rows[i].weekday,
                  "row %zu: %d-%d, %d", i, tm.tm_mon, tm.tm_mday, tm.tm_wday);
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
