/* The names of certificate=: when one of them is shown, and their hashes. */
#include "sallyport/users/users.h"
#include "support/test.h"

#define HEX32 "0123456789abcdef0123456789abcdef"
#define PIN   "sha256:" HEX32 HEX32

static const struct {
    const char *names, *claims;
    bool shown;
} rows[] = {
    { "email:a@b", "sha256:1\nemail:a@b\n", true },
    { "email:a@b", "sha256:1\nemail:a@b", true },
    { "dns:x;email:a@b", "email:a@b\n", true },
    { "email:a@b;dns:x", "email:a@b\n", true },
    { "email:a@b", "email:a@bc\n", false },
    { "email:a@b", "email:a@\n", false },
    { "email:a@b", "subject:email:a@b\n", false },
    { "email:a@b", "Email:a@b\n", false },
    { "email:a@b", "", false },
    { "", "email:a@b\n", false },
    { "", "\n", false },
    { "email:a@b", "\n\n\n", false },
};

Test(certificate, shown)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct user user = { .certificate = slice_from(rows[i].names) };

        cr_expect_eq(user_certificate_shown(&user, slice_from(rows[i].claims)),
                     rows[i].shown, "%zu", i);
    }
}

Test(certificate, pins)
{
    const struct user user = { .certificate =
                                   SLICE("dns:x;" PIN ";sha256:00;" PIN) };
    uint8_t out[3][PIN_BYTES];

    cr_expect_eq(user_certificate_pins(&user, out, 3), 2u);
    cr_expect_eq(user_certificate_pins(&user, out, 1), 1u);
    cr_expect_eq(out[0][0], 0x01);
    cr_expect_eq(out[0][31], 0xef);
    cr_expect_arr_eq(out[0], out[1], PIN_BYTES);
}
