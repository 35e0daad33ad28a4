/* Slices: compares, cuts and parses bytes that the caller owns. Every process
 * uses this file. It never writes to the bytes. */
#include "sallyport/base/slice.h"

#include <errno.h>
#include <string.h>

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

bool slice_has_only(struct slice s, const char *letters)
{
    const size_t n = strlen(letters);

    for (size_t i = 0; i < s.len; i++)
        if (!memchr(letters, s.ptr[i], n))
            return false;
    return true;
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
