/* The client certificates of a user: compares the names in the users file with
 * the names of a certificate. Other code has read and verified the certificate.
 * Pure. */
#include "sallyport/users/users.h"

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

/* Reads the bytes of "sha256:…". Returns false if NAME has another form. */
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

int user_certificate_check(struct slice value, struct complaint *c)
{
    const size_t kinds = sizeof(certificate_kinds) / sizeof(*certificate_kinds);
    struct slice rest = value, one;
    uint8_t pin[PIN_BYTES];

    if (value.len == 0)
        return complain(c, "certificate=: expected a name after it");
    while (slice_cut(&rest, ';', &one)) {
        size_t i = 0;

        while (i < kinds &&
               (!slice_starts(one, slice_from(certificate_kinds[i])) ||
                one.len == strlen(certificate_kinds[i])))
            i++;
        if (i == kinds || !slice_is_graphic(one))
            return complain(
                c,
                "certificate=%.*s: expected sha256:, subject:, email:, dns: or "
                "uri: and what follows, without blanks",
                (int)one.len, one.ptr);
        if (i == 0 && !read_pin(one, pin))
            return complain(c,
                            "certificate=%.*s: expected 64 digits, 0-9 and a-f",
                            (int)one.len, one.ptr);
    }
    return 0;
}

bool user_certificate_shown(const struct user *user, struct slice claims)
{
    struct slice rest = user->certificate, one, lines, line;

    while (slice_cut(&rest, ';', &one)) {
        lines = claims;
        while (slice_cut(&lines, '\n', &line))
            if (line.len > 0 && slice_equal(line, one))
                return true;
    }
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
