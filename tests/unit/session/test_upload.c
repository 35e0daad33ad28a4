/* An upload over data that stays until its first byte: that byte waits for
 * files, and nothing is written, or lost, whatever comes meanwhile. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/ipc/channel.h"

/* Sends a first byte at 2, where other data exists. LIMIT is the file's. */
static void begin_within(struct fake *f, struct fake_transfer *t,
                         uint64_t limit)
{
    struct message file = { .kind = MSG_file_writable,
                            .file_writable = {
                                .first = 2, .limit = limit, .waits = 1 } };

    t->file = tmpfile();
    cr_assert_eq(pwrite(fileno(t->file), "before", 6, 0), 6);
    fake_open(f);
    t->data = fake_data(f);
    fake_say(f, "STOR /x");
    file.file_writable.file = fileno(t->file);
    fake_answer(f, MSG_file_write, &file);
    f->files.phase = PHASE_WRITING;
    cr_assert_eq(fake_reply(f), 150, "%s", f->reply);
    t->tls = fake_data_tls(f, t->data);
    cr_assert_not_null(t->tls, "%s", tls_client_error());
}

static void begin(struct fake *f, struct fake_transfer *t)
{
    begin_within(f, t, 0);
}

static void expect_file(const struct fake_transfer *t, const char *text)
{
    char bytes[64] = "";

    cr_assert_geq(pread(fileno(t->file), bytes, sizeof(bytes) - 1, 0), 0);
    cr_expect_str_eq(bytes, text);
}

static void answer(struct fake *f, const struct message *asked,
                   enum message_kind message, enum outcome outcome)
{
    struct message p = { .kind = message };

    if (message == MSG_refused)
        p.refused.outcome = outcome;
    p.request = asked->request;
    fake_tell(&f->files, &p);
}

static void end(struct fake *f, struct fake_transfer *t)
{
    f->files.phase = PHASE_IDLE;
    fake_hang_up(f, ENDING_CLOSED);
    fake_release(t);
}

/* The end may be in the same record as the first byte, or come later. */
Test(upload, the_first_byte_waits, .timeout = 60)
{
    struct message asked, stored = { .kind = MSG_file_stored,
                                     .file_stored = { .path = SLICE("/x") } };

    for (int more = 0; more < 2; more++) {
        struct fake_transfer t;
        struct fake f;

        begin(&f, &t);
        cr_assert(tls_client_write(t.tls, "HELLO", 5));
        cr_assert(more || tls_client_shutdown(t.tls));
        fake_hear(&f.files, &asked, MSG_file_begin);
        cr_assert(!more || tls_client_write(t.tls, " again", 6));
        cr_assert(!more || tls_client_shutdown(t.tls));
        fake_say(&f, "NOOP"); /* it is served meanwhile */
        cr_assert_eq(fake_reply(&f), 200);
        expect_file(&t, "before");
        answer(&f, &asked, MSG_done, 0);
        fake_answer(&f, MSG_file_commit, &stored);
        expect_file(&t, more ? "beHELLO again" : "beHELLO");
        cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
        end(&f, &t);
    }
}

/* A disk that needs longer than stall_timeout isn't the client's fault. From
 * the answer on, the client's time counts again. */
Test(upload, a_slow_disk_is_no_stall, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };
    struct fake_transfer t;
    struct fake f;

    fake_settings("stall_timeout", 1000);
    begin(&f, &t);
    cr_assert(tls_client_write(t.tls, "HELLO", 5));
    fake_hear(&f.files, &asked, MSG_file_begin);
    poll(NULL, 0, 2000);
    fake_say(&f, "NOOP");
    cr_expect_eq(fake_reply(&f), 200, "%s", f.reply);
    answer(&f, &asked, MSG_done, 0);
    fake_answer(&f, MSG_file_abort, &done);
    cr_expect_eq(fake_reply(&f), 426, "%s", f.reply);
    expect_file(&t, "beHELLO");
    end(&f, &t);
}

/* Without a byte files decides at the commit. */
Test(upload, no_byte_comes, .timeout = 60)
{
    struct message stored = { .kind = MSG_file_stored,
                              .file_stored = { .path = SLICE("/x") } };
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t);
    cr_assert(tls_client_shutdown(t.tls));
    fake_answer(&f, MSG_file_commit, &stored);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    end(&f, &t);
}

Test(upload, cut_before_a_byte, .timeout = 60)
{
    struct message done = { .kind = MSG_done };
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t);
    shutdown(t.data, SHUT_WR);
    fake_answer(&f, MSG_file_abort, &done);
    cr_expect_eq(fake_reply(&f), 426, "%s", f.reply);
    expect_file(&t, "before");
    end(&f, &t);
}

