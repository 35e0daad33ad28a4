/* An upload over something that stands until its first byte: that byte waits
 * for files, and nothing is written, or lost, whatever comes meanwhile. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"

/* Behind a first byte at 2, where something else stands already. */
static void begin(struct fake *f, struct fake_transfer *t)
{
    struct packet file = { .message = MSG_FILE_WRITABLE,
                           .value = { NUMBER(2), NUMBER(0), NUMBER(1) } };

    t->file = tmpfile();
    cr_assert_eq(pwrite(fileno(t->file), "before", 6, 0), 6);
    fake_open(f);
    t->data = fake_data(f);
    fake_say(f, "STOR /x");
    file.fd[0] = fileno(t->file);
    fake_answer(f, MSG_FILE_WRITE, &file);
    f->files.phase = PHASE_WRITING;
    cr_assert_eq(fake_reply(f), 150, "%s", f->reply);
    t->tls = fake_data_tls(f, t->data);
    cr_assert_not_null(t->tls, "%s", tls_client_error());
}

static void expect_file(const struct fake_transfer *t, const char *text)
{
    char bytes[64] = "";

    cr_assert_geq(pread(fileno(t->file), bytes, sizeof(bytes) - 1, 0), 0);
    cr_expect_str_eq(bytes, text);
}

static void answer(struct fake *f, const struct packet *asked,
                   enum message message, uint64_t outcome)
{
    struct packet p = { .message = message,
                        .request = asked->request,
                        .value = { NUMBER(outcome) } };

    fake_tell(&f->files, &p);
}

static void end(struct fake *f, struct fake_transfer *t)
{
    f->files.phase = PHASE_IDLE;
    fake_hang_up(f, ENDING_CLOSED);
    fake_release(t);
}

/* The end may lie behind the first byte in the same record, or come later. */
Test(upload, the_first_byte_waits, .timeout = 60)
{
    struct packet asked,
        stored = { .message = MSG_FILE_STORED, .value = { TEXT(SLICE("/x")) } };

    for (int more = 0; more < 2; more++) {
        struct fake_transfer t;
        struct fake f;

        begin(&f, &t);
        cr_assert(tls_client_write(t.tls, "HELLO", 5));
        cr_assert(more || tls_client_shutdown(t.tls));
        fake_hear(&f.files, &asked, MSG_FILE_BEGIN);
        cr_assert(!more || tls_client_write(t.tls, " again", 6));
        cr_assert(!more || tls_client_shutdown(t.tls));
        fake_say(&f, "NOOP"); /* it is served meanwhile */
        cr_assert_eq(fake_reply(&f), 200);
        expect_file(&t, "before");
        answer(&f, &asked, MSG_DONE, 0);
        fake_answer(&f, MSG_FILE_COMMIT, &stored);
        expect_file(&t, more ? "beHELLO again" : "beHELLO");
        cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
        end(&f, &t);
    }
}

/* Without a byte files decides at the commit. */
Test(upload, none_comes, .timeout = 60)
{
    struct packet stored = { .message = MSG_FILE_STORED,
                             .value = { TEXT(SLICE("/x")) } };
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t);
    cr_assert(tls_client_shutdown(t.tls));
    fake_answer(&f, MSG_FILE_COMMIT, &stored);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    end(&f, &t);
}

Test(upload, cut_before_a_byte, .timeout = 60)
{
    struct packet done = { .message = MSG_DONE };
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t);
    shutdown(t.data, SHUT_WR);
    fake_answer(&f, MSG_FILE_ABORT, &done);
    cr_expect_eq(fake_reply(&f), 426, "%s", f.reply);
    expect_file(&t, "before");
    end(&f, &t);
}

Test(upload, refused_at_its_first_byte, .timeout = 60)
{
    struct packet asked, done = { .message = MSG_DONE };
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t);
    cr_assert(tls_client_write(t.tls, "HELLO", 5));
    fake_hear(&f.files, &asked, MSG_FILE_BEGIN);
    answer(&f, &asked, MSG_REFUSED, OUTCOME_READ_ONLY);
    fake_answer(&f, MSG_FILE_ABORT, &done);
    cr_expect_eq(fake_reply(&f), 550, "%s", f.reply);
    expect_file(&t, "before");
    end(&f, &t);
}

/* The byte is not written any more; what files did is its own to end. */
Test(upload, aborted_while_it_waits, .timeout = 60)
{
    static const enum message answers[] = { MSG_DONE, MSG_REFUSED };
    struct packet asked, done = { .message = MSG_DONE };

    for (size_t i = 0; i < 2; i++) {
        struct fake_transfer t;
        struct fake f;

        begin(&f, &t);
        cr_assert(tls_client_write(t.tls, "HELLO", 5));
        fake_hear(&f.files, &asked, MSG_FILE_BEGIN);
        fake_say(&f, "ABOR");
        cr_expect_eq(fake_reply(&f), 426, "%s", f.reply);
        cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
        answer(&f, &asked, answers[i], OUTCOME_IO);
        fake_answer(&f, MSG_FILE_ABORT, &done);
        expect_file(&t, "before");
        end(&f, &t);
    }
}
