/* Slices: comparing, cutting and reading bytes that the caller owns. Every
 * process uses it. It never writes to the bytes. */
#include "sallyport/base/slice.h"

#include <errno.h>
#include <string.h>

/* toupper(3) would depend on the locale and on the sign of char. */
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

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

struct slice slice_from(const char *text)
{
    return (struct slice){ text, text ? strlen(text) : 0 };
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len &&
           slice_equal((struct slice){ s.ptr, prefix.len }, prefix);
}

bool slice_has(struct slice s, char c)
{
    return s.len > 0 && memchr(s.ptr, c, s.len) != NULL;
}

bool slice_cut(struct slice *rest, char sep, struct slice *head)
{
    const char *at;

    if (!rest->ptr)
        return false;
    at = rest->len > 0 ? memchr(rest->ptr, sep, rest->len) : NULL;
    if (!at) {
        *head = *rest;
        *rest = (struct slice){ NULL, 0 };
        return true;
    }
    *head = (struct slice){ rest->ptr, (size_t)(at - rest->ptr) };
    rest->len -= head->len + 1;
    rest->ptr = at + 1;
    return true;
}

bool slice_is_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len > 0;
}

int slice_number(struct slice s, uint64_t max, uint64_t *ret)
{
    uint64_t n = 0;

    if (!slice_is_digits(s))
        return -EINVAL;
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');

        if (digit > max || n > (max - digit) / 10)
            return -ERANGE;
        n = n * 10 + digit;
    }
    *ret = n;
    return 0;
}

int slice_among(struct slice s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (slice_equal(s, slice_from(words[i])))
            return (int)i;
    return -EINVAL;
}

int slice_copy(struct slice s, char *out, size_t size)
{
    if (s.len > 0 && memchr(s.ptr, 0, s.len))
        return -EINVAL;
    if (s.len >= size)
        return -ENAMETOOLONG;
    if (s.len > 0)
        memcpy(out, s.ptr, s.len);
    out[s.len] = 0;
    return 0;
}

/* Suggests a word for a misspelt one: the one with the fewest letters to add,
 * drop, change or swap. */
#define WORD_LONG    32
#define DISTANCE_MAX 2

static size_t smaller_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment. Both have at most WORD_LONG bytes. */
static size_t edit_distance(struct slice a, struct slice b)
{
    size_t d[WORD_LONG + 1][WORD_LONG + 1];

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

    if (s.len < 2 || s.len > WORD_LONG)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct slice word = slice_from(words[i]);
        size_t far = word.len > WORD_LONG ? best : edit_distance(s, word);

        if (far < best && 3 * far <= word.len) {
            best = far;
            found = words[i];
        }
    }
    return found;
}
