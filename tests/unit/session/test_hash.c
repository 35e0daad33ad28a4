/* HASH: a transfer without a data connection. */
#include "fake.h"

#define GIB (1ULL << 30)

static FILE *source;

/* Files passes SOURCE, and reports SIZE as its length. */
static void open_source(const char *line, uint64_t size)
{
    struct message file = { .kind = MSG_file_readable,
                            .file_readable = { .size = size,
                                               .file = fileno(source) } };

    fake_say(line);
    fake_answer(MSG_file_read, &file);
    cr_assert(slice_equal(asked.file_read.path, SLICE("/x")));
    cr_assert_eq(asked.file_read.offset, 0);
}

static void make_source(const char *bytes)
{
    source = tmpfile();
    cr_assert(fputs(bytes, source) >= 0 && fflush(source) == 0);
}

/* Begins the checksum of a file that is too large to be hashed before the next
 * line is read. */
static void begin(void)
{
    source = tmpfile();
    cr_assert_eq(ftruncate(fileno(source), 64 * GIB), 0);
    fake_open();
    open_source("HASH x", 64 * GIB);
}

static void end(int status)
{
    fclose(source);
    fake_hang_up(status);
}

/* The client would take the reply of another line for the checksum's. */
Test(hash, lines_wait_for_its_reply, .timeout = 60)
{
    begin();
    fake_do("NOOP\r\nSTAT\r\nPWD\r\nABOR", 426);
    cr_assert_eq(fake_reply(), 226);
    cr_assert_eq(fake_reply(), 200);
    cr_assert_eq(fake_reply(), 211);
    cr_assert_eq(fake_reply(), 257);
    open_source("XSHA512 x", 1);
    cr_assert_eq(fake_reply(), 250);
    open_source("XCRC x", 64 * GIB);
    fake_do("QUIT\r\nABOR", 426);
    cr_assert_eq(fake_reply(), 226);
    cr_assert_eq(fake_reply(), 221);
    end(ENDING_QUIT);
}

/* The file's size doesn't matter here: neither the client nor the network slows
 * the computation. */
Test(hash, takes_too_long, .timeout = 60)
{
    fake_settings("hash_timeout", 700);
    begin();
    cr_assert_eq(fake_reply(), 451);
    cr_expect(strstr(fake.reply, "RANG"), "%s", fake.reply);
    open_source("XSHA512 x", 1);
    cr_assert_eq(fake_reply(), 250);
    end(ENDING_CLOSED);
    cr_assert(fake_event(EVENT_TRANSFER, &logged));
    cr_expect_eq(logged.number[FIELD_RESULT], 451);
    fake_expect_text(&logged, FIELD_REASON, "takes too long");
}

/* A client that waits for a checksum isn't idle. */
Test(hash, is_not_idle, .timeout = 60)
{
    struct pollfd control = { .events = POLLIN };

    fake_settings("idle_timeout", 1000);
    begin();
    control.fd = fake.control;
    cr_assert_eq(poll(&control, 1, 2000), 0, "something was said");
    fake_abort();
    cr_assert_eq(fake_reply(), 421); /* now it is idle */
    end(ENDING_IDLE_TIME);
}

/* The client leaves: the session ends, and computes no more. Also if so many
 * lines wait that no more are read. */
Test(hash, client_that_goes, .timeout = 60)
{
    static char lines[80 << 10];

    for (size_t i = 0; i + 8 < sizeof(lines); i += 8)
        memcpy(lines + i, "HASH x\r\n", 9);
    for (int more = 0; more < 2; more++) {
        begin();
        cr_assert(!more || tls_client_write(fake.tls, lines, strlen(lines)));
        end(ENDING_CLOSED);
    }
}

Test(hash, failures, .timeout = 60)
{
    int data;

    make_source("0123456789");
    fake_open();
    open_source("HASH x", 11);
    cr_assert_eq(fake_reply(), 451);
    cr_assert(strstr(fake.reply, "cut short"), "%s", fake.reply);
    data = fake_data();
    fake_say("HASH x");
    fake_refuse(MSG_file_read, OUTCOME_NOT_FOUND);
    cr_assert_eq(fake_reply(), 550);
    /* The data connection is for the next transfer. */
    fake_say("RETR x");
    fake_refuse(MSG_file_read, OUTCOME_NOT_FOUND);
    cr_assert_eq(fake_reply(), 550);
    close(data);
    end(ENDING_CLOSED);
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
        struct message file = { .kind = MSG_file_readable,
                                .file_readable.size = 10 };
        int data;

        make_source("0123456789");
        file.file_readable.file = fileno(source);
        fake_open();
        data = fake_data();
        fake_do(rows[i].range, 350);
        fake_say("RETR x");
        fake_answer(MSG_file_read, &file);
        cr_expect_eq(asked.file_read.offset, rows[i].rest);
        cr_assert_eq(fake_reply(), 150);
        cr_expect(strstr(fake.reply, rows[i].opening), "%s", fake.reply);
        close(data);
        end(ENDING_CLOSED);
    }
}
