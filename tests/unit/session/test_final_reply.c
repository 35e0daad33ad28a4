/* The final reply to a transfer or a change waits for its event: while log
 * reads nothing, the client gets no reply. If log reads nothing until the
 * deadline, the reply isn't a success. */
#include "fake.h"
#include "sallyport/base/clock.h"

static void open_with_full_log(void)
{
    fake_open();
    fake_fill_log();
}
#define LOG_TAKES_NOTHING .init = open_with_full_log, .timeout = 60

static void expect_waits(void)
{
    cr_assert(fake_is_quiet(fake.control, 100), "a reply before its event");
}

/* Plays an upload that files has stored; log must get its event. */
static void complete(void)
{
    fake_upload();
    fake_send("hello");
    fake_stored("/y");
}

Test(final_reply, waits_for_a_place, LOG_TAKES_NOTHING, .fini = fake_leave)
{
    complete();
    expect_waits();
    fake_await(EVENT_TRANSFER, &logged);
    cr_expect_eq(logged.number[FIELD_RESULT], 226);
    fake_expect_text(&logged, FIELD_TO, "/y");
    cr_assert_eq(fake_reply(), 226, "%s", fake.reply);
    fake_release();
}

/* If log takes no event in time, the client gets no success. The reply to a
 * failure stays the same, although its line is missing, too. If log writes the
 * line later, the line agrees with the reply. */
Test(final_reply, no_place_in_time, LEAVES)
{
    static const uint64_t results[] = { 451, 451, 550 };
    int data;

    fake_settings("stall_timeout", 1000);
    fake_open();
    fake_fill_log();
    complete();
    fake_replies(451, "the file is stored as /y\r\n");
    fake_release();
    fake_download(10);
    fake_drain(NULL);
    cr_assert_eq(fake_reply(), 451, "%s", fake.reply);
    cr_expect_not(strstr(fake.reply, "stands"), "%s", fake.reply);
    fake_release();
    data = fake_data();
    fake_do_refused("RETR /x", MSG_file_read, OUTCOME_NOT_FOUND, 550);
    close(data);
    for (size_t i = 0; i < 3; i++) {
        fake_await(EVENT_TRANSFER, &logged);
        cr_expect_eq(logged.number[FIELD_RESULT], results[i], "event %zu", i);
    }
}

/* The session never drops the event of a transfer, however many commands it
 * refuses while log reads nothing. */
Test(final_reply, after_many_refused_commands, .fini = fake_part, .timeout = 60)
{
    char line[3000];

    fake_settings("stall_timeout", 1000);
    fake_open();
    fake_fill_log();
    snprintf(line, sizeof(line), "SIZE /%02900d/", 0);
    for (int i = 0; i < 100; i++) { /* short events fill the last gap */
        fake_do(i < 40 ? line : "SIZE /x/", 550);
    }
    complete();
    cr_assert_eq(fake_reply(), 451, "%s", fake.reply);
    fake_await(EVENT_TRANSFER, &logged);
    cr_expect_eq(logged.number[FIELD_RESULT], 451);
    fake_await(EVENT_TROUBLE, &logged);
    cr_expect_gt(logged.number[FIELD_NUMBER], 0);
}

static void delete(void)
{
    fake_say("DELE /x");
    fake_answer(MSG_file_delete, &(struct message){ .kind = MSG_done });
}

