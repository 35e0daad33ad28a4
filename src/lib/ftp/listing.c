/* Writes the lines of listings and of facts. Runs in files. Computes English
 * months and UTC itself, since files can't load a locale or a time zone in a
 * user's root. */
#include "sallyport/ftp/listing.h"

#include <ctype.h>
#include <string.h>

#include "sallyport/base/clock.h"

#define DAY         ((time_t)86400)
#define MODE_BITS   07777u
#define HALF_A_YEAR (180 * DAY)

/* The functions below write a line by hand: printf(3) would take a third of the
 * time of a listing. Each function returns where the next character goes. */
#define FRONT_MAX 178 /* bytes besides names: the longest facts have 149 */

static int end_line(struct buf *into, char *at)
{
    *at++ = '\r';
    *at++ = '\n';
    into->len = (size_t)(at - into->data);
    return 0;
}

/* Writes '?' for CR, LF and NUL: otherwise a part of a name could look like a
 * line. */
static char *put_name(char *at, struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        *at = c;
        if (c == '\r' || c == '\n' || c == '\0')
            *at = '?';
        at++;
    }
    return at;
}

/* Writes N with at least WIDTH characters, with blanks in front. */
static char *put_decimal(char *at, uint64_t n, unsigned width)
{
    char digits[20];
    unsigned len = 0;

    do {
        digits[len++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    for (; width > len; width--)
        *at++ = ' ';
    while (len > 0)
        *at++ = digits[--len];
    return at;
}

/* Writes N with at least WIDTH digits of BITS bits each, hexadecimal or octal.
 */
static char *put_bits(char *at, uint64_t n, unsigned bits, unsigned width)
{
    unsigned len = 1;

    while (len * bits < 64 && n >> len * bits != 0)
        len++;
    if (len < width)
        len = width;
    while (len-- > 0)
        *at++ = "0123456789abcdef"[n >> len * bits & ((1u << bits) - 1)];
    return at;
}

static char *put_two(char *at, int n)
{
    *at++ = (char)('0' + n / 10);
    *at++ = (char)('0' + n % 10);
    return at;
}

/* Writes "-rw-r--r--": a letter for the kind, then nine for the mode. */
static char *put_mode(char *at, const struct entry *e)
{
    static const char letters[] = {
        [ENTRY_FILE] = '-', [ENTRY_DIRECTORY] = 'd', [ENTRY_LINK] = 'l',
        [ENTRY_FIFO] = 'p', [ENTRY_OTHER] = 's', /* such as a socket */
    };

    *at++ = letters[e->kind];
    memcpy(at, "rwxrwxrwx", 9);
    for (unsigned i = 0; i < 9; i++)
        if (!(e->mode & 0400u >> i))
            at[i] = '-';
    return at + 9;
}

/* Converts to UTC. Often WHEN is on the same day as in the previous call: then
 * converts only the time of day, which saves 2 % of the time of a listing. */
static const struct tm *utc_of(time_t when)
{
    static struct tm utc;
    /* The day in `utc` begins at `midnight` and ends at `next`. */
    static time_t midnight, next;

    if (when >= midnight && when < next) {
        int second = (int)(when - midnight);

        utc.tm_hour = second / 3600;
        utc.tm_min = second / 60 % 60;
        utc.tm_sec = second % 60;
        return &utc;
    }
    clock_utc(when, &utc);
    midnight = next = 0;
    if (clock_has_year(when)) {
        midnight = when - utc.tm_hour * 3600 - utc.tm_min * 60 - utc.tm_sec;
        next = midnight + DAY;
    }
    return &utc;
}

/* Writes the date as ls(1) does: "Nov  5 07:42", or "Nov  5  2024" for old and
 * future times. */
static char *put_date(char *at, time_t when, time_t now)
{
    static const char months[12][5] = { "Jan ", "Feb ", "Mar ", "Apr ",
                                        "May ", "Jun ", "Jul ", "Aug ",
                                        "Sep ", "Oct ", "Nov ", "Dec " };
    bool near = when >= now - HALF_A_YEAR && when <= now + DAY;
    const struct tm *tm = utc_of(when);

    at = stpcpy(at, months[tm->tm_mon]);
    at = put_decimal(at, (unsigned)tm->tm_mday, 2);
    if (!near)
        return put_decimal(at, (unsigned)tm->tm_year + 1900, 6);
    *at++ = ' ';
    at = put_two(at, tm->tm_hour);
    *at++ = ':';
    return put_two(at, tm->tm_min);
}

int listing_long(struct buf *into, const struct entry *e, time_t now)
{
    bool points = e->kind == ENTRY_LINK && e->target.len > 0;
    int r = buf_reserve(into, FRONT_MAX + e->name.len + e->owner.len +
                                  (points ? e->target.len : 0));

    if (r < 0)
        return r;
    char *at = into->data + into->len;
    at = put_mode(at, e);
    at = stpcpy(at, " ");
    at = put_decimal(at, e->links, 3);
    at = stpcpy(at, " ");
    at = put_name(at, e->owner.len > 0 ? e->owner : SLICE("owner"));
    at = stpcpy(at, " group ");
    at = put_decimal(at, e->size, 12);
    at = stpcpy(at, " ");
    at = put_date(at, e->mtime, now);
    at = stpcpy(at, " ");
    at = put_name(at, e->name);
    if (points) {
        at = stpcpy(at, " -> ");
        at = put_name(at, e->target);
    }
    return end_line(into, at);
}

int listing_name(struct buf *into, struct slice directory, struct slice name)
{
    int r = buf_reserve(into, FRONT_MAX + directory.len + name.len);

    if (r < 0)
        return r;
    char *at = into->data + into->len;
    at = put_name(at, directory);
    at = put_name(at, name);
    return end_line(into, at);
}

/* Writes "YYYYMMDDHHMMSS" (RFC 3659 2.3). */
static char *put_time(char *at, time_t when)
{
    const struct tm *tm = utc_of(when);

    at = put_two(at, (tm->tm_year + 1900) / 100);
    at = put_two(at, (tm->tm_year + 1900) % 100);
    at = put_two(at, tm->tm_mon + 1);
    at = put_two(at, tm->tm_mday);
    at = put_two(at, tm->tm_hour);
    at = put_two(at, tm->tm_min);
    return put_two(at, tm->tm_sec);
}

/* The names of the facts, in the order of a line and of the bits of enum
 * listing_fact. */
static const char *const fact_names[] = {
    "type", "size", "modify", "perm", "unique", "UNIX.mode", "UNIX.ownername"
};
#define FACTS (sizeof(fact_names) / sizeof(fact_names[0]))

/* Writes the value of a fact. Returns NULL if the entry doesn't have this fact.
 */
static char *put_fact(char *at, const struct entry *e, enum listing_fact fact)
{
    static const char *const types[] = {
        [ENTRY_FILE] = "file",           [ENTRY_DIRECTORY] = "dir",
        [ENTRY_LINK] = "OS.unix=slink",  [ENTRY_FIFO] = "OS.unix=fifo",
        [ENTRY_OTHER] = "OS.unix=other",
    };
    static const char letters[] = "acdeflmprw"; /* in the order of enum perm */

    switch (fact) {
    case LISTING_TYPE:
        return stpcpy(at, types[e->kind]);
    case LISTING_SIZE: /* the bytes that RETR would send, so only files have it
                          (RFC 3659 7.5.7) */
        return e->kind == ENTRY_FILE ? put_decimal(at, e->size, 1) : NULL;
    case LISTING_MODIFY:
        return clock_has_year(e->mtime) ? put_time(at, e->mtime) : NULL;
    case LISTING_PERM:
        for (unsigned i = 0; letters[i]; i++)
            if (e->perm & 1u << i)
                *at++ = letters[i];
        return at;
    case LISTING_UNIQUE:
        at = put_bits(at, e->device, 4, 1);
        *at++ = 'U';
        return put_bits(at, e->inode, 4, 1);
    case LISTING_MODE:
        return put_bits(at, e->mode & MODE_BITS, 3, 4);
    default: /* LISTING_OWNER */
        return e->owner.len > 0 ? put_name(at, e->owner) : NULL;
    }
}

int listing_facts(struct buf *into, const struct entry *e, unsigned facts)
{
    int r = buf_reserve(into, FRONT_MAX + e->name.len + e->owner.len);

    if (r < 0)
        return r;
    char *at = into->data + into->len;
    for (size_t i = 0; i < FACTS; i++)
        if (facts & 1u << i) {
            char *value = stpcpy(stpcpy(at, fact_names[i]), "=");

            value = put_fact(value, e, (enum listing_fact)(1u << i));
            at = value ? stpcpy(value, ";") : at;
        }
    at = stpcpy(at, " ");
    at = put_name(at, e->name);
    return end_line(into, at);
}

unsigned listing_facts_parse(struct slice names)
{
    unsigned facts = 0;
    struct slice name;

    while (slice_cut(&names, ';', &name))
        for (size_t i = 0; i < FACTS; i++)
            if (slice_equal_nocase(slice_trim(name), slice_from(fact_names[i])))
                facts |= 1u << i;
    return facts;
}

void listing_facts_names(struct buf *into, unsigned facts, bool feat)
{
    for (size_t i = 0; i < FACTS; i++)
        if (feat || facts & 1u << i)
            buf_add_format(into, "%s%s;", fact_names[i],
                           feat && facts & 1u << i ? "*" : "");
}

const char *listing_time(time_t when, char out[16])
{
    *put_time(out, when) = '\0';
    return out;
}

struct slice listing_argument(struct slice argument)
{
    size_t i = 1;

    if (argument.len < 2 || argument.ptr[0] != '-')
        return argument;
    while (i < argument.len &&
           (isalpha((unsigned char)argument.ptr[i]) || argument.ptr[i] == '1'))
        i++;
    if (i == 1 || (i < argument.len && argument.ptr[i] != ' '))
        return argument;
    if (i < argument.len)
        i++;
    return (struct slice){ argument.ptr + i, argument.len - i };
}
