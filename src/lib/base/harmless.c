/* Decides which characters of a text are harmless on a terminal and in a
 * log. */
#include "sallyport/base/harmless.h"

/* The well-formed characters of UTF-8 (RFC 3629): bounds of the first byte,
 * bounds of the second byte, and the number of bytes. Overlong forms,
 * surrogates and numbers above U+10FFFF have no row. */
static const struct utf8_row {
    uint8_t first, last, least, most;
    size_t len;
} utf8_rows[] = {
    { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
    { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
    { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
    { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t utf8_length(struct slice s, size_t at)
{
    const uint8_t *c = (const uint8_t *)s.ptr + at;
    const struct utf8_row *row = utf8_rows,
                          *end = row + sizeof(utf8_rows) / sizeof(*row);

    if (c[0] < 0x80)
        return 1;
    while (row < end && (c[0] < row->first || c[0] > row->last))
        row++;
    if (row == end || row->len > s.len - at || c[1] < row->least ||
        c[1] > row->most)
        return 0;
    for (size_t i = 2; i < row->len; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    return row->len;
}

/* Characters that terminals obey (C1), that end a line or a paragraph, that
 * change the order of the rest of the line, or that nobody sees: two names with
 * and without them look alike. */
static const struct range {
    uint32_t first, last;
} refused[] = {
    { 0, 0x1f },          { 0x7f, 0x9f },       { 0xad, 0xad },
    { 0x61c, 0x61c },     { 0x115f, 0x1160 },   { 0x180e, 0x180e },
    { 0x200b, 0x200b },   { 0x200e, 0x200f },   { 0x2028, 0x202e },
    { 0x2060, 0x206f },   { 0x3164, 0x3164 },   { 0xfeff, 0xfeff },
    { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },   { 0x17b4, 0x17b5 },
    { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
};
/* They join or vary the character before, as Persian, Mongolian and emoji need
 * it. So they are refused after ASCII alone. */
static const struct range joining[] = { { 0x34f, 0x34f },
                                        { 0x180b, 0x180f },
                                        { 0x200c, 0x200d },
                                        { 0xfe00, 0xfe0f },
                                        { 0xe0000, 0xe0fff } };

static bool is_in(uint32_t c, const struct range *all, size_t count)
{
    bool found = false;

    for (size_t i = 0; i < count; i++)
        found |= c >= all[i].first && c <= all[i].last;
    return found;
}

size_t harmless_length(struct slice s, size_t at)
{
    const size_t len = utf8_length(s, at);
    const uint8_t *c = (const uint8_t *)s.ptr + at;
    uint32_t n = len > 1 ? c[0] & (0x7fu >> len) : c[0];

    for (size_t i = 1; i < len; i++)
        n = n << 6 | (c[i] & 0x3f);
    if (is_in(n, refused, sizeof(refused) / sizeof(refused[0])) ||
        ((at == 0 || c[-1] < 0x80) &&
         is_in(n, joining, sizeof(joining) / sizeof(joining[0]))))
        return 0;
    return len;
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
