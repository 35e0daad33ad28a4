/* Decides which hashes of passwords the users file can contain. Only compares
 * bytes, and computes no hash. Refuses an empty hash, a kind that an attacker
 * breaks in seconds (DES, MD5, NT), and a hash that takes too long to compute.
 */
#include <stdlib.h>
#include <string.h>

#include "sallyport/userparse/userparse.h"

/* The form of each kind (crypt(5)): the prefix, the number of '$', and the
 * number of bytes after the last '$'. */
static const struct hash_kind {
    const char *prefix, *name;
    size_t dollars_min, dollars_max, tail;
} kinds[] = {
    { "$y$", "yescrypt", 4, 4, 43 }, { "$2b$", "bcrypt", 3, 3, 53 },
    { "$2a$", "bcrypt", 3, 3, 53 },  { "$2y$", "bcrypt", 3, 3, 53 },
    { "$7$", "scrypt", 3, 3, 43 },   { "$6$", "SHA-512", 3, 4, 86 },
    { "$5$", "SHA-256", 3, 4, 43 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct hash_kind *hash_kind(const char *hash)
{
    for (size_t i = 0; i < KINDS; i++)
        if (slice_starts(slice_from(hash), slice_from(kinds[i].prefix)))
            return &kinds[i];
    return NULL;
}

static const char digits64[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz";

/* Returns true if TEXT has only bytes in which crypt(3) encodes a hash. */
static bool is_hash_text(const char *text)
{
    return text[strspn(text, digits64)] == '\0';
}

/* Checks the salt, which begins after "$7$CU..../...." or "$y$j9T$". The salt
 * of yescrypt is a number of bytes: the bits that the last digit doesn't need
 * are 0. Other kinds take any byte. */
static bool hash_salt_ok(const char *hash, const char *tail)
{
    static const uint8_t last[] = { 64, 0, 4, 16 };
    struct slice salt = { hash + 3, (size_t)(tail - hash) - 4 }, cost;
    const char *end = tail - 2;

    if (hash[1] != '7' && hash[1] != 'y')
        return true;
    if (hash[1] == 'y')
        slice_cut(&salt, '$', &cost);
    return slice_has_only(salt, digits64) &&
           (hash[1] == '7' || salt.len == 0 ||
            (salt.len <= 86 &&
             strchr(digits64, *end) - digits64 < last[salt.len % 4]));
}

static bool hash_shape_ok(const char *hash)
{
    const struct hash_kind *kind = hash_kind(hash);
    size_t dollars = 0;
    const char *tail = hash;

    if (!kind || strlen(hash) > USER_HASH_MAX || strpbrk(hash, "!*:;\\"))
        return false;
    for (const char *at = hash; *at; at++) {
        if (*at <= ' ' || *at >= 0x7f)
            return false;
        if (*at == '$') {
            dollars++;
            tail = at + 1;
        }
    }
    return dollars >= kind->dollars_min && dollars <= kind->dollars_max &&
           strlen(tail) == kind->tail && is_hash_text(tail) &&
           hash_salt_ok(hash, tail);
}

/* The lowest costs that crypt(3) takes, and the highest costs of a hash: each
 * login computes a hash, even with an unknown name, and hashes from a directory
 * service can have costs that its users choose. The bounds permit some four
 * seconds of a processor, together with the bounds on passwords in hash.h, and
 * 128 MiB, as much as hash_cost = 8 takes. */
#define BCRYPT_LEAST 4
#define BCRYPT_MOST  15
#define ROUNDS_LEAST 1000
#define ROUNDS_MOST  5000000
#define MEMORY_MOST  (UINT64_C(128) << 20)

/* Reads one digit of base 64. Returns false if the byte isn't a digit. */
static bool read_digit64(const char **at, uint64_t *ret)
{
    const char *found = **at ? strchr(digits64, **at) : NULL;

    if (!found)
        return false;
    ++*at;
    *ret = (uint64_t)(found - digits64);
    return true;
}

/* Reads a number in yescrypt's form, whose least value is LEAST. The first
 * digit says how many digits follow. */
static bool read_number64(const char **at, uint64_t least, uint64_t *ret)
{
    uint64_t digit, start = 0, end = 47;
    unsigned more = 0;

    if (!read_digit64(at, &digit))
        return false;
    *ret = least;
    for (; digit > end && more < 5; more++) {
        *ret += (end + 1 - start) << 6 * more;
        start = end + 1;
        end = start + (62 - end) / 2;
    }
    *ret += (digit - start) << 6 * more;
    while (more-- > 0) {
        if (!read_digit64(at, &digit))
            return false;
        *ret += digit << 6 * more;
    }
    return true;
}

/* Returns true if the memory and the time are permitted. scrypt takes 128 * R *
 * 2^LOG_N bytes, and passes over them PASSES times. */
static bool memory_ok(uint64_t log_n, uint64_t r, uint64_t passes)
{
    return log_n > 1 && log_n < 24 && r > 0 && passes > 0 && r <= MEMORY_MOST &&
           passes <= MEMORY_MOST && (r << log_n) <= MEMORY_MOST / 128 &&
           (r << log_n) * passes <= MEMORY_MOST / 128;
}

/* Checks the cost "jNr", after which a mask and further parameters can follow:
 * p, t. */
static bool yescrypt_cost_ok(const char *at)
{
    uint64_t flavor, log_n, r, mask = 0, p = 1, t = 0;

    if (!read_number64(&at, 0, &flavor) || flavor != 47 || /* j */
        !read_number64(&at, 1, &log_n) || !read_number64(&at, 1, &r) ||
        (*at != '$' && !read_number64(&at, 1, &mask)) || mask > 3 ||
        ((mask & 1) && !read_number64(&at, 2, &p)) ||
        ((mask & 2) && !read_number64(&at, 1, &t)))
        return false;
    return p <= MEMORY_MOST && t < MEMORY_MOST &&
           memory_ok(log_n, r, p * (t + 1)) && p <= 1u << (log_n - 2);
}

/* Checks scrypt's cost: one digit for log N, then five digits for r and five
 * for p, the lowest digit first. */
static bool scrypt_cost_ok(const char *at)
{
    uint64_t log_n, digit, number[2] = { 0, 0 };

    if (!read_digit64(&at, &log_n))
        return false;
    for (unsigned i = 0; i < 10; i++) {
        if (!read_digit64(&at, &digit))
            return false;
        number[i / 5] |= digit << 6 * (i % 5);
    }
    return memory_ok(log_n, number[0], number[1]);
}

static bool hash_cost_ok(const char *hash)
{
    const struct slice rounds = SLICE("rounds=");
    struct slice rest = slice_from(hash + 3), cost;
    uint64_t n;

    slice_cut(&rest, '$', &cost);
    if (hash[1] == 'y')
        return yescrypt_cost_ok(hash + 3);
    if (hash[1] == '7')
        return scrypt_cost_ok(hash + 3);
    if (hash[1] == '2')
        return hash[6] == '$' &&
               slice_number((struct slice){ hash + 4, 2 }, BCRYPT_MOST, &n) ==
                   0 &&
               n >= BCRYPT_LEAST;
    if (!slice_starts(cost, rounds))
        return true;
    cost = (struct slice){ cost.ptr + rounds.len, cost.len - rounds.len };
    return !slice_starts(cost, SLICE("0")) &&
           slice_number(cost, ROUNDS_MOST, &n) == 0 && n >= ROUNDS_LEAST;
}

bool user_hash_ok(const char *hash)
{
    if (!strcmp(hash, "!") || !strcmp(hash, "*"))
        return true;
    hash += hash[0] == '!';
    return hash_shape_ok(hash) && hash_cost_ok(hash);
}

const char *user_hash_found(const char *hash)
{
    static const struct {
        const char *prefix, *words;
    } found[] = {
        { "$1$", "it is MD5" },
        { "$apr1$", "it is Apache's MD5" },
        { "$3$", "it is NT" },
        { "$md5", "it is Sun's MD5" },
        { "$gy$", "it is gost-yescrypt" },
        { "$argon2", "it is Argon2" },
        { "_", "it is BSDi's DES" },
        { "{", "it is of LDAP" },
    };
    const char *text = hash[0] == '!' ? hash + 1 : hash;

    if (text[0] == '\0')
        return "it is empty";
    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
        if (slice_starts(slice_from(text), slice_from(found[i].prefix)))
            return found[i].words;
    if (hash_shape_ok(text) && !hash_cost_ok(text))
        return "its cost is wrong, or so high that it would keep other users "
               "out";
    if (hash_kind(text))
        return "it is cut off or holds a wrong character";
    return strlen(text) == 13 && is_hash_text(text) ? "it is DES"
                                                    : "it is no hash";
}

const char *user_hash_kind(const char *hash)
{
    const struct hash_kind *kind = hash_kind(hash[0] == '!' ? hash + 1 : hash);

    return kind ? kind->name : "none";
}
