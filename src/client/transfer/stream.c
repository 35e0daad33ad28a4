/* The bytes of a transfer on their way: checksum and MODE Z. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "transfer.h"

#define DIGEST_BLOCK  262144
#define KEEP_MS       30000
#define ZSTREAM_BLOCK 65536
#define BEHIND_MAX    (256 * 1024 * 1024)

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

/* A digest that has fallen far behind reads now: later the bytes would have
 * left the cache of the disk. */
void digest_add(struct checksum *d, const void *bytes, size_t len)
{
    if (d->ctx && !d->end)
        EVP_DigestUpdate(d->ctx, bytes, len);
    while (d->end && *d->end > d->at + BEHIND_MAX && digest_read(d) == 1)
        ;
}

/* digest_catch_up() meets an error again, and returns it. */
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

/* MODE Z, by zlib, in steps of one block. */

int zstream_begin(struct zstream *s, bool deflates)
{
    static _Thread_local char block[ZSTREAM_BLOCK];

    *s = (struct zstream){ .block = block,
                           .kind =
                               deflates ? ZSTREAM_DEFLATES : ZSTREAM_INFLATES };
    int r = deflates ? deflateInit(&s->z, Z_DEFAULT_COMPRESSION)
                     : inflateInit(&s->z);
    if (r != Z_OK)
        s->kind = ZSTREAM_OFF;
    return r == Z_OK ? 0 : -1;
}

int zstream_unpack(struct zstream *s, const char *bytes, size_t len,
                   size_t (*sink)(void *of, const char *bytes, size_t len),
                   void *of)
{
    s->z.next_in = (Bytef *)bytes;
    s->z.avail_in = (uInt)len;
    do {
        s->z.next_out = (Bytef *)s->block;
        s->z.avail_out = ZSTREAM_BLOCK;
        int r = s->ended ? Z_DATA_ERROR : inflate(&s->z, Z_NO_FLUSH);
        size_t n = ZSTREAM_BLOCK - s->z.avail_out;

        if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
            return -1;
        s->ended = r == Z_STREAM_END;
        if (n > 0 && sink(of, s->block, n) != n)
            return -1;
        if (r == Z_BUF_ERROR)
            break;
    } while (s->z.avail_in > 0 || (s->z.avail_out == 0 && !s->ended));
    return 0;
}

static int zstream_refill(struct zstream *s,
                          long (*source)(void *of, char *bytes, size_t len),
                          void *of)
{
    if (s->z.avail_in > 0 || s->source_ended)
        return 0;
    long n = source(of, s->block, ZSTREAM_BLOCK);
    if (n < 0)
        return -1;
    s->source_ended = n == 0;
    s->z.next_in = (Bytef *)s->block;
    s->z.avail_in = (uInt)n;
    return 0;
}

long zstream_pack(struct zstream *s, char *out, size_t len,
                  long (*source)(void *of, char *bytes, size_t len), void *of)
{
    s->z.next_out = (Bytef *)out;
    s->z.avail_out = (uInt)len;
    while (!s->ended && s->z.avail_out > 0) {
        if (zstream_refill(s, source, of) < 0)
            return -1;
        int r = deflate(&s->z, s->source_ended ? Z_FINISH : Z_NO_FLUSH);
        if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
            return -1;
        s->ended = r == Z_STREAM_END;
    }
    return (long)(len - s->z.avail_out);
}

void zstream_end(struct zstream *s)
{
    if (s->kind == ZSTREAM_DEFLATES)
        deflateEnd(&s->z);
    else if (s->kind == ZSTREAM_INFLATES)
        inflateEnd(&s->z);
    s->kind = ZSTREAM_OFF;
}
