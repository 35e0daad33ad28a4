/* The session ends, or its client leaves, during a transfer: no commit after a
 * 421, and the log has the result. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/base/clock.h"
#include "sallyport/ipc/channel.h"
#include "support/wait.h"

static void kick(struct fake *f, enum ending why)
{
    struct message p = { .kind = MSG_kick, .kick = { .why = why } };

    fake_tell(&f->master, &p);
}

/* Expects one event of a transfer, with that result and the beginning of its
 * reason. *R keeps the record. */
static void expect_event(struct fake *f, struct event_record *r,
                         uint64_t result, const char *reason)
{
    cr_assert(fake_event(f, EVENT_TRANSFER, r), "no event of the transfer");
    cr_expect_eq(r->number[FIELD_RESULT], result, "%llu",
                 (unsigned long long)r->number[FIELD_RESULT]);
    if (reason)
        cr_expect(slice_starts(r->text[FIELD_REASON], slice_from(reason)),
                  "%.*s", (int)r->text[FIELD_REASON].len,
                  r->text[FIELD_REASON].ptr);
    else
        cr_expect_eq(r->text[FIELD_REASON].len, 0);
}

static void expect_one_event(struct fake *f, uint64_t result,
                             const char *reason)
{
    struct event_record r;

    expect_event(f, &r, result, reason);
    cr_expect_not(fake_event(f, EVENT_TRANSFER, &r), "a second event");
}

/* The session accepts nothing more from this client, but sends all its replies.
 * It would wait for the client's end, so that the client can read. */
static void expect_end(struct fake *f, enum ending why)
{
    shutdown(f->control, SHUT_WR);
    cr_expect_eq(fake_reply(f), 0, "%s", f->reply);
    cr_assert_eq(fake_end(f), (int)why);
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
static bool has_hello(void *file)
{
    struct stat st;

    return fstat(fileno(file), &st) == 0 && st.st_size == 5;
}

Test(ends, a_kick_ends_an_upload, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(kicks) / sizeof(kicks[0]); i++) {
        struct message asked, done = { .kind = MSG_done };
        struct fake_transfer t;
        struct fake f;
        char c;

        fake_open(&f);
        fake_upload(&f, &t);
        cr_assert(tls_client_write(t.tls, "hello", 5));
        cr_assert(wait_until(has_hello, t.file, WAIT_MS));
        kick(&f, kicks[i].why);
        cr_expect_eq(fake_reply(&f), (int)kicks[i].code);
        tls_client_shutdown(t.tls);
        fake_answer(&f, MSG_file_abort, &done);
        cr_expect_eq(tls_client_read(t.tls, &c, 1), TLS_CLIENT_END);
        fake_release(&t);
        expect_end(&f, kicks[i].why);
        cr_expect_eq(channel_receive(&f.files, &asked), -EPIPE);
        expect_one_event(&f, kicks[i].code, ending_text(kicks[i].why));
    }
}

/* Master counts the tries too. It may allow fewer of them than this session,
 * after a reload. */
Test(ends, a_kick_for_too_many_tries, .timeout = 60)
{
    struct message asked;
    struct fake f;

    fake_start(&f);
    fake_ask_login(&f, "anna", &asked);
    kick(&f, ENDING_LOGIN_TRIES);
    cr_expect_eq(fake_reply(&f), 421, "%s", f.reply);
    cr_expect(strstr(f.reply, "Too many failed logins"), "%s", f.reply);
    expect_end(&f, ENDING_LOGIN_TRIES);
}

/* Files has died: master's kick comes before the session notices that. The
 * client still gets the reason, and no process is left to ask. */
