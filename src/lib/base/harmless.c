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
    /* Refuse a character that ends a line or a paragraph, or makes a terminal
     * show the rest of the line in another order (U+2028 to U+202E, U+2066 to
     * U+2069). */
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
