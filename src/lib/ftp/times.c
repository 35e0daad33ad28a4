/* Times and modes that clients set: text in, numbers out. Runs in session. UTC
 * only. A time that no calendar has is refused, and never moved to another one.
 * An unknown fact of MFF refuses all of them, so that a command is never half
 * done. */
#include "sallyport/ftp/times.h"

#include <errno.h>
#include <stdbool.h>

#include "sallyport/base/clock.h"
#include "sallyport/ftp/listing.h"

#define FULL  14 /* YYYYMMDDHHMMSS */
#define SHORT 12 /* YYYYMMDDHHMM */

static int digits_value(const char *digits, size_t len)
{
    int n = 0;

    for (size_t i = 0; i < len; i++)
        n = 10 * n + (digits[i] - '0');
    return n;
}

static int parse_digits(struct slice s, time_t *ret)
{
    struct tm tm = {
        .tm_year = digits_value(s.ptr, 4) - 1900,
        .tm_mon = digits_value(s.ptr + 4, 2) - 1,
        .tm_mday = digits_value(s.ptr + 6, 2),
        .tm_hour = digits_value(s.ptr + 8, 2),
        .tm_min = digits_value(s.ptr + 10, 2),
        .tm_sec = s.len == FULL ? digits_value(s.ptr + 12, 2) : 0,
    };

    return clock_from_utc(&tm, ret);
}

/* Takes the fraction that RFC 3659 allows. */
int time_parse(struct slice text, time_t *ret)
{
    struct slice fraction = text, whole;

    slice_cut(&fraction, '.', &whole);
    if (whole.len != FULL || !slice_is_digits(whole) ||
        (fraction.ptr && !slice_is_digits(fraction)))
        return -EINVAL;
    return parse_digits(whole, ret);
}

int times_parse(struct slice argument, struct times *ret)
{
    struct slice rest = argument, when;
    int r;

    if (!slice_cut(&rest, ' ', &when) || rest.len == 0)
        return -EINVAL;
    r = time_parse(when, &ret->modify);
    ret->access = ret->modify;
    ret->path = rest;
    return r;
}

/* Cuts the last word off *rest, with the blank before it. */
static bool cut_last(struct slice *rest, struct slice *word)
{
    size_t at = rest->len;

    while (at > 0 && rest->ptr[at - 1] != ' ')
        at--;
    if (at == 0)
        return false;
    *word = (struct slice){ rest->ptr + at, rest->len - at };
    rest->len = at - 1;
    return true;
}

/* Parses from the end, since a path may have blanks. */
static int parse_times_last(struct slice argument, struct times *ret)
{
    struct slice zone, access, modify, change;
    time_t unused;
    int r;

    ret->path = argument;
    if (!cut_last(&ret->path, &zone) ||
        !slice_equal_nocase(zone, SLICE("UTC")) ||
        !cut_last(&ret->path, &change) || !cut_last(&ret->path, &modify) ||
        !cut_last(&ret->path, &access) || ret->path.len == 0)
        return -EINVAL;
    r = time_parse(change, &unused);
    if (r == 0)
        r = time_parse(modify, &ret->modify);
    return r == 0 ? time_parse(access, &ret->access) : r;
}

static int parse_time_first(struct slice argument, struct times *ret)
{
    struct slice rest = argument, when;
    int r;

    if (!slice_cut(&rest, ' ', &when) || when.len != SHORT ||
        !slice_is_digits(when) || rest.len == 0)
        return times_parse(argument, ret);
    r = parse_digits(when, &ret->modify);
    ret->access = ret->modify;
    ret->path = rest;
    return r;
}

int times_parse_utime(struct slice argument, struct times *ret)
{
    int r = parse_times_last(argument, ret);

    return r == -EINVAL ? parse_time_first(argument, ret) : r;
}

#define MODE_MIN 0400u
#define MODE_MAX 0777u

int mff_parse_mode(struct slice text, unsigned *ret)
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

static int set_modify(struct mff *m, struct slice value)
{
    return time_parse(value, &m->modify) < 0 ? -EINVAL : 0;
}

static int set_mode(struct mff *m, struct slice value)
{
    return mff_parse_mode(value, &m->mode);
}

static const struct {
    const char *name;
    unsigned bit;
    int (*set)(struct mff *m, struct slice value);
} facts[] = {
    { "modify", MFF_MODIFY, set_modify },
    { "UNIX.mode", MFF_MODE, set_mode },
};

static int set_fact(struct mff *m, struct slice fact)
{
    struct slice value = fact, name;

    slice_cut(&value, '=', &name);
    if (name.len == 0 || value.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
        if (slice_equal_nocase(name, slice_from(facts[i].name))) {
            if (m->facts & facts[i].bit)
                return -EINVAL; /* given twice */
            m->facts |= facts[i].bit;
            return facts[i].set(m, value);
        }
    return -ENOTSUP;
}

int mff_parse(struct slice argument, struct mff *ret)
{
    struct mff m = { .path = argument };
    struct slice list, fact;
    int r = 0;

    if (!slice_cut(&m.path, ' ', &list) || m.path.len == 0 || list.len < 2 ||
        list.ptr[list.len - 1] != ';')
        return -EINVAL;
    list.len--; /* each fact ends with ';', the last one too */
    while (r == 0 && slice_cut(&list, ';', &fact))
        r = set_fact(&m, fact);
    if (r == 0)
        *ret = m;
    return r;
}

void mff_text(const struct mff *m, struct buf *into)
{
    char when[16];

    if (m->facts & MFF_MODIFY)
        buf_add_format(into, "Modify=%s;", listing_time(m->modify, when));
    if (m->facts & MFF_MODE)
        buf_add_format(into, "UNIX.mode=%04o;", m->mode);
}
