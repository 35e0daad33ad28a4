/* The session ends, or its client leaves, during a transfer: no commit after a
 * 421, and the log has the result. */
#include "fake.h"
#include "sallyport/base/clock.h"

/* The session accepts nothing more from this client, but sends all its replies.
 * It would wait for the client's end, so that the client can read. */
static void expect_end(enum ending why)
{
    shutdown(fake.control, SHUT_WR);
    cr_expect_eq(fake_reply(), 0, "%s", fake.reply);
    cr_assert_eq(fake_end(), (int)why);
}

/* Clients try again after a 421, so it isn't sent if that is useless. */
static const struct {
    enum ending why;
    unsigned code;
} kicks[] = {
    { ENDING_SHUTDOWN, 421 }, { ENDING_KICKED, 421 },   { ENDING_PEER, 421 },
    { ENDING_REMOVED, 530 },  { ENDING_LOCKED, 530 },   { ENDING_CHANGED, 421 },
    { ENDING_REPLACED, 421 }, { ENDING_TOO_MANY, 421 }, { ENDING_EXPIRED, 530 },
    { ENDING_HOURS, 421 },    { ENDING_DRAINED, 421 },
};

/* The session ignores lines after its 421. The log shows that its handshake is
 * over, too. */
Test(ends, a_kick_ends_an_upload, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(kicks) / sizeof(kicks[0]); i++) {
        char c;

        fake_open();
        fake_upload();
        cr_assert(tls_client_write(transfer.tls, "hello", 5));
        fake_await_length(5);
        fake_kick(kicks[i].why);
        cr_expect_eq(fake_reply(), (int)kicks[i].code);
        tls_client_shutdown(transfer.tls);
        fake_given_up();
        cr_expect_eq(tls_client_read(transfer.tls, &c, 1), TLS_CLIENT_END);
        fake_release();
        expect_end(kicks[i].why);
        cr_expect_eq(channel_receive(&fake.files, &asked), -EPIPE);
        fake_expect_transfer(kicks[i].code, ending_text(kicks[i].why));
    }
}

/* Master counts the tries too. It may allow fewer of them than this session,
 * after a reload. */
Test(ends, a_kick_for_too_many_tries, .init = fake_start, .timeout = 60)
{
    fake_ask_login("anna");
    fake_kick(ENDING_LOGIN_TRIES);
    fake_replies(421, "Too many failed logins");
    expect_end(ENDING_LOGIN_TRIES);
}

/* Files has died: master's kick comes before the session notices that. The
 * client still gets the reason, and no process is left to ask. */
Test(ends, a_kick_when_files_is_dead, .init = fake_open, .timeout = 60)
{
    fake_upload();
    cr_assert(tls_client_write(transfer.tls, "hello", 5));
    fake_await_length(5);
    kill(fake.pid, SIGSTOP);
    fake_kick(ENDING_PEER);
    channel_close(&fake.files);
    kill(fake.pid, SIGCONT);
    cr_expect_eq(fake_reply(), 421);
    fake_release();
    expect_end(ENDING_PEER);
    fake_expect_transfer(421, "another process failed");
}

Test(ends, a_kick_ends_a_download, .init = fake_open, .timeout = 60)
{
    fake_download(64 << 20);
    fake_kick(ENDING_KICKED);
    cr_expect_eq(fake_reply(), 421);
    fake_drain(NULL);
    fake_release();
    expect_end(ENDING_KICKED);
    fake_expect_transfer(421, "kicked");
}

Test(ends, a_kick_ends_a_listing, .timeout = 60)
{
    struct pollfd pipe = { .events = 0 };
    int data;

    fake_open();
    data = fake_data();
    fake_say("LIST");
    pipe.fd = fake_list();
    cr_assert_eq(fake_reply(), 150);
    fake_kick(ENDING_KICKED);
    cr_expect_eq(fake_reply(), 421);
    cr_expect_eq(poll(&pipe, 1, 20000), 1); /* POLLERR: nobody reads */
    expect_end(ENDING_KICKED);
    fake_expect_transfer(421, "kicked");
    close(pipe.fd);
    close(data);
}

