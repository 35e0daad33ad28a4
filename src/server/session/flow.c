/* Converts bytes between the steps that move them and the data connection's
 * stream, in the session process: the line ends of TYPE A, and MODE Z by zlib.
 * Without a conversion the bytes pass unchanged. If both conversions are on,
 * only compressed bytes are on the network. The result doesn't depend on how
 * the bytes are cut into pieces. Each call does a bounded part of the work, and
 * never uses more room than it is given, whatever a stream expands to. */
#include "transfer.h"

#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#define BUFFER       (64u << 10) /* of converted or compressed bytes */
#define FLOW_PIECE   (16u << 10) /* the most bytes of a file in one call */
#define MEMORY_LEVEL 8           /* zlib's default: 256 KiB with the window */

bool flow_keeps_lengths(const struct session *s)
{
    return !(s->transfer.conversions & CONVERT_ASCII);
}

/* In MODE Z the bytes for the client are at bytes + BUFFER before they are
 * compressed. */
bool flow_open(struct session *s)
{
    struct transfer *t = &s->transfer;
    struct flow *f = &t->flow;

    if (t->conversions == 0)
        return true;
    f->bytes = malloc(BUFFER + 2 * FLOW_PIECE);
    if (!f->bytes || !(t->conversions & CONVERT_DEFLATE))
        return f->bytes;
    f->zlib = calloc(1, sizeof(*f->zlib));
    if (!f->zlib)
        return false;
    if (transfer_is_upload(t))
        return inflateInit2(f->zlib, MAX_WBITS) == Z_OK;
    return deflateInit2(f->zlib, s->level, Z_DEFLATED, MAX_WBITS, MEMORY_LEVEL,
                        Z_DEFAULT_STRATEGY) == Z_OK;
}

/* Frees the streams: zlib ignores a stream that it didn't set up. */
void flow_close(struct session *s)
{
    struct flow *f = &s->transfer.flow;

    if (f->zlib && transfer_is_upload(&s->transfer))
        inflateEnd(f->zlib);
    else if (f->zlib)
        deflateEnd(f->zlib);
    free(f->zlib);
    free(f->bytes);
    *f = (struct flow){ 0 };
}

/* Puts a CR before each LF that has none (RFC 959 3.1.1.1). INTO must have room
 * for twice N bytes. Returns how many bytes it has written. */
static size_t flow_lines_to_client(struct flow *f, const char *from, size_t n,
                                   unsigned char *into)
{
    unsigned char *to = into;

    while (n > 0) {
        const char *lf = memchr(from, '\n', n);
        size_t len = lf ? (size_t)(lf - from) : n;

        memcpy(to, from, len);
        to += len;
        if (len > 0)
            f->cr = to[-1] == '\r';
        if (lf) {
            if (!f->cr)
                *to++ = '\r';
            *to++ = '\n';
            f->cr = false;
            len++;
        }
        from += len;
        n -= len;
    }
    return (size_t)(to - into);
}

/* Does the opposite: turns CRLF into LF. Any other CR stays. The N bytes are at
 * BLOCK + 1, since a CR that was held back can come before them. Returns the
 * number of converted bytes, which are at BLOCK. */
static size_t flow_lines_from_client(struct flow *f, char *block, size_t n)
{
    const char *from = block + 1, *end = from + n;
    char *to = block;

    while (from < end) {
        const char *cr;
        size_t len;

        if (f->cr && *from != '\n')
            *to++ = '\r';
        cr = memchr(from, '\r', (size_t)(end - from));
        len = (size_t)((cr ? cr : end) - from);
        memmove(to, from, len);
        to += len;
        from += len + (cr ? 1 : 0);
        f->cr = cr; /* the next byte decides whether the CR is dropped */
    }
    return (size_t)(to - block);
}

/* Sends converted bytes that are waiting. */
static enum stream_state flow_push(struct session *s)
{
    struct flow *f = &s->transfer.flow;

    while (f->at < f->end) {
        size_t took = 0;
        enum stream_state state = stream_write(s->data.stream, f->bytes + f->at,
                                               f->end - f->at, &took);

        f->at += took;
        if (state != STREAM_OK)
            return state;
    }
    return STREAM_OK;
}

/* Compresses the next bytes. Call it only if no compressed bytes wait to be
 * sent. */
static enum stream_state flow_deflate(struct flow *f, int flush)
{
    int r;

    f->zlib->next_out = f->bytes;
    f->zlib->avail_out = BUFFER;
    r = deflate(f->zlib, flush);
    f->at = 0;
    f->end = BUFFER - f->zlib->avail_out;
    f->ended = r == Z_STREAM_END;
    if (r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR)
        return STREAM_OK;
    f->fault = "not to be compressed";
    return STREAM_FAILED;
}