Test(ends, a_kick_when_files_is_dead, .timeout = 60)
{
    struct fake_transfer t;
    struct fake f;

    fake_open(&f);
    fake_upload(&f, &t);
    cr_assert(tls_client_write(t.tls, "hello", 5));
    cr_assert(wait_until(has_hello, t.file, WAIT_MS));
    kill(f.pid, SIGSTOP);
    kick(&f, ENDING_PEER);
    channel_close(&f.files);
    kill(f.pid, SIGCONT);
    cr_expect_eq(fake_reply(&f), 421);
    fake_release(&t);
    expect_end(&f, ENDING_PEER);
    expect_one_event(&f, 421, "another process failed");
}

Test(ends, a_kick_ends_a_download, .timeout = 60)
{
    struct fake_transfer t;
    struct fake f;
    char some[4096];

    fake_open(&f);
    fake_download(&f, &t, 64 << 20);
    kick(&f, ENDING_KICKED);
    cr_expect_eq(fake_reply(&f), 421);
    while (tls_client_read(t.tls, some, sizeof(some)) > 0)
        continue;
    fake_release(&t);
    expect_end(&f, ENDING_KICKED);
    expect_one_event(&f, 421, "kicked");
}

Test(ends, a_kick_ends_a_listing, .timeout = 60)
{
    struct message pipe_is = { .kind = MSG_directory_pipe };
    struct fake f;
    int ends[2], data;
    struct pollfd read_end;

    fake_open(&f);
    data = fake_data(&f);
    fake_say(&f, "LIST");
    cr_assert_eq(pipe(ends), 0);
    pipe_is.directory_pipe.listing = ends[0];
    fake_answer(&f, MSG_directory_list, &pipe_is);
    close(ends[0]);
    cr_assert_eq(fake_reply(&f), 150);
    kick(&f, ENDING_KICKED);
    cr_expect_eq(fake_reply(&f), 421);
    read_end = (struct pollfd){ .fd = ends[1] };
    cr_expect_eq(poll(&read_end, 1, 20000), 1); /* POLLERR: nobody reads */
    expect_end(&f, ENDING_KICKED);
    expect_one_event(&f, 421, "kicked");
    close(ends[1]);
    close(data);
}

Test(ends, a_kick_ends_a_checksum, .timeout = 60)
{
    struct message file = { .kind = MSG_file_readable,
                            .file_readable = { .size = 64ULL << 30 } };
    FILE *source = tmpfile();
    struct fake f;

    cr_assert_eq(ftruncate(fileno(source), 64LL << 30), 0);
    fake_open(&f);
    fake_say(&f, "HASH /x");
    file.file_readable.file = fileno(source);
    fake_answer(&f, MSG_file_read, &file);
    kick(&f, ENDING_SHUTDOWN);
    cr_expect_eq(fake_reply(&f), 421);
    expect_end(&f, ENDING_SHUTDOWN);
    expect_one_event(&f, 421, "the server stops");
    fclose(source);
}

/* Otherwise the 150 would come after the 421. */
Test(ends, a_kick_before_the_150, .timeout = 60)
{
    struct message asked, file = { .kind = MSG_file_writable };
    FILE *sink = tmpfile();
    struct fake f;
    int data;

    fake_open(&f);
    data = fake_data(&f);
    fake_say(&f, "STOR /x");
    fake_hear(&f.files, &asked, MSG_file_write);
    kick(&f, ENDING_KICKED);
    cr_expect_eq(fake_reply(&f), 421);
    file.request = asked.request;
    file.file_writable.file = fileno(sink);
    fake_tell(&f.files, &file);
    expect_end(&f, ENDING_KICKED);
    expect_one_event(&f, 421, "kicked");
    fclose(sink);
    close(data);
}

/* Plays an upload from its last byte up to the request that makes it
 * visible. */
static void commit(struct fake *f, struct fake_transfer *t,
                   struct message *asked)
{
    fake_open(f);
    fake_upload(f, t);
    cr_assert(tls_client_write(t->tls, "hello", 5));
    cr_assert(tls_client_shutdown(t->tls));
    fake_hear(&f->files, asked, MSG_file_commit);
}

