/* SHA-256 and SHA-512 by libcrypto, CRC-32 by zlib, lengths in TYPE A, in the
 * session process. Sees bytes only: must never read a descriptor. */
#include "transfer.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct digest_kind {
    const char *name;
    bool (*start)(struct digest *d);
    bool (*add)(struct digest *d, const void *bytes, size_t len);
    bool (*text)(struct digest *d, char out[DIGEST_TEXT_MAX]);
};

struct digest {
    const struct digest_kind *kind;
    EVP_MD_CTX *context;
    uLong crc;
    uint64_t length;
    char last; /* byte of what was added */
};

static bool digest_sha_start(struct digest *d)
{
    EVP_MD *kind = EVP_MD_fetch(NULL, d->kind->name, NULL);
    bool ok;

    d->context = EVP_MD_CTX_new();
    ok = kind && d->context && EVP_DigestInit_ex2(d->context, kind, NULL) == 1;
    EVP_MD_free(kind);
    return ok;
}

static bool digest_sha_add(struct digest *d, const void *bytes, size_t len)
{
    return EVP_DigestUpdate(d->context, bytes, len) == 1;
}

static bool digest_sha_text(struct digest *d, char out[DIGEST_TEXT_MAX])
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (EVP_DigestFinal_ex(d->context, value, &len) != 1 ||
        2 * len >= DIGEST_TEXT_MAX)
        return false;
    for (unsigned i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", value[i]);
    return true;
}

static bool digest_crc_start(struct digest *d)
{
    d->crc = crc32_z(0, NULL, 0);
    return true;
}

static bool digest_crc_add(struct digest *d, const void *bytes, size_t len)
{
    d->crc = crc32_z(d->crc, bytes, len);
    return true;
}

static bool digest_crc_text(struct digest *d, char out[DIGEST_TEXT_MAX])
{
    snprintf(out, DIGEST_TEXT_MAX, "%08lx", d->crc);
    return true;
}

static bool digest_lines_start(struct digest *d)
{
    d->last = 0;
    return true;
}

static bool digest_lines_add(struct digest *d, const void *bytes, size_t len)
{
    const char *at = bytes;

    d->length += len;
    for (size_t i = 0; i < len; i++)
        if (at[i] == '\n' && (i > 0 ? at[i - 1] : d->last) != '\r')
            d->length++;
    if (len > 0)
        d->last = at[len - 1];
    return true;
}

static bool digest_lines_text(struct digest *d, char out[DIGEST_TEXT_MAX])
{
    snprintf(out, DIGEST_TEXT_MAX, "%llu", (unsigned long long)d->length);
    return true;
}

static const struct digest_kind kinds[] = {
    { "SHA-256", digest_sha_start, digest_sha_add, digest_sha_text },
    { "SHA-512", digest_sha_start, digest_sha_add, digest_sha_text },
    { "CRC32", digest_crc_start, digest_crc_add, digest_crc_text },
    { DIGEST_LINES, digest_lines_start, digest_lines_add, digest_lines_text },
};

static const struct digest_kind *digest_find(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

struct digest *digest_new(const char *name)
{
    const struct digest_kind *kind = digest_find(name);
    struct digest *d = kind ? calloc(1, sizeof(*d)) : NULL;

    if (!d)
        return NULL;
    d->kind = kind;
    if (kind->start(d))
        return d;
    digest_free(d);
    return NULL;
}

bool digest_add(struct digest *d, const void *bytes, size_t len)
{
    return d->kind->add(d, bytes, len);
}

bool digest_text(struct digest *d, char out[DIGEST_TEXT_MAX])
{
    return d->kind->text(d, out);
}

void digest_free(struct digest *d)
{
    if (!d)
        return;
    EVP_MD_CTX_free(d->context);
    free(d);
}
