/* Between the steps that move bytes and the data connection's stream, in the
 * session process. Without a conversion the bytes pass unchanged. Each call
 * does a bounded part of the work, whatever a stream expands to. */
#include "transfer.h"

#include <stdlib.h>

#include "chain.h"

#define BUFFER (64u << 10) /* of converted bytes */
#define PIECE  (16u << 10) /* bytes of a file in one call */

unsigned flow_conversions(const struct session *s)
{
    unsigned conversions = s->deflate ? CONVERT_DEFLATE : 0;

    if (s->ascii && !transfer_is_listing(&s->transfer)) /* has CRLF already */
        conversions |= CONVERT_ASCII;
    return conversions;
}

bool flow_keeps_lengths(const struct session *s)
{
    return !(s->transfer.conversions & CONVERT_ASCII);
}

bool flow_open(struct session *s)
{
    struct transfer *t = &s->transfer;

    if (t->conversions == 0)
        return true;
    t->flow.chain = chain_new(transfer_is_upload(t) ? FROM_CLIENT : TO_CLIENT,
                              t->conversions, s->level);
    t->flow.bytes = malloc(BUFFER);
    return t->flow.chain && t->flow.bytes;
}

void flow_close(struct session *s)
{
    struct flow *f = &s->transfer.flow;

    chain_free(f->chain);
    free(f->bytes);
    *f = (struct flow){ 0 };
}

int flow_rounds(const struct session *s, int rounds)
{
    return s->transfer.flow.chain ? rounds / 4 : rounds;
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

/* Converts the next ones, when none wait any more. */
static enum stream_state flow_convert(struct session *s, struct filter_io *io,
                                      bool last)
{
    struct flow *f = &s->transfer.flow;
    enum filter_result r;

    io->out = f->bytes;
    io->out_len = BUFFER;
    r = chain_run(f->chain, io, last);
    f->at = 0;
    f->end = BUFFER - io->out_len;
    f->ended = r == FILTER_ENDED;
    return r == FILTER_BAD ? STREAM_FAILED : STREAM_OK;
}

static enum stream_state flow_write_converted(struct session *s,
                                              const void *from, size_t len,
                                              size_t *took)
{
    struct filter_io io = { .in = from, .in_len = len < PIECE ? len : PIECE };
    enum stream_state state = flow_push(s);

    if (state != STREAM_OK)
        return state;
    state = flow_convert(s, &io, false);
    *took = (len < PIECE ? len : PIECE) - io.in_len;
    return state;
}

enum stream_state flow_write(struct session *s, const void *from, size_t len,
                             size_t *took)
{
    *took = 0;
    if (s->transfer.flow.chain)
        return flow_write_converted(s, from, len, took);
    return stream_write(s->data.stream, from, len, took);
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

    while (state == STREAM_OK && f->chain && !f->ended) {
        struct filter_io io = { .in_len = 0 };

        state = flow_convert(s, &io, true);
        if (state == STREAM_OK)
            state = flow_push(s);
    }
    return state == STREAM_OK ? stream_shutdown(s->data.stream) : state;
}

static enum stream_state flow_read_plain(struct session *s, char *into,
                                         size_t len, size_t *got)
{
    enum stream_state state;

    do {
        size_t n = 0;

        state = stream_read(s->data.stream, into + *got, len - *got, &n);
        *got += n;
    } while (state == STREAM_OK && *got < len);
    return state;
}

/* Converts what was received. */
static enum stream_state flow_take(struct session *s, void *into, size_t len,
                                   size_t *got)
{
    struct flow *f = &s->transfer.flow;
    struct filter_io io = { f->bytes + f->at, f->end - f->at, into, len };
    enum filter_result r = chain_run(f->chain, &io, f->closed);

    f->at = f->end - io.in_len;
    *got = len - io.out_len;
    if (r == FILTER_BAD || r == FILTER_SHORT) {
        s->transfer.spoiled = r == FILTER_BAD;
        return STREAM_FAILED;
    }
    return f->closed && r == FILTER_ENDED && *got == 0 ? STREAM_CLOSED
                                                       : STREAM_OK;
}

/* One read(2) at most: bytes that expand to nothing could come forever.
 */
static enum stream_state flow_receive(struct session *s)
{
    struct flow *f = &s->transfer.flow;
    size_t n = 0;
    enum stream_state state = stream_read(s->data.stream, f->bytes, BUFFER, &n);

    f->at = 0;
    f->end = n;
    f->closed = state == STREAM_CLOSED;
    return f->closed ? STREAM_OK : state;
}

enum stream_state flow_read(struct session *s, void *into, size_t len,
                            size_t *got)
{
    const struct flow *f = &s->transfer.flow;
    enum stream_state state;

    *got = 0;
    if (!f->chain)
        return flow_read_plain(s, into, len, got);
    state = flow_take(s, into, len, got);
    if (state != STREAM_OK || *got > 0 || f->at < f->end)
        return state;
    state = flow_receive(s);
    return state == STREAM_OK ? flow_take(s, into, len, got) : state;
}

const char *flow_fault(const struct session *s)
{
    const struct flow *f = &s->transfer.flow;

    return f->chain ? chain_fault(f->chain) : NULL;
}

const char *flow_cause(const struct session *s)
{
    const char *fault = flow_fault(s);

    return fault ? fault : stream_cause(s->data.stream);
}
