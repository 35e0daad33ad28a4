/* Slices of texts that people write: letters of either case, and blanks. */
#include "sallyport/base/slice.h"

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
