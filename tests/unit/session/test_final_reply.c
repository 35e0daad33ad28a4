/* The reply to a transfer or a change, and its event: while log takes nothing
 * the reply waits, and then it isn't a success. */
#include "fake.h"

static void expect_waits(void)
{
    struct pollfd control = { .fd = fake.control, .events = POLLIN };

    cr_assert_eq(poll(&control, 1, 100), 0, "a reply before its event");
}

/* Log reads again, up to an event of that kind. */
static void read_up_to(enum event event, struct event_record *r)
{
    for (int i = 0; i < 1000; i++) {
        if (fake_event(event, r))
            return;
        poll(&(struct pollfd){ .fd = fake.log.fd, .events = POLLIN }, 1, 20000);
    }
    cr_assert_fail("no such event");
}

static void complete(void)
{
    struct message stored = { .kind = MSG_file_stored,
                              .file_stored = { .path = SLICE("/y") } };

    cr_assert(tls_client_write(transfer.tls, "hello", 5));
    cr_assert(tls_client_shutdown(transfer.tls));
    fake_answer(MSG_file_commit, &stored);
    fake.files.phase = PHASE_IDLE;
}

Test(final_reply, waits_for_a_place, .timeout = 60)
{
    struct event_record r;

    fake_open();
    fake_fill_log();
    fake_upload();
    complete();
    expect_waits();
    read_up_to(EVENT_TRANSFER, &r);
    cr_expect_eq(r.number[FIELD_RESULT], 226);
    cr_expect(slice_equal(r.text[FIELD_TO], SLICE("/y")));
    cr_assert_eq(fake_reply(), 226, "%s", fake.reply);
    fake_hang_up(ENDING_CLOSED);
    fake_release();
}

/* If log takes no event in time, there is no success. Only a success changes:
 * for a failure the log lacks a line as well, but the client gets no other
 * reply. If the line is written after all, it agrees with the reply. */
Test(final_reply, no_place_in_time, .timeout = 60)
{
    struct message no = { .kind = MSG_refused,
                          .refused = { .outcome = OUTCOME_NOT_FOUND } };
    static const uint64_t results[] = { 451, 451, 550 };
    struct event_record r;
    char some[4096];
    int data;

    fake_settings("stall_timeout", 1000);
    fake_open();
    fake_fill_log();
    fake_upload();
    complete();
    cr_assert_eq(fake_reply(), 451, "%s", fake.reply);
    cr_expect(strstr(fake.reply, "the file is stored as /y\r\n"), "%s",
              fake.reply);
    fake_release();
    fake_download(10);
    while (tls_client_read(transfer.tls, some, sizeof(some)) > 0)
        continue;
    cr_assert_eq(fake_reply(), 451, "%s", fake.reply);
    cr_expect_not(strstr(fake.reply, "stands"), "%s", fake.reply);
    fake_release();
    data = fake_data();
    fake_say("RETR /x");
    fake_answer(MSG_file_read, &no);
    cr_assert_eq(fake_reply(), 550, "%s", fake.reply);
    close(data);
    for (size_t i = 0; i < 3; i++) {
        read_up_to(EVENT_TRANSFER, &r);
        cr_expect_eq(r.number[FIELD_RESULT], results[i], "event %zu", i);
    }
    fake_hang_up(ENDING_CLOSED);
}

/* However many commands are refused while log takes nothing, the line of a
 * transfer isn't dropped. */
Test(final_reply, after_many_refused_commands, .timeout = 60)
{
    struct event_record r;
    char line[3000];

    fake_settings("stall_timeout", 1000);
    fake_open();
    fake_fill_log();
    snprintf(line, sizeof(line), "SIZE /%02900d/", 0);
    for (int i = 0; i < 100; i++) { /* short ones fill the last gap */
        fake_say(i < 40 ? line : "SIZE /x/");
        cr_assert_eq(fake_reply(), 550, "%s", fake.reply);
    }
    fake_upload();
    complete();
    cr_assert_eq(fake_reply(), 451, "%s", fake.reply);
    read_up_to(EVENT_TRANSFER, &r);
    cr_expect_eq(r.number[FIELD_RESULT], 451);
    read_up_to(EVENT_TROUBLE, &r);
    cr_expect_gt(r.number[FIELD_NUMBER], 0);
    fake_hang_up(ENDING_CLOSED);
    fake_release();
}

