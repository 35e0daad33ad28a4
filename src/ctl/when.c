/* Times as text. Pure; any number is taken. */
#include "when.h"

#include <inttypes.h>
#include <stdio.h>

#include "sallyport/base/clock.h"

/* A time before 1970 came as a negative number. */
static time_t after_1970(uint64_t seconds)
{
    return seconds > INT64_MAX ? 0 : (time_t)seconds;
}

const char *when_text(uint64_t seconds, char out[WHEN_MAX])
{
    struct tm tm;

    clock_utc(after_1970(seconds), &tm);
    snprintf(out, WHEN_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ",
             (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
             tm.tm_min, tm.tm_sec);
    return out;
}

const char *when_ago(uint64_t seconds, uint64_t now, char out[WHEN_MAX])
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    uint64_t then = (uint64_t)after_1970(seconds);
    uint64_t age = then < now ? now - then : 0;
    size_t i = 0;

    while (units[i].seconds > 1 && age < units[i].seconds)
        i++;
    snprintf(out, WHEN_MAX, "%" PRIu64 " %s", age / units[i].seconds,
             units[i].name);
    return out;
}
