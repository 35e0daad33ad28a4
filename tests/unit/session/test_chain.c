/* Conversions: the output is the same however the input is cut, and however
 * little room there is. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "session/chain.h"
#include "support/files.h"

#define MOST (1u << 20)

struct result {
    enum filter_result last;
    const char *fault;
    size_t len, left; /* output bytes; input bytes that were not taken */
    unsigned char bytes[MOST];
};

static bool over(const struct result *r)
{
    return r->last == FILTER_BAD || r->last == FILTER_SHORT;
}

/* Each output is in a block of its own, so that the address sanitizer notices a
 * write after it. */
static void one_room(struct chain *c, struct filter_io *io, size_t room,
                     bool last, struct result *r)
{
    unsigned char *block = malloc(room);
    size_t before = io->in_len;

    io->out = block;
    io->out_len = room;
    r->last = chain_run(c, io, last);
    cr_assert_leq(io->out_len, room);
    cr_assert_leq(io->in_len, before);
    cr_assert(over(r) || io->in_len == 0 || io->in_len < before ||
                  io->out_len < room,
              "nothing moves");
    cr_assert_eq(io->out, block + (room - io->out_len));
    cr_assert_leq(r->len + room - io->out_len, sizeof(r->bytes));
    memcpy(r->bytes + r->len, block, room - io->out_len);
    r->len += room - io->out_len;
    free(block);
}

/* Converts one piece of the input until room is left over. */
static void one_piece(struct chain *c, const unsigned char *at, size_t len,
                      size_t room, bool last, struct result *r)
{
    unsigned char *block = malloc(len > 0 ? len : 1);
    struct filter_io io = { .in = block, .in_len = len };

    memcpy(block, at, len);
    do
        one_room(c, &io, room, last, r);
    while (!over(r) && (io.in_len > 0 || io.out_len == 0) &&
           !(last && r->last == FILTER_ENDED));
    r->left = io.in_len;
    free(block);
}

static void convert(enum direction where, unsigned conversions, int level,
                    const void *bytes, size_t len, size_t piece, size_t room,
                    struct result *r)
{
    struct chain *c = chain_new(where, conversions, level);
    const unsigned char *at = bytes;
    size_t n;

    cr_assert_not_null(c);
    *r = (struct result){ .last = FILTER_MORE };
    for (; len > 0 && !over(r); at += n, len -= n) {
        n = len < piece ? len : piece;
        one_piece(c, at, n, room, false, r);
    }
    if (!over(r))
        one_piece(c, at, 0, room, true, r);
    r->fault = chain_fault(c);
    chain_free(c);
}

static const struct {
    const char *file, *wire;
} lines[] = {
    { "", "" },
    { "\n", "\r\n" },
    { "a", "a" },
    { "a\n", "a\r\n" },
    { "a\nb", "a\r\nb" },
    { "\n\n\n", "\r\n\r\n\r\n" },
    { "\r", "\r" },
    { "\ra", "\ra" },
    { "a\rb\rc", "a\rb\rc" },
    { "\r\r\r", "\r\r\r" },
};

/* Text without a CR before a LF comes back unchanged. */
Test(chain, lines_both_ways, .timeout = 60)
{
    static struct result r;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        for (size_t piece = 1; piece < 8; piece++)
            for (size_t room = 1; room < 8; room++) {
                convert(TO_CLIENT, CONVERT_ASCII, 0, lines[i].file,
                        strlen(lines[i].file), piece, room, &r);
                cr_expect_eq(r.last, FILTER_ENDED);
                cr_expect(r.len == strlen(lines[i].wire) &&
                              memcmp(r.bytes, lines[i].wire, r.len) == 0,
                          "row %zu to the client, %zu to %zu", i, piece, room);
                convert(FROM_CLIENT, CONVERT_ASCII, 0, lines[i].wire,
                        strlen(lines[i].wire), piece, room, &r);
                cr_expect_eq(r.last, FILTER_ENDED);
                cr_expect(r.len == strlen(lines[i].file) &&
                              memcmp(r.bytes, lines[i].file, r.len) == 0,
                          "row %zu from the client, %zu to %zu", i, piece,
                          room);
            }
}

