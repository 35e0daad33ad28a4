/* The replies: each has a text that fits its code, and replies that clients
 * parse have exactly the expected form. */
#include <strings.h>

#include "sallyport/ftp/reply.h"
#include "support/test.h"

static void expect(enum reply r, const struct slice *args, size_t n,
                   const char *expected)
{
    struct buf b;

    buf_init(&b, 65536);
    cr_assert_eq(reply_build(&b, r, args, n), 0);
    cr_assert_eq(buf_add(&b, "", 1), 0);
    cr_expect_str_eq(b.data, expected);
    buf_release(&b);
}

static void expect_one(enum reply r, const char *argument, const char *expected)
{
    struct slice arg = slice_from(argument);

    expect(r, &arg, 1, expected);
}

/* Names of servers, and words for which clients search replies and that would
 * mislead them; in one reply the words are right. */
static const char *const banned[] = { "FileZilla", "Microsoft", "vsFTPd",
                                      "Pure-FTPd", "ProFTPD",   "Serv-U",
                                      "IIS",       "wu-",       "ascii" };

Test(reply, every_one_is_well_formed)
{
    for (unsigned i = 0; i < REPLY_COUNT; i++) {
        enum reply r = (enum reply)i;
        const char *text = reply_text(r);

        cr_assert_not_null(text, "reply %u has no text", i);
        cr_expect_geq(reply_code(r), 100u, "%s", text);
        cr_expect_lt(reply_code(r), 560u, "%s", text);
        cr_expect_gt(strlen(text), 0u);
        cr_expect_leq(strlen(text), 76u, "one line of a terminal: %s", text);
        for (const char *c = text; *c; c++)
            cr_expect(*c >= ' ' && *c <= '~', "plain ASCII: %s", text);
        for (size_t n = 0; n < sizeof(banned) / sizeof(*banned); n++)
            cr_expect(!strcasestr(text, banned[n]) || r == REPLY_SIZE_LATE,
                      "%s", text);
    }
}

Test(reply, texts_that_clients_parse)
{
    expect(REPLY_SYST, NULL, 0, "215 UNIX Type: L8\r\n");
    expect_one(REPLY_PASV, "192,0,2,1,195,80",
               "227 Entering Passive Mode (192,0,2,1,195,80).\r\n");
    expect_one(REPLY_EPSV, "50000",
               "229 Entering Extended Passive Mode (|||50000|)\r\n");
    expect_one(REPLY_FACT, "4294967297", "213 4294967297\r\n");
    expect_one(REPLY_FACT, "20261120074200", "213 20261120074200\r\n");
    expect_one(REPLY_PWD, "/a \"\"b",
               "257 \"/a \"\"b\" is the current directory.\r\n");
    expect_one(REPLY_MADE, "/x", "257 \"/x\" was made.\r\n");
    expect(REPLY_PBSZ_OK, NULL, 0, "200 PBSZ=0\r\n");
    expect_one(REPLY_OPTS_MLST, " type;size;", "200 MLST OPTS type;size;\r\n");
    expect_one(REPLY_OPTS_MLST, "", "200 MLST OPTS\r\n");
    expect_one(REPLY_OPENING_UNIQUE, "/a", "150 FILE: /a\r\n");
    expect(REPLY_COMPLETE, NULL, 0, "226 Transfer complete.\r\n");
    expect(REPLY_ABORTED, NULL, 0, "226 Abort successful.\r\n");
    expect_one(REPLY_BAD_PROTOCOL, "1",
               "522 Network protocol not supported, use (1)\r\n");
    expect_one(REPLY_NO_PORT, "50000-50099",
               "425 No data port free (range 50000-50099 busy); "
               "try again later.\r\n");
}

