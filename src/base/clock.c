/* The clocks and dates in UTC, by the vDSO alone: no time zone file and no
 * locale is read. */
#include "sallyport/base/clock.h"

#include <errno.h>
#include <stdio.h>

static uint64_t monotonic_now(uint64_t per_second)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * per_second +
           (uint64_t)t.tv_nsec / (1000000000 / per_second);
}

uint64_t clock_ms(void)
{
    return monotonic_now(1000);
}

uint64_t clock_us(void)
{
    return monotonic_now(1000000);
}

#define DAY           86400
#define YEAR_1_BEGIN  (-62135596800)
#define YEAR_9999_END 253402300799

/* Converts days since 1970-01-01 to a date. The year is counted from March, so
 * that the leap day is its last day. */
static void date_from_days(int64_t days, struct tm *ret)
{
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    int64_t day = z - era * 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;

    ret->tm_mday = (int)(of_year - (153 * month + 2) / 5 + 1);
    ret->tm_mon = (int)(month < 10 ? month + 2 : month - 10);
    ret->tm_year = (int)(year + era * 400 + (month >= 10) - 1900);
}

bool clock_has_year(time_t when)
{
    return when >= YEAR_1_BEGIN && when <= YEAR_9999_END;
}

void clock_utc(time_t when, struct tm *ret)
{
    int64_t t = when < YEAR_1_BEGIN    ? YEAR_1_BEGIN
                : when > YEAR_9999_END ? YEAR_9999_END
                                       : when;
    int64_t second = (t % DAY + DAY) % DAY; /* also before 1970 */
    int64_t days = (t - second) / DAY;

    *ret = (struct tm){ 0 };
    date_from_days(days, ret);
    ret->tm_hour = (int)(second / 3600);
    ret->tm_min = (int)(second / 60 % 60);
    ret->tm_sec = (int)(second % 60);
    ret->tm_wday = (int)((days % 7 + 7 + 4) % 7);
}

static int days_in(int year, int month)
{
    static const int days[12] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month] + (leap && month == 1);
}

static bool is_date(const struct tm *tm)
{
    int year = tm->tm_year + 1900;

    return year >= 1970 && year <= 9999 && tm->tm_mon >= 0 && tm->tm_mon < 12 &&
           tm->tm_mday >= 1 && tm->tm_mday <= days_in(year, tm->tm_mon);
}

int clock_from_utc(const struct tm *tm, time_t *ret)
{
    /* The year begins in March, as in date_from_days(). */
    int64_t year = tm->tm_year + 1900 - (tm->tm_mon < 2);
    int64_t month = tm->tm_mon + (tm->tm_mon < 2 ? 10 : -2);
    int64_t days = 365 * year + year / 4 - year / 100 + year / 400 +
                   (153 * month + 2) / 5 + tm->tm_mday - 1 - 719468;

    if (!is_date(tm) || tm->tm_hour < 0 || tm->tm_hour > 23 || tm->tm_min < 0 ||
        tm->tm_min > 59 || tm->tm_sec < 0 || tm->tm_sec > 59)
        return -ERANGE;
    *ret = days * DAY + tm->tm_hour * 3600 + tm->tm_min * 60 + tm->tm_sec;
    return 0;
}

const char *clock_text(char out[CLOCK_TEXT_MAX])
{
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    clock_utc(now.tv_sec, &tm);
    snprintf(out, CLOCK_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_mon + 1,
             (unsigned)tm.tm_mday, (unsigned)tm.tm_hour, (unsigned)tm.tm_min,
             (unsigned)tm.tm_sec, (unsigned)(now.tv_nsec / 1000000));
    return out;
}

static void burst_refill(struct burst *b, uint64_t each, uint64_t now)
{
    uint64_t more = (now - b->since) / each;

    b->used = more < b->used ? b->used - (unsigned)more : 0;
    b->since += more * each;
}

uint64_t burst_take(struct burst *b, unsigned most, uint64_t each, uint64_t now)
{
    burst_refill(b, each, now);
    if (b->used == 0)
        b->since = now;
    if (b->used == most)
        return b->since + each - now;
    b->used++;
    return 0;
}
