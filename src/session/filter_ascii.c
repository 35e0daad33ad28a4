/* The line ends of TYPE A, in the session process: a file has LF, the network
 * has CRLF. Must never change another byte, wherever the pieces are cut. */
#include <stdlib.h>
#include <string.h>

#include "filter.h"

struct ascii {
    struct filter filter;
    bool cr; /* to CRLF: the last byte out was a CR; from CRLF: a CR is held
                back */
};

static void ascii_put(struct filter_io *io, unsigned char byte)
{
    *io->out++ = byte;
    io->out_len--;
}

/* Copies up to N bytes, as many as there is room for: how many. */
static size_t ascii_copy(struct filter_io *io, size_t n)
{
    if (n > io->out_len)
        n = io->out_len;
    memcpy(io->out, io->in, n);
    io->in += n;
    io->in_len -= n;
    io->out += n;
    io->out_len -= n;
    return n;
}

/* How many bytes come before the first STOP. */
static size_t ascii_up_to(const struct filter_io *io, unsigned char stop)
{
    const unsigned char *at = memchr(io->in, stop, io->in_len);

    return at ? (size_t)(at - io->in) : io->in_len;
}

/* A CR that is added counts as one of the input. So its LF follows unchanged,
 * in the next call if the output is full. */
static enum filter_result ascii_run_to_crlf(struct filter *f,
                                            struct filter_io *io, bool last)
{
    struct ascii *a = (struct ascii *)f;

    while (io->in_len > 0 && io->out_len > 0) {
        size_t n = ascii_up_to(io, '\n');

        if (n == 0 && !a->cr) {
            ascii_put(io, '\r');
            a->cr = true;
            continue;
        }
        ascii_copy(io, n > 0 ? n : 1);
        a->cr = io->in[-1] == '\r';
    }
    return last && io->in_len == 0 ? FILTER_ENDED : FILTER_MORE;
}

/* The next byte decides on a CR that is held back. */
static void ascii_let_go(struct ascii *a, struct filter_io *io)
{
    if (*io->in != '\n')
        ascii_put(io, '\r');
    a->cr = false;
}

static void ascii_hold_back(struct ascii *a, struct filter_io *io)
{
    io->in++;
    io->in_len--;
    a->cr = true;
}

static enum filter_result ascii_run_from_crlf(struct filter *f,
                                              struct filter_io *io, bool last)
{
    struct ascii *a = (struct ascii *)f;

    while (io->in_len > 0 && io->out_len > 0) {
        if (a->cr)
            ascii_let_go(a, io);
        else if (ascii_copy(io, ascii_up_to(io, '\r')) == 0)
            ascii_hold_back(a, io);
    }
    if (!last || io->in_len > 0 || (a->cr && io->out_len == 0))
        return FILTER_MORE;
    if (a->cr)
        ascii_put(io, '\r');
    a->cr = false;
    return FILTER_ENDED;
}

static void ascii_free(struct filter *f)
{
    free(f);
}

static struct filter *ascii_new(const struct filter_kind *kind)
{
    struct ascii *a = calloc(1, sizeof(*a));

    if (!a)
        return NULL;
    a->filter.kind = kind;
    return &a->filter;
}

struct filter *filter_to_crlf(int level)
{
    static const struct filter_kind kind = { ascii_run_to_crlf, ascii_free };

    (void)level;
    return ascii_new(&kind);
}

struct filter *filter_from_crlf(int level)
{
    static const struct filter_kind kind = { ascii_run_from_crlf, ascii_free };

    (void)level;
    return ascii_new(&kind);
}
