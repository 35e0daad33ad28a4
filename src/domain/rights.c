/* Rights and roles. Pure; used by every process that names or holds them. */
#include "sallyport/domain/rights.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const struct role {
    const char *name;
    unsigned rights;
} roles[] = {
    { "full", RIGHT_ALL },
    { "read", RIGHT_LIST | RIGHT_READ },
    { "collect", RIGHT_LIST | RIGHT_READ | RIGHT_DELETE },
};
#define ROLES (sizeof(roles) / sizeof(roles[0]))

static const char letters[] = "lrwodnm"; /* in the order of enum right */

static int letters_parse(struct slice text, unsigned *ret)
{
    unsigned rights = 0;

    for (size_t i = 0; i < text.len; i++) {
        const char *at = memchr(letters, text.ptr[i], sizeof(letters) - 1);
        unsigned bit = at ? 1u << (at - letters) : 0;

        if (bit == 0 || rights & bit)
            return -EINVAL;
        rights |= bit;
    }
    if (rights == 0)
        return -EINVAL;
    *ret = rights;
    return 0;
}

int rights_parse(struct slice text, unsigned *ret)
{
    for (size_t i = 0; i < ROLES; i++) {
        if (slice_equal(text, slice_from(roles[i].name))) {
            *ret = roles[i].rights;
            return 0;
        }
    }
    return letters_parse(text, ret);
}

const char *rights_why_not(struct slice text)
{
    if (slice_equal(text, SLICE("drop")))
        return "the role drop is not there yet; use full, read, collect, or "
               "letters of lrwodnm";
    return "expected full, read, collect, or letters of lrwodnm, each once";
}

const char *rights_text(unsigned rights, char out[16])
{
    size_t len = 0;

    for (size_t i = 0; i < ROLES; i++)
        if (rights == roles[i].rights)
            return strncpy(out, roles[i].name, 16);
    for (size_t i = 0; i < sizeof(letters) - 1; i++)
        if (rights & 1u << i)
            out[len++] = letters[i];
    out[len] = '\0';
    return len ? out : memcpy(out, "none", 5);
}
