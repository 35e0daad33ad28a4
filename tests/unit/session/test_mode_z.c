/* The choices of TYPE and MODE, and MODE Z in a real session: the counts of
 * bytes, and the bound on a stream that expands. */
#include <zlib.h>

#include "fake.h"
#include "sallyport/session/session.h"
#include "support/files.h"
#include "support/long.h"
#include "support/processes.h"

static void begin(void)
{
    fake_settings("mode_z", 1);
    fake_open();
    fake_do("MODE Z", 200);
}
#define IN_MODE_Z .init = begin, .fini = fake_leave, .timeout = 60

/* The replies to the choices, with the settings ascii and mode_z off or on. */
static const struct {
    uint64_t on;
    const char *line, *reply;
} chosen[] = {
#define UNCHANGED "; bytes are never changed.\r\n"
#define CRLF      "; lines end with CRLF on the network.\r\n"
#define Z_OFF     "504 MODE Z is off on this server; send MODE S.\r\n"
#define SYNTAX    "501 Send OPTS MODE Z {}"
    { 0, "TYPE A", "200 Type is A" UNCHANGED },
    { 0, "TYPE I", "200 Type is I" UNCHANGED },
    { 1, "TYPE A", "200 Type is A" CRLF },
    { 1, "type a n", "200 Type is A N" CRLF },
    { 1, "TYPE I", "200 Type is I" UNCHANGED },
    { 1, "TYPE L 8", "200 Type is L 8" UNCHANGED },
    { 0, "MODE Z", Z_OFF },
    { 0, "OPTS MODE Z LEVEL 3", Z_OFF },
    { 0, "MODE B", "504 Parameter not supported; use S.\r\n" },
    { 0, "MODE S", "200 Mode is S.\r\n" },
    { 1, "MODE Z", "200 Mode is Z.\r\n" },
    { 1, "mode z", "200 Mode is Z.\r\n" },
    { 1, "MODE S", "200 Mode is S.\r\n" },
    { 1, "MODE C", "504 Parameter not supported; use S or Z.\r\n" },
    { 1, "MODE Z ", "504 Parameter not supported; use S or Z.\r\n" },
    { 1, "OPTS MODE Z LEVEL 1", "200 MODE Z LEVEL is 1.\r\n" },
    { 1, "opts mode z level 9", "200 MODE Z LEVEL is 9.\r\n" },
    { 1, "OPTS MODE Z", "200 MODE Z LEVEL is 6.\r\n" },
    { 1, "OPTS MODE Z LEVEL 0", SYNTAX },
    { 1, "OPTS MODE Z LEVEL 10", SYNTAX },
    { 1, "OPTS MODE Z LEVEL -1", SYNTAX },
    { 1, "OPTS MODE Z LEVEL", SYNTAX },
    { 1, "OPTS MODE Z LEVEL 5 6", SYNTAX },
    { 1, "OPTS MODE Z ENGINE ZLIB", SYNTAX },
    { 1, "OPTS MODE Z ", SYNTAX },
    { 1, "OPTS MODE", SYNTAX },
    { 1, "OPTS MODE S", SYNTAX },
};

Test(choices, of_types_and_modes, .timeout = 60)
{
    for (uint64_t on = 0; on < 2; on++) {
        fake_settings("ascii", on);
        fake_settings("mode_z", on);
        fake_open();
        for (size_t i = 0; i < sizeof(chosen) / sizeof(chosen[0]); i++) {
            const char *reply = chosen[i].reply;

            if (chosen[i].on != on)
                continue;
            fake_say(chosen[i].line);
            fake_reply();
            cr_expect_eq(strncmp(fake.reply, reply, strcspn(reply, "{")), 0,
                         "%s: %s", chosen[i].line, fake.reply);
        }
        fake_leave();
    }
}

static size_t pack(unsigned char *into, size_t size, const void *from,
                   size_t len)
{
    uLongf n = size;

    cr_assert_eq(compress(into, &n, from, len), Z_OK);
    return n;
}

static unsigned char zeros[1u << 20];

