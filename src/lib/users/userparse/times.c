/* Times and durations in lines of the users file. Pure. */
#include "sallyport/userparse/userparse.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/clock.h"

/* An expiry is the first second at which the server refuses the user. */

#define DAY_SECONDS 86400

/* Compares TEXT with SHAPE, in which 'd' stands for a digit. */
static bool has_shape(struct slice text, const char *shape)
{
    if (text.len != strlen(shape))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';

        if (shape[i] == 'd' ? !digit : text.ptr[i] != shape[i])
            return false;
    }
    return true;
}

static int number_at(struct slice text, size_t at, size_t len)
{
    uint64_t n = 0;

    slice_number((struct slice){ text.ptr + at, len }, 9999, &n);
    return (int)n;
}

int user_expires_parse(struct slice text, int64_t *ret)
{
    bool day = has_shape(text, "dddd-dd-dd");
    struct tm tm = { 0 };
    time_t when;

    if (!day && !has_shape(text, "dddd-dd-ddTdd:dd:ddZ"))
        return -EINVAL;
    tm.tm_year = number_at(text, 0, 4) - 1900;
    tm.tm_mon = number_at(text, 5, 2) - 1;
    tm.tm_mday = number_at(text, 8, 2);
    if (!day) {
        tm.tm_hour = number_at(text, 11, 2);
        tm.tm_min = number_at(text, 14, 2);
        tm.tm_sec = number_at(text, 17, 2);
    }
    if (clock_from_utc(&tm, &when))
        return -EINVAL;
    *ret = when + (day ? DAY_SECONDS : 0);
    return *ret > 0 ? 0 : -EINVAL;
}

#define DURATION_MAX 99999

int64_t user_duration_parse(struct slice text)
{
    static const struct slice_unit units[] = {
        { "s", 1 },     { "min", 60 },   { "h", 3600 },
        { "d", 86400 }, { "w", 604800 },
    };
    uint64_t seconds = 0;

    slice_measure(text, units, sizeof(units) / sizeof(units[0]), DURATION_MAX,
                  &seconds);
    return (int64_t)seconds;
}

/* The shortest time of retain=: an upload counts as abandoned after this time.
 */
#define RETAIN_MIN_S 3600

int user_retain_next(struct slice *rest, struct retention *ret)
{
    struct slice one, time;

    if (!slice_cut(rest, ',', &one))
        return 0;
    time = one;
    slice_cut(&time, ':', &ret->path);
    ret->seconds = time.ptr ? user_duration_parse(time) : 0;
    if (ret->seconds < RETAIN_MIN_S ||
        (!slice_equal(ret->path, SLICE("/")) && !user_path_ok(ret->path)))
        return -EINVAL;
    return 1;
}
