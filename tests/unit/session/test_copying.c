/* REST and APPE onto a finished file: files copies its beginning piece by piece
 * before the client is read. The client is served meanwhile, and may leave. */
#include "fake.h"

#define HEAD 300000u

static struct message stored = { .kind = MSG_file_stored,
                                 .file_stored = { .path = SLICE("/x") } };

/* Begins an APPE that gets 150 before any byte is copied. */
static void begin(void)
{
    struct message file = { .kind = MSG_file_writable,
                            .file_writable = {
                                .first = HEAD, .limit = 0, .to_copy = HEAD } };
    char name[64];

    transfer.file = tmpfile();
    cr_assert_eq(ftruncate(fileno(transfer.file), HEAD), 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fileno(transfer.file));
    file.file_writable.file = open(name, O_WRONLY);
    cr_assert_geq(file.file_writable.file, 0);
    fake_open();
    transfer.data = fake_data();
    fake_say("APPE /x");
    fake_answer(MSG_file_write, &file);
    close(file.file_writable.file);
    fake.files.phase = PHASE_WRITING;
    cr_assert_eq(fake_reply(), 150, "%s", fake.reply);
    transfer.tls = fake_data_tls(transfer.data);
    cr_assert_not_null(transfer.tls, "%s", tls_client_error());
}

static void answer(const struct message *asked, enum message_kind message,
                   uint64_t number)
{
    struct message p = { .kind = message };

    if (message == MSG_refused)
        p.refused.outcome = (enum outcome)number;
    if (message == MSG_file_copied)
        p.file_copied.left = number;
    p.request = asked->request;
    fake_tell(&fake.files, &p);
}

/* They wait in the socket. */
static void send_all(struct message *asked)
{
    cr_assert(tls_client_write(transfer.tls, "hello", 5));
    cr_assert(tls_client_shutdown(transfer.tls));
    fake_hear(&fake.files, asked, MSG_file_copy);
}

static off_t length(void)
{
    struct stat st;

    cr_assert_eq(fstat(fileno(transfer.file), &st), 0);
    return st.st_size;
}

static void expect_served(void)
{
    fake_say("NOOP");
    cr_expect_eq(fake_reply(), 200, "%s", fake.reply);
    fake_say("STAT");
    cr_expect_eq(fake_reply(), 211, "%s", fake.reply);
}

static void end(void)
{
    fake.files.phase = PHASE_IDLE;
    fake_hang_up(ENDING_CLOSED);
    fake_release();
}

Test(copying, before_the_first_byte, .timeout = 60)
{
    struct message asked;

    fake_settings("stall_timeout", 1000);
    begin();
    send_all(&asked);
    expect_served();
    answer(&asked, MSG_file_copied, HEAD / 2);
    fake_hear(&fake.files, &asked, MSG_file_copy);
    poll(NULL, 0, 2000); /* a slow disk is no stall */
    expect_served();
    cr_expect_eq(length(), HEAD, "nothing is written");
    answer(&asked, MSG_file_copied, 0);
    fake_answer(MSG_file_commit, &stored);
    cr_expect_eq(length(), HEAD + 5);
    cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
    end();
}

Test(copying, without_a_byte, .timeout = 60)
{
    struct message asked;

    begin();
    cr_assert(tls_client_shutdown(transfer.tls));
    fake_hear(&fake.files, &asked, MSG_file_copy);
    answer(&asked, MSG_file_copied, 0);
    fake_answer(MSG_file_commit, &stored);
    cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
    end();
}

Test(copying, aborted, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };

    begin();
    send_all(&asked);
    fake_say("ABOR");
    cr_expect_eq(fake_reply(), 426, "%s", fake.reply);
    cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
    answer(&asked, MSG_file_copied, HEAD / 2);
    fake_answer(MSG_file_abort, &done);
    end();
}

/* Unless it is done, the client would send all bytes again. */
Test(copying, client_that_leaves, .timeout = 60)
{
    struct message asked;
    struct event_record r;

    begin();
    send_all(&asked);
    fake_hang_up(ENDING_CLOSED);
    cr_assert(fake_event(EVENT_TRANSFER, &r));
    cr_expect_eq(r.number[FIELD_RESULT], 0);
    fake_release();
}

Test(copying, refused, .timeout = 60)
{
    static const struct {
        enum outcome outcome;
        int reply;
    } rows[] = { { OUTCOME_NO_SPACE, 452 }, { OUTCOME_CHANGED, 451 } };
    struct message asked, done = { .kind = MSG_done };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {

        begin();
        send_all(&asked);
        answer(&asked, MSG_refused, rows[i].outcome);
        fake_answer(MSG_file_abort, &done);
        cr_expect_eq(fake_reply(), rows[i].reply, "%s", fake.reply);
        end();
    }
}

/* The socket's end can't be read while files is awaited: the session sleeps,
 * and sees the end after the answer. */
Test(copying, hung_up, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };
    unsigned long so_far;

    begin();
    cr_assert(tls_client_write(transfer.tls, "hello", 5));
    fake_hear(&fake.files, &asked, MSG_file_copy);
    shutdown(transfer.data, SHUT_RDWR);
    so_far = fake_cpu_ms();
    cr_assert_eq(channel_wait(&fake.files, &done, 400), -ETIMEDOUT);
    cr_expect_lt(fake_cpu_ms() - so_far, 50);
    fake_do("NOOP", 200);
    answer(&asked, MSG_file_copied, 0);
    done = (struct message){ .kind = MSG_done };
    fake_answer(MSG_file_abort, &done);
    cr_expect_eq(fake_reply(), 426, "%s", fake.reply);
    end();
}

/* Only a wrong files reports more than before: the session goes on asking, and
 * ABOR ends it. */
Test(copying, never_grows, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };

    begin();
    for (int i = 0; i < 3; i++) {
        fake_hear(&fake.files, &asked, MSG_file_copy);
        answer(&asked, MSG_file_copied, HEAD + 1);
    }
    fake_hear(&fake.files, &asked, MSG_file_copy);
    fake_say("ABOR");
    cr_expect_eq(fake_reply(), 426, "%s", fake.reply);
    cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
    answer(&asked, MSG_file_copied, 0);
    fake_answer(MSG_file_abort, &done);
    end();
}