static const struct {
    enum direction where;
    const char *in, *out;
} one_way[] = {
    { TO_CLIENT, "a\r\nb", "a\r\nb" },
    { TO_CLIENT, "\r\n\n", "\r\n\r\n" },
    { TO_CLIENT, "\r\r\n", "\r\r\n" },
    { TO_CLIENT, "\n\r", "\r\n\r" },
    { TO_CLIENT, "\n\r\n", "\r\n\r\n" },
    { FROM_CLIENT, "a\nb", "a\nb" },
    { FROM_CLIENT, "\r\r\n", "\r\n" },
    { FROM_CLIENT, "\n\r", "\n\r" },
    { FROM_CLIENT, "\r\n\r", "\n\r" },
    { FROM_CLIENT, "\r\r\r\n\r\r", "\r\r\n\r\r" },
};

Test(chain, lines_one_way, .timeout = 60)
{
    static struct result r;

    for (size_t i = 0; i < sizeof(one_way) / sizeof(one_way[0]); i++)
        for (size_t piece = 1; piece < 8; piece++)
            for (size_t room = 1; room < 8; room++) {
                convert(one_way[i].where, CONVERT_ASCII, 0, one_way[i].in,
                        strlen(one_way[i].in), piece, room, &r);
                cr_expect_eq(r.last, FILTER_ENDED);
                cr_expect(r.len == strlen(one_way[i].out) &&
                              memcmp(r.bytes, one_way[i].out, r.len) == 0,
                          "row %zu, %zu to %zu", i, piece, room);
            }
}

static unsigned char text[300000];

/* Makes lines of all lengths, with NULs and random bytes in them. */
static void make_text(void)
{
    files_noise(text, sizeof(text), 1);
    for (size_t i = 0; i < sizeof(text); i += 1 + i % 97)
        text[i] = '\n';
    for (size_t i = 1; i < sizeof(text); i++)
        if (text[i] == '\n' && text[i - 1] == '\r')
            text[i - 1] = 'x'; /* otherwise it would not come back */
    memset(text + 100000, 0, 100000);
}

/* Every set of conversions, in both directions. */
Test(chain, there_and_back, .timeout = 60)
{
    static const struct {
        size_t piece, room;
    } cuts[] = { { 1, 70000 },
                 { 65536, 1 },
                 { 4096, 4096 },
                 { 333, 1000 },
                 { 500000, 65536 } };
    static struct result there, back;

    make_text();
    for (unsigned conversions = 1; conversions < 4; conversions++)
        for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
            convert(TO_CLIENT, conversions, 1 + (int)i * 2, text, sizeof(text),
                    cuts[i].piece, cuts[i].room, &there);
            cr_assert_eq(there.last, FILTER_ENDED);
            convert(FROM_CLIENT, conversions, 0, there.bytes, there.len,
                    cuts[i].piece, cuts[i].room, &back);
            cr_assert_eq(back.last, FILTER_ENDED, "%s", back.fault);
            cr_assert_eq(back.len, sizeof(text), "%u, row %zu: %zu",
                         conversions, i, back.len);
            cr_assert_eq(memcmp(back.bytes, text, sizeof(text)), 0,
                         "%u, row %zu", conversions, i);
        }
}

/* The format is zlib's, so that every inflate() reads it; and a higher level
 * compresses better. */
Test(chain, format_and_levels, .timeout = 60)
{
    static struct result r;
    static unsigned char plain[sizeof(text)];
    size_t first = 0;

    make_text();
    for (int level = 1; level <= 9; level++) {
        uLongf len = sizeof(plain);

        convert(TO_CLIENT, CONVERT_DEFLATE, level, text, sizeof(text), 65536,
                65536, &r);
        cr_assert_eq(uncompress(plain, &len, r.bytes, r.len), Z_OK);
        cr_assert(len == sizeof(text) && memcmp(plain, text, len) == 0);
        if (level == 1)
            first = r.len;
    }
    cr_expect_lt(r.len, first);
    convert(TO_CLIENT, CONVERT_DEFLATE, 6, "", 0, 1, 1, &r);
    cr_expect(r.len == 8 && r.bytes[0] == 0x78);
}

static size_t pack(unsigned char *into, size_t size, const void *from,
                   size_t len)
{
    uLongf n = size;

    cr_assert_eq(compress(into, &n, from, len), Z_OK);
    return n;
}

/* Every cut stream counts as too short, not as damaged, and the bytes before
 * the cut are right. */
