/* The second factor: time-based one-time codes (RFC 6238) of six digits, which
 * the client sends right after the password. Runs in auth. Master makes sure
 * that each code counts only once, since there are several processes auth. */
#include <openssl/evp.h>
#include <string.h>

#include "sallyport/proof/proof.h"

#define SHA1_BYTES 20
#define MODULUS    1000000 /* six digits */
#define CLOCK_SKEW 1       /* steps before and after the current step */

/* Computes a code (RFC 4226 5.3). Returns MODULUS if OpenSSL fails. */
static unsigned code_at(const uint8_t *secret, size_t len, uint64_t step)
{
    unsigned char counter[8], mac[SHA1_BYTES] = { 0 };
    unsigned at, code;

    for (size_t i = 0; i < sizeof(counter); i++)
        counter[i] = (unsigned char)(step >> (56 - 8 * i));
    if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, secret, len, counter,
                   sizeof(counter), mac, sizeof(mac), NULL))
        return MODULUS; /* no code */
    at = mac[SHA1_BYTES - 1] & 15;
    code = (mac[at] & 127u) << 24 | (unsigned)mac[at + 1] << 16 |
           (unsigned)mac[at + 2] << 8 | mac[at + 3];
    return code % MODULUS;
}

/* Returns the code at the password's end, or MODULUS if the password doesn't
 * end with six digits. */
static unsigned code_in(const struct secret *password)
{
    unsigned code = 0;

    if (password->len < TOTP_DIGITS)
        return MODULUS;
    for (size_t i = password->len - TOTP_DIGITS; i < password->len; i++) {
        if (password->bytes[i] < '0' || password->bytes[i] > '9')
            return MODULUS;
        code = code * 10 + (unsigned)(password->bytes[i] - '0');
    }
    return code;
}

uint64_t code_take(struct slice secret, uint64_t now, struct secret *password)
{
    uint8_t bytes[TOTP_SECRET_MAX];
    int len = base32_decode(secret, bytes, sizeof(bytes));
    unsigned sent = code_in(password);
    uint64_t found = 0;

    for (unsigned i = 0; i <= 2 * CLOCK_SKEW; i++) {
        uint64_t step = now / TOTP_STEP_S + i - CLOCK_SKEW;

        if (len > 0 && sent < MODULUS &&
            code_at(bytes, (size_t)len, step) == sent)
            found = step;
    }
    explicit_bzero(bytes, sizeof(bytes));
    if (found) {
        password->len -= TOTP_DIGITS;
        password->bytes[password->len] = '\0';
    }
    return found;
}
