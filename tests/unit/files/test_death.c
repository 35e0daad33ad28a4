/* A session dies during an upload: the partial is unlocked at once, and files
 * logs one event, with the signal that master has reported. */
#include "peer.h"

#define K 1024UL

static void begin(struct peer *p, enum write_mode mode, uint64_t offset,
                  size_t to)
{
    DONE(ask_upload(p, "/f", mode, offset, to, 1));
}

static void session_died(struct peer *p, int signal_number)
{
    SAY(&p->master, session_died, .signal = (uint64_t)signal_number);
}

static bool has(const struct event_record *r, enum event_field f,
                const char *text)
{
    return slice_equal(r->text[f], slice_from(text));
}

/* Expects one event after the session's death, and no other event. */
static void expect_event(struct peer *p, const char *verb, uint64_t bytes,
                         const char *reason)
{
    struct event_record r;

    cr_assert_eq(peer_wait(p), 0);
    r = peer_expect(p, EVENT_TRANSFER);
    cr_expect(has(&r, FIELD_USER, "anna") && has(&r, FIELD_PATH, "/f"));
    cr_expect(has(&r, FIELD_VERB, verb));
    cr_expect_eq(r.number[FIELD_BYTES], bytes, "%lu bytes",
                 r.number[FIELD_BYTES]);
    cr_expect_eq(r.number[FIELD_RESULT], 0);
    cr_expect(has(&r, FIELD_REASON, reason), "%.*s",
              (int)r.text[FIELD_REASON].len, r.text[FIELD_REASON].ptr);
    cr_expect_not(peer_event(p, &r), "another event");
}

static void expect_no_event(struct peer *p)
{
    struct event_record r;

    cr_assert_eq(peer_wait(p), 0);
    cr_expect_not(peer_event(p, &r), "an event");
}

static const struct {
    enum write_mode mode;
    const char *verb;
    uint64_t offset; /* of REST; the file has 100 bytes */
    uint64_t bytes;
    bool master_first; /* master reports the death before files notices it */
} rows[] = {
    { WRITE_STORE, "STOR", 0, 200 * K, false },
    { WRITE_STORE, "STOR", 0, 200 * K, true },
    { WRITE_STORE, "STOR", 10, 200 * K - 10, false },
    { WRITE_APPEND, "APPE", 0, 200 * K - 100, false },
};

Test(death, of_a_session_in_an_upload)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct peer *p = peer_started();

        disk_fill(p, "/f", 100, 1);
        begin(p, rows[i].mode, rows[i].offset, 200 * K);
        if (rows[i].master_first)
            session_died(p, SIGKILL);
        channel_close(&p->session);
        if (!rows[i].master_first)
            session_died(p, SIGKILL);
        expect_event(p, rows[i].verb, rows[i].bytes,
                     "the session died: signal 9");
        cr_expect(disk_is(p, "/f", 100, 1), "the old file has changed");
        peer_remove(p);
    }
}

/* Another session resumes the partial before master has reported the death. */
PeerTest(death, leaves_the_partial_free, peer_start(p))
{
    struct peer a;

    peer_join(&a, p, false);
    begin(&a, WRITE_STORE, 0, 200 * K);
    channel_close(&a.session);
    do /* until the first upload has unlocked the partial */
        DONE(ask_facts(p, "/f", FACTS_FOR_SIZE));
    while (ask_upload(p, "/f", WRITE_APPEND, 0, 300 * K, 1) == OUTCOME_BUSY);
    PLAY(p, FIRST(192 * K), COMMIT(300 * K), IS("/f", 300 * K, 1));
    session_died(&a, SIGKILL);
    expect_event(&a, "STOR", 200 * K, "the session died: signal 9");
    channel_close(&a.master);
    channel_close(&a.log);
}

/* If the session hasn't died, it logs the event itself, so files logs no
 * event. */
Test(death, an_end_without_a_death)
{
    struct peer *p = peer_started();

    begin(p, WRITE_STORE, 0, 10);
    channel_close(&p->session);
    channel_close(&p->master); /* the session has left, or master has died */
    expect_no_event(p);
    peer_remove(p);
}

/* If no upload is running, files doesn't wait for master's report. */
Test(death, without_an_upload)
{
    struct peer *p = peer_started();

    begin(p, WRITE_STORE, 0, 10);
    DONE(ask_commit(p, 10));
    begin(p, WRITE_STORE, 0, 10);
    DONE(ask_abort(p));
    channel_close(&p->session);
    expect_no_event(p);
    peer_remove(p);
}

/* The session dies before it gets the answer to its commit: the event says that
 * the file is complete. */
Test(death, before_the_answer_to_a_commit)
{
    struct peer *p = peer_started();

    begin(p, WRITE_STORE, 0, 10);
    kill(p->pid, SIGSTOP);
    send_commit(p, 10);
    channel_close(&p->session);
    kill(p->pid, SIGCONT);
    session_died(p, SIGKILL);
    expect_event(p, "STOR", 10,
                 "the session died: signal 9; the file is complete");
    cr_expect(disk_is(p, "/f", 10, 1));
    peer_remove(p);
}

/* The answer to a commit is on its way: the session logs the upload only if it
 * has read the answer. */
Test(death, behind_the_answer_to_a_commit)
{
    for (int i = 0; i < 4; i++) {
        const bool refused = i & 1, read = i & 2;
        struct peer *p = peer_started();
        struct pollfd answer = { .fd = p->session.fd, .events = POLLIN };

        begin(p, WRITE_STORE, 0, 10);
        if (read) {
            cr_expect_eq(ask_commit(p, refused ? 11 : 10) == OUTCOME_OK,
                         !refused);
        } else {
            send_commit(p, refused ? 11 : 10);
            cr_assert_eq(poll(&answer, 1, 20000), 1);
        }
        channel_close(&p->session);
        if (!read) /* otherwise files may have ended already */
            session_died(p, SIGKILL);
        if (read)
            expect_no_event(p);
        else
            expect_event(p, "STOR", 10,
                         refused ? "the session died: signal 9"
                                 : "the session died: signal 9; the file is "
                                   "complete");
        cr_expect_eq(disk_is(p, "/f", 10, 1), !refused);
        peer_remove(p);
    }
}
