/* MODE Z by zlib, in the session process. Must never use more room than it is
 * given, whatever a stream expands to. */
#include <limits.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "filter.h"

#define MEMORY_LEVEL 8 /* zlib's default: 256 KiB with the window */

struct deflate {
    struct filter filter;
    z_stream z;
    bool ended;
};

static unsigned deflate_limit(size_t n)
{
    return n > UINT_MAX ? UINT_MAX : (unsigned)n;
}

/* One call of zlib, and how far it came. */
static int deflate_step(struct deflate *d, struct filter_io *io,
                        int (*work)(z_stream *, int), int flush)
{
    unsigned in = deflate_limit(io->in_len), out = deflate_limit(io->out_len);
    int r;

    d->z.next_in = io->in;
    d->z.avail_in = in;
    d->z.next_out = io->out;
    d->z.avail_out = out;
    r = work(&d->z, flush);
    io->in = d->z.next_in;
    io->in_len -= in - d->z.avail_in;
    io->out = d->z.next_out;
    io->out_len -= out - d->z.avail_out;
    d->ended |= r == Z_STREAM_END;
    return r;
}

static enum filter_result deflate_fail(struct deflate *d, enum filter_result r,
                                       const char *fault)
{
    d->filter.fault = fault;
    return r;
}

static enum filter_result deflate_run(struct filter *f, struct filter_io *io,
                                      bool last)
{
    struct deflate *d = (struct deflate *)f;
    int r = d->ended
                ? Z_STREAM_END
                : deflate_step(d, io, deflate, last ? Z_FINISH : Z_NO_FLUSH);

    if (r == Z_STREAM_END)
        return FILTER_ENDED;
    return r == Z_OK || r == Z_BUF_ERROR /* no room, or nothing to do */
               ? FILTER_MORE
               : deflate_fail(d, FILTER_BAD, "not to be compressed");
}

/* A stream ends at its own end mark. Bytes after it are an error. */
static enum filter_result deflate_run_inflate(struct filter *f,
                                              struct filter_io *io, bool last)
{
    struct deflate *d = (struct deflate *)f;
    int r = d->ended ? Z_STREAM_END : deflate_step(d, io, inflate, Z_NO_FLUSH);

    if (r == Z_STREAM_END)
        return io->in_len == 0
                   ? FILTER_ENDED
                   : deflate_fail(d, FILTER_BAD, "not over at its end mark");
    if (r == Z_MEM_ERROR)
        return deflate_fail(d, FILTER_BAD, "too much for this server's memory");
    if (r != Z_OK && r != Z_BUF_ERROR)
        return deflate_fail(d, FILTER_BAD, "damaged, or not in zlib's format");
    return last && io->in_len == 0 && io->out_len > 0
               ? deflate_fail(d, FILTER_SHORT,
                              "cut short: its end mark is missing")
               : FILTER_MORE;
}

static void deflate_free(struct filter *f)
{
    deflateEnd(&((struct deflate *)f)->z);
    free(f);
}

static void deflate_free_inflate(struct filter *f)
{
    inflateEnd(&((struct deflate *)f)->z);
    free(f);
}

struct filter *filter_deflate(int level)
{
    static const struct filter_kind kind = { deflate_run, deflate_free };
    struct deflate *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->filter.kind = &kind;
    if (deflateInit2(&d->z, level, Z_DEFLATED, MAX_WBITS, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) == Z_OK)
        return &d->filter;
    free(d);
    return NULL;
}

struct filter *filter_inflate(int level)
{
    static const struct filter_kind kind = { deflate_run_inflate,
                                             deflate_free_inflate };
    struct deflate *d = calloc(1, sizeof(*d));

    (void)level;
    if (!d)
        return NULL;
    d->filter.kind = &kind;
    if (inflateInit2(&d->z, MAX_WBITS) == Z_OK)
        return &d->filter;
    free(d);
    return NULL;
}
