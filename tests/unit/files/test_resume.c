/* The beginning of an upload: each branch of the decision, as a table; and the
 * upload for which SIZE's answer is valid. */
#include "files/files.h"
#include "peer.h"
#include "support/nth.h"

#define K 1024u

/* The other lengths are rows of upload/cut_one_is_kept_from_64k_on. */
Test(resume, length)
{
    cr_expect_eq(resume_length(UINT64_MAX), UINT64_MAX - 64 * K + 1);
}

#define STORE(at)   .mode = WRITE_STORE, .offset = (at)
#define APPEND      .mode = WRITE_APPEND
#define FINISHED(n) .finished = true, .size = (n)
#define KEPT(n)     FINISHED(n), .kept = true
#define SIZED(n)    .sized = (n)
#define PARTIAL(n)  .resumable = (n)
#define ANSWERED(n) FINISHED(n), .reported = true, .answered = true
#define OTHER(n)    .resumable = (n), .changed = true
#define REPORTED    .reported = true
/* The results. */
#define ANEW            OUTCOME_OK, RESUME_ANEW, 0
#define CUT(n)          OUTCOME_OK, RESUME_CUT, (n)
#define COPY(n)         OUTCOME_OK, RESUME_COPY, (n)
#define REFUSE(outcome) OUTCOME_##outcome, RESUME_ANEW, 0

