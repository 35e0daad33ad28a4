/* The client certificates of a user: compares the names in the users file with
 * the names of a certificate, which is read and verified elsewhere. Pure. */
#include "sallyport/users/users.h"

#include <errno.h>
#include <string.h>

#include "sallyport/domain/tls.h"

static const char *const certificate_kinds[] = { PIN_PREFIX, "subject:",
                                                 "email:", "dns:", "uri:" };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads the bytes of "sha256:…"; returns false for anything else. */
static bool read_pin(struct slice name, uint8_t out[PIN_BYTES])
{
    const size_t head = sizeof(PIN_PREFIX) - 1;

    if (!slice_starts(name, SLICE(PIN_PREFIX)) ||
        name.len != head + 2 * PIN_BYTES)
        return false;
    for (size_t i = 0; i < PIN_BYTES; i++) {
        int high = hex_digit(name.ptr[head + 2 * i]),
            low = hex_digit(name.ptr[head + 2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static const char *certificate_kind(struct slice name)
{
    for (size_t i = 0;
         i < sizeof(certificate_kinds) / sizeof(certificate_kinds[0]); i++)
        if (slice_starts(name, slice_from(certificate_kinds[i])) &&
            name.len > strlen(certificate_kinds[i]))
            return certificate_kinds[i];
    return NULL;
}

static int check_one(struct slice name, struct complaint *c)
{
    uint8_t pin[PIN_BYTES];
    const char *kind = certificate_kind(name);

    if (!kind || !slice_is_graphic(name))
        return complain(c,
                        "certificate=%.*s: expected sha256:, subject:, email:, "
                        "dns: or uri: and what follows, without blanks",
                        (int)name.len, name.ptr);
    if (kind == certificate_kinds[0] && !read_pin(name, pin))
        return complain(c, "certificate=%.*s: expected 64 digits, 0-9 and a-f",
                        (int)name.len, name.ptr);
    return 0;
}

int user_certificate_check(struct slice value, struct complaint *c)
{
    struct slice rest = value, one;

    if (value.len == 0)
        return complain(c, "certificate=: expected a name after it");
    while (slice_cut(&rest, ';', &one))
        if (check_one(one, c) < 0)
            return -EINVAL;
    return 0;
}

static bool is_among(struct slice name, struct slice claims)
{
    struct slice line;

    while (slice_cut(&claims, '\n', &line))
        if (line.len > 0 && slice_equal(line, name))
            return true;
    return false;
}

bool user_certificate_shown(const struct user *user, struct slice claims)
{
    struct slice rest = user->certificate, one;

    while (slice_cut(&rest, ';', &one))
        if (one.len > 0 && is_among(one, claims))
            return true;
    return false;
}

size_t user_certificate_pins(const struct user *user, uint8_t (*out)[PIN_BYTES],
                             size_t most)
{
    struct slice rest = user->certificate, one;
    size_t n = 0;

    while (n < most && slice_cut(&rest, ';', &one))
        n += read_pin(one, out[n]);
    return n;
}
