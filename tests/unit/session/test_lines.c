/* TYPE A with "ascii = yes" in a real session: the requests and bytes for
 * files, the bytes for the client, and SIZE. */
#include "fake.h"

#define GIB (1ULL << 30)

static void begin(void)
{
    fake_settings("ascii", 1);
    fake_open();
}
#define IN_TYPE_A .init = begin, .fini = fake_leave, .timeout = 60

/* A session begins in TYPE A (RFC 959 3.1.1; lftp depends on it). A converted
 * upload can't be continued, since its offsets aren't the client's. */
Test(lines, stored, IN_TYPE_A)
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

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].type)
            fake_do(rows[i].type, 200);
        fake_upload();
        cr_expect_eq(transfer.fleeting, rows[i].fleeting, "row %zu", i);
        for (const char *at = rows[i].sent; *at; at++)
            cr_assert(tls_client_write(transfer.tls, at, 1));
        cr_assert(tls_client_shutdown(transfer.tls));
        cr_expect_eq(fake_stored("/x"), strlen(rows[i].stored));
        cr_expect_eq(fake_reply(), 226);
        fake_expect_file(rows[i].stored);
        fake_release();
    }
}

/* The limit counts the stored bytes, not the sent ones. */
Test(lines, limit, IN_TYPE_A)
{
    for (int more = 0; more < 2; more++) {
        fake_begin_upload_of("STOR /x",
                             (struct msg_file_writable){ .limit = 3 });
        fake_secure_data();
        fake_send(more ? "\r\n\r\n\r\n\r\n" : "\r\n\r\n\r\n");
        if (more)
            fake_given_up();
        else
            fake_stored("/x");
        cr_expect_eq(fake_reply(), more ? 552 : 226);
        fake_release();
    }
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

/* RETR sends as many bytes as SIZE reports, wherever a CR is in a buffer. The
 * 150 has no length. */
Test(lines, fetched_and_counted, .fini = fake_part, .timeout = 60)
{
    enum { LEN = 1200000 };
    static char bytes[LEN], wire[2 * LEN + 1];
    FILE *source = tmpfile();
    char reply[32];
    size_t len;

    for (size_t i = 0; i < LEN; i++)
        bytes[i] = "a\nb\r\n\r\r\n\n"[i * i / 7 % 9];
    memset(bytes + 300000, '\n', 400000);
    for (size_t at = 16384; at < LEN;
         at += 16384) /* at the borders of the pieces */
        memcpy(bytes + at - 1, "\r\n", 2);
    cr_assert_eq(fwrite(bytes, 1, LEN, source), LEN);
    cr_assert_eq(fflush(source), 0);
    begin();
    fake_download_of(source, LEN);
    cr_expect_not(strstr(fake.reply, "bytes"), "%s", fake.reply);
    len = read_all(transfer.tls, wire, sizeof(wire));
    cr_expect_eq(fake_reply(), 226);
    fake_read("SIZE x", source, LEN);
    cr_assert_eq(fake_reply(), 213);
    snprintf(reply, sizeof(reply), "213 %zu\r\n", len);
    cr_expect_str_eq(fake.reply, reply);
    cr_expect_gt(len, LEN + 400000);
    for (size_t i = 0, j = 0; i < LEN; i++, j++) {
        if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r'))
            cr_assert_eq(wire[j++], '\r', "byte %zu", i);
        cr_assert_eq(wire[j], bytes[i], "byte %zu", i);
    }
}

/* Files receives MESSAGE, and refuses; the client gets a 550. Returns the
 * offset of a file_read, otherwise 0. */
static uint64_t refuse(enum message_kind message)
{
    fake_refuse(message, OUTCOME_NOT_FOUND);
    cr_expect_eq(fake_reply(), 550);
    return message == MSG_file_read ? heard.file_read.offset : 0;
}

/* The session counts the bytes in slices, as for a checksum, so that ABOR can
 * end the count. */
Test(lines, size_of_a_large_file, IN_TYPE_A)
{
    FILE *source = fake_zeros(64 * GIB);

    fake_read("SIZE x", source, 64 * GIB);
    fake_do("NOOP\r\nABOR", 426);
    cr_expect_eq(fake_reply(), 226);
    cr_expect_eq(fake_reply(), 200);
    fake_do("TYPE I", 200);
    fake_say("SIZE x");
    refuse(MSG_facts);
    fclose(source);
}

/* Files notes the answer, as for SIZE in TYPE I: an APPE that is refused for
 * want of SIZE gets a 450 after each SIZE, and a 421 without. */
Test(lines, size_before_an_append, .init = begin, .timeout = 60)
{
    FILE *source = fake_zeros(10);

    fake_port();
    for (int sizes = 2; sizes >= 0; sizes--) {
        fake_say("APPE x");
        fake_refuse(MSG_file_write, OUTCOME_SIZE_FIRST);
        cr_expect_eq(fake_reply(), sizes > 0 ? 450 : 421, "%s", fake.reply);
        if (sizes < 2)
            continue;
        fake_read("SIZE x", source, 10);
        cr_expect(heard.file_read.size);
        cr_expect_eq(fake_reply(), 213);
        fake_read("HASH x", source, 10);
        cr_expect_not(heard.file_read.size);
        cr_expect_eq(fake_reply(), 213);
    }
    cr_expect_eq(fake_end(), ENDING_SIZE);
    fclose(source);
}

/* SIZE has the deadline of a checksum. Clients know the words of its reply. */
Test(lines, size_that_takes_too_long, .timeout = 60)
{
    FILE *source = fake_zeros(64 * GIB);

    fake_settings("hash_timeout", 100);
    begin();
    fake_read("SIZE x", source, 64 * GIB);
    fake_replies(550, "not allowed in ASCII mode");
    fclose(source);
    fake_leave();
}

/* In TYPE A the client's offset doesn't fit the file, unless it is 0, so RETR
 * and STOR get a 504. APPE and listings don't need the offset. */
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
        data = fake_data();
        fake_do(rows[i].offset, 350);
        fake_say(rows[i].line);
        if (rows[i].asked != MSG_NONE) {
            refuse(rows[i].asked);
        } else {
            cr_expect_eq(fake_reply(), 504, "row %zu", i);
            /* The offset doesn't count for the next transfer. */
            fake_do("TYPE I", 200);
            fake_say("RETR x");
            cr_expect_eq(refuse(MSG_file_read), 0);
        }
        close(data);
        fake_leave();
    }
}
