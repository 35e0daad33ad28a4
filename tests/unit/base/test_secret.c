/* Secrets, randomness, SipHash. */
#include "sallyport/base/random.h"
#include "support/test.h"

Test(secret, bounds)
{
    char text[SECRET_MAX + 2];
    struct secret s;

    memset(text, 'a', sizeof(text));
    cr_assert_eq(secret_set(&s, (struct slice){ text, SECRET_MAX }), 0);
    cr_assert_eq(s.len, SECRET_MAX);
    cr_assert_eq(s.bytes[SECRET_MAX], 0);
    cr_assert_eq(secret_set(&s, (struct slice){ text, SECRET_MAX + 1 }),
                 -ENAMETOOLONG);
    cr_assert_eq(s.bytes[0], 0, "a refused secret leaves nothing");
    cr_assert_eq(secret_set(&s, SLICE("a\0b")), -EINVAL);
}

Test(secret, wiped_by_cleanup)
{
    const char *seen;
    {
        SECRET_CLEANUP struct secret s;

        secret_set(&s, SLICE("canary"));
        seen = s.bytes;
        cr_assert_str_eq(seen, "canary");
        secret_wipe(&s);
        for (size_t i = 0; i < sizeof(s); i++)
            cr_assert_eq(((const char *)&s)[i], 0);
    }
}

Test(secret, equal)
{
    cr_assert(secret_equal("abc", "abc", 3));
    cr_assert_not(secret_equal("abc", "abd", 3));
    cr_assert_not(secret_equal("xbc", "abc", 3));
    cr_assert(secret_equal("a", "b", 0));
}

Test(secret, random_differs)
{
    char a[32] = "", b[32] = "";

    random_bytes(a, sizeof(a));
    random_bytes(b, sizeof(b));
    cr_assert_neq(memcmp(a, b, sizeof(a)), 0);
}

/* The vectors of the paper's appendix: key 00..0f, message 00..(len-1). */
Test(siphash, vectors)
{
    static const struct {
        size_t len;
        uint64_t hash;
    } rows[] = {
        { 0, 0x726fdb47dd0e0e31 },  { 1, 0x74f839c593dc67fd },
        { 7, 0xab0200f58b01d137 },  { 8, 0x93f5f5799a932462 },
        { 15, 0xa129ca6149be45e5 }, { 63, 0x958a324ceb064572 },
    };
    uint8_t key[16], message[64];

    for (uint8_t i = 0; i < 64; i++) {
        message[i] = i;
        if (i < 16)
            key[i] = i;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(siphash(key, message, rows[i].len), rows[i].hash,
                     "length %zu", rows[i].len);
}
