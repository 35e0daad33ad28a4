/* Parses and prints words, addresses, sizes and dates. Runs in many processes,
 * and in master as root. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sallyport/base/address.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/slice.h"

/* Doesn't use toupper(3), which depends on the locale and on the sign of
 * char. */
static unsigned char upper(char c)
{
    unsigned char u = (unsigned char)c;

    return u >= 'a' && u <= 'z' ? (unsigned char)(u - ('a' - 'A')) : u;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (upper(a.ptr[i]) != upper(b.ptr[i]))
            return false;
    return true;
}

bool slice_has_control(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return true;
    return false;
}

bool slice_is_graphic(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f)
            return false;
    return true;
}

struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

int slice_among(struct slice s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (slice_equal(s, slice_from(words[i])))
            return (int)i;
    return -EINVAL;
}

int slice_measure(struct slice s, const struct slice_unit *units, size_t n,
                  uint64_t most, uint64_t *ret)
{
    struct slice digits = { s.ptr, 0 };
    uint64_t number, product;
    int r;

    while (digits.len < s.len && s.ptr[digits.len] >= '0' &&
           s.ptr[digits.len] <= '9')
        digits.len++;
    r = slice_number(digits, most, &number);
    if (r)
        return r;
    s.ptr += digits.len;
    s.len -= digits.len;
    for (size_t i = 0; i < n; i++) {
        if (!slice_equal(s, slice_from(units[i].name)))
            continue;
        if (__builtin_mul_overflow(number, units[i].factor, &product))
            return -ERANGE;
        *ret = product;
        return 0;
    }
    return -EINVAL;
}

int slice_size(struct slice s, uint64_t *ret)
{
    static const struct slice_unit units[] = { { "", 1 },
                                               { "K", 1u << 10 },
                                               { "M", 1u << 20 },
                                               { "G", 1u << 30 },
                                               { "T", UINT64_C(1) << 40 } };

    return slice_measure(s, units, sizeof(units) / sizeof(units[0]), UINT64_MAX,
                         ret);
}

const char *size_text(uint64_t bytes, char out[SIZE_TEXT_MAX])
{
    static const char *const names[] = { "KiB", "MiB", "GiB",
                                         "TiB", "PiB", "EiB" };
    unsigned i = 0;

    if (bytes < 1024) {
        snprintf(out, SIZE_TEXT_MAX, "%u bytes", (unsigned)bytes);
        return out;
    }
    while (bytes >> 10 >= 1024) {
        bytes >>= 10;
        i++;
    }
    unsigned tenths = (unsigned)(bytes % 1024 * 10 / 1024);
    if (tenths > 0)
        snprintf(out, SIZE_TEXT_MAX, "%u.%u %s", (unsigned)(bytes >> 10),
                 tenths, names[i]);
    else
        snprintf(out, SIZE_TEXT_MAX, "%u %s", (unsigned)(bytes >> 10),
                 names[i]);
    return out;
}

#define WORD_LONG    32
#define DISTANCE_MAX 2

static size_t smaller_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Computes the distance by optimal string alignment. */
size_t slice_distance(struct slice a, struct slice b)
{
    size_t d[WORD_LONG + 1][WORD_LONG + 1];

    if (a.len > WORD_LONG || b.len > WORD_LONG)
        return SIZE_MAX;
    for (size_t i = 0; i <= a.len; i++) {
        for (size_t j = 0; j <= b.len; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] =
                smaller_of(smaller_of(d[i - 1][j], d[i][j - 1]) + 1,
                           d[i - 1][j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]));
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
                a.ptr[i - 2] == b.ptr[j - 1])
                d[i][j] = smaller_of(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[a.len][b.len];
}

const char *slice_nearest(struct slice s, const char *const *words, size_t n)
{
    size_t best = DISTANCE_MAX + 1;
    const char *found = NULL;

    if (s.len < 2)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct slice word = slice_from(words[i]);
        size_t far = slice_distance(s, word);

        if (far < best && 3 * far <= word.len) {
            best = far;
            found = words[i];
        }
    }
    return found;
}

int address_parse(struct slice text, struct address *ret)
{
    char copy[INET6_ADDRSTRLEN + 1];
    struct sockaddr_storage s = { 0 };
    struct sockaddr_in *four = (struct sockaddr_in *)&s;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&s;

    if (slice_copy(text, copy, sizeof(copy)) < 0)
        return -EINVAL;
    if (inet_pton(AF_INET, copy, &four->sin_addr) == 1)
        s.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, copy, &six->sin6_addr) == 1)
        s.ss_family = AF_INET6;
    else
        return -EINVAL;
    return address_from_sockaddr(ret, &s);
}

int address_parse_port(struct slice text, struct address *ret)
{
    struct slice host = text, port;
    struct address a;
    uint64_t n;
    size_t at = text.len;

    while (at > 0 && text.ptr[at - 1] != ':')
        at--;
    if (at == 0)
        return -EINVAL;
    port = (struct slice){ text.ptr + at, text.len - at };
    host.len = at - 1;
    bool bracketed =
        host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (bracketed)
        host = (struct slice){ host.ptr + 1, host.len - 2 };
    if (bracketed !=
        slice_has(host,
                  ':')) /* IPv6 needs brackets, and IPv4 must not have them */
        return -EINVAL;
    if (address_parse(host, &a) < 0 || slice_number(port, 65535, &n) < 0)
        return -EINVAL;
    a.port = (uint16_t)n;
    *ret = a;
    return 0;
}

/* Dates, without a locale. */

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

bool clock_local(time_t when, struct tm *ret)
{
    return clock_has_year(when) && localtime_r(&when, ret) != NULL;
}

/* Refuses a date that timegm(3) changes, such as second 60, which would become
 * the next minute. */
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

static const char base32_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

int base32_decode(struct slice text, uint8_t *out, size_t size)
{
    unsigned bits = 0, have = 0;
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        const char *at =
            memchr(base32_digits, text.ptr[i], sizeof(base32_digits) - 1);

        if (!at)
            return -EINVAL;
        bits = bits << 5 | (unsigned)(at - base32_digits);
        have += 5;
        if (have < 8)
            continue;
        if (n == size)
            return -EINVAL;
        have -= 8;
        out[n++] = (uint8_t)(bits >> have);
        bits &= (1u << have) - 1;
    }
    return bits == 0 && have < 5 ? (int)n : -EINVAL;
}

void base32_encode(const uint8_t *bytes, size_t len, char *out)
{
    unsigned bits = 0, have = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        for (have += 8; have >= 5; have -= 5)
            *out++ = base32_digits[bits >> (have - 5) & 31];
    }
    if (have > 0)
        *out++ = base32_digits[bits << (5 - have) & 31];
    *out = '\0';
}