Test(chain, cut_streams, .timeout = 60)
{
    static struct result r;
    unsigned char packed[256];
    size_t len = pack(packed, sizeof(packed), "some bytes, some bytes", 22);

    for (unsigned ascii = 0; ascii < 2; ascii++)
        for (size_t cut = 0; cut <= len; cut++) {
            convert(FROM_CLIENT, CONVERT_DEFLATE | ascii, 0, packed, cut, 3, 5,
                    &r);
            cr_expect_eq(r.last, cut < len ? FILTER_SHORT : FILTER_ENDED,
                         "%zu of %zu", cut, len);
            cr_expect(cut < len ? r.fault && strstr(r.fault, "short")
                                : !r.fault);
        }
}

/* Damage anywhere is noticed, at the latest by the checksum. */
Test(chain, damaged_streams, .timeout = 60)
{
    static struct result r;
    unsigned char packed[256];
    size_t len = pack(packed, sizeof(packed), "some bytes, some bytes", 22);

    for (size_t i = 0; i < len * 8; i++) {
        packed[i / 8] ^= (unsigned char)(1 << i % 8);
        convert(FROM_CLIENT, CONVERT_DEFLATE, 0, packed, len, 7, 64, &r);
        cr_expect(over(&r) && r.fault, "bit %zu", i);
        packed[i / 8] ^= (unsigned char)(1 << i % 8);
    }
}

/* A stream of another format, or bytes after the end: in the same piece, or
 * later. */
Test(chain, other_streams, .timeout = 60)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *fault;
    } rows[] = {
        { "plain text", 10, "zlib" },
        { "\x1f\x8b\x08\0\0\0\0\0\0\3\3\0\0\0\0\0\0\0\0\0", 20, "zlib" },
        { "\3\0", 2, "zlib" },
        { "\x78\x9c\3\0\0\0\0\1.", 9, "end mark" },
        { "\x78\x9c\3\0\0\0\0\1\x78\x9c\3\0\0\0\0\1", 16, "end mark" },
        { "\x78\xbb\0\0\0\0", 6, "zlib" }, /* needs a dictionary */
    };
    static struct result r;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t piece = 1; piece <= rows[i].len; piece++)
            for (unsigned ascii = 0; ascii < 2; ascii++) {
                convert(FROM_CLIENT, CONVERT_DEFLATE | ascii, 0, rows[i].bytes,
                        rows[i].len, piece, 9, &r);
                cr_expect_eq(r.last, FILTER_BAD, "row %zu", i);
                cr_expect(r.fault && strstr(r.fault, rows[i].fault),
                          "row %zu: %s", i, r.fault);
            }
}

/* A GiB of zeros is a MiB when it is compressed. No call gives more than its
 * room. */
Test(chain, bomb, .timeout = 60)
{
    static unsigned char zeros[1u << 20], packed[1u << 21];
    static unsigned char room[4096];
    struct chain *c = chain_new(FROM_CLIENT, CONVERT_DEFLATE, 0);
    size_t len = pack(packed, sizeof(packed), zeros, sizeof(zeros));
    struct filter_io io = { .in = packed, .in_len = len };
    size_t calls = 0;

    cr_assert_lt(len, 2000);
    do {
        io.out = room;
        io.out_len = sizeof(room);
        cr_assert_neq(chain_run(c, &io, false), FILTER_BAD);
        calls++;
    } while (io.out_len == 0);
    cr_expect_eq(calls, sizeof(zeros) / sizeof(room) + 1);
    chain_free(c);
}

/* Input without output ends a call as well: empty stored blocks. */
Test(chain, nothing_comes_out, .timeout = 60)
{
    static unsigned char blocks[5 * 10000 + 2] = { 0x78, 0x9c };
    struct chain *c = chain_new(FROM_CLIENT, 3, 0);
    unsigned char room[10];
    struct filter_io io = { blocks, sizeof(blocks), room, sizeof(room) };

    for (size_t i = 2; i < sizeof(blocks); i += 5)
        memcpy(blocks + i, "\0\0\0\xff\xff", 5);
    cr_expect_eq(chain_run(c, &io, false), FILTER_MORE);
    cr_expect_eq(io.in_len, 0);
    cr_expect_eq(io.out_len, sizeof(room));
    chain_free(c);
    chain_free(NULL);
}
