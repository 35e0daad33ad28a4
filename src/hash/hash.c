/* Password hashes: libcrypt's room. Auth verifies hashes, sallyportctl makes
 * them. Never stores or compares a password itself. */
#include "sallyport/hash/hash.h"

#include <crypt.h>
#include <errno.h>
#include <string.h>

#include "sallyport/base/random.h"

#define SALT_BYTES 16

_Static_assert(CRYPT_OUTPUT_SIZE <= HASH_MAX, "a hash fits");
_Static_assert(CRYPT_MAX_PASSPHRASE_SIZE == HASH_PASSWORD_MAX + 1,
               "its size counts the NUL");

/* The prefix and salt of a hash with libxcrypt's default cost. The salt doesn't
 * matter. */
static const char nobody[] = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$";

/* Hashes the password by crypt(3). 0, or -EINVAL for a setting that it refuses.
 */
static int crypt_password(const struct secret *password, const char *setting,
                          char out[CRYPT_OUTPUT_SIZE])
{
    struct crypt_data data;
    const char *result;
    int r = -EINVAL;

    memset(&data, 0, sizeof(data));
    result = crypt_rn(password->bytes, setting, &data, sizeof(data));
    if (result && result[0] != '*') {
        memcpy(out, data.output, CRYPT_OUTPUT_SIZE);
        r = 0;
    }
    explicit_bzero(&data, sizeof(data));
    return r;
}

int hash_make(const struct secret *password, char out[HASH_MAX])
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE], salt[SALT_BYTES];

    random_bytes(salt, sizeof(salt));
    if (!crypt_gensalt_rn("$y$", 0, salt, SALT_BYTES, setting, sizeof(setting)))
        return -errno;
    return crypt_password(password, setting, out);
}

bool hash_verify(const struct secret *password, const char *hash)
{
    char result[CRYPT_OUTPUT_SIZE];
    bool yes = false;

    if (crypt_password(password, hash, result))
        return false;
    if (strlen(hash) == strlen(result))
        yes = secret_equal(hash, result, strlen(hash));
    explicit_bzero(result, sizeof(result));
    return yes;
}

/* LIKE may be a locked user's hash, with or without its '!'. */
bool hash_verify_nobody(const struct secret *password, const char *like)
{
    char result[CRYPT_OUTPUT_SIZE];

    if (like && like[0] == '!')
        like++;
    if (!like || crypt_password(password, like, result))
        (void)crypt_password(password, nobody, result);
    explicit_bzero(result, sizeof(result));
    return false;
}
