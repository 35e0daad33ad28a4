/* Rights, roles and modes. Pure. Every process that names rights uses this
 * file. */
#include "sallyport/domain/rights.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct role {
    const char *name;
    unsigned rights;
} roles[] = {
    { "full", RIGHT_ALL },
    { "read", RIGHT_LIST | RIGHT_READ },
    { "collect", RIGHT_LIST | RIGHT_READ | RIGHT_DELETE },
    { "drop", RIGHT_WRITE },
    { "mine", (RIGHT_ALL & ~RIGHT_DIRECTORY) | RIGHT_MINE },
};
#define ROLES (sizeof(roles) / sizeof(roles[0]))

static const char letters[] = "lrwodnmui"; /* in the order of enum right */

int rights_parse(struct slice text, unsigned *ret)
{
    for (size_t i = 0; i < ROLES; i++) {
        if (slice_equal(text, slice_from(roles[i].name))) {
            *ret = roles[i].rights;
            return 0;
        }
    }
    unsigned rights = 0;

    for (size_t i = 0; i < text.len; i++) {
        const char *at = memchr(letters, text.ptr[i], sizeof(letters) - 1);
        unsigned bit = at ? 1u << (at - letters) : 0;

        if (bit == 0 || rights & bit)
            return -EINVAL;
        rights |= bit;
    }
    if ((rights & RIGHT_ALL) == 0 ||
        (rights & RIGHT_MINE && rights & RIGHT_DIRECTORY) ||
        (rights & RIGHT_INSPECT && !(rights & RIGHT_WRITE)))
        return -EINVAL;
    *ret = rights;
    return 0;
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

const char *rights_words(unsigned rights, const char *between,
                         char out[RIGHTS_WORDS_MAX])
{
    static const char *const words[] = {
        "list",
        "read",
        "upload",
        "overwrite",
        "delete",
        "rename",
        "make and remove directories",
    };
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (rights & 1u << i)
            len +=
                (size_t)snprintf(out + len, RIGHTS_WORDS_MAX - len, "%s%s (%c)",
                                 len > 0 ? between : "", words[i], letters[i]);
    return out;
}

int mode_parse(struct slice text, unsigned needed, unsigned most, unsigned *ret)
{
    unsigned mode = 0;

    if (text.len != 3 && !(text.len == 4 && text.ptr[0] == '0'))
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '7')
            return -EINVAL;
        mode = mode << 3 | (unsigned)(text.ptr[i] - '0');
    }
    if (!mode_ok(mode, needed, most))
        return -ERANGE;
    *ret = mode;
    return 0;
}

bool mode_ok(uint64_t mode, unsigned needed, unsigned most)
{
    return (mode & needed) == needed && (mode & ~(uint64_t)most) == 0;
}

unsigned mode_of_directory(unsigned file_mode)
{
    return file_mode | (file_mode & 0444) >> 2;
}

bool rights_drop(unsigned rights)
{
    return (rights & (RIGHT_WRITE | RIGHT_LIST | RIGHT_READ)) == RIGHT_WRITE;
}

unsigned rights_counting(unsigned rights)
{
    return rights_drop(rights) ? rights & (RIGHT_WRITE | RIGHT_INSPECT)
                               : rights;
}