Test(resume, decide)
{
    static const struct {
        struct resume_facts facts;
        enum outcome outcome;
        enum resume_how how;
        uint64_t first;
    } rows[] = {
        /* STOR without REST begins again, whatever exists. */
        { { STORE(0) }, ANEW },
        { { STORE(0), PARTIAL(64 * K) }, ANEW },
        { { STORE(0), FINISHED(9) }, ANEW },
        /* REST up to the partial's length. */
        { { STORE(1), PARTIAL(64 * K) }, CUT(1) },
        { { STORE(64 * K), PARTIAL(64 * K) }, CUT(64 * K) },
        { { STORE(64 * K + 1), PARTIAL(64 * K) }, REFUSE(BAD_OFFSET) },
        /* REST is for the finished file, not for a partial, since SIZE reports
         * the file's length. */
        { { STORE(5), PARTIAL(64 * K), FINISHED(9) }, COPY(5) },
        { { STORE(65 * K), PARTIAL(64 * K), FINISHED(99 * K) }, COPY(65 * K) },
        { { STORE(10), PARTIAL(64 * K), FINISHED(9) }, REFUSE(BAD_OFFSET) },
        /* REST is for the partial if SIZE has reported its length, and the
         * partial still exists. */
        { { STORE(5), PARTIAL(64 * K), SIZED(64 * K), FINISHED(9) }, CUT(5) },
        { { STORE(65 * K), PARTIAL(64 * K), SIZED(64 * K), FINISHED(99 * K) },
          REFUSE(BAD_OFFSET) },
        { { STORE(5), OTHER(64 * K), SIZED(64 * K) }, REFUSE(SIZE_FIRST) },
        { { STORE(5), OTHER(64 * K), SIZED(64 * K), FINISHED(9) },
          REFUSE(SIZE_FIRST) },
        { { STORE(5), SIZED(64 * K), FINISHED(9) }, REFUSE(SIZE_FIRST) },
        { { STORE(0), OTHER(64 * K), SIZED(64 * K) }, ANEW },
        { { STORE(9), FINISHED(9) }, COPY(9) },
        { { STORE(10), FINISHED(9) }, REFUSE(BAD_OFFSET) },
        { { STORE(1) }, REFUSE(BAD_OFFSET) },
        { { STORE(UINT64_MAX), FINISHED(9) }, REFUSE(BAD_OFFSET) },
        /* APPE. */
        { { APPEND }, ANEW },
        { { APPEND, PARTIAL(64 * K) }, ANEW },
        { { APPEND, FINISHED(9) }, COPY(9) },
        { { APPEND, FINISHED(9), PARTIAL(64 * K) }, COPY(9) },
        { { APPEND, FINISHED(0) }, COPY(0) },
        { { APPEND, PARTIAL(128 * K), SIZED(64 * K) }, CUT(64 * K) },
        { { APPEND, PARTIAL(64 * K), SIZED(64 * K) }, CUT(64 * K) },
        /* SIZE's answer is no longer valid: the rest alone must not become a
         * file. */
        { { APPEND, PARTIAL(64 * K), SIZED(128 * K) }, REFUSE(SIZE_FIRST) },
        { { APPEND, OTHER(64 * K), SIZED(64 * K) }, REFUSE(SIZE_FIRST) },
        { { APPEND, SIZED(64 * K) }, REFUSE(SIZE_FIRST) },
        { { APPEND, PARTIAL(64 * K), SIZED(64 * K), FINISHED(99 * K) },
          REFUSE(SIZE_FIRST) },
        /* Another session, or an earlier upload, has used SIZE's answer. */
        { { APPEND, PARTIAL(64 * K), REPORTED }, REFUSE(SIZE_FIRST) },
        { { APPEND, REPORTED }, REFUSE(SIZE_FIRST) },
        { { APPEND, PARTIAL(64 * K), SIZED(64 * K), REPORTED }, CUT(64 * K) },
        /* The server can't know whether the bytes are the rest of the partial
         * or of the file, until SIZE has reported the file. */
        { { STORE(5), PARTIAL(64 * K), FINISHED(9), REPORTED },
          REFUSE(SIZE_FIRST) },
        { { STORE(5), ANSWERED(9) }, COPY(5) },
        { { STORE(5), PARTIAL(64 * K), REPORTED, .answered = true },
          REFUSE(SIZE_FIRST) },
        { { STORE(0), PARTIAL(64 * K), FINISHED(9), REPORTED }, ANEW },
        { { STORE(5), KEPT(9), REPORTED }, REFUSE(SEND_WHOLE) },
        { { APPEND, FINISHED(9), REPORTED }, REFUSE(SIZE_FIRST) },
        { { APPEND, ANSWERED(9) }, COPY(9) },
        { { APPEND, REPORTED, .answered = true }, REFUSE(SIZE_FIRST) },
        { { STORE(5), PARTIAL(64 * K), REPORTED }, CUT(5) },
        { { STORE(0), PARTIAL(64 * K), REPORTED }, ANEW },
        /* A finished file that on_conflict keeps is never resumed. The partial
         * that SIZE has reported is resumed, and gets another name. */
        { { STORE(0), KEPT(9) }, ANEW },
        { { STORE(5), KEPT(9) }, REFUSE(SEND_WHOLE) },
        { { STORE(10), KEPT(9) }, REFUSE(SEND_WHOLE) },
        { { STORE(5), PARTIAL(64 * K), KEPT(9) }, REFUSE(SEND_WHOLE) },
        { { STORE(5), PARTIAL(64 * K), SIZED(64 * K), KEPT(9) }, CUT(5) },
        { { STORE(5), OTHER(64 * K), SIZED(64 * K), KEPT(9) },
          REFUSE(SIZE_FIRST) },
        { { APPEND, KEPT(9) }, REFUSE(SEND_WHOLE) },
        { { APPEND, KEPT(0) }, REFUSE(SEND_WHOLE) },
        { { APPEND, PARTIAL(64 * K), KEPT(9) }, REFUSE(SEND_WHOLE) },
        { { APPEND, PARTIAL(64 * K), SIZED(64 * K), KEPT(9) }, CUT(64 * K) },
        { { APPEND, OTHER(64 * K), SIZED(64 * K), KEPT(9) },
          REFUSE(SIZE_FIRST) },
        { { APPEND, .kept = true }, ANEW },
        { { STORE(5), PARTIAL(64 * K), .kept = true }, CUT(5) },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct resume_plan plan = { 0 };

        cr_expect_eq(resume_decide(&rows[i].facts, &plan), rows[i].outcome,
                     "row %zu", i);
        cr_expect_eq(plan.how, rows[i].how, "row %zu", i);
        cr_expect_eq(plan.first, rows[i].first, "row %zu", i);
    }
}

