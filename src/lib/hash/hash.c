/* Password hashes, by libcrypt. Auth verifies and makes hashes, and
 * sallyportctl makes them. Never stores a password, and compares only hashes.
 */
#include "sallyport/hash/hash.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/base/random.h"

#define SALT_BYTES 16

_Static_assert(CRYPT_OUTPUT_SIZE <= HASH_MAX, "a hash fits");
_Static_assert(CRYPT_MAX_PASSPHRASE_SIZE == HASH_PASSWORD_MAX + 1,
               "its size counts the NUL");

/* The prefix and salt of a hash with libxcrypt's default cost, for a user that
 * doesn't exist. The salt doesn't matter. */
static const char nobody[] = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$";

/* Hashes the password by crypt(3). Returns 0, or -EINVAL if crypt(3) refuses
 * the setting or the length, or memory is short. */
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

enum password_fault hash_password_fault(struct slice text)
{
    if (text.len < HASH_PASSWORD_MIN)
        return PASSWORD_SHORT;
    if (slice_has(text, '\r') || slice_has(text, '\n') || slice_has(text, '\0'))
        return PASSWORD_BYTES;
    return text.len > HASH_PASSWORD_MAX ? PASSWORD_LONG : PASSWORD_OK;
}

static int hash_setting(uint64_t cost, char out[CRYPT_GENSALT_OUTPUT_SIZE])
{
    char salt[SALT_BYTES];

    random_bytes(salt, sizeof(salt));
    return crypt_gensalt_rn("$y$", cost, salt, SALT_BYTES, out,
                            CRYPT_GENSALT_OUTPUT_SIZE)
               ? 0
               : -errno;
}

int hash_make(const struct secret *password, uint64_t cost, char out[HASH_MAX])
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    int r = hash_setting(cost, setting);

    return r < 0 ? r : crypt_password(password, setting, out);
}

bool hash_is_weaker(const char *hash, uint64_t cost)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    if (strncmp(hash, "$7$", 3) == 0 ||
        (strncmp(hash, "$2", 2) == 0 && strcmp(hash + 3, "$13") > 0))
        return false; /* counts as strong enough: costs of different kinds can't
                         be compared */
    if (strncmp(hash, "$y$", 3) != 0)
        return true;
    /* "$y$jNr$": one digit each for N and r, in the order of ASCII */
    return strlen(hash) > 6 && hash[3] == 'j' && hash[6] == '$' &&
           hash_setting(cost, setting) == 0 && strncmp(hash, setting, 6) < 0;
}

enum hash_answer hash_verify(const struct secret *password, const char *hash)
{
    char result[CRYPT_OUTPUT_SIZE];
    bool yes = false;

    /* Each round of SHA hashes the password: its client chooses the time. */
    if (password->len > HASH_PASSWORD_MAX ||
        (password->len > HASH_SLOW_PASSWORD_MAX &&
         (strncmp(hash, "$5$rounds=", 10) == 0 ||
          strncmp(hash, "$6$rounds=", 10) == 0) &&
         strtoull(hash + 10, NULL, 10) > HASH_SLOW_ROUNDS))
        return HASH_WRONG;
    if (crypt_password(password, hash, result))
        return HASH_FAILED;
    if (strlen(hash) == strlen(result))
        yes = secret_equal(hash, result, strlen(hash));
    explicit_bzero(result, sizeof(result));
    return yes ? HASH_RIGHT : HASH_WRONG;
}

/* Accepts a locked user's hash as LIKE, with or without its '!'. */
enum hash_answer hash_verify_nobody(const struct secret *password,
                                    const char *like)
{
    if (like && like[0] == '!')
        like++;
    return hash_verify(password, like && like[0] == '$' ? like : nobody) ==
                   HASH_FAILED
               ? HASH_FAILED
               : HASH_WRONG;
}
