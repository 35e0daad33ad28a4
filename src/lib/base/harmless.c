/* Decides which characters of a text are harmless on a terminal and in a
 * log. */
#include "sallyport/base/harmless.h"

static bool has_continuation(struct slice s, size_t at, size_t n)
{
    for (size_t i = 1; i <= n; i++)
        if (at + i >= s.len || ((uint8_t)s.ptr[at + i] & 0xc0) != 0x80)
            return false;
    return true;
}

/* Returns the bytes of the well-formed UTF-8 character at AT (RFC 3629). 0:
 * there is none; overlong forms, surrogates and numbers above U+10FFFF don't
 * count. */
static size_t utf8_length(struct slice s, size_t at)
{
    uint8_t a = (uint8_t)s.ptr[at];
    uint8_t b = at + 1 < s.len ? (uint8_t)s.ptr[at + 1] : 0;

    if (a < 0x80)
        return 1;
    if (a >= 0xc2 && a <= 0xdf)
        return has_continuation(s, at, 1) ? 2 : 0;
    if (a >= 0xe0 && a <= 0xef) {
        if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f))
            return 0;
        return has_continuation(s, at, 2) ? 3 : 0;
    }
    if (a >= 0xf0 && a <= 0xf4) {
        if ((a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f))
            return 0;
        return has_continuation(s, at, 3) ? 4 : 0;
    }
    return 0;
}

/* Refuses C1 controls (U+0080 to U+009F), too: terminals obey them. */
size_t harmless_length(struct slice s, size_t at)
{
    const size_t len = utf8_length(s, at);
    const uint8_t *c = (const uint8_t *)s.ptr + at;
    bool harmless = len == 4;

    if (len == 1)
        harmless = c[0] >= 0x20 && c[0] != 0x7f;
    if (len == 2)
        harmless = c[0] != 0xc2 || c[1] >= 0xa0;
    /* Does it end a line or a paragraph, or show the rest of the line in
     * another order (U+2028 to U+202E, U+2066 to U+2069)? */
    if (len == 3)
        harmless =
            !(c[0] == 0xe2 && ((c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) ||
                               (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9)));
    return harmless ? len : 0;
}

void harmless_make(char *text, size_t len)
{
    const struct slice s = { text, len };

    for (size_t i = 0; i < len;) {
        const size_t n = harmless_length(s, i);

        if (n == 0)
            text[i] = '?';
        i += n > 0 ? n : 1;
    }
}
