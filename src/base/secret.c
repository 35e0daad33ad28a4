/* Secrets: bounded, wiped, compared in constant time. */
#include "sallyport/base/secret.h"

#include <string.h>

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
