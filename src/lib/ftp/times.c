/* Parses times and modes that clients set. Runs in session. Times are in UTC.
 * It refuses a date that doesn't exist, and never changes it into another date.
 */
#include "sallyport/ftp/times.h"

#include <errno.h>

#include "sallyport/base/clock.h"

#define FULL 14 /* YYYYMMDDHHMMSS */

static int digits_value(const char *digits, size_t len)
{
    int n = 0;

    for (size_t i = 0; i < len; i++)
        n = 10 * n + (digits[i] - '0');
    return n;
}

/* Accepts a fraction of a second, which RFC 3659 allows. */
int time_parse(struct slice text, time_t *ret)
{
    struct slice fraction = text, whole;

    slice_cut(&fraction, '.', &whole);
    if (whole.len != FULL || !slice_is_digits(whole) ||
        (fraction.ptr && !slice_is_digits(fraction)))
        return -EINVAL;
    struct tm tm = {
        .tm_year = digits_value(whole.ptr, 4) - 1900,
        .tm_mon = digits_value(whole.ptr + 4, 2) - 1,
        .tm_mday = digits_value(whole.ptr + 6, 2),
        .tm_hour = digits_value(whole.ptr + 8, 2),
        .tm_min = digits_value(whole.ptr + 10, 2),
        .tm_sec = digits_value(whole.ptr + 12, 2),
    };

    return clock_from_utc(&tm, ret);
}

int times_parse(struct slice argument, time_t *modify, struct slice *path)
{
    struct slice when;

    *path = argument;
    if (!slice_cut(path, ' ', &when) || path->len == 0)
        return -EINVAL;
    return time_parse(when, modify);
}

#define MODE_MIN 0400u
#define MODE_MAX 0777u

int times_parse_mode(struct slice text, unsigned *ret)
{
    unsigned mode = 0;

    if (text.len == 0 || text.len > 4)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '7')
            return -EINVAL;
        mode = 8 * mode + (unsigned)(text.ptr[i] - '0');
    }
    *ret = mode;
    return mode < MODE_MIN || mode > MODE_MAX ? -ERANGE : 0;
}
