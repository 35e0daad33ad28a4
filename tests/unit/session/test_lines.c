/* TYPE A with "ascii = yes" in a real session: the requests and bytes for
 * files, the bytes for the client, and SIZE. */
#include "conversions.h"

#define GIB (1ULL << 30)

static void begin(void)
{
    fake_settings("ascii", 1);
    fake_start();
    fake_login();
}

static void type(const char *line)
{
    fake_do(line, 200);
}

Test(lines, types, .timeout = 60)
{
    static const struct {
        uint64_t on;
        const char *line, *reply;
    } rows[] = {
        { 0, "TYPE A", "200 Type is A; bytes are never changed.\r\n" },
        { 0, "TYPE I", "200 Type is I; bytes are never changed.\r\n" },
        { 1, "TYPE A",
          "200 Type is A; lines end with CRLF on the network.\r\n" },
        { 1, "type a n",
          "200 Type is A N; lines end with CRLF on the network.\r\n" },
        { 1, "TYPE I", "200 Type is I; bytes are never changed.\r\n" },
        { 1, "TYPE L 8", "200 Type is L 8; bytes are never changed.\r\n" },
    };

    for (uint64_t on = 0; on < 2; on++) {
        fake_settings("ascii", on);
        fake_open();
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            if (rows[i].on != on)
                continue;
            fake_say(rows[i].line);
            fake_reply();
            cr_expect_str_eq(fake.reply, rows[i].reply);
        }
        session_leave();
    }
}

/* A session begins in TYPE A (RFC 959 3.1.1; lftp depends on it). Converted
 * lines can't be continued: none of their offsets is the client's. */
Test(lines, stored, .timeout = 60)
{
    static const struct {
        const char *type, *sent, *stored;
        bool fleeting;
    } rows[] = {
        { NULL, "a\r\nb", "a\nb", true },
        { "TYPE A", "a\r\nb", "a\nb", true },
        { "TYPE I", "a\r\nb", "a\r\nb", false },
        { "TYPE A N", "\r\r\n\r", "\r\n\r", true },
        { "TYPE A", "", "", true },
    };
    struct message stored = { .kind = MSG_file_stored,
                              .file_stored = { .path = SLICE("/x") } };
    struct upload u;

    begin();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].stored);
        char got[64];
        int sink;

        if (rows[i].type)
            type(rows[i].type);
        upload_begin(&u, 0);
        cr_expect_eq(u.fleeting, rows[i].fleeting, "row %zu", i);
        sink = dup(fileno(u.sink));
        for (const char *at = rows[i].sent; *at; at++)
            cr_assert(tls_client_write(u.tls, at, 1));
        cr_assert(tls_client_shutdown(u.tls));
        cr_expect_eq(upload_end(&u, MSG_file_commit, &stored), len);
        cr_expect_eq(fake_reply(), 226);
        cr_expect(pread(sink, got, sizeof(got), 0) == (ssize_t)len &&
                      memcmp(got, rows[i].stored, len) == 0,
                  "row %zu", i);
        close(sink);
    }
    session_leave();
}

/* The limit counts for the stored bytes, not for the sent ones. */
Test(lines, limit, .timeout = 60)
{
    struct message stored = { .kind = MSG_file_stored,
                              .file_stored = { .path = SLICE("/x") } };
    struct message done = { .kind = MSG_done };
    struct upload u;

    begin();
    type("TYPE A");
    for (int more = 0; more < 2; more++) {
        upload_begin(&u, 3);
        cr_assert(tls_client_write(u.tls, "\r\n\r\n\r\n\r\n", more ? 8 : 6));
        cr_assert(tls_client_shutdown(u.tls));
        if (more)
            cr_expect_eq(fake_reply(), 552);
        upload_end(&u, more ? MSG_file_abort : MSG_file_commit,
                   more ? &done : &stored);
        if (!more)
            cr_expect_eq(fake_reply(), 226);
    }
    session_leave();
}

static FILE *source_of(const char *bytes, size_t len)
{
    FILE *source = tmpfile();

    cr_assert_eq(fwrite(bytes, 1, len, source), len);
    cr_assert_eq(fflush(source), 0);
    return source;
}

/* Reads the bytes of a data connection up to its orderly end. */
static size_t read_all(struct tls_client *tls, char *into, size_t size)
{
    size_t len = 0;
    long n;

    while ((n = tls_client_read(tls, into + len, size - len)) > 0)
        len += (size_t)n;
    cr_assert_eq(n, TLS_CLIENT_END);
    return len;
}

static uint64_t size_of(FILE *source, uint64_t size)
{
    struct message asked,
        file = { .kind = MSG_file_readable, .file_readable = { .size = size } };
    unsigned long long told = 0;

    fake_say("SIZE x");
    fake_hear(&fake.files, &asked, MSG_file_read);
    file.request = asked.request;
    file.file_readable.file = fileno(source);
    fake_tell(&fake.files, &file);
    cr_assert_eq(fake_reply(), 213);
    cr_assert_eq(sscanf(fake.reply, "213 %llu", &told), 1, "%s", fake.reply);
    return told;
}

