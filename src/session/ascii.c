/* The line ends of TYPE A, in the session process: a file has LF, the network
 * CRLF. Must never change another byte, wherever its pieces are cut. */
#include <stdlib.h>
#include <string.h>

#include "filter.h"

struct ascii {
    struct filter filter;
    bool cr; /* to CRLF: one went out last; from CRLF: one is held back */
};

static void put(struct filter_io *io, unsigned char byte)
{
    *io->out++ = byte;
    io->out_len--;
}

/* Copies up to N bytes, as the room goes: how many. */
static size_t copy(struct filter_io *io, size_t n)
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

/* How many bytes stand in front of the first STOP. */
static size_t up_to(const struct filter_io *io, unsigned char stop)
{
    const unsigned char *at = memchr(io->in, stop, io->in_len);

    return at ? (size_t)(at - io->in) : io->in_len;
}

/* A CR that is put in counts as one that stood there, so its LF follows as it
 * is, with the next room if need be. */
static enum filter_result to_crlf(struct filter *f, struct filter_io *io,
                                  bool last)
{
    struct ascii *a = (struct ascii *)f;

    while (io->in_len > 0 && io->out_len > 0) {
        size_t n = up_to(io, '\n');

        if (n == 0 && !a->cr) {
            put(io, '\r');
            a->cr = true;
            continue;
        }
        copy(io, n > 0 ? n : 1);
        a->cr = io->in[-1] == '\r';
    }
    return last && io->in_len == 0 ? FILTER_ENDED : FILTER_MORE;
}

/* The next byte decides on a CR that is held back. */
static void let_go(struct ascii *a, struct filter_io *io)
{
    if (*io->in != '\n')
        put(io, '\r');
    a->cr = false;
}

static void hold(struct ascii *a, struct filter_io *io)
{
    io->in++;
    io->in_len--;
    a->cr = true;
}

static enum filter_result from_crlf(struct filter *f, struct filter_io *io,
                                    bool last)
{
    struct ascii *a = (struct ascii *)f;

    while (io->in_len > 0 && io->out_len > 0) {
        if (a->cr)
            let_go(a, io);
        else if (copy(io, up_to(io, '\r')) == 0)
            hold(a, io);
    }
    if (!last || io->in_len > 0 || (a->cr && io->out_len == 0))
        return FILTER_MORE;
    if (a->cr)
        put(io, '\r');
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
    static const struct filter_kind kind = { to_crlf, ascii_free };

    (void)level;
    return ascii_new(&kind);
}

struct filter *filter_from_crlf(int level)
{
    static const struct filter_kind kind = { from_crlf, ascii_free };

    (void)level;
    return ascii_new(&kind);
}