static void delete(void)
{
    struct message done = { .kind = MSG_done };

    fake_say("DELE /x");
    fake_answer(MSG_file_delete, &done);
}

static void reset(void)
{
    const struct linger none = { .l_onoff = 1 };

    setsockopt(fake.control, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    close(fake.control);
    fake.control = -1;
}

/* The kernel refuses this event for ever: it is larger than the socket's
 * buffer. The change has no line, so its reply is no success, and comes at
 * once. The event counts as dropped. */
Test(final_reply, an_event_that_cannot_be_sent, .timeout = 60)
{
    struct message there = { .kind = MSG_facts_are,
                             .facts_are = { .kind = ENTRY_FILE } },
                   done = { .kind = MSG_renamed,
                            .renamed = { .path = SLICE("/x") } };
    struct event_record r;
    char line[4096];
    int small = 1;

    fake_open();
    setsockopt(fake.to_log, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    snprintf(line, sizeof(line), "RNFR %03500d", 1);
    for (char *at = line + 5; strlen(at) > 200; at += 200)
        at[199] = '/';
    fake_say(line);
    fake_answer(MSG_facts, &there);
    cr_assert_eq(fake_reply(), 350, "%s", fake.reply);
    memcpy(line, "RNTO /", 6);
    fake_say(line);
    done.renamed.path = slice_from(line + 5);
    fake_answer(MSG_rename, &done);
    cr_assert_eq(fake_reply(), 451, "%s", fake.reply);
    cr_expect(strstr(fake.reply, "can't be logged"), "%s", fake.reply);
    fake_say("CLNT x");
    cr_assert_eq(fake_reply(), 200, "%s", fake.reply);
    read_up_to(EVENT_TROUBLE, &r);
    cr_expect_eq(r.number[FIELD_NUMBER], 1);
    fake_hang_up(ENDING_CLOSED);
}

/* A change waits too; no other command's reply comes before its own. */
Test(final_reply, of_a_change, .timeout = 60)
{
    struct event_record r;

    fake_open();
    fake_fill_log();
    delete ();
    fake_say("NOOP");
    read_up_to(EVENT_CHANGE, &r);
    cr_expect_eq(r.number[FIELD_RESULT], 250);
    cr_assert_eq(fake_reply(), 250, "%s", fake.reply);
    cr_assert_eq(fake_reply(), 200, "%s", fake.reply);
    fake_hang_up(ENDING_CLOSED);
}

Test(final_reply, of_a_change_not_in_time, .timeout = 60)
{
    struct event_record r;

    fake_settings("stall_timeout", 1000);
    fake_open();
    fake_fill_log();
    delete ();
    cr_assert_eq(fake_reply(), 451, "%s", fake.reply);
    cr_expect(strstr(fake.reply, "The change was made"), "%s", fake.reply);
    read_up_to(EVENT_CHANGE, &r);
    cr_expect_eq(r.number[FIELD_RESULT], 451);
    delete ();
    cr_assert_eq(fake_reply(), 250, "%s", fake.reply);
    fake_hang_up(ENDING_CLOSED);
}

Test(final_reply, of_a_change_whose_client_goes, .timeout = 60)
{
    struct event_record r;

    fake_open();
    fake_fill_log();
    delete ();
    reset();
    read_up_to(EVENT_CHANGE, &r);
    cr_expect_eq(r.number[FIELD_RESULT], 250);
    read_up_to(EVENT_END, &r);
    cr_assert_eq(fake_end(), ENDING_CLOSED);
}

/* It waits for files, which may have made the change: that is an event. */
Test(final_reply, of_a_change_whose_client_goes_first, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };
    struct event_record r;

    fake_open();
    fake_say("DELE /x");
    fake_hear(&fake.files, &asked, MSG_file_delete);
    reset();
    cr_expect_eq(poll(&(struct pollfd){ .fd = fake.files.fd }, 1, 300), 0,
                 "the session ended");
    done.request = asked.request;
    fake_tell(&fake.files, &done);
    read_up_to(EVENT_CHANGE, &r);
    cr_expect_eq(r.number[FIELD_RESULT], 250);
    cr_expect(slice_equal(r.text[FIELD_PATH], SLICE("/x")));
    read_up_to(EVENT_END, &r);
    cr_assert_eq(fake_end(), ENDING_CLOSED);
}

/* Each change that files never answers, and its event. */
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

static void leave_unanswered(size_t i)
{
    struct event_record r;
    struct message asked;

    fake_open();
    fake_say(unanswered[i].line);
    fake_hear(&fake.files, &asked, unanswered[i].asked);
    channel_close(&fake.files); /* files is dead */
    read_up_to(EVENT_CHANGE, &r);
    cr_expect_eq(r.number[FIELD_RESULT], 0, "%s", unanswered[i].line);
    cr_expect(slice_equal(r.text[FIELD_PATH], SLICE("/x")));
    cr_expect(slice_equal(r.text[FIELD_VERB], slice_from(unanswered[i].verb)));
    cr_expect(slice_equal(r.text[FIELD_TO], slice_from(unanswered[i].to)));
    cr_expect(slice_equal(
        r.text[FIELD_REASON],
        SLICE("no answer from files: the change may have been made")));
    read_up_to(EVENT_END, &r);
    cr_assert_eq(fake_end(), ENDING_PEER);
}

Test(final_reply, of_a_change_without_an_answer, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(unanswered) / sizeof(unanswered[0]); i++)
        leave_unanswered(i);
}

