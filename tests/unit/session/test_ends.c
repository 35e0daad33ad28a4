/* The session ends, or its client leaves, during a transfer. The session
 * commits nothing after a 421, and logs the result. */
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "fake.h"
#include "sallyport/base/clock.h"
#include "support/wait.h"

#define TURN_MS 20 /* of a transfer, at most */

/* Expects the session's end, without a further reply. Sends the client's FIN,
 * since the session waits for it, so that the client can read. */
static void expect_end(enum ending why)
{
    shutdown(fake.control, SHUT_WR);
    cr_expect_eq(fake_reply(), 0, "%s", fake.reply);
    cr_assert_eq(fake_end(), (int)why);
}

/* Clients try again after a 421. If a new try is useless, the session sends a
 * 530. */
static const struct {
    enum ending why;
    unsigned code;
} kicks[] = {
    { ENDING_SHUTDOWN, 421 }, { ENDING_KICKED, 421 },   { ENDING_PEER, 421 },
    { ENDING_REMOVED, 530 },  { ENDING_LOCKED, 530 },   { ENDING_CHANGED, 421 },
    { ENDING_REPLACED, 421 }, { ENDING_TOO_MANY, 421 }, { ENDING_EXPIRED, 530 },
    { ENDING_HOURS, 421 },    { ENDING_DRAINED, 421 },
};

/* After the kick the client's orderly end doesn't store the upload, and the log
 * has the reason. */
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
        cast_hear_end(&fake.files);
        fake_expect_transfer(kicks[i].code, ending_text(kicks[i].why));
    }
}

/* Master counts failed logins, too. After a reload it may allow fewer of them
 * than this session. */
Test(ends, a_kick_for_too_many_tries, .init = fake_start, .timeout = 60)
{
    fake_ask_login("anna");
    fake_kick(ENDING_LOGIN_TRIES);
    fake_replies(421, "Too many failed logins");
    expect_end(ENDING_LOGIN_TRIES);
}

/* Files has died, and master's kick comes before the session notices it. The
 * client still gets the reason. */
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

/* The session notices by itself that files has died. If files may have stored
 * the upload, its event doesn't name the 421. */
Test(ends, files_dies, .timeout = 60)
{
    for (int committing = 0; committing < 2; committing++) {
        fake_open();
        fake_upload();
        if (committing) {
            fake_send("hello");
            fake_commits();
        }
        channel_close(&fake.files);
        cr_expect_eq(fake_reply(), 421);
        cr_expect_eq(fake_end(), ENDING_PEER);
        fake_expect_transfer(committing ? 0 : 421,
                             committing
                                 ? "another process failed, and no answer"
                                 : "another process failed");
        fake_release();
    }
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

enum disk { DISK_STANDS, DISK_ASKED, DISK_RUNS };
static volatile enum disk *disk;

/* This program's pread() replaces libc's. In a session that a test forks while
 * DISK stands, it waits until the disk runs, longer than a turn may last. */
ssize_t pread(int fd, void *bytes, size_t len, off_t at)
{
    if (disk && *disk == DISK_STANDS) {
        *disk = DISK_ASKED;
        while (*disk == DISK_ASKED)
            poll(NULL, 0, 1);
        poll(NULL, 0, 2 * TURN_MS);
    }
    return syscall(SYS_pread64, fd, bytes, len, at);
}

static bool disk_is_asked(void *unused)
{
    (void)unused;
    return *disk == DISK_ASKED;
}

/* A read has waited for the disk, and master has meanwhile ended the session:
 * the client gets no byte of the file, and no checksum. */
Test(ends, a_kick_while_the_disk_stands_still, .timeout = 60)
{
    static const char *const lines[] = { "RETR x", "HASH x" };
    void *memory = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    cr_assert_neq(memory, MAP_FAILED);
    disk = memory;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const bool sends = i == 0;
        FILE *source = fake_zeros(1000);
        uint64_t bytes = 0;

        *disk = DISK_STANDS;
        fake_open();
        if (sends)
            fake_download_of(source, 1000);
        else
            fake_read(lines[i], source, 1000);
        cr_assert(wait_until(disk_is_asked, NULL, WAIT_MS), "%s", lines[i]);
        fake_kick(ENDING_LOCKED);
        *disk = DISK_RUNS;
        cr_expect_eq(fake_reply(), 530, "%s: %s", lines[i], fake.reply);
        if (sends) {
            fake_drain(&bytes);
            cr_expect_eq(bytes, 0);
            fake_release();
        } else {
            fclose(source);
        }
        expect_end(ENDING_LOCKED);
        fake_expect_transfer(530, ending_text(ENDING_LOCKED));
    }
    disk = NULL;
    munmap(memory, sizeof(*disk));
}

