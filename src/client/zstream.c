/* Uses zlib, in steps of one block. */
#include "zstream.h"

int zstream_begin(struct zstream *s, bool deflates)
{
    s->z = (z_stream){ 0 };
    s->source_ended = s->ended = false;
    s->kind = deflates ? ZSTREAM_DEFLATES : ZSTREAM_INFLATES;
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
        s->z.avail_out = sizeof(s->block);
        int r = s->ended ? Z_DATA_ERROR : inflate(&s->z, Z_NO_FLUSH);
        size_t n = sizeof(s->block) - s->z.avail_out;

        if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
            return -1;
        s->ended = r == Z_STREAM_END;
        if (n > 0 && sink(of, s->block, n) != n)
            return -1;
        if (r == Z_BUF_ERROR)
            break;
    } while (s->z.avail_in > 0 || s->z.avail_out == 0);
    return 0;
}

static int zstream_refill(struct zstream *s,
                          long (*source)(void *of, char *bytes, size_t len),
                          void *of)
{
    if (s->z.avail_in > 0 || s->source_ended)
        return 0;
    long n = source(of, s->block, sizeof(s->block));
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

bool zstream_is_whole(const struct zstream *s)
{
    return s->ended;
}

void zstream_end(struct zstream *s)
{
    if (s->kind == ZSTREAM_DEFLATES)
        deflateEnd(&s->z);
    else if (s->kind == ZSTREAM_INFLATES)
        inflateEnd(&s->z);
    s->kind = ZSTREAM_OFF;
}
