/* Conversions of clients' bytes. Whatever the bytes are, and however they are
 * cut, each call stays within its room and ends, and the result is the same.
 * Bytes that go to the client and back are the same as before. */
#include "fuzz.h"

#include <string.h>

#include "session/chain.h"

#define ROOM  300u
#define CALLS 20000 /* for one piece; a longer expansion is of no use */

struct outcome {
    enum filter_result last;
    size_t len;
    uint64_t sum; /* of the bytes and their positions */
    bool left;    /* the chain ended too early */
};

static void note(struct outcome *o, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        o->sum = (o->sum ^ bytes[i]) * 1099511628211u;
    o->len += len;
}

static bool over(const struct outcome *o)
{
    return o->left || o->last == FILTER_BAD || o->last == FILTER_SHORT;
}

/* Converts until the whole piece is taken. The output goes into a block of its
 * own, so that the address sanitizer notices an overflow, and then to INTO
 * unless that is NULL. */
static void one_piece(struct chain *c, struct slice piece, size_t room,
                      bool last, struct outcome *o, unsigned char *into)
{
    struct filter_io io = { (const unsigned char *)piece.ptr, piece.len, NULL,
                            0 };

    for (int calls = 0; calls < CALLS; calls++) {
        unsigned char *block = malloc(room);
        size_t before = io.in_len;

        io.out = block;
        io.out_len = room;
        o->last = chain_run(c, &io, last);
        FUZZ_CHECK(io.out_len <= room && io.in_len <= before);
        FUZZ_CHECK(over(o) || io.in_len == 0 || io.out_len == 0);
        if (into)
            memcpy(into + o->len, block, room - io.out_len);
        note(o, block, room - io.out_len);
        free(block);
        if (over(o) || (io.in_len == 0 && io.out_len > 0))
            return;
    }
    o->left = true;
}

static struct outcome convert(enum direction where, unsigned conversions,
                              struct slice bytes, size_t piece, size_t room,
                              unsigned char *into)
{
    struct chain *c = chain_new(where, conversions, 1);
    struct outcome o = { .last = FILTER_MORE };

    FUZZ_CHECK(c != NULL);
    while (bytes.len > 0 && !over(&o))
        one_piece(c, fuzz_take(&bytes, piece), room, false, &o, into);
    if (!over(&o)) {
        one_piece(c, bytes, room, true, &o, into);
        FUZZ_CHECK(o.left || o.last != FILTER_MORE);
    }
    FUZZ_CHECK(o.left || o.last == FILTER_ENDED || chain_fault(c));
    chain_free(c);
    return o;
}

/* On the way back each CR before a LF is lost, since it counts as a part of the
 * line's end. Is there none? */
static bool comes_back(struct slice bytes)
{
    return memmem(bytes.ptr, bytes.len, "\r\n", 2) == NULL;
}

static void there_and_back(unsigned conversions, struct slice bytes,
                           size_t piece, size_t room)
{
    unsigned char *wire = malloc(3 * bytes.len + 64);
    struct outcome was = { 0 }, there, back;

    note(&was, (const unsigned char *)bytes.ptr, bytes.len);
    there = convert(TO_CLIENT, conversions, bytes, piece, room, wire);
    FUZZ_CHECK(there.last == FILTER_ENDED && there.len <= 3 * bytes.len + 64);
    back =
        convert(FROM_CLIENT, conversions,
                (struct slice){ (char *)wire, there.len }, room, piece, NULL);
    FUZZ_CHECK(back.last == FILTER_ENDED);
    if (!(conversions & CONVERT_ASCII) || comes_back(bytes))
        FUZZ_CHECK(back.len == was.len && back.sum == was.sum);
    free(wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = fuzz_slice(data, size);
    unsigned conversions = 1 + (unsigned)fuzz_number(&bytes, 1) % 3;
    size_t piece = 1 + fuzz_number(&bytes, 1) % ROOM;
    size_t room = 1 + fuzz_number(&bytes, 1) % ROOM;
    struct outcome a, b;

    a = convert(FROM_CLIENT, conversions, bytes, piece, room, NULL);
    b = convert(FROM_CLIENT, conversions, bytes, ROOM, ROOM, NULL);
    if (!a.left && !b.left)
        FUZZ_CHECK(a.last == b.last &&
                   (over(&a) || (a.len == b.len && a.sum == b.sum)));
    there_and_back(conversions, bytes, piece, room);
    return 0;
}