/* A file that files passes after the 421 gets no 150. */
Test(ends, a_kick_before_the_150, .timeout = 60)
{
    FILE *sink = tmpfile();
    int data;

    fake_open();
    data = fake_data();
    fake_say("STOR /x");
    EXPECT(&fake.files, file_write);
    fake_kick(ENDING_KICKED);
    cr_expect_eq(fake_reply(), 421);
    SAY_BACK(&fake.files, file_writable, .file = fileno(sink));
    expect_end(ENDING_KICKED);
    fake_expect_transfer(421, "kicked");
    fclose(sink);
    close(data);
}

/* Plays an upload up to the request that makes it visible. */
static void commit(void)
{
    fake_open();
    fake_upload();
    fake_send("hello");
    fake_commits();
}

static void stored(void)
{
    SAY_BACK(&fake.files, file_stored, .path = SLICE("/x (2)"));
}

/* A commit can't be cancelled: the session waits for the answer of files, and
 * replies to the upload before it sends the 421. */
Test(ends, a_kick_waits_for_a_commit, .init = commit, .timeout = 60)
{
    fake_kick(ENDING_SHUTDOWN);
    fake_say("NOOP"); /* gets no reply any more */
    stored();
    cr_expect_eq(fake_reply(), 226);
    cr_expect_eq(fake_reply(), 421);
    fake_release();
    expect_end(ENDING_SHUTDOWN);
    fake_expect_transfer(226, "");
}

/* Its last reply says the same as without the wait, also if files never
 * answers. */
Test(ends, a_kick_that_waits_says_why, .timeout = 60)
{
    for (int answered = 0; answered < 2; answered++) {
        commit();
        fake_kick(ENDING_LOCKED);
        if (answered) {
            stored();
            cr_expect_eq(fake_reply(), 226);
        }
        fake_replies(530, "Your account was locked.");
        fake_release();
        expect_end(ENDING_LOCKED);
    }
}

/* A drain lets the transfer end. The log has the drain as the reason of the
 * session's end. */
Test(ends, a_drain_waits_for_the_transfer, .timeout = 60)
{
    commit();
    SAY(&fake.master, kick, .why = ENDING_DRAINED, .finish = true);
    stored();
    cr_expect_eq(fake_reply(), 226);
    cr_expect_eq(fake_reply(), 421);
    fake_release();
    expect_end(ENDING_DRAINED);
    cr_expect_str_eq(fake_end_reason(), "drained: no new sessions");
}

static bool is_taken(void *channel)
{
    int left = 1;

    return ioctl(((struct channel *)channel)->fd, SIOCOUTQ, &left) == 0 &&
           left == 0;
}

/* If files doesn't answer, or dies, the client still learns why the session
 * ends. The log says that the upload may be stored. */
Test(ends, a_kick_and_no_answer, .timeout = 60)
{
    for (int dies = 0; dies <= 1; dies++) {
        commit();
        fake_kick(ENDING_LOCKED);
        cr_assert(wait_until(is_taken, &fake.master, 20000));
        if (dies)
            channel_close(&fake.files);
        cr_expect_eq(fake_reply(), 530, "%d: %s", dies, fake.reply);
        cr_expect_eq(fake_reply(), 0, "%s", fake.reply);
        fake_hang_up(ENDING_LOCKED);
        fake_expect_transfer(0, "the account was locked, and no answer from "
                                "files: the change may have been made");
        fake_release();
    }
}

