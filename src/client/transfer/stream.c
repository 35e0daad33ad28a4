/* The bytes of a transfer on their way: checksum and MODE Z. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "transfer.h"

/* Checksums, by OpenSSL or zlib. */

#define DIGEST_BLOCK  262144
#define KEEP_MS       30000
#define ZSTREAM_BLOCK 65536

int digest_begin(struct checksum *d, const char *name)
{
    const EVP_MD *md = name ? EVP_get_digestbyname(name) : NULL;

    *d = (struct checksum){ .ctx = md ? EVP_MD_CTX_new() : NULL,
                            .is_crc = name && strcmp(name, CRC_NAME) == 0 };
    if (!name || d->is_crc)
        return 0;
    return d->ctx && EVP_DigestInit_ex(d->ctx, md, NULL) == 1 ? 0 : -1;
}

void digest_add(struct checksum *d, const void *bytes, size_t len)
{
    if (d->ctx)
        EVP_DigestUpdate(d->ctx, bytes, len);
    else if (d->is_crc)
        d->crc = crc32_z(d->crc, bytes, len);
}

int digest_add_head(struct checksum *d, int fd, uint64_t len, struct link *l)
{
    static _Thread_local char block[DIGEST_BLOCK];
    uint64_t at = 0, kept = clock_ms();

    while ((d->ctx || d->is_crc) && at < len) {
        if (link_interrupted)
            return -EINTR;
        if (clock_ms() - kept > KEEP_MS) {
            link_keep(l);
            kept = clock_ms();
        }
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

void digest_end(struct checksum *d, char out[DIGEST_HEX_MAX])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    out[0] = '\0';
    if (d->ctx && EVP_DigestFinal_ex(d->ctx, hash, &len) == 1)
        for (unsigned i = 0; i < len; i++)
            snprintf(out + (size_t)2 * i, 3, "%02x", hash[i]);
    if (d->is_crc)
        snprintf(out, DIGEST_HEX_MAX, "%08lx", d->crc);
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
