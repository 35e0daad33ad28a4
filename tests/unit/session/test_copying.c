/* REST and APPE onto a finished file: files copies its beginning piece by piece
 * before the client is read. The client is served meanwhile, and may leave. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/ipc/channel.h"

#define HEAD 300000u

static struct message stored = { .kind = MSG_file_stored,
                                 .file_stored = { .path = SLICE("/x") } };

/* Begins an APPE that gets 150 before any byte is copied. */
static void begin(struct fake *f, struct fake_transfer *t)
{
    struct message file = { .kind = MSG_file_writable,
                            .file_writable = {
                                .first = HEAD, .limit = 0, .to_copy = HEAD } };
    char name[64];

    t->file = tmpfile();
    cr_assert_eq(ftruncate(fileno(t->file), HEAD), 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fileno(t->file));
    file.file_writable.file = open(name, O_WRONLY);
    cr_assert_geq(file.file_writable.file, 0);
    fake_open(f);
    t->data = fake_data(f);
    fake_say(f, "APPE /x");
    fake_answer(f, MSG_file_write, &file);
    close(file.file_writable.file);
    f->files.phase = PHASE_WRITING;
    cr_assert_eq(fake_reply(f), 150, "%s", f->reply);
    t->tls = fake_data_tls(f, t->data);
    cr_assert_not_null(t->tls, "%s", tls_client_error());
}

static void answer(struct fake *f, const struct message *asked,
                   enum message_kind message, uint64_t number)
{
    struct message p = { .kind = message };

    if (message == MSG_refused)
        p.refused.outcome = (enum outcome)number;
    if (message == MSG_file_copied)
        p.file_copied.left = number;
    p.request = asked->request;
    fake_tell(&f->files, &p);
}

/* They wait in the socket. */
static void send_all(struct fake *f, struct fake_transfer *t,
                     struct message *asked)
{
    cr_assert(tls_client_write(t->tls, "hello", 5));
    cr_assert(tls_client_shutdown(t->tls));
    fake_hear(&f->files, asked, MSG_file_copy);
}

static off_t length(const struct fake_transfer *t)
{
    struct stat st;

    cr_assert_eq(fstat(fileno(t->file), &st), 0);
    return st.st_size;
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

Test(copying, before_the_first_byte, .timeout = 60)
{
    struct message asked;
    struct fake_transfer t;
    struct fake f;

    fake_settings("stall_timeout", 1000);
    begin(&f, &t);
    send_all(&f, &t, &asked);
    expect_served(&f);
    answer(&f, &asked, MSG_file_copied, HEAD / 2);
    fake_hear(&f.files, &asked, MSG_file_copy);
    poll(NULL, 0, 2000); /* a slow disk is no stall */
    expect_served(&f);
    cr_expect_eq(length(&t), HEAD, "nothing is written");
    answer(&f, &asked, MSG_file_copied, 0);
    fake_answer(&f, MSG_file_commit, &stored);
    cr_expect_eq(length(&t), HEAD + 5);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    end(&f, &t);
}

Test(copying, without_a_byte, .timeout = 60)
{
    struct message asked;
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t);
    cr_assert(tls_client_shutdown(t.tls));
    fake_hear(&f.files, &asked, MSG_file_copy);
    answer(&f, &asked, MSG_file_copied, 0);
    fake_answer(&f, MSG_file_commit, &stored);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    end(&f, &t);
}

Test(copying, aborted, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t);
    send_all(&f, &t, &asked);
    fake_say(&f, "ABOR");
    cr_expect_eq(fake_reply(&f), 426, "%s", f.reply);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    answer(&f, &asked, MSG_file_copied, HEAD / 2);
    fake_answer(&f, MSG_file_abort, &done);
    end(&f, &t);
}

/* Unless it is done, the client would send all bytes again. */
Test(copying, client_that_leaves, .timeout = 60)
{
    struct message asked;
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
    struct message asked, done = { .kind = MSG_done };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake_transfer t;
        struct fake f;

        begin(&f, &t);
        send_all(&f, &t, &asked);
        answer(&f, &asked, MSG_refused, rows[i].outcome);
        fake_answer(&f, MSG_file_abort, &done);
        cr_expect_eq(fake_reply(&f), rows[i].reply, "%s", f.reply);
        end(&f, &t);
    }
}

/* The socket's end can't be read while files is awaited: the session sleeps,
 * and sees the end after the answer. */
Test(copying, hung_up, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };
    struct fake_transfer t;
    unsigned long so_far;
    struct fake f;

    begin(&f, &t);
    cr_assert(tls_client_write(t.tls, "hello", 5));
    fake_hear(&f.files, &asked, MSG_file_copy);
    shutdown(t.data, SHUT_RDWR);
    so_far = fake_cpu_ms(&f);
    cr_assert_eq(channel_wait(&f.files, &done, 400), -ETIMEDOUT);
    cr_expect_lt(fake_cpu_ms(&f) - so_far, 50);
    fake_do(&f, "NOOP", 200);
    answer(&f, &asked, MSG_file_copied, 0);
    done = (struct message){ .kind = MSG_done };
    fake_answer(&f, MSG_file_abort, &done);
    cr_expect_eq(fake_reply(&f), 426, "%s", f.reply);
    end(&f, &t);
}

/* Only a wrong files reports more than before: the session goes on asking, and
 * ABOR ends it. */
Test(copying, never_grows, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t);
    for (int i = 0; i < 3; i++) {
        fake_hear(&f.files, &asked, MSG_file_copy);
        answer(&f, &asked, MSG_file_copied, HEAD + 1);
    }
    fake_hear(&f.files, &asked, MSG_file_copy);
    fake_say(&f, "ABOR");
    cr_expect_eq(fake_reply(&f), 426, "%s", f.reply);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    answer(&f, &asked, MSG_file_copied, 0);
    fake_answer(&f, MSG_file_abort, &done);
    end(&f, &t);
}
