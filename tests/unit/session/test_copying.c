/* REST and APPE onto a finished file: files copies its head piece by piece
 * while the tail comes in. The client is served meanwhile, and may leave. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/users/rights.h"

#define HEAD 300000u

static struct packet stored = { .message = MSG_FILE_STORED,
                                .value = { TEXT(SLICE("/x")) } };

/* An APPE whose 150 is there before a byte of the head is. */
static void begin_with(struct fake *f, struct fake_transfer *t, int mode)
{
    struct packet file = { .message = MSG_FILE_WRITABLE,
                           .value = { NUMBER(HEAD), NUMBER(0), NUMBER(1),
                                      NUMBER(HEAD) } };
    char name[64];

    t->file = tmpfile();
    cr_assert_eq(ftruncate(fileno(t->file), HEAD), 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fileno(t->file));
    file.fd[0] = open(name, mode);
    cr_assert_geq(file.fd[0], 0);
    fake_open(f);
    t->data = fake_data(f);
    fake_say(f, "APPE /x");
    fake_answer(f, MSG_FILE_WRITE, &file);
    close(file.fd[0]);
    f->files.phase = PHASE_WRITING;
    cr_assert_eq(fake_reply(f), 150, "%s", f->reply);
    t->tls = fake_data_tls(f, t->data);
    cr_assert_not_null(t->tls, "%s", tls_client_error());
}

static void begin(struct fake *f, struct fake_transfer *t)
{
    begin_with(f, t, O_WRONLY);
}

static void answer(struct fake *f, const struct packet *asked,
                   enum message message, uint64_t number)
{
    struct packet p = { .message = message,
                        .request = asked->request,
                        .value = { NUMBER(number) } };

    fake_tell(&f->files, &p);
}

/* The first byte starts the copy. */
static void send_all(struct fake *f, struct fake_transfer *t,
                     struct packet *asked)
{
    cr_assert(tls_client_write(t->tls, "hello", 5));
    cr_assert(tls_client_shutdown(t->tls));
    fake_hear(&f->files, asked, MSG_FILE_BEGIN);
    answer(f, asked, MSG_DONE, 0);
    fake_hear(&f->files, asked, MSG_FILE_COPY);
}

static void expect_served(struct fake *f)
{
    fake_say(f, "NOOP");
    cr_expect_eq(fake_reply(f), 200, "%s", f->reply);
    fake_say(f, "STAT");
    cr_expect_eq(fake_reply(f), 211, "%s", f->reply);
}

static void end(struct fake *f, struct fake_transfer *t)
{
    f->files.phase = PHASE_IDLE;
    fake_hang_up(f, ENDING_CLOSED);
    fake_release(t);
}

Test(copying, beside_the_upload, .timeout = 60)
{
    struct packet asked;
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t);
    send_all(&f, &t, &asked);
    expect_served(&f);
    answer(&f, &asked, MSG_FILE_COPIED, HEAD / 2);
    fake_hear(&f.files, &asked, MSG_FILE_COPY);
    expect_served(&f);
    answer(&f, &asked, MSG_FILE_COPIED, 0);
    fake_answer(&f, MSG_FILE_COMMIT, &stored);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    end(&f, &t);
}

Test(copying, without_a_byte, .timeout = 60)
{
    struct packet asked;
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t);
    cr_assert(tls_client_shutdown(t.tls));
    fake_hear(&f.files, &asked, MSG_FILE_COPY);
    answer(&f, &asked, MSG_FILE_COPIED, 0);
    fake_answer(&f, MSG_FILE_COMMIT, &stored);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    end(&f, &t);
}

/* All has come, and the commit hasn't been asked for. */
Test(copying, aborted, .timeout = 60)
{
    struct packet asked, done = { .message = MSG_DONE };
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t);
    send_all(&f, &t, &asked);
    fake_say(&f, "ABOR");
    cr_expect_eq(fake_reply(&f), 426, "%s", f.reply);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    answer(&f, &asked, MSG_FILE_COPIED, HEAD / 2);
    fake_answer(&f, MSG_FILE_ABORT, &done);
    end(&f, &t);
}

/* The client would send all of it again. */
Test(copying, client_that_leaves, .timeout = 60)
{
    struct packet asked;
    struct fake_transfer t;
    struct event_record r;
    struct fake f;

    begin(&f, &t);
    send_all(&f, &t, &asked);
    fake_hang_up(&f, ENDING_CLOSED);
    cr_assert(fake_event(&f, EVENT_TRANSFER, &r));
    cr_expect_eq(r.number[FIELD_RESULT], 0);
    fake_release(&t);
}

Test(copying, refused, .timeout = 60)
{
    static const struct {
        enum outcome outcome;
        int reply;
    } rows[] = { { OUTCOME_NO_SPACE, 452 }, { OUTCOME_CHANGED, 451 } };
    struct packet asked, done = { .message = MSG_DONE };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake_transfer t;
        struct fake f;

        begin(&f, &t);
        send_all(&f, &t, &asked);
        answer(&f, &asked, MSG_REFUSED, rows[i].outcome);
        fake_answer(&f, MSG_FILE_ABORT, &done);
        cr_expect_eq(fake_reply(&f), rows[i].reply, "%s", f.reply);
        end(&f, &t);
    }
}

static void put_head(struct fake_transfer *t, size_t from, size_t to)
{
    char x = 'x';

    for (size_t i = from; i < to; i++)
        cr_assert_eq(pwrite(fileno(t->file), &x, 1, (off_t)i), 1);
}

/* Nothing is read back before files has copied it. */
Test(copying, sum_follows_the_copy, .timeout = 60)
{
    static const char sum[] = /* of HEAD times "x", and "hello" */
        "7877011aca20ecfb6a2c206c4093a59d7fcff575ac02ce55a9ce188862687bd7";
    struct packet asked;
    struct fake_transfer t;
    struct event_record r;
    struct fake f;

    fake_settings("sha256", true);
    begin_with(&f, &t, O_RDWR);
    send_all(&f, &t, &asked);
    put_head(&t, 0, 100000);
    answer(&f, &asked, MSG_FILE_COPIED, HEAD - 100000);
    fake_hear(&f.files, &asked, MSG_FILE_COPY);
    put_head(&t, 100000, HEAD);
    answer(&f, &asked, MSG_FILE_COPIED, 0);
    fake_answer(&f, MSG_FILE_COMMIT, &stored);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    cr_assert(fake_event(&f, EVENT_TRANSFER, &r));
    cr_expect(slice_equal(r.text[FIELD_SHA256], SLICE(sum)), "%.*s",
              (int)r.text[FIELD_SHA256].len, r.text[FIELD_SHA256].ptr);
    end(&f, &t);
}

/* Its handle can't read, and the upload isn't refused for it. */
Test(copying, no_sum_without_the_right, .timeout = 60)
{
    struct packet asked;
    struct fake_transfer t;
    struct event_record r;
    struct fake f;

    fake_settings("sha256", true);
    fake_rights(RIGHT_ALL & ~RIGHT_READ);
    begin(&f, &t);
    send_all(&f, &t, &asked);
    answer(&f, &asked, MSG_FILE_COPIED, 0);
    fake_answer(&f, MSG_FILE_COMMIT, &stored);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    cr_assert(fake_event(&f, EVENT_TRANSFER, &r));
    cr_expect_null(r.text[FIELD_SHA256].ptr);
    end(&f, &t);
}
