/* Times as text. Pure; any number is accepted. */
#include "when.h"

#include <inttypes.h>
#include <stdio.h>

#include "sallyport/base/clock.h"

const char *when_text(int64_t seconds, char out[WHEN_MAX])
{
    struct tm tm;

    clock_utc(seconds > 0 ? seconds : 0, &tm);
    snprintf(out, WHEN_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ",
             (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
             tm.tm_min, tm.tm_sec);
    return out;
}

const char *when_ago(int64_t seconds, int64_t now, char out[WHEN_MAX])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    int64_t then = seconds > 0 ? seconds : 0;
    int64_t age = then < now ? now - then : 0;
    size_t i = 0;

    while (units[i].seconds > 1 && age < units[i].seconds)
        i++;
    snprintf(out, WHEN_MAX, "%" PRId64 " %s", age / units[i].seconds,
             units[i].name);
    return out;
}
