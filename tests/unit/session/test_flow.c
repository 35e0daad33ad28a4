/* Reads and writes of a transfer. The result of a conversion is the same
 * however the bytes are cut, and however little room the caller has. The work
 * of one call is bounded, so that a turn of the loop ends, however much or
 * little a stream expands. */
#include <zlib.h>

#include "sallyport/base/fd.h"
#include "session/transfer.h"
#include "support/files.h"
#include "support/long.h"
#include "support/test.h"

#define PIECE  (16u << 10)
#define BUFFER (64u << 10)
#define MOST   (1u << 19)

static struct session session;

/* Opens a transfer of VERB over a plain stream. Returns the client's end. */
static int open_flow(enum verb verb, unsigned conversions)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    fd_set_nonblock(ends[0], true);
    fd_set_nonblock(ends[1], true);
    session.transfer.verb = verb;
    session.transfer.conversions = conversions;
    session.transfer.worthless = false;
    session.data.fd = ends[0];
    session.data.stream = stream_plain(ends[0], 512u << 10);
    cr_assert_not_null(session.data.stream);
    cr_assert(flow_open(&session));
    return ends[1];
}

static void close_flow(int end)
{
    flow_close(&session);
    cr_assert_null(session.transfer.flow.bytes);
    stream_free(session.data.stream);
    close(session.data.fd);
    close(end);
}

struct result {
    enum stream_state last;
    const char *fault;
    bool worthless;
    size_t len;
    unsigned char bytes[MOST];
};

/* Leaves the bytes: they would take longer to clear than most rows take. */
static void clear(struct result *r)
{
    r->last = STREAM_AGAIN;
    r->fault = NULL;
    r->worthless = false;
    r->len = 0;
}

static void add(struct result *r, const void *bytes, size_t len)
{
    cr_assert_leq(r->len + len, sizeof(r->bytes));
    memcpy(r->bytes + r->len, bytes, len);
    r->len += len;
}

/* Reads the bytes that have come to the client. */
static void hear(int end, struct result *r)
{
    static unsigned char block[1u << 16];
    ssize_t n;

    while ((n = read(end, block, sizeof(block))) > 0)
        add(r, block, (size_t)n);
}

/* Sends each piece from a block of its own, so that the address sanitizer
 * notices a read after its end. */
static void send_piece(const unsigned char *at, size_t len, int end,
                       struct result *r)
{
    char *block = malloc(len);
    size_t sent = 0, took;

    memcpy(block, at, len);
    while (sent < len) {
        enum stream_state state =
            flow_write(&session, block + sent, len - sent, &took);

        cr_assert(state == STREAM_OK || state == STREAM_AGAIN);
        sent += took;
        hear(end, r);
    }
    free(block);
}

static void to_client(unsigned conversions, int level, const void *bytes,
                      size_t len, size_t piece, struct result *r)
{
    const unsigned char *at = bytes;
    int end;

    session.level = level;
    end = open_flow(VERB_RETR, conversions);
    clear(r);
    for (size_t n; len > 0; at += n, len -= n) {
        n = len < piece ? len : piece;
        send_piece(at, n, end, r);
    }
    while (r->last == STREAM_AGAIN) {
        r->last = flow_finish(&session);
        hear(end, r);
    }
    cr_assert_eq(r->last, STREAM_OK);
    close_flow(end);
}

/* Reads all bytes that have come, at most ROOM in a call. Each output has a
 * block of its own, so that the address sanitizer notices a write after its
 * end. */
static void take(size_t room, struct result *r)
{
    do {
        char *block = malloc(room);
        size_t got = 0;

        r->last = flow_read(&session, block, room, &got);
        cr_assert_leq(got, room);
        add(r, block, got);
        free(block);
    } while (r->last == STREAM_OK);
}

/* Sends BYTES as the client, in pieces of PIECE bytes, and reads them in calls
 * with ROOM bytes, which must be 2 or more. */
