/* An upload that continues where other bytes stand: nothing is written before
 * its first byte, and nothing below its beginning. */
#include "fake.h"
#include "sallyport/base/clock.h"
#include "support/wait.h"

/* Sends a first byte at 2, where other data exists. LIMIT is the file's, or
 * what upload_bytes leaves. */
static void begin_within(uint64_t limit, bool by_bytes)
{
    struct message file = {
        .kind = MSG_file_writable,
        .file_writable = { .first = 2, .limit = limit, .by_bytes = by_bytes }
    };

    transfer.file = tmpfile();
    cr_assert_eq(pwrite(fileno(transfer.file), "before", 6, 0), 6);
    fake_open();
    transfer.data = fake_data();
    fake_say("STOR /x");
    file.file_writable.file = fileno(transfer.file);
    fake_answer(MSG_file_write, &file);
    fake.files.phase = PHASE_WRITING;
    cr_assert_eq(fake_reply(), 150, "%s", fake.reply);
    transfer.tls = fake_data_tls(transfer.data);
    cr_assert_not_null(transfer.tls, "%s", tls_client_error());
}

static void begin(void)
{
    begin_within(0, false);
}

static void expect_file(const char *text)
{
    char bytes[64] = "";

    cr_assert_geq(pread(fileno(transfer.file), bytes, sizeof(bytes) - 1, 0), 0);
    cr_expect_str_eq(bytes, text);
}

static void answer(const struct message *asked, enum message_kind message,
                   enum outcome outcome)
{
    struct message p = { .kind = message };

    if (message == MSG_refused)
        p.refused.outcome = outcome;
    p.request = asked->request;
    fake_tell(&fake.files, &p);
}

static void end(void)
{
    fake.files.phase = PHASE_IDLE;
    fake_hang_up(ENDING_CLOSED);
    fake_release();
}

/* The end may be in the same record as the first byte, or come later. */
Test(upload, begins_where_files_says, .timeout = 60)
{
    struct message stored = { .kind = MSG_file_stored,
                              .file_stored = { .path = SLICE("/x") } };

    for (int more = 0; more < 2; more++) {

        begin();
        fake_do("NOOP", 200);
        expect_file("before");
        cr_assert(tls_client_write(transfer.tls, "HELLO", 5));
        cr_assert(!more || tls_client_write(transfer.tls, " again", 6));
        cr_assert(tls_client_shutdown(transfer.tls));
        fake_answer(MSG_file_commit, &stored);
        expect_file(more ? "beHELLO again" : "beHELLO");
        cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
        end();
    }
}

Test(upload, no_byte_comes, .timeout = 60)
{
    struct message stored = { .kind = MSG_file_stored,
                              .file_stored = { .path = SLICE("/x") } };

    begin();
    cr_assert(tls_client_shutdown(transfer.tls));
    fake_answer(MSG_file_commit, &stored);
    cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
    end();
}

Test(upload, cut_before_a_byte, .timeout = 60)
{
    struct message done = { .kind = MSG_done };

    begin();
    shutdown(transfer.data, SHUT_WR);
    fake_answer(MSG_file_abort, &done);
    cr_expect_eq(fake_reply(), 426, "%s", fake.reply);
    expect_file("before");
    end();
}

/* A file above a limit can't be completed, so nothing of it is kept. The reply
 * names the limit. */
static void above_the_limit(bool by_bytes, const char *name)
{
    struct message asked;

    begin_within(5, by_bytes);
    cr_assert(tls_client_write(transfer.tls, "more", 4));
    fake_hear(&fake.files, &asked, MSG_file_abort);
    cr_expect(asked.file_abort.worthless);
    answer(&asked, MSG_done, 0);
    cr_expect_eq(fake_reply(), 552, "%s", fake.reply);
    cr_expect_not_null(strstr(fake.reply, name), "%s", fake.reply);
    end();
}

Test(upload, above_max_file_size, .timeout = 60)
{
    above_the_limit(false, "max_file_size");
}

Test(upload, above_max_bytes, .timeout = 60)
{
    above_the_limit(true, "upload_bytes");
}

/* The client closes with the 552 unread, while files still syncs: files hears
 * that nothing is kept, and until then the session stays. */
Test(upload, above_the_limit_and_the_client_leaves, .timeout = 60)
{
    struct message synced, asked;
    struct pollfd reply = { .events = POLLIN };
    static char block[1 << 20];
    struct event_record r;

    begin_within(33 * sizeof(block), false);
    cr_assert(tls_client_write(transfer.tls, "first", 5));
    for (int i = 0; i < 33; i++)
        tls_client_write(transfer.tls, block, sizeof(block));
    fake_hear(&fake.files, &synced, MSG_file_sync);
    reply.fd = fake.control;
    cr_assert_eq(poll(&reply, 1, 20000), 1);
    close(fake.control);
    fake.control = -1;
    cr_expect_eq(channel_wait(&fake.files, &asked, 100), -ETIMEDOUT);
    answer(&synced, MSG_done, 0);
    fake_hear(&fake.files, &asked, MSG_file_abort);
    cr_expect(asked.file_abort.worthless);
    answer(&asked, MSG_done, 0);
    cr_expect_eq(fake_end(), ENDING_CLOSED);
    cr_assert(fake_event(EVENT_TRANSFER, &r));
    cr_expect_eq(r.number[FIELD_RESULT], 552);
    cr_expect_not(fake_event(EVENT_TRANSFER, &r), "a second event");
    fake_release();
}

/* The reply names the setting, also if that is less than a second. */
Test(upload, stalls_for_half_a_second, .timeout = 60)
{
    struct message done = { .kind = MSG_done };

    fake_settings("stall_timeout", 500);
    begin();
    fake_answer(MSG_file_abort, &done);
    cr_expect_eq(fake_reply(), 426);
    cr_expect(strstr(fake.reply, " 0.5 seconds"), "%s", fake.reply);
    end();
}

struct arrived {
    int file;
    off_t length;
};

static bool has_arrived(void *argument)
{
    const struct arrived *a = argument;
    struct stat st;

    return fstat(a->file, &st) == 0 && st.st_size == a->length;
}

/* Returns the microseconds from a client's handshake to the first byte, which
 * its kernel sends when the handshake is acknowledged (Nagle's algorithm). */
static uint64_t first_byte_us(void)
{
    struct message done = { .kind = MSG_done };
    uint64_t began;

    fake_open();
    fake_upload();
    began = clock_us();
    cr_assert(tls_client_write(transfer.tls, "hello", 5));
    cr_assert(wait_until(has_arrived,
                         &(struct arrived){ fileno(transfer.file), 5 }, 20000));
    began = clock_us() - began;
    fake_release();
    fake_answer(MSG_file_abort, &done);
    cr_assert_eq(fake_reply(), 426, "%s", fake.reply);
    fake_hang_up(ENDING_CLOSED);
    return began;
}

/* The best of several tries, since a machine may be slow, but not always. */
Test(upload, the_first_byte_needn_t_wait, .timeout = 120)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < 20 && best > 20000; i++) {
        uint64_t us = first_byte_us();

        best = us < best ? us : best;
    }
    cr_assert_lt(best, 20000, "%llu us", (unsigned long long)best);
}