static void stored(struct fake *f, const struct message *asked)
{
    struct message p = { .kind = MSG_file_stored,
                         .file_stored = { .request = asked->request,
                                          .path = SLICE("/x (2)") } };

    fake_tell(&f->files, &p);
}

/* A commit can't be cancelled: the answer of files comes first, then the
 * 421. */
Test(ends, a_kick_waits_for_a_commit, .timeout = 60)
{
    struct fake_transfer t;
    struct message asked;
    struct fake f;

    commit(&f, &t, &asked);
    kick(&f, ENDING_SHUTDOWN);
    fake_say(&f, "NOOP"); /* gets no answer any more */
    stored(&f, &asked);
    cr_expect_eq(fake_reply(&f), 226);
    cr_expect_eq(fake_reply(&f), 421);
    fake_release(&t);
    expect_end(&f, ENDING_SHUTDOWN);
    expect_one_event(&f, 226, NULL);
}

/* A drain only lets the transfer end, and the log says so. */
Test(ends, a_drain_waits_for_the_transfer, .timeout = 60)
{
    struct message drain = {
        .kind = MSG_kick, .kick = { .why = ENDING_DRAINED, .finish = true }
    };
    struct fake_transfer t;
    struct message asked;
    struct fake f;

    commit(&f, &t, &asked);
    fake_tell(&f.master, &drain);
    stored(&f, &asked);
    cr_expect_eq(fake_reply(&f), 226);
    cr_expect_eq(fake_reply(&f), 421);
    fake_release(&t);
    expect_end(&f, ENDING_DRAINED);
    cr_expect_str_eq(fake_end_reason(&f), "drained: no new sessions");
}

/* If there is no answer, there is no 421, which would mean that nothing is
 * stored. */
Test(ends, a_kick_and_no_answer, .timeout = 60)
{
    struct fake_transfer t;
    struct message asked;
    struct fake f;

    commit(&f, &t, &asked);
    kick(&f, ENDING_KICKED);
    cr_expect_eq(fake_reply(&f), 0, "%s", f.reply);
    fake_hang_up(&f, ENDING_KICKED);
    expect_one_event(
        &f, 0,
        "kicked, and no answer from files: the change may have been made");
    fake_release(&t);
}

/* All bytes have come, but files is still syncing earlier ones: it got no
 * request to commit. */
static void commit_behind_sync(struct fake *f, struct fake_transfer *t,
                               struct message *asked)
{
    static char block[1 << 20];

    fake_open(f);
    fake_upload(f, t);
    for (int i = 0; i < 33; i++)
        cr_assert(tls_client_write(t->tls, block, sizeof(block)));
    cr_assert(tls_client_shutdown(t->tls));
    fake_hear(&f->files, asked, MSG_file_sync);
    /* The session's close_notify: it has all bytes. */
    cr_assert_eq(tls_client_read(t->tls, block, 1), TLS_CLIENT_END);
}

static void synced(struct fake *f, const struct message *asked)
{
    struct message p = { .kind = MSG_done,
                         .done = { .request = asked->request } };

    fake_tell(&f->files, &p);
}

Test(ends, a_kick_before_a_commit_was_asked_for, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };
    struct fake_transfer t;
    struct fake f;

    commit_behind_sync(&f, &t, &asked);
    kick(&f, ENDING_KICKED);
    cr_expect_eq(fake_reply(&f), 421);
    synced(&f, &asked);
    fake_answer(&f, MSG_file_abort, &done);
    fake_release(&t);
    expect_end(&f, ENDING_KICKED);
    expect_one_event(&f, 421, "kicked");
}

static void client_goes(struct fake *f)
{
    close(f->control);
    f->control = -1;
}