static void from_client(unsigned conversions, const void *bytes, size_t len,
                        size_t piece, size_t room, struct result *r)
{
    const unsigned char *at = bytes;
    int end = open_flow(VERB_STOR, conversions);

    clear(r);
    while (len > 0 && r->last == STREAM_AGAIN) {
        ssize_t n = write(end, at, len < piece ? len : piece);

        cr_assert(n > 0 || errno == EAGAIN);
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
        take(room, r);
    }
    shutdown(end, SHUT_WR);
    if (r->last == STREAM_AGAIN)
        take(room, r);
    r->fault = session.transfer.flow.fault;
    r->worthless = session.transfer.worthless;
    close_flow(end);
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

static void expect_to_client(const char *file, const char *wire)
{
    static struct result r;

    for (size_t piece = 1; piece < 8; piece++) {
        to_client(CONVERT_ASCII, 0, file, strlen(file), piece, &r);
        cr_expect(r.len == strlen(wire) && memcmp(r.bytes, wire, r.len) == 0,
                  "\"%s\" to the client, in pieces of %zu", file, piece);
    }
}

static void expect_from_client(const char *wire, const char *file)
{
    static struct result r;

    for (size_t piece = 1; piece < 8; piece++)
        for (size_t room = 2; room < 9; room++) {
            from_client(CONVERT_ASCII, wire, strlen(wire), piece, room, &r);
            cr_expect_eq(r.last, STREAM_CLOSED);
            cr_expect(r.len == strlen(file) &&
                          memcmp(r.bytes, file, r.len) == 0,
                      "\"%s\" from the client, %zu to %zu", wire, piece, room);
        }
}

/* Text without a CR before a LF comes back unchanged. */
Test(flow, lines_both_ways, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        expect_to_client(lines[i].file, lines[i].wire);
        expect_from_client(lines[i].wire, lines[i].file);
    }
}

Test(flow, lines_one_way, .timeout = 60)
{
    expect_to_client("a\r\nb", "a\r\nb");
    expect_to_client("\r\n\n", "\r\n\r\n");
    expect_to_client("\r\r\n", "\r\r\n");
    expect_to_client("\n\r", "\r\n\r");
    expect_to_client("\n\r\n", "\r\n\r\n");
    expect_from_client("a\nb", "a\nb");
    expect_from_client("\r\r\n", "\r\n");
    expect_from_client("\n\r", "\n\r");
    expect_from_client("\r\n\r", "\n\r");
    expect_from_client("\r\r\r\n\r\r", "\r\r\n\r\r");
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
            text[i - 1] = 'x'; /* a CR before a LF doesn't come back */
    memset(text + 100000, 0, 100000);
}

/* Text comes back unchanged from every set of conversions. The rows with the
 * smallest cuts use a part of the text that has noise and zeros. */
Test(flow, there_and_back, .timeout = 60, WITH_SANITIZERS)
{
    static const struct {
        size_t piece, room, at, len;
    } cuts[] = { { 1, 70000, 85000, 30000 },
                 { 65536, 2, 85000, 30000 },
                 { 4096, 4096, 0, sizeof(text) },
                 { 333, 1000, 0, sizeof(text) },
                 { 500000, 65536, 0, sizeof(text) } };
    static struct result there, back;

    make_text();
    for (unsigned conversions = 1; conversions < 4; conversions++)
        for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
            to_client(conversions, 1 + (int)i * 2, text + cuts[i].at,
                      cuts[i].len, cuts[i].piece, &there);
            from_client(conversions, there.bytes, there.len, cuts[i].piece,
                        cuts[i].room, &back);
            cr_assert_eq(back.last, STREAM_CLOSED, "%s", back.fault);
            cr_assert_eq(back.len, cuts[i].len, "%u, row %zu: %zu", conversions,
                         i, back.len);
            cr_assert_eq(memcmp(back.bytes, text + cuts[i].at, back.len), 0,
                         "%u, row %zu", conversions, i);
        }
}

/* A compressed stream has zlib's format, so that every inflate() can read it. A
 * higher level compresses better. */