/* The process stays until its last events are where they outlive it. */
Test(final_reply, the_end_waits, .timeout = 60)
{
    struct event_record r;
    char byte;

    fake_open();
    fake_fill_log();
    fake_do("QUIT", 221);
    cr_assert_eq(tls_client_read(fake.tls, &byte, 1), TLS_CLIENT_END);
    tls_client_shutdown(fake.tls);
    shutdown(fake.control, SHUT_WR);
    read_up_to(EVENT_END, &r);
    cr_assert_eq(fake_end(), ENDING_QUIT);
}

/* A kicked session hasn't got 20 s, and when master ends, all end. */
Test(final_reply, the_end_waits_no_longer_than_master, .timeout = 15)
{
    fake_open();
    channel_close(&fake.log);
    fake_do("QUIT", 221);
    channel_close(&fake.master);
    fake_end();
}

/* ABOR's own reply doesn't overtake the transfer's, nor does QUIT's. */
Test(final_reply, abor_and_quit_wait_too, .timeout = 60)
{
    struct message done = { .kind = MSG_done };
    struct event_record r;

    fake_open();
    fake_fill_log();
    fake_upload();
    fake_say("QUIT\r\nABOR");
    expect_waits();
    read_up_to(EVENT_TRANSFER, &r);
    cr_expect_eq(r.number[FIELD_RESULT], 426);
    fake_answer(MSG_file_abort, &done);
    cr_assert_eq(fake_reply(), 426);
    cr_assert_eq(fake_reply(), 226);
    cr_assert_eq(fake_reply(), 221);
    fake_hang_up(ENDING_QUIT);
    fake_release();
}

Test(final_reply, the_client_goes_meanwhile, .timeout = 60)
{
    struct event_record r;

    fake_open();
    fake_fill_log();
    fake_upload();
    complete();
    expect_waits();
    close(fake.control);
    fake.control = -1;
    read_up_to(EVENT_TRANSFER, &r);
    cr_expect_eq(r.number[FIELD_RESULT], 226);
    cr_assert_eq(fake_end(), ENDING_CLOSED);
    fake_release();
}

/* The upload stays; the log has it, with the reply that the client gets. */
Test(final_reply, a_kick_meanwhile, .timeout = 60)
{
    struct message kick = { .kind = MSG_kick,
                            .kick = { .why = ENDING_KICKED } };
    struct event_record r;

    fake_open();
    fake_fill_log();
    fake_upload();
    complete();
    expect_waits();
    fake_tell(&fake.master, &kick);
    cr_expect_eq(fake_reply(), 451, "%s", fake.reply);
    cr_expect_eq(fake_reply(), 421, "%s", fake.reply);
    shutdown(fake.control, SHUT_WR);
    cr_expect_eq(fake_reply(), 0, "%s", fake.reply);
    read_up_to(EVENT_TRANSFER, &r);
    cr_expect_eq(r.number[FIELD_RESULT], 451);
    cr_expect_eq(fake_end(), ENDING_KICKED);
    fake_release();
}