/* Files was asked for the rename already, and it happens: the log has it. */
Test(ends, the_client_goes_during_a_commit, .timeout = 60)
{
    struct event_record r;
    struct fake_transfer t;
    struct message asked;
    struct fake f;

    commit(&f, &t, &asked);
    client_goes(&f);
    stored(&f, &asked);
    cr_expect_eq(fake_end(&f), ENDING_CLOSED);
    expect_event(&f, &r, 226, NULL);
    cr_expect(slice_equal(r.text[FIELD_TO], SLICE("/x (2)")));
    cr_expect_eq(r.number[FIELD_BYTES], 5);
    cr_assert(fake_event(&f, EVENT_END, &r));
    cr_expect_eq(r.number[FIELD_BYTES], 5);
    cr_expect(
        slice_starts(r.text[FIELD_REASON], SLICE("closed by the client")));
    fake_release(&t);
}

Test(ends, the_client_goes_and_the_commit_fails, .timeout = 60)
{
    struct message asked, no = { .kind = MSG_refused,
                                 .refused = { .outcome = OUTCOME_NO_SPACE } };
    struct fake_transfer t;
    struct fake f;

    commit(&f, &t, &asked);
    client_goes(&f);
    no.request = asked.request;
    fake_tell(&f.files, &no);
    cr_expect_eq(fake_end(&f), ENDING_CLOSED);
    expect_one_event(&f, 452, "no space");
    fake_release(&t);
}

Test(ends, the_client_goes_before_the_commit_is_asked_for, .timeout = 60)
{
    struct fake_transfer t;
    struct message asked;
    struct fake f;

    commit_behind_sync(&f, &t, &asked);
    client_goes(&f);
    cr_expect_eq(fake_end(&f), ENDING_CLOSED);
    cr_expect_eq(channel_receive(&f.files, &asked), -EPIPE);
    expect_one_event(&f, 0,
                     "closed by the client, before the upload was stored");
    fake_release(&t);
}

Test(ends, the_client_goes_and_so_does_files, .timeout = 60)
{
    struct fake_transfer t;
    struct message asked;
    struct fake f;

    commit(&f, &t, &asked);
    client_goes(&f);
    channel_close(&f.files);
    cr_expect_eq(fake_end(&f), ENDING_PEER);
    expect_one_event(&f, 0, "another process failed, and no answer from files");
    fake_release(&t);
}

/* The session doesn't wait forever for a client that should leave. */
Test(ends, the_client_goes_and_the_session_is_kicked, .timeout = 60)
{
    struct fake_transfer t;
    struct message asked;
    struct fake f;

    commit(&f, &t, &asked);
    client_goes(&f);
    kick(&f, ENDING_KICKED);
    cr_expect_eq(fake_end(&f), ENDING_KICKED);
    expect_one_event(
        &f, 0,
        "kicked, and no answer from files: the change may have been made");
    fake_release(&t);
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
        struct message asked, pipe_is = { .kind = MSG_directory_pipe },
                              answer = { .kind = rows[i].answer };
        uint64_t since;
        struct fake f;
        int ends[2];

        fake_open(&f);
        fake_say(&f, rows[i].line);
        fake_hear(&f.files, &asked, rows[i].asked);
        cr_assert_eq(pipe(ends), 0);
        pipe_is.directory_pipe.request = asked.request;
        pipe_is.directory_pipe.listing = ends[0];
        if (rows[i].asked == MSG_directory_list)
            fake_tell(&f.files, &pipe_is);
        kick(&f, ENDING_KICKED);
        since = clock_ms();
        cr_expect_eq(fake_reply(&f), 421);
        answer.request = asked.request;
        if (rows[i].answer == MSG_facts_are)
            answer.facts_are.kind = ENTRY_FILE;
        close(ends[0]);
        close(ends[1]);
        fake_tell(&f.files, &answer);
        cr_expect_eq(fake_reply(&f), 0, "%s", f.reply);
        cr_expect_eq(fake_end(&f), ENDING_KICKED);
        cr_expect_geq(clock_ms() - since, 1000, "%s", rows[i].line);
    }
}
