/* Which stages there are, in which order, and the buffers between them, in the
 * session process. Only this file puts stages together; it must never look at a
 * byte itself. */
#include "chain.h"

#include <stdlib.h>

#define STAGES  2
#define BETWEEN (32u << 10)

/* Compression is next to the network. */
static const struct row {
    enum conversion conversion;
    filter_maker *make;
} rows[][STAGES] = {
    [TO_CLIENT] = { { CONVERT_ASCII, filter_to_crlf },
                    { CONVERT_DEFLATE, filter_deflate } },
    [FROM_CLIENT] = { { CONVERT_DEFLATE, filter_inflate },
                      { CONVERT_ASCII, filter_from_crlf } },
};

struct stage {
    struct filter *filter;
    bool ended;
    unsigned char *bytes; /* its output for the next stage; the last has none */
    size_t at, end;
};

struct chain {
    struct stage stage[STAGES];
    size_t count;
    const char *fault;
};

static bool chain_add(struct chain *c, const struct row *row, int level)
{
    struct stage *s = &c->stage[c->count];

    if (c->count > 0) {
        s[-1].bytes = malloc(BETWEEN);
        if (!s[-1].bytes)
            return false;
    }
    s->filter = row->make(level);
    if (s->filter)
        c->count++;
    return s->filter;
}

struct chain *chain_new(enum direction where, unsigned conversions, int level)
{
    struct chain *c = calloc(1, sizeof(*c));

    for (size_t i = 0; c && i < STAGES; i++)
        if ((conversions & rows[where][i].conversion) &&
            !chain_add(c, &rows[where][i], level)) {
            chain_free(c);
            return NULL;
        }
    return c;
}

void chain_free(struct chain *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++) {
        struct filter *f = c->stage[i].filter;

        f->kind->free(f);
        free(c->stage[i].bytes);
    }
    free(c);
}

/* A stage that has ended runs again only for bytes after its end. True when
 * bytes came in or went out: then there may be more to do. */
static bool chain_run_filter(struct chain *c, struct stage *s,
                             struct filter_io *io, bool last,
                             enum filter_result *r)
{
    const struct filter_io was = *io;

    *r = FILTER_ENDED;
    if (s->ended && io->in_len == 0)
        return false;
    *r = s->filter->kind->run(s->filter, io, last);
    s->ended = *r == FILTER_ENDED;
    if (*r == FILTER_SHORT || *r == FILTER_BAD)
        c->fault = s->filter->fault;
    return io->in_len < was.in_len || io->out_len < was.out_len;
}

/* A stage's input comes from outside or from the stage before; its output goes
 * to the next stage or out. */
static bool chain_run_stage(struct chain *c, size_t i, struct filter_io *out,
                            bool last, enum filter_result *r)
{
    struct stage *s = &c->stage[i], *before = i > 0 ? s - 1 : NULL;
    struct filter_io io = *out;
    bool moved;

    if (before) {
        io.in = before->bytes + before->at;
        io.in_len = before->end - before->at;
        last = before->ended;
    }
    if (s->bytes) {
        if (s->at == s->end)
            s->at = s->end = 0;
        io.out = s->bytes + s->end;
        io.out_len = BETWEEN - s->end;
    }
    moved = chain_run_filter(c, s, &io, last, r);
    if (before) {
        before->at = before->end - io.in_len;
    } else {
        out->in = io.in;
        out->in_len = io.in_len;
    }
    if (s->bytes) {
        s->end = BETWEEN - io.out_len;
    } else {
        out->out = io.out;
        out->out_len = io.out_len;
    }
    return moved;
}

/* All stages once. */
static bool chain_pass(struct chain *c, struct filter_io *io, bool last,
                       enum filter_result *r)
{
    bool moved = false;

    for (size_t i = 0; i < c->count; i++) {
        moved |= chain_run_stage(c, i, io, last, r);
        if (*r == FILTER_SHORT || *r == FILTER_BAD)
            return false;
    }
    return moved;
}

enum filter_result chain_run(struct chain *c, struct filter_io *io, bool last)
{
    enum filter_result r = FILTER_MORE;

    while (chain_pass(c, io, last, &r))
        ;
    return r;
}

const char *chain_fault(const struct chain *c)
{
    return c->fault;
}
