/* A transfer or a change has its event in the log before its reply. While log
 * reads nothing, the session takes no further command, and so its events have
 * room. */
#include "fake.h"
#include "sallyport/base/clock.h"
#include "sallyport/session/session.h"

static void delete_x(void)
{
    fake_say("DELE /x");
    SERVE(&fake.files, file_delete, done);
}

/* Fills a quarter of the socket to log, and lets the session send one event
 * more. */
static void open_with_slow_log(void)
{
    fake_open();
    fake_fill_log();
    delete_x();
    cr_assert_eq(fake_reply(), 250);
}

static const struct session_deadlines soon = { .ask = 30000,
                                               .ask_long = 600000,
                                               .gate = 30000,
                                               .gateless = 60000,
                                               .log = 1000 };

static void expect_no_command(void)
{
    cr_assert(fake_is_quiet(fake.control, 100), "a reply");
    cr_assert(fake_is_quiet(fake.files.fd, 0), "a request");
}

static void reset(void)
{
    const struct linger none = { .l_onoff = 1 };

    setsockopt(fake.control, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    fake_drop();
}

/* The kernel never takes this event, which is larger than the socket's buffer.
 * The log gets no line of the change, so the reply is no success. The event
 * counts as dropped. */
Test(final_reply, an_event_that_cannot_be_sent, .init = fake_open)
{
    char line[4096];
    int small = 1;

    setsockopt(fake.to_log, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    snprintf(line, sizeof(line), "RNFR %03500d", 1);
    for (char *at = line + 5; strlen(at) > 200; at += 200)
        at[199] = '/';
    FAKE_DO(line, 350, facts, facts_are, .kind = ENTRY_FILE);
    memcpy(line, "RNTO /", 6);
    fake_say(line);
    SERVE(&fake.files, rename, renamed, .path = slice_from(line + 5),
          .from = slice_from(line + 5));
    fake_replies(421, "");
    cr_assert_eq(fake_end(), ENDING_PEER);
    fake_await(EVENT_TROUBLE, &logged);
    cr_expect_eq(logged.number[FIELD_NUMBER], 1);
    fake_await(EVENT_END, &logged);
}

/* The session goes on when log has read, and no command has got lost. A wait
 * for log isn't a stall, and the client isn't idle. */
Test(final_reply, commands_wait_for_log, LEAVES)
{
    fake_settings("stall_timeout", 1000);
    fake_settings("idle_timeout", 4000);
    open_with_slow_log();
    fake_say("NOOP\r\nDELE /z");
    expect_no_command();
    cr_assert(fake_is_quiet(fake.control, 4500), "a reply");
    fake_await(EVENT_CHANGE, &logged);
    cr_expect_eq(logged.number[FIELD_RESULT], 250);
    cr_assert_eq(fake_reply(), 200);
    SERVE(&fake.files, file_delete, done);
    cr_assert_eq(fake_reply(), 250);
}

/* However many commands are refused, each has its event. */
Test(final_reply, after_many_refused_commands, LOGGED_IN)
{
    enum { COMMANDS = 400, AT_ONCE = 50 }; /* more don't fit into the socket */
    unsigned refused = 0;

    for (int i = 0; i < COMMANDS; i++) {
        if (i % AT_ONCE == 0)
            for (int said = 0; said < AT_ONCE; said++)
                fake_say("EPRT |1|127.0.0.1|5000|");
        if (fake_is_quiet(fake.control, 50))
            while (fake_event(EVENT_COMMAND_REFUSED, &logged))
                refused++;
        cr_assert_eq(fake_reply(), 502);
    }
    while (fake_event(EVENT_COMMAND_REFUSED, &logged))
        refused++;
    cr_expect_eq(refused, COMMANDS);
}

/* A log that takes events, however slowly, isn't late. The session has read
 * many commands at once, so each event fills the socket again in the same turn.
 */
Test(final_reply, a_log_that_goes_on, LEAVES)
{
    enum { TIMES = 10, COMMANDS = 40 };
    const uint64_t began = clock_ms();
    char lines[COMMANDS * 32] = "";
    static struct message p;

    fake.deadlines = &soon;
    open_with_slow_log();
    for (int i = 0; i < COMMANDS; i++)
        strcat(lines,
               i ? "\r\nEPRT |1|127.0.0.1|50|" : "EPRT |1|127.0.0.1|50|");
    for (int i = 0; i < TIMES; i++)
        fake_say(lines);
    for (int i = 0; i < TIMES * COMMANDS; i++) {
        /* A session that got no processor has sent no event either. */
        while (fake_is_quiet(fake.control, 20)) {
            cr_assert_lt(clock_ms() - began, 120000u);
            for (bool more = true; more && !fake_is_quiet(fake.log.fd, 0);
                 more = clock_ms() - began > 3000)
                cr_assert_eq(channel_receive(&fake.log, &p), 1, "%d", i);
        }
        cr_assert_eq(fake_reply(), 502, "%d", i);
    }
    while (channel_receive(&fake.log, &p) == 1)
        continue; /* the session takes the client's end */
}

static void be_kicked(void)
{
    fake_kick(ENDING_KICKED);
}

static void be_drained(void)
{
    SAY(&fake.master, kick, .why = ENDING_DRAINED, .finish = true);
}

static void lose_master(void)
{
    channel_close(&fake.master);
}

static void be_late(void)
{
}

/* Each end of a session that waits for log is served at once, and its last
 * events have room. */
static const struct {
    void (*act)(void);
    enum ending ending;
    int reply;
    const char *reason;
} ends[] = {
    { be_kicked, ENDING_KICKED, 421, "kicked" },
    { be_drained, ENDING_DRAINED, 421, "drained" },
    { lose_master, ENDING_PEER, 421, "another process failed" },
    { reset, ENDING_CLOSED, 0, "closed by the client" },
    { be_late, ENDING_PEER, 421,
      "another process failed: log takes no events" },
};

Test(final_reply, ends_while_log_is_slow, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        uint64_t began = clock_ms();

        fake.deadlines = ends[i].act == be_late ? &soon : NULL;
        open_with_slow_log();
        fake_say("DELE /z");
        expect_no_command();
        ends[i].act();
        if (ends[i].reply > 0) {
            cr_expect_eq(fake_reply(), ends[i].reply, "%zu", i);
            shutdown(fake.control, SHUT_WR);
        }
        cr_expect_eq(fake_end(), (int)ends[i].ending, "%zu", i);
        cr_expect_lt(clock_ms() - began, 15000, "%zu", i);
        cr_assert(fake_event(EVENT_CHANGE, &logged), "%zu", i);
        fake_expect_text(&logged, FIELD_PATH, "/x");
        cr_assert(fake_event(EVENT_END, &logged), "%zu", i);
        cr_expect(
            slice_starts(logged.text[FIELD_REASON], slice_from(ends[i].reason)),
            "%zu", i);
    }
}

/* The session's end is decided, and its client doesn't close. */
Test(final_reply, of_a_kick_before_the_time_for_log, .timeout = 60)
{
    fake.deadlines = &soon;
    open_with_slow_log();
    be_kicked();
    cr_expect_eq(fake_reply(), 421);
    cr_expect_eq(fake_end(), ENDING_KICKED);
    fake_await(EVENT_END, &logged);
    fake_expect_text(&logged, FIELD_REASON, "kicked");
}

/* The client leaves before files answers. The session waits for files, which
 * may have made the change, and logs the answer. */
Test(final_reply, of_a_change_whose_client_goes_first, .init = fake_open,
     .timeout = 60)
{
    fake_say("DELE /x");
    EXPECT(&fake.files, file_delete);
    reset();
    cr_expect(fake_is_quiet(fake.files.fd, 300), "the session ended");
    SAY_BACK(&fake.files, done);
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
        cast_expect(&fake.files, unanswered[i].asked);
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
