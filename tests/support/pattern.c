/* Matches by backtracking, since patterns and texts are one line long. */
#include <ctype.h>
#include <string.h>

#include "pattern.h"

struct state {
    unsigned port, high, low;
    struct slice kept;
};

static bool match(struct slice pattern, struct slice text, struct state *s);

static struct slice behind(struct slice s, size_t n)
{
    return (struct slice){ s.ptr + n, s.len - n };
}

static size_t digits(struct slice text, int (*is)(int))
{
    size_t n = 0;

    while (n < text.len && is((unsigned char)text.ptr[n]))
        n++;
    return n;
}

static bool any(struct slice rest, struct slice text, struct state *s)
{
    for (size_t n = 0; n <= text.len; n++)
        if (match(rest, behind(text, n), s))
            return true;
    return false;
}

static bool keep(struct slice rest, struct slice text, struct state *s)
{
    for (size_t n = 0; n <= text.len; n++)
        if (match(rest, behind(text, n), s)) {
            s->kept = (struct slice){ text.ptr, n };
            return true;
        }
    return false;
}

static bool number(struct slice rest, struct slice text, unsigned *kept,
                   struct state *s)
{
    size_t n = digits(text, isdigit);
    uint64_t value = 0;

    if (n == 0 || slice_number((struct slice){ text.ptr, n }, 65535, &value))
        return false;
    *kept = (unsigned)value;
    return match(rest, behind(text, n), s);
}

static bool run(struct slice rest, struct slice text, size_t n, size_t wanted,
                struct state *s)
{
    if (n == 0 || (wanted != 0 && n != wanted))
        return false;
    return match(rest, behind(text, n), s);
}

static bool placeholder(struct slice name, struct slice rest, struct slice text,
                        struct state *s)
{
    if (slice_equal(name, SLICE("*")))
        return any(rest, text, s);
    if (slice_equal(name, SLICE("keep")))
        return keep(rest, text, s);
    if (slice_equal(name, SLICE("n")))
        return run(rest, text, digits(text, isdigit), 0, s);
    if (slice_equal(name, SLICE("hex")))
        return run(rest, text, digits(text, isxdigit), 0, s);
    if (slice_equal(name, SLICE("time")))
        return run(rest, text, digits(text, isdigit), 14, s);
    if (slice_equal(name, SLICE("port")))
        return number(rest, text, &s->port, s);
    if (slice_equal(name, SLICE("p1")))
        return number(rest, text, &s->high, s);
    if (slice_equal(name, SLICE("p2")))
        return number(rest, text, &s->low, s);
    return false;
}

/* Returns the length of the placeholder at the beginning of PATTERN, without
 * its last brace. Returns 0 if there is none: other braces, as in JSON, are
 * text. */
static size_t placeholder_length(struct slice pattern)
{
    size_t n = 1;

    if (*pattern.ptr != '{')
        return 0;
    while (n < pattern.len &&
           (isalnum((unsigned char)pattern.ptr[n]) || pattern.ptr[n] == '*'))
        n++;
    return n > 1 && n < pattern.len && pattern.ptr[n] == '}' ? n : 0;
}

static bool match(struct slice pattern, struct slice text, struct state *s)
{
    while (pattern.len > 0) {
        const size_t n = placeholder_length(pattern);

        if (n > 0) {
            struct slice name = { pattern.ptr + 1, n - 1 };

            return placeholder(name, behind(pattern, n + 1), text, s);
        }
        if (text.len == 0 || *text.ptr != *pattern.ptr)
            return false;
        pattern = behind(pattern, 1);
        text = behind(text, 1);
    }
    return text.len == 0;
}

bool pattern_matches(struct slice pattern, struct slice text,
                     struct pattern_match *ret)
{
    struct state s = { 0 };

    if (!match(pattern, text, &s))
        return false;
    if (ret)
        *ret = (struct pattern_match){
            .port = s.port ? s.port : s.high * 256 + s.low,
            .kept = s.kept,
        };
    return true;
}
