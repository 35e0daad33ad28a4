/* An interrupted client can end the data connection of its upload in order, and
 * its control connection at the same moment. The session stores nothing then,
 * in whatever order the two ends come, unless the client has sent QUIT. */
#include "fake.h"

enum moment {
    DATA_FIRST,    /* both ends have come when the session looks */
    CONTROL_FIRST, /* the same, in the other order */
    DURING_SYNC,   /* files hasn't answered yet */
    AFTER_SYNC,    /* the answer and the end have come when the session looks */
    MOMENTS
};

enum way { ENDS_BARE, ENDS_IN_ORDER, ENDS_BY_RESET, WAYS };

static void close_control(enum way way)
{
    if (way == ENDS_IN_ORDER)
        tls_client_shutdown(fake.tls);
    fake_drop();
}

/* How the client leaves: it sends the lines WORDS, and ends both
 * connections. */
struct leaving {
    enum moment moment;
    enum way way;
    const char *words[3];
};

static void say_words(const struct leaving *l)
{
    for (size_t i = 0; l->words[i]; i++)
        fake_say(l->words[i]);
}

/* A socket is reset if it is closed with bytes that nobody has read. */
static void leave_reply_unread(void)
{
    fake_say("NOOP");
    cr_assert_not(fake_is_quiet(fake.control, 20000));
}

static void end_both(const struct leaving *l)
{
    kill(fake.pid, SIGSTOP);
    if (l->moment == DATA_FIRST)
        fake_send("hello");
    say_words(l);
    close_control(l->way);
    if (l->moment == CONTROL_FIRST)
        fake_send("hello");
    kill(fake.pid, SIGCONT);
}

static void end_at_sync(const struct leaving *l)
{
    fake_send("hello");
    cr_assert_eq(EXPECT(&fake.files, file_prepare)->length, 5);
    if (l->moment == AFTER_SYNC) {
        kill(fake.pid, SIGSTOP);
        SAY_BACK(&fake.files, done);
    }
    say_words(l);
    close_control(l->way);
    if (l->moment == AFTER_SYNC)
        kill(fake.pid, SIGCONT);
    else if (l->words[0])
        SAY_BACK(&fake.files, done);
}

static void leave_upload(const struct leaving *l)
{
    fake_open();
    fake_upload();
    if (l->way == ENDS_BY_RESET)
        leave_reply_unread();
    if (l->moment < DURING_SYNC)
        end_both(l);
    else
        end_at_sync(l);
}

/* Expects no further request to files, which keeps what it has. */
static void expect_nothing(const struct leaving *l)
{
    leave_upload(l);
    cr_assert_eq(cast_hear(&fake.files), MSG_NONE, "moment %d, way %d: %s",
                 l->moment, l->way, message_name(heard.kind));
    cr_expect_eq(fake_end(), ENDING_CLOSED);
    fake_expect_transfer(
        0, l->moment >= DURING_SYNC
               ? "closed by the client, before the upload was stored"
               : "closed by the client");
    fake_release();
}

Test(left, without_quit, .timeout = 120)
{
    for (int moment = 0; moment < MOMENTS; moment++)
        for (int way = 0; way < WAYS; way++)
            expect_nothing(&(struct leaving){ .moment = (enum moment)moment,
                                              .way = (enum way)way });
}

static void expect_commit(void)
{
    fake_stored("/x");
    cr_expect_eq(fake_end(), ENDING_CLOSED);
    fake_expect_transfer(226, "");
    fake_release();
}

static void expect_stored(const struct leaving *l)
{
    leave_upload(l);
    expect_commit();
}

/* Expects that the upload is stored if the client sends WORD, and ends the
 * control connection before the handshake of the data connection. */
static void expect_stored_alone(const char *word)
{
    fake_open();
    fake_begin_upload();
    fake_say(word);
    close_control(ENDS_IN_ORDER);
    fake_secure_data();
    fake_send("hello");
    expect_commit();
}

/* CWD waits for the end of the upload, and QUIT waits behind CWD. */
Test(left, with_quit, .timeout = 120)
{
    for (int moment = 0; moment < MOMENTS; moment++) {
        struct leaving l = { .moment = (enum moment)moment };

        l.words[0] = "QUIT";
        expect_stored(&l);
        l.words[0] = "CWD /";
        l.words[1] = "QUIT";
        expect_stored(&l);
    }
    expect_stored_alone("QUIT");
}

/* If upload_eof = lenient, the upload is stored, since devices of such users
 * never wait for a reply. */
Test(left, lenient, .timeout = 120)
{
    static const enum moment moments[] = { CONTROL_FIRST, DATA_FIRST,
                                           AFTER_SYNC };

    fake.granted.upload_eof = UPLOAD_EOF_LENIENT;
    for (size_t i = 0; i < 3; i++)
        expect_stored(&(struct leaving){ .moment = moments[i] });
    expect_stored_alone("CWD /");
}

/* ABOR counts until the session asks files to commit. */
Test(left, abor_during_sync, LOGGED_IN)
{
    fake_upload();
    fake_send("hello");
    EXPECT(&fake.files, file_prepare);
    kill(fake.pid, SIGSTOP);
    SAY_BACK(&fake.files, done);
    fake_say("ABOR");
    kill(fake.pid, SIGCONT);
    fake_fail(426);
    cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
    fake_release();
}

/* Files can't sync: the session gives the upload up. */
Test(left, sync_fails, LOGGED_IN)
{
    fake_upload();
    fake_send("hello");
    fake_refuse(MSG_file_prepare, OUTCOME_NO_SPACE);
    fake_fail(452);
    fake_release();
}

/* If fsync is off, the session asks files to commit at once. */
Test(left, without_fsync, .timeout = 60)
{
    fake_settings("fsync", 0);
    expect_nothing(&(struct leaving){ .moment = DATA_FIRST });
    expect_stored(
        &(struct leaving){ .moment = DATA_FIRST, .words = { "QUIT" } });
}
