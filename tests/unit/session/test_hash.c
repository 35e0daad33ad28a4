/* HASH: a transfer without a data connection. */
#include "fake.h"

#define GIB (1ULL << 30)

/* Files passes SOURCE, and reports SIZE as its length. */
static void open_source(const char *line, FILE *source, uint64_t size)
{
    struct message asked, file = { .kind = MSG_file_readable };

    fake_say(line);
    fake_hear(&fake.files, &asked, MSG_file_read);
    cr_assert(slice_equal(asked.file_read.path, SLICE("/x")));
    cr_assert_eq(asked.file_read.offset, 0);
    file.request = asked.request;
    file.file_readable.size = size;
    file.file_readable.file = fileno(source);
    fake_tell(&fake.files, &file);
}

static FILE *source_of(const char *bytes)
{
    FILE *source = tmpfile();

    cr_assert(fputs(bytes, source) >= 0 && fflush(source) == 0);
    return source;
}

/* Too large to be hashed before the next line is read. */
static FILE *huge(void)
{
    FILE *source = tmpfile();

    cr_assert_eq(ftruncate(fileno(source), 64 * GIB), 0);
    return source;
}

static void end(FILE *source, int status)
{
    fclose(source);
    fake_hang_up(status);
}

/* Some commands are answered during the computation; those for a transfer
 * wait. */
/* The client would take the reply of another line for the checksum's. */
Test(hash, lines_wait_for_its_reply, .timeout = 60)
{
    FILE *source = huge();

    fake_open();
    open_source("HASH x", source, 64 * GIB);
    fake_do("NOOP\r\nSTAT\r\nPWD\r\nABOR", 426);
    cr_assert_eq(fake_reply(), 226);
    cr_assert_eq(fake_reply(), 200);
    cr_assert_eq(fake_reply(), 211);
    cr_assert_eq(fake_reply(), 257);
    open_source("XSHA512 x", source, 1);
    cr_assert_eq(fake_reply(), 250);
    end(source, ENDING_CLOSED);
}

Test(hash, quit_and_abor, .timeout = 60)
{
    FILE *source = huge();

    fake_open();
    open_source("XCRC x", source, 64 * GIB);
    fake_do("QUIT\r\nABOR", 426);
    cr_assert_eq(fake_reply(), 226);
    cr_assert_eq(fake_reply(), 221);
    end(source, ENDING_QUIT);
}

/* The file's size doesn't matter here: neither the client nor the network slows
 * the computation. */
Test(hash, takes_too_long, .timeout = 60)
{
    FILE *source = huge();
    struct event_record r;

    fake_settings("hash_timeout", 700);
    fake_open();
    open_source("HASH x", source, 64 * GIB);
    cr_assert_eq(fake_reply(), 451);
    cr_expect(strstr(fake.reply, "RANG"), "%s", fake.reply);
    open_source("XSHA512 x", source, 1);
    cr_assert_eq(fake_reply(), 250);
    end(source, ENDING_CLOSED);
    cr_assert(fake_event(EVENT_TRANSFER, &r));
    cr_expect_eq(r.number[FIELD_RESULT], 451);
    cr_expect(slice_equal(r.text[FIELD_REASON], SLICE("takes too long")));
}

/* A client that waits for a checksum isn't idle. */
Test(hash, is_not_idle, .timeout = 60)
{
    FILE *source = huge();
    struct pollfd control;

    fake_settings("idle_timeout", 1000);
    fake_open();
    open_source("HASH x", source, 64 * GIB);
    control = (struct pollfd){ .fd = fake.control, .events = POLLIN };
    cr_assert_eq(poll(&control, 1, 2000), 0, "something was said");
    fake_do("ABOR", 426);
    cr_assert_eq(fake_reply(), 226);
    cr_assert_eq(fake_reply(), 421); /* now it is idle */
    end(source, ENDING_IDLE_TIME);
}

/* The client leaves: the session ends, and computes no more. */
Test(hash, client_that_goes, .timeout = 60)
{
    FILE *source = huge();

    fake_open();
    open_source("HASH x", source, 64 * GIB);
    end(source, ENDING_CLOSED);
}

/* Also if so many lines wait that no more are read. */
Test(hash, client_that_goes_and_leaves_lines, .timeout = 60)
{
    static char lines[80 << 10];
    FILE *source = huge();

    for (size_t i = 0; i + 8 < sizeof(lines); i += 8)
        memcpy(lines + i, "HASH x\r\n", 9);
    fake_open();
    open_source("HASH x", source, 64 * GIB);
    cr_assert(tls_client_write(fake.tls, lines, strlen(lines)));
    end(source, ENDING_CLOSED);
}

Test(hash, failures, .timeout = 60)
{
    FILE *source = source_of("0123456789");
    struct message refused = { .kind = MSG_refused,
                               .refused = { .outcome = OUTCOME_NOT_FOUND } };
    int data;

    fake_open();
    open_source("HASH x", source, 11);
    cr_assert_eq(fake_reply(), 451);
    cr_assert(strstr(fake.reply, "cut short"), "%s", fake.reply);
    data = fake_data();
    fake_say("HASH x");
    fake_answer(MSG_file_read, &refused);
    cr_assert_eq(fake_reply(), 550);
    /* The data connection is for the next transfer. */
    fake_say("RETR x");
    fake_answer(MSG_file_read, &refused);
    cr_assert_eq(fake_reply(), 550);
    close(data);
    end(source, ENDING_CLOSED);
}

Test(hash, range_of_a_download, .timeout = 60)
{
    static const struct {
        const char *range;
        uint64_t rest; /* the offset in FILE_READ */
        const char *opening;
    } rows[] = {
        { "RANG 2 5", 0, "(4 bytes)" },   { "RANG 5 50", 0, "(5 bytes)" },
        { "RANG 50 60", 0, "(0 bytes)" }, { "RANG 1 0", 0, "(10 bytes)" },
        { "REST 4", 4, "(10 bytes)" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct message asked, file = { .kind = MSG_file_readable,
                                       .file_readable = { .size = 10 } };
        FILE *source = source_of("0123456789");
        int data;

        fake_open();
        data = fake_data();
        fake_do(rows[i].range, 350);
        fake_say("RETR x");
        fake_hear(&fake.files, &asked, MSG_file_read);
        cr_expect_eq(asked.file_read.offset, rows[i].rest);
        file.request = asked.request;
        file.file_readable.file = fileno(source);
        fake_tell(&fake.files, &file);
        cr_assert_eq(fake_reply(), 150);
        cr_expect(strstr(fake.reply, rows[i].opening), "%s", fake.reply);
        close(data);
        end(source, ENDING_CLOSED);
    }
}