Test(ends, a_kick_ends_a_checksum, .init = fake_open, .timeout = 60)
{
    FILE *source = fake_zeros(64ULL << 30);

    fake_read("HASH /x", source, 64ULL << 30);
    fake_kick(ENDING_SHUTDOWN);
    cr_expect_eq(fake_reply(), 421);
    expect_end(ENDING_SHUTDOWN);
    fake_expect_transfer(421, "the server stops");
    fclose(source);
}

/* Otherwise the 150 would come after the 421. */
Test(ends, a_kick_before_the_150, .timeout = 60)
{
    struct message file = { .kind = MSG_file_writable };
    FILE *sink = tmpfile();
    int data;

    fake_open();
    data = fake_data();
    fake_say("STOR /x");
    fake_hear(&fake.files, &asked, MSG_file_write);
    fake_kick(ENDING_KICKED);
    cr_expect_eq(fake_reply(), 421);
    file.request = asked.request;
    file.file_writable.file = fileno(sink);
    fake_tell(&fake.files, &file);
    expect_end(ENDING_KICKED);
    fake_expect_transfer(421, "kicked");
    fclose(sink);
    close(data);
}

/* Plays an upload from its last byte up to the request that makes it
 * visible. */
static void commit(void)
{
    fake_open();
    fake_upload();
    fake_send("hello");
    fake_hear(&fake.files, &asked, MSG_file_commit);
}

static void stored(void)
{
    struct message p = { .kind = MSG_file_stored,
                         .file_stored = { .request = asked.request,
                                          .path = SLICE("/x (2)") } };

    fake_tell(&fake.files, &p);
}

/* A commit can't be cancelled: the answer of files comes first, then the
 * 421. */
Test(ends, a_kick_waits_for_a_commit, .init = commit, .timeout = 60)
{
    fake_kick(ENDING_SHUTDOWN);
    fake_say("NOOP"); /* gets no answer any more */
    stored();
    cr_expect_eq(fake_reply(), 226);
    cr_expect_eq(fake_reply(), 421);
    fake_release();
    expect_end(ENDING_SHUTDOWN);
    fake_expect_transfer(226, "");
}

/* A drain only lets the transfer end, and the log says so. */
Test(ends, a_drain_waits_for_the_transfer, .timeout = 60)
{
    struct message drain = {
        .kind = MSG_kick, .kick = { .why = ENDING_DRAINED, .finish = true }
    };

    commit();
    fake_tell(&fake.master, &drain);
    stored();
    cr_expect_eq(fake_reply(), 226);
    cr_expect_eq(fake_reply(), 421);
    fake_release();
    expect_end(ENDING_DRAINED);
    cr_expect_str_eq(fake_end_reason(), "drained: no new sessions");
}

/* If there is no answer, there is no 421, which would mean that nothing is
 * stored. */
Test(ends, a_kick_and_no_answer, .init = commit, .timeout = 60)
{
    fake_kick(ENDING_KICKED);
    cr_expect_eq(fake_reply(), 0, "%s", fake.reply);
    fake_hang_up(ENDING_KICKED);
    fake_expect_transfer(
        0, "kicked, and no answer from files: the change may have been made");
    fake_release();
}

/* All bytes have come, but files is still syncing earlier ones: it got no
 * request to commit. */
static void commit_behind_sync(void)
{
    static char block[1 << 20];

    fake_open();
    fake_upload();
    for (int i = 0; i < 33; i++)
        cr_assert(tls_client_write(transfer.tls, block, sizeof(block)));
    cr_assert(tls_client_shutdown(transfer.tls));
    fake_hear(&fake.files, &asked, MSG_file_sync);
    /* The session's close_notify: it has all bytes. */
    cr_assert_eq(tls_client_read(transfer.tls, block, 1), TLS_CLIENT_END);
}

Test(ends, a_kick_before_a_commit_was_asked_for, .init = commit_behind_sync,
     .timeout = 60)
{
    fake_kick(ENDING_KICKED);
    cr_expect_eq(fake_reply(), 421);
    fake_done(&asked);
    fake_given_up();
    fake_release();
    expect_end(ENDING_KICKED);
    fake_expect_transfer(421, "kicked");
}