/* Sends SIZE with the path SIZED, and APPE with the path APPENDED. */
static void append_by(struct peer *p, const char *sized, const char *appended)
{
    ask_cut(p, "/d/f", 200 * K, 1);
    cr_expect_eq(ask_size(p, sized), 192 * K);
    DONE(ask_put(p, appended, WRITE_APPEND, 0, 300 * K, 1));
    cr_expect_eq(p->first, 192 * K, "SIZE %s, APPE %s", sized, appended);
    DONE(ask_path(p, MSG_file_delete, "/l/f"));
}

PeerTest(resume, by_another_path, peer_init(p))
{
    disk_directory(p, "/d");
    disk_link(p, "d", "/l");
    peer_run(p);
    append_by(p, "/d/f", "/l/f");
    append_by(p, "/l/f", "/d/f");
}

/* The answer of SIZE is for the directory, also when another directory gets its
 * path. */
PeerTest(resume, of_another_directory, peer_init(p))
{
    disk_directory(p, "/d");
    disk_directory(p, "/e");
    peer_run(p);
    ask_cut(p, "/d/f", 200 * K, 1);
    cr_assert_eq(ask_size(p, "/d/f"), 192 * K);
    DONE(ask_rename(p, "/d", "/x"));
    DONE(ask_rename(p, "/e", "/d"));
    DONE(ask_write(p, "/d/f", WRITE_APPEND, 0, 0, NULL));
    cr_expect_eq(p->first, 0);
    DONE(ask_abort(p));
    DONE(ask_write(p, "/x/f", WRITE_APPEND, 0, 0, NULL));
    cr_expect_eq(p->first, 192 * K);
}

/* A session remembers the last 32 answers of SIZE about partials. SIZE of
 * another file doesn't matter. */
PeerTest(resume, by_an_earlier_size, peer_start(p))
{
    disk_put(p, "/file", "x", 1);
    ask_cut(p, "/f", 200 * K, 1);
    ask_cut(p, "/g", 200 * K, 1);
    cr_assert_eq(ask_size(p, "/f"), 192 * K);
    cr_assert_eq(ask_size(p, "/g"), 192 * K);
    cr_assert_eq(ask_size(p, "/file"), 1);
    DONE(ask_size(p, "/nothing"));
    for (int i = 0; i < 2; i++) { /* the 33rd answer replaces the first */
        char name[16];

        cr_assert_eq(ask_size(p, "/f"), 192 * K);
        for (int n = 0; n < (i == 0 ? 31 : 32); n++) {
            snprintf(name, sizeof(name), "/n%d-%d", i, n);
            ask_cut(p, name, 100 * K, 1);
            cr_assert_eq(ask_size(p, name), 64 * K);
        }
        int r = ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL);
        cr_expect_eq(r, i == 0 ? OUTCOME_OK : OUTCOME_SIZE_FIRST);
        if (r == OUTCOME_OK)
            DONE(ask_abort(p));
    }
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "/f" : "/g";

        cr_assert_eq(ask_size(p, name), 192 * K);
        DONE(ask_write(p, name, WRITE_APPEND, 0, 0, NULL));
        cr_expect_eq(p->first, 192 * K);
        DONE(ask_abort(p));
    }
}

/* A new session sends the rest, without SIZE. Whichever look at the partial
 * fails, the rest doesn't become a file. */
PeerTest(resume, a_look_that_fails, (peer_init(p), p->nth = nth_new()))
{
    bool met = p->nth != NULL;

    if (!p->nth)
        cr_skip_test(NTH_MISSING);
    peer_run(p);
    ask_cut(p, "/f", 200 * K, 1);
    cr_assert_eq(ask_size(p, "/f"), 192 * K);
    peer_again(p);
    for (unsigned n = 1; met; n++) {
        nth_arm(p->nth, n, EIO, NULL);
        int o = ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL);
        met = nth_disarm(p->nth);
        cr_expect_neq(o, OUTCOME_OK, "call %u, %s", n, nth_call(p->nth));
        if (o == OUTCOME_OK)
            DONE(ask_abort(p));
    }
    GETS(SIZE_FIRST, ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL));
}
