/* REST and APPE onto a finished file: files copies its beginning piece by piece
 * before the client is read. The client is served meanwhile, and may leave. */
#include "fake.h"

#define HEAD 300000u

/* Begins an APPE that gets 150 before any byte is copied. */
static void begin(void)
{
    fake_open();
    fake_begin_upload_of("APPE /x", (struct msg_file_writable){
                                        .first = HEAD, .to_copy = HEAD });
    fake_secure_data();
}

static void copied(uint64_t left)
{
    struct message m = { .kind = MSG_file_copied, .file_copied.left = left };

    fake_answer(MSG_file_copy, &m);
}

static off_t length(void)
{
    struct stat st;

    cr_assert_eq(fstat(fileno(transfer.file), &st), 0);
    return st.st_size;
}

static void end(void)
{
    fake_hang_up(ENDING_CLOSED);
    fake_release();
}
#define BEGUN .init = begin, .fini = end, .timeout = 60

Test(copying, before_the_first_byte, .timeout = 60)
{
    fake_settings("stall_timeout", 1000);
    begin();
    fake_send("hello");
    fake_do("NOOP", 200);
    copied(HEAD / 2);
    fake_hear(&fake.files, &asked, MSG_file_copy);
    poll(NULL, 0, 2000); /* a slow disk is no stall */
    fake_do("STAT", 211);
    cr_expect_eq(length(), HEAD, "nothing is written");
    fake_tell(&fake.files, &(struct message){ .kind = MSG_file_copied,
                                              .request = asked.request });
    fake_stored("/x");
    cr_expect_eq(length(), HEAD + 5);
    cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
    end();
}

Test(copying, without_a_byte, BEGUN)
{
    fake_send("");
    copied(0);
    fake_stored("/x");
    cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
}

Test(copying, aborted, BEGUN)
{
    fake_send("hello");
    fake_abort();
    copied(HEAD / 2);
    fake_given_up();
}

/* Unless it is done, the client would send all bytes again. */
Test(copying, client_that_leaves, .timeout = 60)
{
    begin();
    fake_send("hello");
    fake_hear(&fake.files, &asked, MSG_file_copy);
    fake_hang_up(ENDING_CLOSED);
    cr_assert(fake_event(EVENT_TRANSFER, &logged));
    cr_expect_eq(logged.number[FIELD_RESULT], 0);
    fake_release();
}

Test(copying, refused, .timeout = 60)
{
    static const struct {
        enum outcome outcome;
        int reply;
    } rows[] = { { OUTCOME_NO_SPACE, 452 }, { OUTCOME_CHANGED, 451 } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin();
        fake_send("hello");
        fake_refuse(MSG_file_copy, rows[i].outcome);
        fake_given_up();
        cr_expect_eq(fake_reply(), rows[i].reply, "%s", fake.reply);
        end();
    }
}

/* The socket's end can't be read while files is awaited: the session sleeps,
 * and sees the end after the answer. */
Test(copying, hung_up, BEGUN)
{
    struct message more;
    unsigned long so_far;

    cr_assert(tls_client_write(transfer.tls, "hello", 5));
    fake_hear(&fake.files, &asked, MSG_file_copy);
    shutdown(transfer.data, SHUT_RDWR);
    so_far = fake_cpu_ms();
    cr_assert_eq(channel_wait(&fake.files, &more, 400), -ETIMEDOUT);
    cr_expect_lt(fake_cpu_ms() - so_far, 50);
    fake_do("NOOP", 200);
    fake_tell(&fake.files, &(struct message){ .kind = MSG_file_copied,
                                              .request = asked.request });
    fake_given_up();
    cr_expect_eq(fake_reply(), 426, "%s", fake.reply);
}

/* Only a wrong files reports more than before: the session goes on asking, and
 * ABOR ends it. */
Test(copying, never_grows, BEGUN)
{
    for (int i = 0; i < 3; i++)
        copied(HEAD + 1);
    fake_abort();
    copied(0);
    fake_given_up();
}