Test(mode_z, a_whole_upload, IN_MODE_Z)
{
    unsigned char packed[4096];
    size_t len = pack(packed, sizeof(packed), zeros, sizeof(zeros));

    for (size_t piece = 1; piece < 5000; piece *= 10) {
        fake_upload();
        for (size_t at = 0; at < len; at += piece)
            cr_assert(tls_client_write(transfer.tls, packed + at,
                                       len - at < piece ? len - at : piece));
        cr_assert(tls_client_shutdown(transfer.tls));
        cr_expect_eq(fake_stored("/x"), sizeof(zeros));
        fake_replies(226, " 1048576 bytes");
        fake_release();
    }
}

/* Only a whole stream with an orderly end gets a 226. A partial is worthless if
 * its bytes are perhaps not the client's. */
Test(mode_z, other_uploads, IN_MODE_Z)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool orderly;
        uint64_t limit;
        int code;
        const char *reply;
        bool worthless;
    } rows[] = {
        { "", 0, true, 0, 426, "cut short", 0 },
        { "\x78\x9c", 2, true, 0, 426, "cut short", 0 },
        { "\x78\x9c\3\0\0\0\0", 7, true, 0, 426, "cut short", 0 },
        { "\x78\x9c\3\0\0\0\0\1", 8, false, 0, 426, "close_notify", 0 },
        { "\x78\x9c\3\0\0\0\0\1.", 9, true, 0, 426, "end mark", 1 },
        { "\x78\x9c\3\0\0\0\0\2", 8, true, 0, 426, "damaged", 1 },
        { "hello", 5, true, 0, 426, "damaged", 1 },
        { "\x78\x9c\x4b\x04\0\0\x62\0\x62", 9, true, 0, 226, "", false },
        { "\x78\x9c\x4b\x4c\x04\0\1\x25\0\xc3", 10, true, 1, 552, "", 1 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_begin_upload_of(
            "STOR /x", (struct msg_file_writable){ .limit = rows[i].limit });
        fake_secure_data();
        cr_assert(rows[i].len == 0 ||
                  tls_client_write(transfer.tls, rows[i].bytes, rows[i].len));
        if (rows[i].orderly)
            tls_client_shutdown(transfer.tls);
        else
            shutdown(transfer.data, SHUT_WR);
        if (rows[i].code == 226) /* a good stream, as a comparison */
            cr_expect_eq(fake_stored("/x"), 1);
        else
            cr_expect_eq(fake_given_up(), rows[i].worthless, "row %zu", i);
        cr_expect_eq(fake_reply(), rows[i].code, "row %zu", i);
        cr_expect(strstr(fake.reply, rows[i].reply), "row %zu: %s", i,
                  fake.reply);
        fake_release();
    }
}

/* Compresses COUNT MiB of zeros to a little more than COUNT KiB. Returns the
 * length. */
static size_t bomb(unsigned char *into, size_t size, int count)
{
    z_stream z = { .next_out = into, .avail_out = (unsigned)size };
    size_t len;

    cr_assert_eq(deflateInit(&z, 9), Z_OK);
    for (int i = 0; i < count; i++) {
        z.next_in = zeros;
        z.avail_in = sizeof(zeros);
        deflate(&z, i == count - 1 ? Z_FINISH : Z_NO_FLUSH);
        cr_assert_eq(z.avail_in, 0);
    }
    len = z.total_out;
    deflateEnd(&z);
    return len;
}

/* Each turn, in which the session inflates bytes that have come, takes longer
 * than a client may be silent. No byte comes any more. */
Test(mode_z, a_stream_that_outlives_a_silence, .timeout = 120)
{
    static const struct session_deadlines soon = { .ask = 30000,
                                                   .ask_long = 600000,
                                                   .gate = 30000,
                                                   .gateless = 60000,
                                                   .silent = 5 };
    static unsigned char packed[1u << 17];
    const size_t len = bomb(packed, sizeof(packed), 30);

    fake.deadlines = &soon;
    for (int i = 0; i < 8; i++) {
        begin();
        fake_upload();
        cr_assert(tls_client_write(transfer.tls, packed, len));
        cr_assert(tls_client_shutdown(transfer.tls));
        while (cast_hear(&fake.files) == MSG_file_rest) {
            SAY_BACK(&fake.files, done);
            SERVE(&fake.files, file_go_on, file_again,
                  .file = fileno(transfer.file));
        }
        cast_check(&fake.files, 1, MSG_file_prepare, &heard);
        SAY_BACK(&fake.files, done);
        cr_expect_eq(fake_stored("/x"), 30u << 20);
        cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
        fake_part();
    }
}

