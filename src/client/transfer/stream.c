/* The checksum of a transfer's bytes as they pass. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "transfer.h"

#define DIGEST_BLOCK 262144
#define KEEP_MS      30000
#define BEHIND_MAX   (256 * 1024 * 1024)

int digest_begin(struct checksum *d, const char *name)
{
    const EVP_MD *md = name ? EVP_get_digestbyname(name) : NULL;

    *d = (struct checksum){ .ctx = md ? EVP_MD_CTX_new() : NULL };
    if (!name)
        return 0;
    return d->ctx && EVP_DigestInit_ex(d->ctx, md, NULL) == 1 ? 0 : -1;
}

/* Reads a block. Returns 1; 0: there is none now; or -errno. */
static int digest_read(struct checksum *d)
{
    static _Thread_local char block[DIGEST_BLOCK];

    if (!d->end || d->at >= *d->end)
        return 0;
    uint64_t left = *d->end - d->at;
    ssize_t n =
        pread(d->fd, block, left < sizeof(block) ? (size_t)left : sizeof(block),
              (off_t)d->at);

    if (n <= 0)
        return n == 0 ? -ENODATA : errno == EINTR ? 1 : -errno;
    EVP_DigestUpdate(d->ctx, block, (size_t)n);
    d->at += (uint64_t)n;
    return 1;
}

/* Adds bytes. A digest that has fallen far behind reads now: later the bytes
 * would no longer be in the disk's cache. */
void digest_add(struct checksum *d, const void *bytes, size_t len)
{
    if (d->ctx && !d->end)
        EVP_DigestUpdate(d->ctx, bytes, len);
    while (d->end && *d->end > d->at + BEHIND_MAX && digest_read(d) == 1)
        ;
}

/* Reads some bytes; digest_catch_up() will meet an error again, and return
 * it. */
static bool digest_read_some(void *of)
{
    struct checksum *d = of;

    return digest_read(d) == 1 && d->at < *d->end;
}

void digest_follow(struct checksum *d, int fd, const uint64_t *end,
                   struct link *l)
{
    if (!d->ctx)
        return;
    d->link = l;
    d->fd = fd;
    d->end = end;
    l->spare = (struct link_spare){ digest_read_some, d };
}

int digest_catch_up(struct checksum *d, struct link *kept)
{
    uint64_t at = clock_ms();
    struct failure why;
    int r;

    while ((r = digest_read(d)) == 1) {
        if (link_interrupted)
            return -EINTR;
        if (kept && clock_ms() - at > KEEP_MS) {
            link_command(kept, &why, "NOOP");
            at = clock_ms();
        }
    }
    return r;
}

int digest_file(int fd, uint64_t len, const char *name,
                char out[DIGEST_HEX_MAX])
{
    struct checksum d;

    if (digest_begin(&d, name) < 0)
        return -ENOMEM;
    d.fd = fd;
    d.end = &len;
    int r = digest_catch_up(&d, NULL);
    digest_end(&d, out);
    return r;
}

void digest_peek(const struct checksum *d, char out[DIGEST_HEX_MAX])
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    out[0] = '\0';
    if (copy && d->ctx && EVP_MD_CTX_copy_ex(copy, d->ctx) == 1 &&
        EVP_DigestFinal_ex(copy, hash, &len) == 1)
        for (unsigned i = 0; i < len; i++)
            snprintf(out + (size_t)2 * i, 3, "%02x", hash[i]);
    EVP_MD_CTX_free(copy);
}

void digest_end(struct checksum *d, char out[DIGEST_HEX_MAX])
{
    if (out)
        digest_peek(d, out);
    if (d->link)
        d->link->spare = (struct link_spare){ 0 };
    EVP_MD_CTX_free(d->ctx);
    *d = (struct checksum){ 0 };
}