Test(flow, format_and_levels, .timeout = 60)
{
    static struct result r;
    static unsigned char plain[sizeof(text)];
    size_t first = 0;

    make_text();
    for (int level = 1; level <= 9; level++) {
        uLongf len = sizeof(plain);

        to_client(CONVERT_DEFLATE, level, text, sizeof(text), 65536, &r);
        cr_assert_eq(uncompress(plain, &len, r.bytes, r.len), Z_OK);
        cr_assert(len == sizeof(text) && memcmp(plain, text, len) == 0);
        if (level == 1)
            first = r.len;
    }
    cr_expect_lt(r.len, first);
    to_client(CONVERT_DEFLATE, 6, "", 0, 1, &r);
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
Test(flow, cut_streams, .timeout = 60)
{
    static const char plain[] = "some bytes, some bytes";
    static struct result r;
    unsigned char packed[256];
    size_t len = pack(packed, sizeof(packed), plain, 22);

    for (unsigned ascii = 0; ascii < 2; ascii++)
        for (size_t cut = 0; cut <= len; cut++) {
            from_client(CONVERT_DEFLATE | ascii, packed, cut, 3, 5, &r);
            cr_expect_eq(r.last, cut < len ? STREAM_FAILED : STREAM_CLOSED,
                         "%zu of %zu", cut, len);
            cr_expect(!r.worthless);
            cr_expect(cut < len ? r.fault && strstr(r.fault, "short")
                                : !r.fault);
            cr_expect_eq(memcmp(r.bytes, plain, r.len), 0);
        }
}

/* Each wrong bit is noticed, at the latest by the checksum. */
Test(flow, damaged_streams, .timeout = 60)
{
    static struct result r;
    unsigned char packed[256];
    size_t len = pack(packed, sizeof(packed), "some bytes, some bytes", 22);

    for (size_t i = 0; i < len * 8; i++) {
        packed[i / 8] ^= (unsigned char)(1 << i % 8);
        from_client(CONVERT_DEFLATE, packed, len, 7, 64, &r);
        cr_expect(r.last == STREAM_FAILED && r.fault, "bit %zu", i);
        packed[i / 8] ^= (unsigned char)(1 << i % 8);
    }
}

/* A stream of another format is a fault, and so are bytes after the end, in the
 * same piece or in a later one. */
Test(flow, other_streams, .timeout = 60)
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
                from_client(CONVERT_DEFLATE | ascii, rows[i].bytes, rows[i].len,
                            piece, 9, &r);
                cr_expect(r.last == STREAM_FAILED && r.worthless, "row %zu", i);
                cr_expect(r.fault && strstr(r.fault, rows[i].fault),
                          "row %zu: %s", i, r.fault);
            }
}

Test(flow, nothing_to_convert, .timeout = 30)
{
    static char bytes[1u << 20];
    size_t took;
    int end = open_flow(VERB_RETR, 0);

    cr_expect_null(session.transfer.flow.bytes, "memory for nothing");
    cr_assert_eq(flow_write(&session, bytes, sizeof(bytes), &took), STREAM_OK);
    cr_expect_geq(took, 512u << 10);
    cr_expect_null(session.transfer.flow.fault);
    close_flow(end);
}

Test(flow, writes, .timeout = 30)
{
    static char bytes[1u << 20];
    size_t took;

    session.level = 6;
    for (unsigned conversions = 1; conversions < 4; conversions++) {
        int end = open_flow(VERB_RETR, conversions);

        for (int i = 0; i < 8; i++) {
            cr_assert_eq(flow_write(&session, bytes, sizeof(bytes), &took),
                         STREAM_OK);
            cr_expect(took > 0 && took <= PIECE, "%zu", took);
        }
        cr_expect_eq(flow_finish(&session), STREAM_OK);
        close_flow(end);
    }
}

/* A call returns at most as many bytes as it has room for, even if the received
 * bytes expand to a MiB of zeros. If they are empty blocks, it reads at most
 * one buffer of them. */
Test(flow, reads, .timeout = 30)
{
    static unsigned char zeros[1u << 20], packed[1u << 15];
    static unsigned char nothing[5 * 26000 + 2] = { 0x78, 0x9c };
    static char room[1u << 15];
    size_t len = pack(packed, sizeof(packed), zeros, sizeof(zeros));
    size_t got, all = 0;
    enum stream_state state = STREAM_OK;
    int end = open_flow(VERB_STOR, CONVERT_DEFLATE);

    cr_assert_eq(write(end, packed, len), (ssize_t)len);
    shutdown(end, SHUT_WR);
    for (; state == STREAM_OK; all += got) {
        state = flow_read(&session, room, sizeof(room), &got);
        cr_expect_leq(got, sizeof(room));
    }
    cr_expect_eq(state, STREAM_CLOSED);
    cr_expect_eq(all, sizeof(zeros));
    close_flow(end);

    for (size_t i = 2; i < sizeof(nothing); i += 5)
        memcpy(nothing + i, "\0\0\0\xff\xff", 5);
    end = open_flow(VERB_STOR, CONVERT_DEFLATE | CONVERT_ASCII);
    cr_assert_eq(write(end, nothing, sizeof(nothing)), sizeof(nothing));
    for (all = 0; all < sizeof(nothing); all += BUFFER) {
        cr_assert_eq(flow_read(&session, room, sizeof(room), &got), STREAM_OK);
        cr_expect_eq(got, 0);
    }
    cr_expect_eq(flow_read(&session, room, sizeof(room), &got), STREAM_AGAIN);
    close_flow(end);
}