/* So it is for each change. */
Test(ends, a_kick_and_no_answer_to_a_change, .timeout = 120)
{
    static const struct {
        const char *line;
        enum message_kind asked;
    } rows[] = {
        { "MKD d", MSG_directory_make },
        { "RMD d", MSG_directory_remove },
        { "DELE x", MSG_file_delete },
        { "MFMT 20260101000000 x", MSG_times },
        { "SITE CHMOD 644 x", MSG_mode },
        { "RNTO y", MSG_rename },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_open();
        if (rows[i].asked == MSG_rename)
            FAKE_DO("RNFR x", 350, facts, facts_are, .kind = ENTRY_FILE);
        fake_say(rows[i].line);
        cast_expect(&fake.files, rows[i].asked);
        fake_kick(i % 2 == 0 ? ENDING_KICKED : ENDING_LOCKED);
        cr_expect_eq(fake_reply(), i % 2 == 0 ? 421 : 530, "%s: %s",
                     rows[i].line, fake.reply);
        cr_expect_eq(fake_reply(), 0, "%s", fake.reply);
        fake_hang_up(i % 2 == 0 ? ENDING_KICKED : ENDING_LOCKED);
        cr_expect(fake_event(EVENT_CHANGE, &logged), "%s", rows[i].line);
        cr_expect_eq(logged.number[FIELD_RESULT], 0, "%s", rows[i].line);
    }
}

/* Plays an upload whose bytes have all come, while files still syncs earlier
 * ones: files hasn't got the request to commit. */
static void commit_behind_sync(void)
{
    static char block[1 << 20];

    fake_open();
    fake_upload();
    for (int i = 0; i < 33; i++)
        cr_assert(tls_client_write(transfer.tls, block, sizeof(block)));
    cr_assert(tls_client_shutdown(transfer.tls));
    EXPECT(&fake.files, file_sync);
    /* The session sends its close_notify when it has all bytes. */
    cr_assert_eq(tls_client_read(transfer.tls, block, 1), TLS_CLIENT_END);
}

Test(ends, a_kick_before_a_commit_was_asked_for, .init = commit_behind_sync,
     .timeout = 60)
{
    fake_kick(ENDING_KICKED);
    cr_expect_eq(fake_reply(), 421);
    SAY_BACK(&fake.files, done);
    fake_given_up();
    fake_release();
    expect_end(ENDING_KICKED);
    fake_expect_transfer(421, "kicked");
}

/* Files has the request to commit, and stores the upload: the log has the
 * 226. */
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
    SAY_BACK(&fake.files, refused, .outcome = OUTCOME_NO_SPACE);
    cr_expect_eq(fake_end(), ENDING_CLOSED);
    fake_expect_transfer(452, "no space");
    fake_release();
}

Test(ends, the_client_goes_before_the_commit_is_asked_for,
     .init = commit_behind_sync, .timeout = 60)
{
    fake_drop();
    cr_expect_eq(fake_end(), ENDING_CLOSED);
    cast_hear_end(&fake.files);
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

/* A kick ends a session that waits for files after its client has gone. */
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

/* After the 421 the session sends nothing more to the client, and waits for the
 * client's end: a reset could destroy the 421 before the client reads it. */
Test(ends, an_answer_after_the_421, .timeout = 60)
{
    static const struct {
        const char *line;
        enum message_kind asked;
    } rows[] = { { "MLST x", MSG_facts }, { "STAT x", MSG_directory_list } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const bool lists = rows[i].asked == MSG_directory_list;
        uint64_t since;
        int ends[2];

        fake_open();
        fake_say(rows[i].line);
        cast_expect(&fake.files, rows[i].asked);
        cr_assert_eq(pipe(ends), 0);
        if (lists)
            SAY_BACK(&fake.files, directory_pipe, .listing = ends[0]);
        since = clock_ms();
        fake_kick(ENDING_KICKED);
        cr_expect_eq(fake_reply(), 421);
        close(ends[0]);
        close(ends[1]);
        if (lists)
            SAY_BACK(&fake.files, directory_listed);
        else
            SAY_BACK(&fake.files, facts_are, .kind = ENTRY_FILE);
        cr_expect_eq(fake_reply(), 0, "%s", fake.reply);
        cr_expect_eq(fake_end(), ENDING_KICKED);
        cr_expect_geq(clock_ms() - since, 1000, "%s", rows[i].line);
    }
}
