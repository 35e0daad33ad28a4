/* The parts of a handshake, from bytes that no honest client and server make:
 * with those the signature would also fail, and hide a check that is missing.
 */
#include "proof/handshake.h"
#include "support/test.h"

#define SERIAL      0x0102030405060708u
#define EXTENSION   "\xff\x5a\0\x08\1\2\3\4\5\6\7\x08"
#define BYTES(text) { text, sizeof(text) - 1 }

/* A context, then the extensions. */
Test(handshake, names_the_session)
{
    static const struct {
        struct slice body;
        bool yes;
    } table[] = {
        { BYTES("\0\0\x0c" EXTENSION), true },
        { BYTES("\0\0\x10\0\x0d\0\0" EXTENSION), true },
        { BYTES("\0\0\x10" EXTENSION "\0\x0d\0\0"), true },
        { BYTES("\0\0\x18" EXTENSION EXTENSION), false },
        { BYTES("\0\0\0"), false },
        { BYTES("\0\0\4\0\x0d\0\0"), false },
        { BYTES("\1x\0\x0c" EXTENSION), false },
        { BYTES("\0\0\x0c" EXTENSION "x"), false },
        { BYTES("\0\0\x0d" EXTENSION "x"), false },
        { BYTES("\0\0\x0b\xff\x5a\0\7\1\2\3\4\5\6\7"), false },
        { BYTES("\0\0\x0d\xff\x5a\0\x09\1\2\3\4\5\6\7\x08\0"), false },
        { BYTES("\0\0\x0c\xff\x5a\0\x08\1\2\3\4\5\6\7\x09"), false },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct handshake h = { .body[PART_REQUEST] = table[i].body };

        cr_expect_eq(handshake_names(&h, SERIAL), table[i].yes, "row %zu", i);
    }
}

/* A context, then the list: each certificate with its extensions. */
Test(handshake, first_certificate)
{
    static const struct {
        struct slice body;
        const char *certificate; /* NULL: refused */
    } table[] = {
        { BYTES("\0\0\0\x08\0\0\3abc\0\0"), "abc" },
        { BYTES("\0\0\0\x10\0\0\3abc\0\0\0\0\3def\0\0"), "abc" },
        { BYTES("\1x\0\0\x08\0\0\3abc\0\0"), NULL },
        { BYTES("\0\0\0\x08\0\0\3abc\0\0x"), NULL },
        { BYTES("\0\0\0\5\0\0\3ab"), NULL },
        { BYTES("\0\0\0\0"), NULL },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *due = table[i].certificate;
        const struct handshake h = { .body[PART_CLIENT_CERTIFICATE] =
                                         table[i].body };
        struct slice found = SLICE("");

        cr_expect_eq(handshake_certificate(&h, PART_CLIENT_CERTIFICATE, &found),
                     due ? 0 : -EINVAL, "row %zu", i);
        if (due)
            cr_expect(slice_equal(found, slice_from(due)), "row %zu", i);
    }
}

Test(handshake, signature)
{
    static const struct slice good = BYTES("\4\3\0\2ab");
    static const struct slice bad[] = { BYTES("\4\3\0\2abc"),
                                        BYTES("\4\3\0\3ab"), BYTES("\4\3\0"),
                                        BYTES("\4") };
    struct handshake h = { .body[PART_CLIENT_VERIFY] = good };
    struct slice found;
    uint16_t scheme;

    cr_assert_eq(handshake_signature(&h, &scheme, &found), 0);
    cr_expect_eq(scheme, 0x0403);
    cr_expect(slice_equal(found, SLICE("ab")));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        h.body[PART_CLIENT_VERIFY] = bad[i];
        cr_expect_eq(handshake_signature(&h, &scheme, &found), -EINVAL,
                     "row %zu", i);
    }
}

#define RANDOM "0123456789abcdef0123456789abcdef"
#define HELLO  "\3\3" RANDOM

/* A version, 32 bytes, the session's name, the suite. */
Test(handshake, digest_of_the_suite)
{
    static const struct {
        struct slice body;
        const char *digest; /* NULL: none */
    } table[] = {
        { BYTES(HELLO "\0\x13\1"), "SHA2-256" },
        { BYTES(HELLO "\0\x13\2"), "SHA2-384" },
        { BYTES(HELLO "\0\x13\3"), "SHA2-256" },
        { BYTES(HELLO "\0\x13\4"), "SHA2-256" },
        { BYTES(HELLO "\0\x13\5"), "SHA2-256" },
        { BYTES(HELLO "\x20" RANDOM "\x13\2"), "SHA2-384" },
        { BYTES(HELLO "\0\x13\0"), NULL },
        { BYTES(HELLO "\0\x13\6"), NULL },
        { BYTES(HELLO "\0\x13"), NULL },
        { BYTES("\3\3" RANDOM), NULL },
        { BYTES("\3\3"), NULL },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct handshake h = { .body[PART_ANSWER] = table[i].body };
        const char *found = handshake_digest(&h);

        cr_expect_str_eq(found ? found : "none",
                         table[i].digest ? table[i].digest : "none", "row %zu",
                         i);
    }
}
