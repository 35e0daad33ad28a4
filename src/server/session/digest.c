/* Computes SHA-256 and SHA-512 by libcrypto, CRC-32 by zlib, and lengths in
 * TYPE A, in session. The callers give it the bytes; it must never read a
 * descriptor. */
#include "transfer.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct digest {
    EVP_MD_CTX *context; /* SHA-256 and SHA-512; otherwise NULL */
    bool lines;          /* DIGEST_LINES */
    uLong crc;
    uint64_t length;
    char last; /* the last byte that was added */
};

struct digest *digest_new(const char *name)
{
    struct digest *d = calloc(1, sizeof(*d));
    EVP_MD *kind;
    bool ok;

    if (!d)
        return NULL;
    d->lines = strcmp(name, DIGEST_LINES) == 0;
    d->crc = crc32_z(0, NULL, 0);
    if (d->lines || strcmp(name, "CRC32") == 0)
        return d;
    kind = EVP_MD_fetch(NULL, name, NULL);
    d->context = EVP_MD_CTX_new();
    ok = kind && d->context && EVP_DigestInit_ex2(d->context, kind, NULL) == 1;
    EVP_MD_free(kind);
    if (ok)
        return d;
    digest_free(d);
    return NULL;
}

bool digest_add(struct digest *d, const void *bytes, size_t len)
{
    const char *at = bytes;

    if (d->context)
        return EVP_DigestUpdate(d->context, bytes, len) == 1;
    if (!d->lines) {
        d->crc = crc32_z(d->crc, bytes, len);
        return true;
    }
    d->length += len;
    for (size_t i = 0; i < len; i++)
        if (at[i] == '\n' && (i > 0 ? at[i - 1] : d->last) != '\r')
            d->length++;
    if (len > 0)
        d->last = at[len - 1];
    return true;
}

bool digest_text(struct digest *d, char out[DIGEST_TEXT_MAX])
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (d->lines)
        snprintf(out, DIGEST_TEXT_MAX, "%llu", (unsigned long long)d->length);
    else if (!d->context)
        snprintf(out, DIGEST_TEXT_MAX, "%08lx", d->crc);
    else if (EVP_DigestFinal_ex(d->context, value, &len) != 1 ||
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
