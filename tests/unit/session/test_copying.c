/* REST and APPE onto a finished file: files copies the file's beginning piece
 * by piece before the session reads the upload. The session serves the client
 * meanwhile, and the client may leave. */
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
    SERVE(&fake.files, file_copy, file_copied, .left = left);
}

static off_t length(void)
{
    struct stat st;

    cr_assert_eq(fstat(fileno(transfer.file), &st), 0);
    return st.st_size;
}

#define BEGUN .init = begin, .fini = fake_part, .timeout = 60

Test(copying, before_the_first_byte, .fini = fake_part, .timeout = 60)
{
    fake_settings("stall_timeout", 1000);
    begin();
    fake_send("hello");
    fake_do("NOOP", 200);
    copied(HEAD / 2);
    EXPECT(&fake.files, file_copy);
    poll(NULL, 0, 2000); /* a slow disk is no stall */
    fake_do("STAT", 211);
    cr_expect_eq(length(), HEAD, "nothing is written");
    SAY_BACK(&fake.files, file_copied);
    fake_stored("/x");
    cr_expect_eq(length(), HEAD + 5);
    cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
}

Test(copying, without_a_byte, BEGUN)
{
    fake_send("");
    copied(0);
    fake_complete();
}

Test(copying, aborted, BEGUN)
{
    fake_send("hello");
    EXPECT(&fake.files, file_copy);
    fake_abort();
    SAY_BACK(&fake.files, file_copied, .left = HEAD / 2);
    fake_given_up();
}

/* The client leaves during the copy: the transfer's event has no reply's
 * code. */
Test(copying, client_that_leaves, .init = begin, .timeout = 60)
{
    fake_send("hello");
    EXPECT(&fake.files, file_copy);
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
        fake_fail(rows[i].reply);
        fake_part();
    }
}

/* The session doesn't read the data connection while it waits for files: it
 * sleeps, and notices the connection's end after the answer. */
Test(copying, hung_up, BEGUN)
{
    cr_assert(tls_client_write(transfer.tls, "hello", 5));
    EXPECT(&fake.files, file_copy);
    shutdown(transfer.data, SHUT_RDWR);
    fake_expect_asleep(400);
    cr_assert(fake_is_quiet(fake.files.fd, 0));
    fake_do("NOOP", 200);
    SAY_BACK(&fake.files, file_copied);
    fake_fail(426);
}

/* A wrong files reports that more bytes are left than before. The session
 * continues to ask, and ABOR ends the upload. */
Test(copying, never_grows, BEGUN)
{
    for (int i = 0; i < 3; i++)
        copied(HEAD + 1);
    fake_abort();
    copied(0);
    fake_given_up();
}
