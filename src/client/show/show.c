/* Harmless text and readable figures for the terminal. Pure. */
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "show.h"

/* Returns the length of the UTF-8 character at TEXT, or 0: it isn't one, or it
 * is a control character. */
static size_t show_character(const char *at, uint32_t *ret)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {
        { 0x80, 0x00, 0x20 },
        { 0xe0, 0xc0, 0xa0 }, /* below 0xa0: C1 control characters */
        { 0xf0, 0xe0, 0x800 },
        { 0xf8, 0xf0, 0x10000 },
    };

    const unsigned char *text = (const unsigned char *)at;

    for (size_t n = 0; n < sizeof(forms) / sizeof(forms[0]); n++) {
        if ((text[0] & forms[n].mask) != forms[n].lead)
            continue;
        uint32_t value = text[0] & (unsigned char)~forms[n].mask;
        for (size_t i = 1; i <= n; i++) {
            if ((text[i] & 0xc0) != 0x80)
                return 0;
            value = value << 6 | (text[i] & 0x3f);
        }
        *ret = value;
        /* U+2028 to U+202E and U+2066 to U+2069 turn or break a line. */
        if ((value >= 0x2028 && value <= 0x202e) ||
            (value >= 0x2066 && value <= 0x2069))
            return 0;
        /* U+D800 to U+DFFF are halves of characters. */
        return value >= forms[n].least && value != 0x7f && value < 0x110000 &&
                       (value < 0xd800 || value > 0xdfff)
                   ? n + 1
                   : 0;
    }
    return 0;
}

const char *show_text(const char *text, char *out, size_t size)
{
    size_t len = 0;

    while (*text) {
        uint32_t value;
        size_t n = show_character(text, &value);
        size_t needs = n ? n : 4;

        if (len + needs + 4 > size) {
            snprintf(out + len, size - len, "...");
            return out;
        }
        if (n)
            memcpy(out + len, text, n);
        else
            snprintf(out + len, size - len, "\\x%02x", (unsigned char)*text);
        len += needs;
        text += n ? n : 1;
    }
    out[len] = '\0';
    return out;
}

const char *show_size(uint64_t bytes, char out[SHOW_SIZE_MAX])
{
    static const char *const units[] = { "B",   "KiB", "MiB", "GiB",
                                         "TiB", "PiB", "EiB" };
    double value = (double)bytes;
    size_t unit = 0;

    for (; value >= 1024 && unit < 6; unit++)
        value /= 1024;
    snprintf(out, SHOW_SIZE_MAX,
             unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value,
             units[unit]);
    return out;
}

const char *show_time(uint64_t seconds, char out[SHOW_TIME_MAX])
{
    unsigned long h = (unsigned long)(seconds / 3600);
    unsigned m = (unsigned)(seconds / 60 % 60), s = (unsigned)(seconds % 60);

    if (h > 9999)
        snprintf(out, SHOW_TIME_MAX, "--:--");
    else if (h > 0)
        snprintf(out, SHOW_TIME_MAX, "%lu:%02u:%02u", h, m, s);
    else
        snprintf(out, SHOW_TIME_MAX, "%u:%02u", m, s);
    return out;
}

size_t show_columns(const char *text)
{
    static locale_t utf8;
    size_t columns = 0;

    if (!utf8)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", 0);
    locale_t kept = utf8 ? uselocale(utf8) : 0;
    while (*text) {
        uint32_t value;
        size_t len = show_character(text, &value);
        int width = len > 0 ? wcwidth((wchar_t)value) : -1;

        columns += width < 0 ? 1 : (size_t)width;
        text += len > 0 ? len : 1;
    }
    if (kept)
        uselocale(kept);
    return columns;
}
