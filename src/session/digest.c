/* SHA-256 and SHA-512 by libcrypto, CRC-32 by zlib, in the session process. It
 * sees bytes only: must never read a descriptor itself. */
#include "digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct digest {
    EVP_MD_CTX *context; /* NULL: CRC-32 */
    uLong crc;
};

static bool start(struct digest *d, const char *name)
{
    EVP_MD *kind = EVP_MD_fetch(NULL, name, NULL);
    bool ok;

    d->context = EVP_MD_CTX_new();
    ok = kind && d->context && EVP_DigestInit_ex2(d->context, kind, NULL) == 1;
    EVP_MD_free(kind);
    return ok;
}

struct digest *digest_new(const char *name)
{
    struct digest *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->crc = crc32_z(0, NULL, 0);
    if (strcmp(name, "CRC32") != 0 && !start(d, name)) {
        digest_free(d);
        return NULL;
    }
    return d;
}

bool digest_add(struct digest *d, const void *bytes, size_t len)
{
    if (d->context)
        return EVP_DigestUpdate(d->context, bytes, len) == 1;
    d->crc = crc32_z(d->crc, bytes, len);
    return true;
}

bool digest_text(struct digest *d, char out[DIGEST_TEXT_MAX])
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (!d->context) {
        snprintf(out, DIGEST_TEXT_MAX, "%08lx", d->crc);
        return true;
    }
    if (EVP_DigestFinal_ex(d->context, value, &len) != 1 ||
        2 * len >= DIGEST_TEXT_MAX)
        return false;
    for (unsigned i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", value[i]);
    return true;
}

void digest_free(struct digest *d)
{
    if (!d)
        return;
    EVP_MD_CTX_free(d->context);
    free(d);
}
