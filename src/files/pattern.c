/* A matcher of patterns on bytes, in the process files. Pure. fnmatch(3) would
 * take exponential time for the patterns of a hostile client. */
#include "pattern.h"

#include <stddef.h>
#include <string.h>

bool pattern_is(const char *name)
{
    return strpbrk(name, "*?[") != NULL;
}

/* The end of the set that begins at P, a '[', after its ']'; NULL if it has
 * none. A ']' that comes first belongs to the set. */
static const char *pattern_set_end(const char *p)
{
    p++;
    if (*p == '!' || *p == '^')
        p++;
    if (*p == ']')
        p++;
    p = strchr(p, ']');
    return p ? p + 1 : NULL;
}

static bool pattern_is_in_set(const char *p, const char *end,
                              unsigned char byte)
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

/* Matches one byte against one part of the pattern: the next part, or NULL if
 * the byte doesn't match or there is none. */
static const char *pattern_match_byte(const char *p, char byte)
{
    const char *end = *p == '[' ? pattern_set_end(p) : NULL;

    if (byte == '\0' || *p == '\0')
        return NULL;
    if (end)
        return pattern_is_in_set(p, end, (unsigned char)byte) ? end : NULL;
    return *p == '?' || *p == byte ? p + 1 : NULL;
}

/* Only the last star has to be tried again: whatever an earlier one could match
 * more, the last one can match as well. */
bool pattern_matches(const char *pattern, const char *name)
{
    const char *star = NULL, *taken = NULL, *next;

    if (*name == '.' && *pattern != '.')
        return false;
    for (;;) {
        if (*pattern == '*') {
            star = ++pattern;
            taken = name;
        } else if ((next = pattern_match_byte(pattern, *name))) {
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
