/* A matcher of patterns on bytes, in the process files. Pure. fnmatch(3) would
 * take exponential time for the patterns of a hostile client. */
#include "pattern.h"

#include <stddef.h>
#include <string.h>

bool pattern_is(const char *name)
{
    return strpbrk(name, "*?[") != NULL;
}

/* The set that begins at P, a '[': its end, after the ']'; NULL: it has none.
 * A ']' that comes first belongs to the set. */
static const char *set_end(const char *p)
{
    p++;
    if (*p == '!' || *p == '^')
        p++;
    if (*p == ']')
        p++;
    p = strchr(p, ']');
    return p ? p + 1 : NULL;
}

static bool is_in_set(const char *p, const char *end, unsigned char byte)
{
    bool negated = p[1] == '!' || p[1] == '^', found = false;

    for (p += 1 + negated; p < end - 1; p++) {
        unsigned char from = (unsigned char)*p, to = from;

        if (p[1] == '-' && p + 2 < end - 1) {
            to = (unsigned char)p[2];
            p += 2;
        }
        found |= from <= byte && byte <= to;
    }
    return found != negated;
}

/* One part of the pattern that stands for one byte: the next part; NULL: the
 * byte is another one, or there is none. */
static const char *match_byte(const char *p, char byte)
{
    const char *end = *p == '[' ? set_end(p) : NULL;

    if (byte == '\0' || *p == '\0')
        return NULL;
    if (end)
        return is_in_set(p, end, (unsigned char)byte) ? end : NULL;
    return *p == '?' || *p == byte ? p + 1 : NULL;
}

/* Only the last star that was passed has to be tried again: what an earlier one
 * could take more, this one can take as well. */
bool pattern_matches(const char *pattern, const char *name)
{
    const char *star = NULL, *taken = NULL, *next;

    if (*name == '.' && *pattern != '.')
        return false;
    for (;;) {
        if (*pattern == '*') {
            star = ++pattern;
            taken = name;
        } else if ((next = match_byte(pattern, *name))) {
            pattern = next;
            name++;
        } else if (*pattern == '\0' && *name == '\0') {
            return true;
        } else if (star && *taken) {
            pattern = star;
            name = ++taken;
        } else {
            return false;
        }
    }
}