/* RETR sends as many bytes as SIZE reports, wherever a CR is in a buffer; and
 * the 150 has the same length. */
Test(lines, fetched_and_counted, .timeout = 60)
{
    enum { LEN = 1200000 };
    static char bytes[LEN], wire[2 * LEN + 1];
    struct tls_client *tls;
    FILE *source;
    size_t len;
    int data;

    for (size_t i = 0; i < LEN; i++)
        bytes[i] = "a\nb\r\n\r\r\n\n"[i * i / 7 % 9];
    memset(bytes + 300000, '\n', 400000);
    for (size_t at = 16384; at < LEN;
         at += 16384) /* at the borders of the pieces */
        memcpy(bytes + at - 1, "\r\n", 2);
    source = source_of(bytes, LEN);
    begin();
    type("TYPE A");
    tls = download_begin(&data, source, LEN);
    cr_expect_not(strstr(fake.reply, "bytes"), "%s", fake.reply);
    len = read_all(tls, wire, sizeof(wire));
    tls_client_free(tls);
    close(data);
    cr_expect_eq(fake_reply(), 226);
    cr_expect_eq(size_of(source, LEN), len);
    cr_expect_gt(len, LEN + 400000);
    for (size_t i = 0, j = 0; i < LEN; i++, j++) {
        if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r'))
            cr_assert_eq(wire[j++], '\r', "byte %zu", i);
        cr_assert_eq(wire[j], bytes[i], "byte %zu", i);
    }
    fclose(source);
    session_leave();
}

static FILE *large(void)
{
    FILE *source = tmpfile();

    cr_assert_eq(ftruncate(fileno(source), 64 * GIB), 0);
    return source;
}

/* Files gets MESSAGE and refuses; the client gets the reply. */
static uint64_t refuse(enum message_kind message)
{
    struct message asked,
        refused = { .kind = MSG_refused,
                    .refused = { .outcome = OUTCOME_NOT_FOUND } };

    fake_hear(&fake.files, &asked, message);
    refused.request = asked.request;
    fake_tell(&fake.files, &refused);
    cr_expect_eq(fake_reply(), 550);
    return message == MSG_file_read ? asked.file_read.offset : 0;
}

/* The bytes are counted in slices, as for a checksum. */
Test(lines, size_of_a_large_file, .timeout = 60)
{
    struct message file = { .kind = MSG_file_readable,
                            .file_readable = { .size = 64 * GIB } };
    FILE *source = large();

    begin();
    type("TYPE A");
    fake_say("SIZE x");
    file.file_readable.file = fileno(source);
    fake_answer(MSG_file_read, &file);
    fake_do("NOOP\r\nABOR", 426);
    cr_expect_eq(fake_reply(), 226);
    cr_expect_eq(fake_reply(), 200);
    type("TYPE I");
    fake_say("SIZE x");
    refuse(MSG_facts);
    fclose(source);
    session_leave();
}

/* It has the deadline of a checksum, and the reply has words that clients
 * know. */
Test(lines, size_that_takes_too_long, .timeout = 60)
{
    struct message file = { .kind = MSG_file_readable,
                            .file_readable = { .size = 64 * GIB } };
    FILE *source = large();

    fake_settings("hash_timeout", 100);
    begin();
    type("TYPE A");
    fake_say("SIZE x");
    file.file_readable.file = fileno(source);
    fake_answer(MSG_file_read, &file);
    cr_expect_eq(fake_reply(), 550);
    cr_expect(strstr(fake.reply, "not allowed in ASCII mode"), "%s",
              fake.reply);
    fclose(source);
    session_leave();
}

/* An offset of the client doesn't fit the file. For a listing it has no effect,
 * and 0 is always 0. */
Test(lines, offsets, .timeout = 60)
{
    static const struct {
        const char *offset, *line;
        enum message_kind asked; /* MSG_NONE: 504, and files gets no request */
    } rows[] = {
        { "REST 1", "RETR x", MSG_NONE },
        { "REST 1", "STOR x", MSG_NONE },
        { "RANG 0 1", "RETR x", MSG_NONE },
        { "REST 1", "LIST", MSG_directory_list },
        { "REST 0", "RETR x", MSG_file_read },
        { "REST 1", "APPE x", MSG_file_write },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int data;

        begin();
        type("TYPE A");
        data = fake_data();
        fake_do(rows[i].offset, 350);
        fake_say(rows[i].line);
        if (rows[i].asked != MSG_NONE) {
            refuse(rows[i].asked);
        } else {
            cr_expect_eq(fake_reply(), 504, "row %zu", i);
            type("TYPE I"); /* and the offset counts for nothing else */
            fake_say("RETR x");
            cr_expect_eq(refuse(MSG_file_read), 0);
        }
        close(data);
        session_leave();
    }
}
