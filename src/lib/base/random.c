/* Random bytes from the kernel; secrets, which are bounded, wiped, and compared
 * in constant time; and a keyed hash. */
#include "sallyport/base/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>

#include "sallyport/base/complain.h"

void random_bytes(void *out, size_t len)
{
    char *at = out;

    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            die(EX_OSERR, "the kernel gives no random bytes");
        at += n;
        len -= (size_t)n;
    }
}

int secret_set(struct secret *s, struct slice from)
{
    int r = slice_copy(from, s->bytes, sizeof(s->bytes));

    if (r < 0) {
        secret_wipe(s);
        return r;
    }
    s->len = from.len;
    return 0;
}

void secret_wipe(struct secret *s)
{
    explicit_bzero(s, sizeof(*s));
}

bool secret_equal(const void *a, const void *b, size_t len)
{
    const volatile unsigned char *x = a;
    const volatile unsigned char *y = b;
    unsigned char difference = 0;

    for (size_t i = 0; i < len; i++)
        difference |= (unsigned char)(x[i] ^ y[i]);
    return difference == 0;
}

static uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t load_little_endian(const uint8_t *p, size_t len)
{
    uint64_t x = 0;

    for (size_t i = 0; i < len; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

static void rounds(uint64_t v[4], unsigned n)
{
    while (n-- > 0) {
        v[0] += v[1];
        v[1] = rotate_left(v[1], 13) ^ v[0];
        v[0] = rotate_left(v[0], 32);
        v[2] += v[3];
        v[3] = rotate_left(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate_left(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate_left(v[1], 17) ^ v[2];
        v[2] = rotate_left(v[2], 32);
    }
}

static void absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    rounds(v, 2);
    v[0] ^= word;
}

uint64_t siphash(const uint8_t key[SIPHASH_KEY], const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t k0 = load_little_endian(key, 8),
             k1 = load_little_endian(key + 8, 8);
    uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
                      k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 };
    size_t left = len;

    for (; left >= 8; left -= 8, p += 8)
        absorb(v, load_little_endian(p, 8));
    absorb(v, load_little_endian(p, left) | (uint64_t)len << 56);
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