enum stream_state flow_write(struct session *s, const void *from, size_t len,
                             size_t *took)
{
    struct flow *f = &s->transfer.flow;
    enum stream_state state;

    *took = 0;
    if (s->transfer.conversions == 0)
        return stream_write(s->data.stream, from, len, took);
    state = flow_push(s);
    if (state != STREAM_OK)
        return state;
    if (!f->zlib || f->zlib->avail_in == 0) {
        unsigned char *into = f->bytes + (f->zlib ? BUFFER : 0);

        len = *took = len < FLOW_PIECE ? len : FLOW_PIECE;
        if (s->transfer.conversions & CONVERT_ASCII)
            len = flow_lines_to_client(f, from, len, into);
        else
            memcpy(into, from, len);
        if (f->zlib) {
            f->zlib->next_in = into;
            f->zlib->avail_in = (unsigned)len;
        } else {
            f->at = 0;
            f->end = len;
        }
    }
    return f->zlib ? flow_deflate(f, Z_NO_FLUSH) : STREAM_OK;
}

enum stream_state flow_flush(struct session *s)
{
    enum stream_state state = flow_push(s);

    return state == STREAM_OK ? stream_flush(s->data.stream) : state;
}

enum stream_state flow_finish(struct session *s)
{
    struct flow *f = &s->transfer.flow;
    enum stream_state state = flow_push(s);

    while (state == STREAM_OK && f->zlib && !f->ended) {
        state = flow_deflate(f, Z_FINISH);
        if (state == STREAM_OK)
            state = flow_push(s);
    }
    return state == STREAM_OK ? stream_shutdown(s->data.stream) : state;
}

static enum stream_state flow_fail(struct session *s, bool worthless,
                                   const char *fault)
{
    s->transfer.worthless = worthless;
    s->transfer.flow.fault = fault;
    return STREAM_FAILED;
}

/* Expands the received bytes. Compressed bytes have an end mark: bytes after it
 * are an error. */
static enum stream_state flow_inflate(struct session *s, char *into, size_t len,
                                      size_t *got)
{
    struct flow *f = &s->transfer.flow;
    z_stream *z = f->zlib;
    int r = Z_STREAM_END;

    z->next_out = (unsigned char *)into;
    z->avail_out = (unsigned)len;
    if (!f->ended)
        r = inflate(z, Z_NO_FLUSH);
    *got = len - z->avail_out;
    f->ended = r == Z_STREAM_END;
    if (f->ended && z->avail_in > 0)
        return flow_fail(s, true, "not over at its end mark");
    if (r == Z_MEM_ERROR)
        return flow_fail(s, true, "too much for this server's memory");
    if (r != Z_STREAM_END && r != Z_OK && r != Z_BUF_ERROR)
        return flow_fail(s, true, "damaged, or not in zlib's format");
    if (f->closed && !f->ended && z->avail_in == 0 && z->avail_out > 0)
        return flow_fail(s, false, "cut short: its end mark is missing");
    return f->closed && f->ended && *got == 0 ? STREAM_CLOSED : STREAM_OK;
}

/* Calls stream_read() once at most: a client can send bytes that expand to
 * nothing, without end. */
static enum stream_state flow_read_inflated(struct session *s, char *into,
                                            size_t len, size_t *got)
{
    struct flow *f = &s->transfer.flow;
    enum stream_state state = flow_inflate(s, into, len, got);
    size_t n = 0;

    if (state != STREAM_OK || *got > 0 || f->zlib->avail_in > 0)
        return state;
    state = stream_read(s->data.stream, f->bytes, BUFFER, &n);
    f->zlib->next_in = f->bytes;
    f->zlib->avail_in = (unsigned)n;
    f->closed = state == STREAM_CLOSED;
    if (state != STREAM_OK && !f->closed)
        return state;
    return flow_inflate(s, into, len, got);
}

enum stream_state flow_read(struct session *s, char *into, size_t len,
                            size_t *got)
{
    struct flow *f = &s->transfer.flow;
    size_t gap = s->transfer.conversions & CONVERT_ASCII ? 1 : 0;
    enum stream_state state;

    *got = 0;
    if (f->zlib)
        state = flow_read_inflated(s, into + gap, len - gap, got);
    else
        do {
            size_t n = 0;

            state = stream_read(s->data.stream, into + gap + *got,
                                len - gap - *got, &n);
            *got += n;
        } while (state == STREAM_OK && *got < len - gap);
    if (gap > 0)
        *got = flow_lines_from_client(f, into, *got);
    if (gap > 0 && f->cr && state == STREAM_CLOSED) {
        into[(*got)++] = '\r';
        f->cr = false;
    }
    return state;
}