Test(reply, texts_that_say_what_to_do)
{
    cr_expect_not_null(strstr(reply_text(REPLY_NEED_TLS), "send AUTH TLS"));
    cr_expect_not_null(strstr(reply_text(REPLY_DATA_MUST_BE_P), "PROT P"));
    cr_expect_not_null(strstr(reply_text(REPLY_USE_EPSV), "send EPSV"));
    cr_expect_not_null(strstr(reply_text(REPLY_NOT_LOGGED_IN), "USER"));
    cr_expect_not_null(strstr(reply_text(REPLY_NEED_PASSWORD), "PASS"));
}

Test(reply, two_arguments)
{
    struct slice args[] = { SLICE("5 bytes"), SLICE("/report.pdf") };

    expect(REPLY_STORED, args, 2,
           "226 Transfer complete: 5 bytes stored as /report.pdf\r\n");
    expect(REPLY_STORED, args, 1,
           "226 Transfer complete: 5 bytes stored as \r\n");
    expect(REPLY_STORED, NULL, 0, "226 Transfer complete:  stored as \r\n");
    expect(REPLY_NOOP_OK, args, 2, "200 OK.\r\n");
}

Test(reply, arguments_cannot_end_the_line)
{
    struct slice arg = SLICE("/a\r\n221 x\0\x1b[31m\x7f\t\xff{}");

    expect(REPLY_CWD_OK, &arg, 1, "250 Now in /a??221 x??[31m??\xff{}\r\n");
}

Test(reply, a_long_argument_is_cut)
{
    static char bytes[REPLY_ARGUMENT_MAX + 1];
    struct slice arg = { bytes, sizeof(bytes) };
    struct buf b;

    memset(bytes, 'x', sizeof(bytes));
    buf_init(&b, 65536);
    cr_assert_eq(reply_build(&b, REPLY_FACT, &arg, 1), 0);
    cr_expect_eq(b.len, 4 + REPLY_ARGUMENT_MAX + 2);
    buf_release(&b);
}

/* After "abc". */
static void expect_all_or_nothing(const struct buf *b, int r, const char *all)
{
    struct slice rest = { b->data + 3, b->len - 3 };

    cr_expect(r == 0 || r == -ENOBUFS);
    cr_expect(slice_equal(rest, slice_from(r == 0 ? all : "")), "%d: %.*s", r,
              (int)b->len, b->data);
}

/* A reply is written completely or not at all, wherever the room ends. */
Test(reply, no_room)
{
    struct slice arg = SLICE("/folder");

    for (size_t max = 3; max < 64; max++) {
        struct buf b;

        buf_init(&b, max);
        cr_assert_eq(buf_add_text(&b, "abc"), 0);
        expect_all_or_nothing(&b, reply_build(&b, REPLY_CWD_OK, &arg, 1),
                              "250 Now in /folder\r\n");
        b.len = 3;
        expect_all_or_nothing(&b, reply_line(&b, arg), " /folder\r\n");
        b.len = 3;
        expect_all_or_nothing(&b, reply_begin(&b, REPLY_FEAT),
                              "211-Features:\r\n");
        buf_release(&b);
    }
}

Test(reply, multi_line)
{
    static const char expected[] = "250-Facts:\r\n"
                                   " type=file; /a\r\n"
                                   " 250 x?y??z\r\n"
                                   " a?[31mb?\r\n"
                                   " ?\r\n"
                                   " \r\n"
                                   "250 End\r\n";
    struct buf b;

    buf_init(&b, 4096);
    cr_assert_eq(reply_begin(&b, REPLY_MLST), 0);
    cr_assert_eq(reply_line(&b, SLICE("type=file; /a\r\n")), 0);
    cr_assert_eq(reply_line(&b, SLICE("250 x\0y\r\nz")), 0);
    cr_assert_eq(reply_line(&b, SLICE("a\33[31mb\177")), 0);
    cr_assert_eq(reply_line(&b, SLICE("\n")), 0);
    cr_assert_eq(reply_line(&b, (struct slice){ NULL, 0 }), 0);
    cr_assert_eq(reply_end(&b, REPLY_MLST), 0);
    cr_expect(slice_equal(buf_slice(&b), SLICE(expected)), "%.*s", (int)b.len,
              b.data);
    buf_release(&b);
}