static void reset(void)
{
    const struct linger none = { .l_onoff = 1 };

    setsockopt(fake.control, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    fake_drop();
}

/* The kernel never takes this event, which is larger than the socket's buffer.
 * The log gets no line of the change, so the reply is no success, and comes at
 * once. The event counts as dropped. */
Test(final_reply, an_event_that_cannot_be_sent, LOGGED_IN)
{
    struct message there = { .kind = MSG_facts_are,
                             .facts_are = { .kind = ENTRY_FILE } },
                   done = { .kind = MSG_renamed,
                            .renamed = { .path = SLICE("/x") } };
    char line[4096];
    int small = 1;

    setsockopt(fake.to_log, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    snprintf(line, sizeof(line), "RNFR %03500d", 1);
    for (char *at = line + 5; strlen(at) > 200; at += 200)
        at[199] = '/';
    fake_do_answered(line, MSG_facts, &there, 350);
    memcpy(line, "RNTO /", 6);
    fake_say(line);
    done.renamed.path = slice_from(line + 5);
    fake_answer(MSG_rename, &done);
    fake_replies(451, "can't be logged");
    fake_do("CLNT x", 200);
    fake_await(EVENT_TROUBLE, &logged);
    cr_expect_eq(logged.number[FIELD_NUMBER], 1);
}

/* The reply to a change waits, too, and no other command's reply overtakes
 * it. */
Test(final_reply, of_a_change, LOG_TAKES_NOTHING, .fini = fake_leave)
{
    delete ();
    fake_say("NOOP");
    fake_await(EVENT_CHANGE, &logged);
    cr_expect_eq(logged.number[FIELD_RESULT], 250);
    cr_assert_eq(fake_reply(), 250, "%s", fake.reply);
    cr_assert_eq(fake_reply(), 200, "%s", fake.reply);
}

Test(final_reply, of_a_change_not_in_time, LEAVES)
{
    fake_settings("stall_timeout", 1000);
    fake_open();
    fake_fill_log();
    delete ();
    fake_replies(451, "The change was made");
    fake_await(EVENT_CHANGE, &logged);
    cr_expect_eq(logged.number[FIELD_RESULT], 451);
    delete ();
    cr_assert_eq(fake_reply(), 250, "%s", fake.reply);
}

Test(final_reply, of_a_change_whose_client_goes, LOG_TAKES_NOTHING)
{
    delete ();
    reset();
    fake_await(EVENT_CHANGE, &logged);
    cr_expect_eq(logged.number[FIELD_RESULT], 250);
    fake_await(EVENT_END, &logged);
    cr_assert_eq(fake_end(), ENDING_CLOSED);
}

/* The client leaves before files answers. The session waits for files, which
 * may have made the change, and logs the answer. */
Test(final_reply, of_a_change_whose_client_goes_first, .init = fake_open,
     .timeout = 60)
{
    fake_say("DELE /x");
    fake_hear(&fake.files, &asked, MSG_file_delete);
    reset();
    cr_expect(fake_is_quiet(fake.files.fd, 300), "the session ended");
    fake_done(&asked);
    fake_await(EVENT_CHANGE, &logged);
    cr_expect_eq(logged.number[FIELD_RESULT], 250);
    fake_expect_text(&logged, FIELD_PATH, "/x");
    fake_await(EVENT_END, &logged);
    cr_assert_eq(fake_end(), ENDING_CLOSED);
}

/* Changes that files never answers, and their events. */
static const struct {
    const char *line;
    enum message_kind asked;
    const char *verb, *to;
} unanswered[] = {
    { "DELE /x", MSG_file_delete, "DELE", "" },
    { "MKD /x", MSG_directory_make, "MKD", "" },
    { "RMD /x", MSG_directory_remove, "RMD", "" },
    { "SITE CHMOD 640 /x", MSG_mode, "SITE CHMOD", "0640" },
    { "MFMT 20200102030405 /x", MSG_times, "MFMT", "20200102030405" },
};

Test(final_reply, of_a_change_without_an_answer, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(unanswered) / sizeof(unanswered[0]); i++) {
        fake_open();
        fake_say(unanswered[i].line);
        fake_hear(&fake.files, &asked, unanswered[i].asked);
        channel_close(&fake.files); /* files is dead */
        fake_await(EVENT_CHANGE, &logged);
        cr_expect_eq(logged.number[FIELD_RESULT], 0, "%s", unanswered[i].line);
        fake_expect_text(&logged, FIELD_PATH, "/x");
        fake_expect_text(&logged, FIELD_VERB, unanswered[i].verb);
        fake_expect_text(&logged, FIELD_TO, unanswered[i].to);
        fake_expect_text(&logged, FIELD_REASON,
                         "no answer from files: the change may have been made");
        fake_await(EVENT_END, &logged);
        cr_assert_eq(fake_end(), ENDING_PEER);
    }
}

/* The session doesn't end before log can take its last events. */
Test(final_reply, the_end_waits, .init = fake_open, .timeout = 60)
{
    char byte;

    fake_fill_log();
    fake_do("QUIT", 221);
    cr_assert_eq(tls_client_read(fake.tls, &byte, 1), TLS_CLIENT_END);
    tls_client_shutdown(fake.tls);
    shutdown(fake.control, SHUT_WR);
    fake_await(EVENT_END, &logged);
    cr_assert_eq(fake_end(), ENDING_QUIT);
}

/* When master ends, the session ends, too: it doesn't wait for log up to 20
 * s. */
Test(final_reply, the_end_waits_no_longer_than_master, .init = fake_open,
     .timeout = 60)
{
    uint64_t began;

    channel_close(&fake.log);
    fake_do("QUIT", 221);
    began = clock_ms();
    channel_close(&fake.master);
    fake_end();
    cr_expect_lt(clock_ms() - began, 15000);
}

/* The replies to ABOR and QUIT don't overtake the transfer's reply. */
Test(final_reply, abor_and_quit_wait_too, LOG_TAKES_NOTHING)
{
    fake_upload();
    fake_say("QUIT\r\nABOR");
    expect_waits();
    fake_await(EVENT_TRANSFER, &logged);
    cr_expect_eq(logged.number[FIELD_RESULT], 426);
    fake_fail(426);
    cr_assert_eq(fake_reply(), 226);
    cr_assert_eq(fake_reply(), 221);
    fake_hang_up(ENDING_QUIT);
    fake_release();
}

Test(final_reply, the_client_goes_meanwhile, LOG_TAKES_NOTHING)
{
    complete();
    expect_waits();
    fake_drop();
    fake_await(EVENT_TRANSFER, &logged);
    cr_expect_eq(logged.number[FIELD_RESULT], 226);
    cr_assert_eq(fake_end(), ENDING_CLOSED);
    fake_release();
}

/* After a kick the upload stays, and its event has the code of the reply that
 * the client gets. */
Test(final_reply, a_kick_meanwhile, LOG_TAKES_NOTHING)
{
    complete();
    expect_waits();
    fake_kick(ENDING_KICKED);
    cr_expect_eq(fake_reply(), 451, "%s", fake.reply);
    cr_expect_eq(fake_reply(), 421, "%s", fake.reply);
    shutdown(fake.control, SHUT_WR);
    cr_expect_eq(fake_reply(), 0, "%s", fake.reply);
    fake_await(EVENT_TRANSFER, &logged);
    cr_expect_eq(logged.number[FIELD_RESULT], 451);
    cr_expect_eq(fake_end(), ENDING_KICKED);
    fake_release();
}

/* A kick that came before the wait for log ends the wait, too. */
Test(final_reply, a_kick_before, .init = open_with_full_log, .timeout = 60)
{
    uint64_t began;

    fake_upload();
    fake_send("hello");
    fake_hear(&fake.files, &asked, MSG_file_commit);
    began = clock_ms();
    fake_kick(ENDING_KICKED);
    expect_waits();
    fake_tell(&fake.files,
              &(struct message){ .kind = MSG_file_stored,
                                 .file_stored = { .request = asked.request,
                                                  .path = SLICE("/y") } });
    fake_replies(451, "the file is stored as /y\r\n");
    cr_expect_eq(fake_reply(), 421, "%s", fake.reply);
    shutdown(fake.control, SHUT_WR);
    fake_await(EVENT_END, &logged);
    cr_expect_eq(fake_end(), ENDING_KICKED);
    cr_expect_lt(clock_ms() - began, 15000);
    fake_release();
}

/* A drain lets the transfer finish, also if the transfer waits for log. */
Test(final_reply, a_drain_meanwhile, LOG_TAKES_NOTHING)
{
    struct message drain = {
        .kind = MSG_kick, .kick = { .why = ENDING_DRAINED, .finish = true }
    };

    complete();
    expect_waits();
    fake_tell(&fake.master, &drain);
    expect_waits();
    fake_await(EVENT_TRANSFER, &logged);
    cr_expect_eq(logged.number[FIELD_RESULT], 226);
    cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
    cr_expect_eq(fake_reply(), 421, "%s", fake.reply);
    shutdown(fake.control, SHUT_WR);
    cr_expect_eq(fake_end(), ENDING_DRAINED);
    fake_release();
}