Test(upload, refused_at_its_first_byte, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t);
    cr_assert(tls_client_write(t.tls, "HELLO", 5));
    fake_hear(&f.files, &asked, MSG_file_begin);
    answer(&f, &asked, MSG_refused, OUTCOME_READ_ONLY);
    fake_answer(&f, MSG_file_abort, &done);
    cr_expect_eq(fake_reply(&f), 550, "%s", f.reply);
    expect_file(&t, "before");
    end(&f, &t);
}

/* The byte isn't written any more; files itself ends what it has begun. */
Test(upload, aborted_while_it_waits, .timeout = 60)
{
    static const enum message_kind answers[] = { MSG_done, MSG_refused };
    struct message asked, done = { .kind = MSG_done };

    for (size_t i = 0; i < 2; i++) {
        struct fake_transfer t;
        struct fake f;

        begin(&f, &t);
        cr_assert(tls_client_write(t.tls, "HELLO", 5));
        fake_hear(&f.files, &asked, MSG_file_begin);
        fake_say(&f, "ABOR");
        cr_expect_eq(fake_reply(&f), 426, "%s", f.reply);
        cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
        answer(&f, &asked, answers[i], OUTCOME_IO);
        fake_answer(&f, MSG_file_abort, &done);
        expect_file(&t, "before");
        end(&f, &t);
    }
}

/* A file above max_file_size can't be completed, so nothing of it is kept. */
Test(upload, above_the_limit, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };
    struct fake_transfer t;
    struct fake f;

    begin_within(&f, &t, 5);
    cr_assert(tls_client_write(t.tls, "more", 4));
    fake_answer(&f, MSG_file_begin, &done);
    fake_hear(&f.files, &asked, MSG_file_abort);
    cr_expect(asked.file_abort.spoiled);
    answer(&f, &asked, MSG_done, 0);
    cr_expect_eq(fake_reply(&f), 552, "%s", f.reply);
    end(&f, &t);
}

/* The client closes with the 552 unread, while files still syncs: files hears
 * that nothing is kept, and until then the session stays. */
Test(upload, above_the_limit_and_the_client_leaves, .timeout = 60)
{
    struct message synced, asked, done = { .kind = MSG_done };
    struct pollfd reply = { .events = POLLIN };
    static char block[1 << 20];
    struct fake_transfer t;
    struct event_record r;
    struct fake f;

    begin_within(&f, &t, 33 * sizeof(block));
    cr_assert(tls_client_write(t.tls, "first", 5));
    fake_answer(&f, MSG_file_begin, &done);
    for (int i = 0; i < 33; i++)
        tls_client_write(t.tls, block, sizeof(block));
    fake_hear(&f.files, &synced, MSG_file_sync);
    reply.fd = f.control;
    cr_assert_eq(poll(&reply, 1, 20000), 1);
    close(f.control);
    f.control = -1;
    cr_expect_eq(channel_wait(&f.files, &asked, 100), -ETIMEDOUT);
    answer(&f, &synced, MSG_done, 0);
    fake_hear(&f.files, &asked, MSG_file_abort);
    cr_expect(asked.file_abort.spoiled);
    answer(&f, &asked, MSG_done, 0);
    cr_expect_eq(fake_end(&f), ENDING_CLOSED);
    cr_assert(fake_event(&f, EVENT_TRANSFER, &r));
    cr_expect_eq(r.number[FIELD_RESULT], 552);
    cr_expect_not(fake_event(&f, EVENT_TRANSFER, &r), "a second event");
    fake_release(&t);
}

/* The reply names the setting, also if that is less than a second. */
Test(upload, stalls_for_half_a_second, .timeout = 60)
{
    struct message done = { .kind = MSG_done };
    struct fake_transfer t;
    struct fake f;

    fake_settings("stall_timeout", 500);
    begin(&f, &t);
    fake_answer(&f, MSG_file_abort, &done);
    cr_expect_eq(fake_reply(&f), 426);
    cr_expect(strstr(f.reply, " 0.5 seconds"), "%s", f.reply);
    end(&f, &t);
}

/* The socket's end can't be read while files is awaited: the session sleeps,
 * and sees the end after the answer. */
Test(upload, hung_up_while_it_waits, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };
    struct fake_transfer t;
    unsigned long so_far;
    struct fake f;

    begin(&f, &t);
    cr_assert(tls_client_write(t.tls, "HELLO", 5));
    fake_hear(&f.files, &asked, MSG_file_begin);
    shutdown(t.data, SHUT_RDWR);
    so_far = fake_cpu_ms(&f);
    cr_assert_eq(channel_wait(&f.files, &done, 400), -ETIMEDOUT);
    cr_expect_lt(fake_cpu_ms(&f) - so_far, 50);
    fake_do(&f, "NOOP", 200);
    answer(&f, &asked, MSG_done, 0);
    done.kind = MSG_done;
    fake_answer(&f, MSG_file_abort, &done);
    cr_expect_eq(fake_reply(&f), 426, "%s", f.reply);
    expect_file(&t, "beHELLO");
    end(&f, &t);
}
