/* Harmless text and readable figures for the terminal. Pure. */
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "sallyport/base/harmless.h"
#include "show.h"

const char *show_text(const char *text, char *out, size_t size)
{
    const struct slice s = slice_from(text);
    size_t len = 0;

    for (size_t at = 0; at < s.len;) {
        size_t n = harmless_length(s, at), needs = n ? n : 4;

        if (len + needs + 4 > size) {
            snprintf(out + len, size - len, "...");
            return out;
        }
        if (n)
            memcpy(out + len, text + at, n);
        else
            snprintf(out + len, size - len, "\\x%02x", (unsigned char)text[at]);
        len += needs;
        at += n ? n : 1;
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
    const struct slice s = slice_from(text);
    size_t columns = 0;

    if (!utf8)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", 0);
    locale_t kept = utf8 ? uselocale(utf8) : 0;
    for (size_t at = 0; at < s.len;) {
        size_t n = harmless_length(s, at);
        wchar_t c;
        int width = n > 0 && mbrtowc(&c, text + at, n, &(mbstate_t){ 0 }) == n
                        ? wcwidth(c)
                        : -1;

        columns += width < 0 ? 1 : (size_t)width;
        at += n > 0 ? n : 1;
    }
    if (kept)
        uselocale(kept);
    return columns;
}
