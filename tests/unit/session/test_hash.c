/* HASH: a transfer without a data connection. */
#include "fake.h"

#include "support/long.h"

#define GIB (1ULL << 30)

static FILE *source;

/* Files passes SOURCE, and reports SIZE as its length. */
static void open_source(const char *line, uint64_t size)
{
    fake_read(line, source, size);
    cr_assert(slice_equal(heard.file_read.path, SLICE("/x")));
    cr_assert_eq(heard.file_read.offset, 0);
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
    source = fake_zeros(64 * GIB);
    fake_open();
    open_source("HASH x", 64 * GIB);
}

static void end(int status)
{
    fclose(source);
    fake_hang_up(status);
}

/* Lines wait until the checksum's reply is sent. Otherwise the client would
 * take another line's reply for the checksum's. */
Test(hash, lines_wait_for_its_reply, .init = begin, .timeout = 60)
{
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

Test(hash, of_a_long_path, LOGGED_IN)
{
    char line[4096];

    snprintf(line, sizeof(line), "HASH /%04000d", 1);
    for (char *at = line + 5; strlen(at) > 200; at += 200)
        *at = '/';
    source = fake_zeros(1);
    fake_read(line, source, 1);
    fake_replies(213, line + 5);
    fclose(source);
}

/* hash_timeout doesn't grow with the file's size, since neither the client nor
 * the network slows the computation. */
Test(hash, takes_too_long, .timeout = 60, WITH_SANITIZERS)
{
    fake_settings("hash_timeout", 700);
    begin();
    fake_replies(451, "RANG");
    open_source("XSHA512 x", 1);
    cr_assert_eq(fake_reply(), 250);
    end(ENDING_CLOSED);
    cr_assert(fake_event(EVENT_TRANSFER, &logged));
    cr_expect_eq(logged.number[FIELD_RESULT], 451);
    fake_expect_text(&logged, FIELD_REASON, "takes too long");
}

/* A client that waits for a checksum isn't idle. */
Test(hash, is_not_idle, .timeout = 60, IN_LONG_RUN)
{
    fake_settings("idle_timeout", 4000);
    begin();
    cr_assert(fake_is_quiet(fake.control, 6000), "something was said");
    fake_abort();
    cr_assert_eq(fake_reply(), 421); /* now the client is idle */
    end(ENDING_IDLE_TIME);
}

/* If the client leaves, the session ends, and computes no more, even if so many
 * lines wait that it doesn't read the connection. */
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
    fake_replies(451, "cut short");
    data = fake_data();
    fake_do_refused("HASH x", MSG_file_read, OUTCOME_NOT_FOUND, 550);
    /* HASH leaves the data connection to the next transfer. */
    fake_do_refused("RETR x", MSG_file_read, OUTCOME_NOT_FOUND, 550);
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
        int data;

        make_source("0123456789");
        fake_open();
        data = fake_data();
        fake_do(rows[i].range, 350);
        fake_read("RETR x", source, 10);
        cr_expect_eq(heard.file_read.offset, rows[i].rest);
        fake_replies(150, rows[i].opening);
        close(data);
        end(ENDING_CLOSED);
        cr_assert(fake_event(EVENT_TRANSFER, &logged));
        cr_expect_eq(logged.number[FIELD_SIZE], 10, "%s", rows[i].range);
    }
}

/* The log has the whole file's size; a listing has no offset. */
Test(hash, offsets_in_the_log, .timeout = 60)
{
    make_source("0123456789");
    fake_open();
    fake_do("RANG 2 5", 350);
    open_source("HASH x", 10);
    fake_replies(213, "2-5");
    cr_assert(fake_event(EVENT_TRANSFER, &logged));
    cr_expect_eq(logged.number[FIELD_BYTES], 4);
    cr_expect_eq(logged.number[FIELD_SIZE], 10);
    cr_expect_eq(logged.number[FIELD_FROM], 2);
    fake_do("REST 4", 350);
    close(fake_data());
    fake_say("LIST");
    fake_listed(fake_list(), OUTCOME_OK);
    fake_replies(150, "");
    cr_assert_eq(fake_reply(), 425);
    cr_assert(fake_event(EVENT_TRANSFER, &logged));
    cr_expect_eq(logged.number[FIELD_FROM], 0);
    end(ENDING_CLOSED);
}
