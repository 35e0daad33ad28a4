/* The clocks, by the vDSO alone, and dates in UTC. No locale is read. */
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

#define YEAR_1_BEGIN  (-62135596800)
#define YEAR_9999_END 253402300799

bool clock_has_year(time_t when)
{
    return when >= YEAR_1_BEGIN && when <= YEAR_9999_END;
}

void clock_utc(time_t when, struct tm *ret)
{
    time_t t = when < YEAR_1_BEGIN    ? YEAR_1_BEGIN
               : when > YEAR_9999_END ? YEAR_9999_END
                                      : when;

    gmtime_r(&t, ret);
}

/* timegm(3) turns second 60 into the next minute: such a date isn't the same
 * afterwards. */
int clock_from_utc(const struct tm *tm, time_t *ret)
{
    struct tm same = { .tm_year = tm->tm_year,
                       .tm_mon = tm->tm_mon,
                       .tm_mday = tm->tm_mday,
                       .tm_hour = tm->tm_hour,
                       .tm_min = tm->tm_min,
                       .tm_sec = tm->tm_sec };
    time_t when = timegm(&same);

    if (when < 0 || when > YEAR_9999_END || same.tm_mon != tm->tm_mon ||
        same.tm_mday != tm->tm_mday || same.tm_hour != tm->tm_hour ||
        same.tm_min != tm->tm_min || same.tm_sec != tm->tm_sec)
        return -ERANGE;
    *ret = when;
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
