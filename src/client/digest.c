/* Computes checksums with OpenSSL. */
#include "digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DIGEST_BLOCK 262144

int digest_begin(struct digest *d, const char *name)
{
    const EVP_MD *md = NULL;

    *d = (struct digest){ NULL };
    if (!name)
        return 0;
    if (strcmp(name, "SHA-256") == 0)
        md = EVP_sha256();
    else if (strcmp(name, "SHA-512") == 0)
        md = EVP_sha512();
    if (!md)
        return -1;
    d->ctx = EVP_MD_CTX_new();
    return d->ctx && EVP_DigestInit_ex(d->ctx, md, NULL) == 1 ? 0 : -1;
}

void digest_add(struct digest *d, const void *bytes, size_t len)
{
    if (d->ctx)
        EVP_DigestUpdate(d->ctx, bytes, len);
}

int digest_add_head(struct digest *d, int fd, uint64_t len)
{
    static _Thread_local char block[DIGEST_BLOCK];
    uint64_t at = 0;

    while (d->ctx && at < len) {
        size_t want =
            len - at < sizeof(block) ? (size_t)(len - at) : sizeof(block);
        ssize_t n = pread(fd, block, want, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        digest_add(d, block, (size_t)n);
        at += (uint64_t)n;
    }
    return 0;
}

void digest_end(struct digest *d, char out[DIGEST_HEX_MAX])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    out[0] = '\0';
    if (d->ctx && EVP_DigestFinal_ex(d->ctx, hash, &len) == 1)
        for (unsigned i = 0; i < len; i++)
            snprintf(out + (size_t)2 * i, 3, "%02x", hash[i]);
    EVP_MD_CTX_free(d->ctx);
    d->ctx = NULL;
}