/* The upload gets a 552 at the limit. The session answers NOOP and STAT before,
 * and neither its memory nor the file grows with the rest of the stream. */
Test(mode_z, a_stream_that_expands, .fini = fake_part, .timeout = 60,
     WITH_SANITIZERS)
{
    static unsigned char packed[1u << 17];
    size_t len = bomb(packed, sizeof(packed), 64);
    uint64_t before;
    struct stat st;

    cr_assert_lt(len, 75000);
    begin();
    fake_begin_upload_of("STOR /x",
                         (struct msg_file_writable){ .limit = 20u << 20 });
    fake_secure_data();
    before = process_number(fake.pid, "VmHWM");
    cr_assert(tls_client_write(transfer.tls, packed, 10000));
    for (int i = 0; i < 20; i++)
        fake_do(i % 2 ? "NOOP" : "STAT", i % 2 ? 200 : 211);
    tls_client_write(transfer.tls, packed + 10000, len - 10000);
    cr_assert_eq(fake_reply(), 552);
    cr_expect_lt(process_number(fake.pid, "VmHWM"), before + 4096);
    cr_assert_eq(fstat(fileno(transfer.file), &st), 0);
    cr_expect_leq(st.st_size, 20 << 20);
    fake_given_up();
}

/* A stream of empty blocks without an end makes work, but no output: the
 * session still answers. */
Test(mode_z, a_stream_of_nothing, .fini = fake_part, .timeout = 60)
{
    static unsigned char blocks[5 * 200000];

    for (size_t i = 0; i < sizeof(blocks); i += 5)
        memcpy(blocks + i, "\0\0\0\xff\xff", 5);
    begin();
    fake_upload();
    cr_assert(tls_client_write(transfer.tls, "\x78\x9c", 2));
    for (int i = 0; i < 10; i++) {
        cr_assert(tls_client_write(transfer.tls, blocks, sizeof(blocks)));
        fake_do("STAT", 211);
        cr_expect(strstr(fake.lines, "bytes so far: 0, STOR /x"), "%s",
                  fake.lines);
    }
    fake_abort();
    cr_expect_not(fake_given_up());
}

/* Decompresses the rest of a stream. Returns the number of decompressed
 * bytes. */
static uint64_t inflate_rest(struct tls_client *tls, z_stream *z)
{
    static unsigned char in[1u << 16], out[1u << 16];
    uint64_t before = z->total_out;
    int r = Z_OK;
    long n;

    while ((n = tls_client_read(tls, in, sizeof(in))) > 0) {
        cr_assert_eq(r, Z_OK, "bytes behind the end");
        z->next_in = in;
        z->avail_in = (unsigned)n;
        do {
            z->next_out = out;
            z->avail_out = sizeof(out);
            r = inflate(z, Z_NO_FLUSH);
        } while (r == Z_OK && z->avail_out == 0);
        cr_assert(r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR);
        cr_assert_eq(z->avail_in, 0);
        r = r == Z_BUF_ERROR ? Z_OK : r;
    }
    cr_assert_eq(n, TLS_CLIENT_END);
    cr_assert_eq(r, Z_STREAM_END);
    return z->total_out - before;
}

/* While the client doesn't read the data connection, the session answers other
 * commands. Then the client gets all bytes of the file. */
Test(mode_z, a_download_that_waits, .timeout = 60, WITH_SANITIZERS)
{
    static const size_t sizes[] = { 0, 1, 8u << 20 };
    const size_t most = 8u << 20;
    unsigned char *noise = malloc(most); /* can't be compressed */

    files_noise(noise, most, 1);
    begin();
    fake_do("OPTS MODE Z LEVEL 1", 200);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        FILE *source = tmpfile();
        z_stream z = { 0 };

        cr_assert_eq(inflateInit(&z), Z_OK);
        cr_assert_eq(fwrite(noise, 1, sizes[i], source), sizes[i]);
        fflush(source);
        fake_download_of(source, sizes[i]);
        for (int n = 0; sizes[i] > 1 && n < 20; n++)
            fake_do("NOOP", 200);
        cr_expect_eq(inflate_rest(transfer.tls, &z), sizes[i]);
        cr_expect_eq(fake_reply(), 226);
        inflateEnd(&z);
        fake_release();
    }
    free(noise);
    fake_leave();
}
