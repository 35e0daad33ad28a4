/* Output for people and for programs: times, and JSON for all commands with
 * --json. */
#include "ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

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

const char *mode_text(unsigned mode, char out[MODE_MAX])
{
    snprintf(out, MODE_MAX, "%04o", mode);
    return out;
}

json_t *json_text(const char *text)
{
    json_t *value = json_string(text);
    char *plain;

    if (value)
        return value;
    plain = strdup(text);
    for (char *c = plain; c && *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    value = plain ? json_string(plain) : NULL;
    free(plain);
    return value;
}

json_t *json_time(int64_t seconds)
{
    char when[WHEN_MAX];

    return seconds > 0 ? json_string(when_text(seconds, when)) : json_null();
}

int json_write(struct context *x, json_t *value)
{
    int r = value ? json_dumpf(value, stdout, JSON_INDENT(2)) : -1;

    json_decref(value);
    if (r)
        return ctl_fail(x, EX_IOERR, "JSON can't be written");
    putchar('\n');
    return 0;
}
