/* Parses the messages of a handshake, as auth gets them from a session. The
 * parser must read no byte outside them, and each part that it finds must be
 * inside them. */
#include "fuzz.h"

#include <errno.h>

#include "proof/handshake.h"

static bool is_within(struct slice part, const uint8_t *data, size_t size)
{
    const char *from = (const char *)data;

    return part.len == 0 ||
           (part.ptr >= from && part.ptr + part.len <= from + size);
}

static void use(const struct handshake *h, const uint8_t *data, size_t size)
{
    struct slice part;
    uint16_t scheme;

    (void)handshake_digest(h);
    (void)handshake_names(h, 0x0123456789abcdef);
    if (handshake_certificate(h, PART_CERTIFICATE, &part) == 0)
        FUZZ_CHECK(is_within(part, data, size));
    if (handshake_certificate(h, PART_CLIENT_CERTIFICATE, &part) == 0)
        FUZZ_CHECK(is_within(part, data, size));
    if (handshake_signature(h, &scheme, &part) == 0)
        FUZZ_CHECK(is_within(part, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct handshake h;
    int r = handshake_cut(&h, (struct slice){ (const char *)data, size });

    if (r < 0) {
        FUZZ_CHECK(r == -EINVAL);
        return 0;
    }
    FUZZ_CHECK(is_within(h.retry, data, size));
    FUZZ_CHECK(is_within(h.covered, data, size));
    FUZZ_CHECK(h.retry.len + h.covered.len < size);
    for (size_t i = 0; i < PART_COUNT; i++)
        FUZZ_CHECK(is_within(h.body[i], data, size));
    use(&h, data, size);
    return 0;
}
