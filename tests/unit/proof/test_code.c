/* One-time codes at the end of a password. */
#include "sallyport/proof/proof.h"
#include "support/test.h"

/* The table of RFC 6238, appendix B, cut to six digits. */
#define VECTORS "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

static const struct {
    uint64_t now;
    const char *code;
} codes[] = {
    { 59, "287082" },         { 1111111109, "081804" },
    { 1111111111, "050471" }, { 1234567890, "005924" },
    { 2000000000, "279037" }, { 20000000000, "353130" },
};

static uint64_t take(const char *password, uint64_t now, const char *left)
{
    struct secret s;
    uint64_t step;

    cr_assert_eq(secret_set(&s, slice_from(password)), 0);
    step = code_take(SLICE(VECTORS), now, &s);
    cr_expect_str_eq(s.bytes, left);
    cr_expect_eq(s.len, strlen(left));
    return step;
}

Test(code, vectors)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        uint64_t now = codes[i].now, step = now / TOTP_STEP_S;
        char password[32];

        snprintf(password, sizeof(password), "right%s", codes[i].code);
        cr_expect_eq(take(password, now, "right"), step);
        cr_expect_eq(take(password, now - TOTP_STEP_S, "right"), step);
        cr_expect_eq(take(password, now + TOTP_STEP_S, "right"), step);
        cr_expect_eq(take(password, now + 2 * TOTP_STEP_S, password), 0);
        cr_expect_eq(take(codes[i].code, now, ""), step);
    }
}

Test(code, none)
{
    cr_expect_eq(take("right", 59, "right"), 0);
    cr_expect_eq(take("", 59, ""), 0);
    cr_expect_eq(take("right287083", 59, "right287083"), 0);
    cr_expect_eq(take("right28708x", 59, "right28708x"), 0);
    cr_expect_eq(take("287082x", 59, "287082x"), 0);
}