/* Files was asked for the rename already, and it happens: the log has it. */
Test(ends, the_client_goes_during_a_commit, .init = commit, .timeout = 60)
{
    fake_drop();
    stored();
    cr_expect_eq(fake_end(), ENDING_CLOSED);
    cr_assert(fake_event(EVENT_TRANSFER, &logged));
    cr_expect_eq(logged.number[FIELD_RESULT], 226);
    cr_expect_eq(logged.text[FIELD_REASON].len, 0);
    cr_expect(slice_equal(logged.text[FIELD_TO], SLICE("/x (2)")));
    cr_expect_eq(logged.number[FIELD_BYTES], 5);
    cr_assert(fake_event(EVENT_END, &logged));
    cr_expect_eq(logged.number[FIELD_BYTES], 5);
    cr_expect(
        slice_starts(logged.text[FIELD_REASON], SLICE("closed by the client")));
    fake_release();
}

Test(ends, the_client_goes_and_the_commit_fails, .init = commit, .timeout = 60)
{
    fake_drop();
    fake_refused(OUTCOME_NO_SPACE);
    cr_expect_eq(fake_end(), ENDING_CLOSED);
    fake_expect_transfer(452, "no space");
    fake_release();
}

Test(ends, the_client_goes_before_the_commit_is_asked_for,
     .init = commit_behind_sync, .timeout = 60)
{
    fake_drop();
    cr_expect_eq(fake_end(), ENDING_CLOSED);
    cr_expect_eq(channel_receive(&fake.files, &asked), -EPIPE);
    fake_expect_transfer(0,
                         "closed by the client, before the upload was stored");
    fake_release();
}

Test(ends, the_client_goes_and_so_does_files, .init = commit, .timeout = 60)
{
    fake_drop();
    channel_close(&fake.files);
    cr_expect_eq(fake_end(), ENDING_PEER);
    fake_expect_transfer(0, "another process failed, and no answer from files");
    fake_release();
}

/* The session doesn't wait forever for a client that should leave. */
Test(ends, the_client_goes_and_the_session_is_kicked, .init = commit,
     .timeout = 60)
{
    fake_drop();
    fake_kick(ENDING_KICKED);
    cr_expect_eq(fake_end(), ENDING_KICKED);
    fake_expect_transfer(
        0, "kicked, and no answer from files: the change may have been made");
    fake_release();
}

/* After the 421 nothing more goes to the client, and the session waits for its
 * end: a reset would take the 421 from it. */
Test(ends, an_answer_after_the_421, .timeout = 60)
{
    static const struct {
        const char *line;
        enum message_kind asked, answer;
    } rows[] = { { "MLST x", MSG_facts, MSG_facts_are },
                 { "STAT x", MSG_directory_list, MSG_directory_listed } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct message pipe_is = { .kind = MSG_directory_pipe },
                       answer = { .kind = rows[i].answer };
        uint64_t since;
        int ends[2];

        fake_open();
        fake_say(rows[i].line);
        fake_hear(&fake.files, &asked, rows[i].asked);
        cr_assert_eq(pipe(ends), 0);
        pipe_is.directory_pipe.request = asked.request;
        pipe_is.directory_pipe.listing = ends[0];
        if (rows[i].asked == MSG_directory_list)
            fake_tell(&fake.files, &pipe_is);
        fake_kick(ENDING_KICKED);
        since = clock_ms();
        cr_expect_eq(fake_reply(), 421);
        answer.request = asked.request;
        if (rows[i].answer == MSG_facts_are)
            answer.facts_are.kind = ENTRY_FILE;
        close(ends[0]);
        close(ends[1]);
        fake_tell(&fake.files, &answer);
        cr_expect_eq(fake_reply(), 0, "%s", fake.reply);
        cr_expect_eq(fake_end(), ENDING_KICKED);
        cr_expect_geq(clock_ms() - since, 1000, "%s", rows[i].line);
    }
}
