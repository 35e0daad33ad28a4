/* The beginning of an upload: each branch of the decision, as a table; and the
 * upload for which SIZE's answer is valid. */
#include <linux/magic.h>
#include <sys/xattr.h>

#include "files/files.h"
#include "places.h"
#include "renames.h"
#include "support/long.h"
#include "support/nth.h"
#include "syncs.h"

#define K 1024u

/* The other lengths are rows of upload/cut_one_is_kept_from_64k_on. */
Test(resume, length)
{
    cr_expect_eq(resume_length(UINT64_MAX), UINT64_MAX - 64 * K + 1);
}

#define STORE(at)   .mode = WRITE_STORE, .offset = (at)
#define APPEND      .mode = WRITE_APPEND
#define FINISHED(n) .finished = true, .size = (n)
#define KEPT(n)     FINISHED(n), .old_keeps_name = true
#define SIZED(n)    .told = TOLD_PARTIAL, .sized = (n)
#define PARTIAL(n)  .resumable = (n)
#define ANSWERED(n) FINISHED(n), .told = TOLD_FILE
#define STALE       .told = TOLD_STALE
#define OTHER(n)    .resumable = (n), STALE
#define REPORTED    .told = TOLD_ELSEWHERE
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
        { { STORE(5), OTHER(64 * K) }, REFUSE(SIZE_FIRST) },
        { { STORE(5), OTHER(64 * K), FINISHED(9) }, REFUSE(SIZE_FIRST) },
        { { STORE(5), FINISHED(9), STALE }, REFUSE(SIZE_FIRST) },
        { { STORE(5), STALE }, REFUSE(SIZE_FIRST) },
        /* The client was never told the length to which the partial grew. */
        { { STORE(65 * K), PARTIAL(128 * K), SIZED(64 * K) },
          REFUSE(SIZE_FIRST) },
        { { STORE(0), OTHER(64 * K) }, ANEW },
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
        { { APPEND, OTHER(64 * K) }, REFUSE(SIZE_FIRST) },
        { { APPEND, STALE }, REFUSE(SIZE_FIRST) },
        { { APPEND, FINISHED(9), STALE }, REFUSE(SIZE_FIRST) },
        { { APPEND, PARTIAL(64 * K), SIZED(64 * K), FINISHED(99 * K) },
          REFUSE(SIZE_FIRST) },
        /* Another session, or an earlier upload, has used SIZE's answer: as if
         * this one's were stale. */
        { { STORE(5), PARTIAL(64 * K), REPORTED }, REFUSE(SIZE_FIRST) },
        { { APPEND, PARTIAL(64 * K), REPORTED }, REFUSE(SIZE_FIRST) },
        { { APPEND, REPORTED }, REFUSE(SIZE_FIRST) },
        /* The server can't know whether the bytes are the rest of the partial
         * or of the file, until SIZE has reported the file. */
        { { STORE(5), PARTIAL(64 * K), FINISHED(9), REPORTED },
          REFUSE(SIZE_FIRST) },
        { { STORE(5), ANSWERED(9) }, COPY(5) },
        { { STORE(0), PARTIAL(64 * K), FINISHED(9), REPORTED }, ANEW },
        { { STORE(5), KEPT(9), REPORTED }, REFUSE(SEND_WHOLE) },
        { { APPEND, FINISHED(9), REPORTED }, REFUSE(SIZE_FIRST) },
        { { APPEND, ANSWERED(9) }, COPY(9) },
        { { STORE(0), PARTIAL(64 * K), REPORTED }, ANEW },
        /* A finished file that on_conflict keeps is never resumed. The partial
         * that SIZE has reported is resumed, and gets another name. */
        { { STORE(0), KEPT(9) }, ANEW },
        { { STORE(5), KEPT(9) }, REFUSE(SEND_WHOLE) },
        { { STORE(10), KEPT(9) }, REFUSE(SEND_WHOLE) },
        { { STORE(5), PARTIAL(64 * K), KEPT(9) }, REFUSE(SEND_WHOLE) },
        { { STORE(5), PARTIAL(64 * K), SIZED(64 * K), KEPT(9) }, CUT(5) },
        { { STORE(5), OTHER(64 * K), KEPT(9) }, REFUSE(SIZE_FIRST) },
        { { APPEND, KEPT(9) }, REFUSE(SEND_WHOLE) },
        { { APPEND, KEPT(0) }, REFUSE(SEND_WHOLE) },
        { { APPEND, PARTIAL(64 * K), KEPT(9) }, REFUSE(SEND_WHOLE) },
        { { APPEND, PARTIAL(64 * K), SIZED(64 * K), KEPT(9) }, CUT(64 * K) },
        { { APPEND, OTHER(64 * K), KEPT(9) }, REFUSE(SIZE_FIRST) },
        { { APPEND, .old_keeps_name = true }, ANEW },
        { { STORE(5), PARTIAL(64 * K), .old_keeps_name = true }, CUT(5) },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct resume_plan plan = { 0 };

        cr_expect_eq(resume_decide(&rows[i].facts, &plan), rows[i].outcome,
                     "row %zu", i);
        cr_expect_eq(plan.how, rows[i].how, "row %zu", i);
        cr_expect_eq(plan.first, rows[i].first, "row %zu", i);
    }
}

/* The answer of SIZE is for its path, and for the directory to which the path
 * led then. Whoever changes where the path leads, the rest doesn't become a
 * file, nor a part of another one; after the next SIZE the upload goes on. */
static void by_session(struct peer *p)
{
    PLAY(p, RNTO("/d", "/x"), RNTO("/e", "/d"));
}

static void by_hand(struct peer *p)
{
    PLAY(p, MOVE("/d", "/x"), MOVE("/e", "/d"));
}

static void by_link(struct peer *p)
{
    PLAY(p, MOVE("/d", "/x"), LINK("e", "/d"));
}

static void by_removal(struct peer *p)
{
    PLAY(p, RMD("/d"), MKD("/d"), MOVE("/e", "/x"));
}

static void (*const moves[])(struct peer *p) = { by_session, by_hand, by_link,
                                                 by_removal };

PeerTest(resume, of_another_directory, peer_init(p))
{
    peer_run(p);
    for (size_t i = 0; i < 2 * sizeof(moves) / sizeof(moves[0]); i++) {
        PLAY(p, DIRECTORY("/d"), DIRECTORY("/e"), CUTS("/e/f", 200 * K, 1),
             CUTS("/d/f", 200 * K, 2), SIZE("/d/f", 192 * K));
        moves[i / 2](p);
        if (i % 2)
            disk_fill(p, "/d/f", 300 * K, 3);
        PLAY(p, OPENS(APPEND, "/d/f", 0, 0, SIZE_FIRST),
             OPENS(STORE, "/d/f", 192 * K, 0, SIZE_FIRST));
        ask_size(p, "/d/f");
        PLAY(p, OPENS(APPEND, "/d/f", 0, 0), ABORT());
        ask_path(p, MSG_file_delete, "/d/f");
        ask_path(p, MSG_file_delete, "/d/f");
        DONE(ask_path(p, MSG_directory_remove, "/x"));
        if (moves[i / 2] == by_link) {
            PLAY(p, DELE("/d"), RMD("/e"));
        } else {
            DONE(ask_path(p, MSG_directory_remove, "/d"));
        }
    }
}

/* Another path to the same file says nothing about what the client knows. */
PeerTest(resume, by_another_path, peer_init(p))
{
    PLAY(p, DIRECTORY("/d"), LINK("d", "/l"), RUN(), CUTS("/d/f", 200 * K, 1),
         SIZE("/d/f", 192 * K), OPENS(APPEND, "/l/f", 0, 0, SIZE_FIRST),
         SIZE("/l/f", 192 * K), APPE("/l/f", 300 * K, 1), FIRST(192 * K));
}

/* A copy by cp -a is nobody's partial, whatever has become of the original. A
 * restore beside it is such a copy. */
PeerTest(resume, of_a_copy, peer_init(p))
{
    PLAY(p, DIRECTORY("/d"), RUN(), CUTS("/d/f", 200 * K, 1));
    for (int i = 0; i < 2; i++) {
        const char *file = i ? "/e/f" : "/c/f";

        disk_copy(p, "/d", i ? "/e" : "/c");
        GETS(NOT_FOUND, ask_facts(p, file, FACTS_FOR_SIZE));
        PLAY(p, APPE(file, 300 * K, 2),
             SIZE("/d/f", 192 * K)); /* the record is copied */
    }
    PLAY(p, PARTIALS("/c", 0), PARTIALS("/e", 0), APPE("/d/f", 300 * K, 1));
}

/* While the partial only grows, REST goes on after "busy", again and again. For
 * APPE the answer holds until the first byte. */
PeerTest(resume, of_a_partial_that_grew, peer_init(p))
{
    struct peer q;
    int fd;

    peer_run(p);
    peer_join(&q, p, false);
    DONE(ask_write(&q, "/f", WRITE_STORE, 0, 0, &fd));
    put_pattern(fd, 0, 100 * K, 1);
    DONE(ask_sync(&q));
    cr_assert_eq(ask_size(p, "/f"), 64 * K); /* after 5 s */
    GETS(BUSY, ask_write(p, "/f", WRITE_STORE, 64 * K, 0, NULL));
    put_pattern(fd, 100 * K, 200 * K, 1);
    close(fd);
    DONE(ask_abort(&q));
    PLAY(p, SENDS(STORE, "/f", 64 * K, 270 * K, 1), ABORT(),
         OPENS(APPEND, "/f", 0, 0, SIZE_FIRST),
         SENDS(STORE, "/f", 64 * K, 200 * K, 1), ABORT());
    /* Other bytes below the answer: the rest belongs to an earlier upload. */
    cr_assert_eq(ask_size(p, "/f"), 192 * K);
    PLAY(&q, SIZE("/f", 192 * K), SENDS(STORE, "/f", 1, 300 * K, 2), ABORT());
    for (int i = 0; i < 2; i++)
        GETS(SIZE_FIRST, ask_write(p, "/f", i ? WRITE_APPEND : WRITE_STORE,
                                   192 * K, 0, NULL));
    peer_leave(&q);
}

static int ask_rest(struct peer *p)
{
    return ASK(p, file_rest);
}

/* The finished file changes after its SIZE: the rest neither becomes the file,
 * nor a part of another one. Who can change it: */
static const struct changer {
    const char *path; /* of the file */
    const char *away; /* another name for it */
    const char *why_not;
} changers[] = {
    [WHO_OWN] = { "/f", "/x", NULL },
    [WHO_OTHER] = { "/contracts/f", "/contracts/x", NULL },
    [WHO_OLDER] = { .why_not = "its files is an older build: tests/system/"
                               "partials plays 1.0.0" },
    [WHO_PROGRAM] = { "/f", "/x", NULL },
    [WHO_NODE] = { "/f", "/x", NULL },
};
DIMENSION_ROWS(changers, WHO_COUNT);

/* A program can give the file its old time, as rsync --inplace does; so does a
 * new file that gets the inode of the old one. */
static void file_written(struct peer *p, size_t from, size_t to, unsigned seed)
{
    const struct stat st = disk_stat(p, "/f");
    FD_CLEANUP int fd = open(disk_path(p, "/f"), O_WRONLY | O_CLOEXEC);

    struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, st.st_mtim };

    cr_assert_geq(fd, 0);
    put_pattern(fd, from, to, seed);
    do /* the clock of files can stand still for some milliseconds */
        cr_assert_eq(futimens(fd, times), 0);
    while (disk_stat(p, "/f").st_ctim.tv_sec == st.st_ctim.tv_sec &&
           disk_stat(p, "/f").st_ctim.tv_nsec == st.st_ctim.tv_nsec);
}

enum fate {
    FATE_COLLECTED, /* by a local program */
    FATE_REFILLED,
    FATE_REWRITTEN,
    FATE_LENGTHENED,
    FATE_DELETED, /* by a session */
    FATE_RENAMED,
    FATE_REPLACED,
    FATE_APPENDED,
    FATES
};

/* Plays SIZE, or SIZE in TYPE A, for which the session reads the file. */
static void ask_size_of(struct peer *p, const char *path, bool in_type_a)
{
    if (!in_type_a)
        ask_size(p, path);
    else if (ASK(p, file_read, .path = slice_from(path), .size = true) ==
             OUTCOME_OK)
        fd_close(&heard.file_readable.file);
}

static void change_file(struct peer *q, enum fate fate,
                        const struct changer *by)
{
    const char *f = by->path;

    if (fate == FATE_COLLECTED)
        PLAY(q, MOVE(f, by->away));
    else if (fate == FATE_REFILLED)
        PLAY(q, UNLINK(f), FILL(f, 250 * K, 2));
    else if (fate == FATE_REWRITTEN)
        file_written(q, 0, 200 * K, 2);
    else if (fate == FATE_LENGTHENED)
        file_written(q, 200 * K, 250 * K, 1);
    else if (fate == FATE_DELETED)
        PLAY(q, DELE(f));
    else if (fate == FATE_RENAMED)
        PLAY(q, RNTO(f, by->away));
    else if (fate == FATE_REPLACED)
        PLAY(q, STOR(f, 250 * K, 2));
    else
        PLAY(q, APPE(f, 250 * K, 1));
}

static void changed_by(enum who who)
{
    const char *f = changers[who].path;
    struct peer one, *p = &one, q;

    if (who == WHO_OTHER && geteuid() != 0)
        return; /* all users have one uid */
    rename_faults.nodes = rename_faults.no_flags = who == WHO_NODE;
    disk_type = who == WHO_NODE ? FUSE_SUPER_MAGIC : 0;
    peer_init(p);
    PLAY(p, SHARES("/contracts", RIGHT_ALL), RUN());
    if (who == WHO_OTHER)
        peer_member(&q, p, "bert", RIGHT_ALL);
    else
        peer_join(&q, p, false);
    for (int i = 0; i < 2 * FATES; i++) {
        const enum fate fate = (enum fate)(i % FATES);
        const bool in_type_a = i >= FATES;

        if ((fate < FATE_DELETED) != (who == WHO_PROGRAM))
            continue;
        ROW("%s, fate %d, TYPE %c: ", who_words[who], fate, "IA"[in_type_a]);
        PLAY(p, STOR(f, 200 * K, 1));
        ask_size_of(p, f, in_type_a);
        PLAY(p, OPENS(APPEND, f, 0, 0), ABORT());
        change_file(who == WHO_PROGRAM ? p : &q, fate, &changers[who]);
        PLAY(p, OPENS(APPEND, f, 0, 0, SIZE_FIRST),
             OPENS(STORE, f, 200 * K, 0, SIZE_FIRST));
        ask_size_of(p, f, in_type_a);
        PLAY(p, OPENS(APPEND, f, 0, 0), ABORT());
        ask_path(p, MSG_file_delete, f);
        ask_path(p, MSG_file_delete, changers[who].away);
    }
    peer_leave(&q);
    peer_stop(p);
}

Test(resume, of_a_file_that_has_changed)
{
    for (enum who who = 0; who < WHO_COUNT; who++)
        if (dimension_plays(who_words[who], changers[who].path,
                            changers[who].why_not))
            changed_by(who);
}

/* A look that finds no partial takes nothing back, and the session's own
 * changes of the file's facts change no byte. */
PeerTest(resume, of_a_file_that_was_looked_at, peer_start(p))
{
    struct peer q;

    peer_join(&q, p, false);
    /* SITE PARTIAL that finds none takes nothing back. */
    PLAY(p, STOR("/f", 200 * K, 1), SIZE("/f", 200 * K));
    GETS(NOT_FOUND, ask_facts(p, "/f", FACTS_FOR_PARTIAL));
    PLAY(p, OPENS(APPEND, "/f", 0, 0), ABORT(), MOVE("/f", "/x"),
         OPENS(APPEND, "/f", 0, 0, SIZE_FIRST));
    PLAY(p, STOR("/f", 200 * K, 1), SIZE("/f", 200 * K));
    GETS(NOT_FOUND, ask_facts(p, "/f", FACTS_FOR_PARTIAL));
    PLAY(p, UNLINK("/f"), FILL("/f", 250 * K, 2),
         OPENS(STORE, "/f", 200 * K, 0, SIZE_FIRST), DELE("/f"), UNLINK("/x"));
    /* SIZE of a directory says nothing of a file. */
    PLAY(p, MKD("/f"));
    ask_facts(p, "/f", FACTS_FOR_SIZE);
    PLAY(p, RMD("/f"), OPENS(APPEND, "/f", 0, 0), ABORT());
    /* The session's own changes of its facts change no byte. */
    PLAY(p, STOR("/f", 200 * K, 1), SIZE("/f", 200 * K), MFMT("/f"),
         CHMOD("/f", 0640), APPE("/f", 250 * K, 1), SIZE("/f", 250 * K));
    PLAY(&q, MFMT("/f"));
    PLAY(p, MFMT("/f"), OPENS(APPEND, "/f", 0, 0, SIZE_FIRST), DELE("/f"));
    /* As long as the file is as it was, the rest goes on, also again. */
    PLAY(p, STOR("/f", 200 * K, 1), SIZE("/f", 200 * K),
         SENDS(APPEND, "/f", 0, 300 * K, 1), ABORT(),
         REST("/f", 200 * K, 300 * K, 1), SIZE("/f", 300 * K),
         APPE("/f", 400 * K, 1), IS("/f", 400 * K, 1));
    peer_leave(&q);
}

/* A session that hasn't sent SIZE knows no length, for REST as for APPE. */
PeerTest(resume, without_size, peer_start(p))
{
    struct peer q, r;

    PLAY(p, CUTS("/f", 300 * K, 1), SIZE("/f", 256 * K));
    peer_join(&q, p, false);
    PLAY(&q, CUTS("/f", 350 * K, 2), LEAVE());
    peer_join(&r, p, false);
    PLAY(&r, OPENS(STORE, "/f", 256 * K, 0, SIZE_FIRST),
         OPENS(APPEND, "/f", 0, 0, SIZE_FIRST), SIZE("/f", 320 * K),
         REST("/f", 320 * K, 400 * K, 2), LEAVE());
}

/* SIZE has told the length of an upload; the server ends it, and keeps no byte.
 * The rest, by a session that hasn't sent SIZE, never becomes a file. */
enum ended_by {
    BY_WRITER_OVERTAKEN,
    BY_SILENT_OVERTAKEN,
    BY_WORTHLESS,
    BY_FULL_DISK,
    BY_BYTES_AT_CUT,
    BY_BYTES_AT_COMMIT,
    BY_FAILED_SYNC,
    BY_LAST
};

static bool by_bytes(enum ended_by by)
{
    return by == BY_BYTES_AT_CUT || by == BY_BYTES_AT_COMMIT;
}

static void ended_play(struct peer *p, struct peer *q, enum ended_by by,
                       const char *path, const char *other)
{
    const bool overtaken = by <= BY_SILENT_OVERTAKEN;

    PLAY(p, SENDS(STORE, path, 0, 200 * K, 1), SYNC());
    if (by == BY_WRITER_OVERTAKEN)
        clock_jumps = 3000; /* SIZE waits for the writer */
    else if (by == BY_SILENT_OVERTAKEN)
        DONE(ASK(p, file_rest));
    else
        DONE(ask_abort(p));
    PLAY(q, AGAIN(), SIZE(path, 192 * K));
    clock_jumps = 0;
    if (overtaken) {
        PLAY(q, SENDS(STORE, path, 0, 100 * K, 2), ABORT());
        PLAY(p, ABORT());
        return;
    }
    sync_fails_at = by == BY_FAILED_SYNC ? 1 : 0;
    PLAY(p, AGAIN(), SIZE(path, 192 * K), SENDS(APPEND, path, 0, 300 * K, 1));
    sync_fails_at = 0;
    if (by_bytes(by))
        PLAY(q, STOR(other, 800 * K, 3));
    if (by == BY_WORTHLESS) {
        DONE(ask_abort_spoiled(p));
    } else if (by == BY_BYTES_AT_COMMIT) {
        PLAY(p, COMMIT(300 * K, MAX_BYTES));
    } else {
        if (by == BY_FULL_DISK)
            PLAY(p, FULL(NO_SPACE));
        PLAY(p, ABORT());
    }
}

/* On a network disk SIZE doesn't report an upload at work. In a short run three
 * places take turns. */
static bool ended_in(enum ended_by by, enum place_kind place)
{
    if (by == BY_WRITER_OVERTAKEN && place == PLACE_NETWORK)
        return false;
    return is_long() || place <= PLACE_DROP || ((int)by + (int)place) % 3 == 0;
}

Test(resume, without_size_of_what_the_server_has_dropped)
{
    for (enum ended_by by = 0; by < BY_LAST; by++)
        for (enum place_kind place = 0; place < PLACE_COUNT; place++) {
            const char *directory = files_places[place].path;
            char path[32], other[32], third[32];
            struct peer p, q, r;

            if (!places_go(place) || !ended_in(by, place))
                continue;
            ROW("ended by %d, %s: ", by, place_words[place]);
            snprintf(path, sizeof(path), "%s/f", directory);
            snprintf(other, sizeof(other), "%s/g", directory);
            snprintf(third, sizeof(third), "%s/h", directory);
            peer_init(&p);
            places_furnish(&p, place);
            PLAY(&p, p.start.rules.fsync = by == BY_FAILED_SYNC,
                 p.start.rules.upload_bytes = 1000 * K,
                 p.start.rules.uploads = by_bytes(by) ? 2 : 1, RUN());
            places_enter(&p, place);
            peer_join(&q, &p, false);
            ended_play(&p, &q, by, path, other);
            peer_join(&r, &p, false);
            PLAY(&r, OPENS(APPEND, path, 0, 0, SIZE_FIRST));
            cr_expect_neq(ask_write(&r, path, WRITE_STORE, 128 * K, 0, NULL),
                          OUTCOME_OK);
            /* Nothing is left that counts as a file; and the client that has
             * asked, and asks again, begins anew. */
            PLAY(&q, OPENS(APPEND, path, 0, 0, SIZE_FIRST),
                 STOR(third, 100 * K, 4), q.start.rules.uploads = 0, AGAIN(),
                 SIZE(path, 0), APPE(path, 90 * K, 4));
            peer_leave(&r);
            peer_leave(&q);
            peer_stop(&p);
        }
}

/* Once the name is stored, renamed or deleted, nobody waits for the rest: APPE
 * without SIZE continues the finished file. */
PeerTest(resume, without_size_of_what_was_stored_meanwhile, peer_start(p))
{
    struct peer q;

    peer_join(&q, p, false);
    PLAY(&q, STOR("/old", 10, 2));
    for (int i = 0; i < 6; i++) {
        ROW("row %d: ", i);
        PLAY(p, SENDS(STORE, "/f", 0, 200 * K, 1));
        if (i % 2)
            DONE(ASK(p, file_rest));
        else
            PLAY(p, SYNC());
        clock_jumps = i % 2 ? 0 : 3000; /* SIZE waits for a writer */
        PLAY(&q, AGAIN(), SIZE("/f", 192 * K));
        clock_jumps = 0;
        PLAY(&q, AGAIN());
        if (i / 2 == 0)
            PLAY(&q, STOR("/f", 10, 2));
        else if (i / 2 == 1)
            PLAY(&q, STOR("/g", 10, 2), RNTO("/g", "/f"));
        else
            PLAY(&q, FILL("/f", 10, 2), DELE("/f"));
        PLAY(p, ABORT(), PARTIALS("/", 0));
        PLAY(&q, AGAIN(), APPE("/f", 20, 2), IS("/f", 20, 2), DELE("/f"));
    }
    peer_leave(&q);
}

/* A hard link of a partial is a copy: SIZE of it takes nothing from the
 * original: without SIZE the rest of this one never becomes the file. */
PeerTest(resume, of_a_hard_link, peer_init(p))
{
    char from[128], to[128];

    PLAY(p, DIRECTORY("/d"), DIRECTORY("/e"), RUN(), CUTS("/d/f", 200 * K, 1),
         SIZE("/d/f", 192 * K));
    snprintf(from, sizeof(from), "/d/%s", disk_partial_name(p, "f"));
    snprintf(to, sizeof(to), "/e/%s", disk_partial_name(p, "f"));
    disk_hard_link(p, from, to);
    GETS(NOT_FOUND, ask_facts(p, "/e/f", FACTS_FOR_SIZE));
    PLAY(p, OPENS(APPEND, "/e/f", 0, 0), ABORT(), AGAIN(),
         OPENS(APPEND, "/d/f", 0, 0, SIZE_FIRST));
    GETS(NOT_FOUND, ask_facts(p, "/e/f", FACTS_FOR_SIZE));
    PLAY(p, OPENS(APPEND, "/d/f", 0, 0, SIZE_FIRST), APPE("/e/f", 300 * K, 2),
         IS("/e/f", 300 * K, 2));
}

/* Returns the outcome; *fd: the partial again, or -1. */
static int ask_go_on(struct peer *p, int *fd)
{
    int r = ASK(p, file_go_on);

    *fd = r == OUTCOME_OK ? fd_take(&heard.file_again.file) : -1;
    return r;
}

/* While no byte comes, an upload lets go of its partial. It goes on if no other
 * session has used the partial meanwhile; otherwise it touches nothing. */
PeerTest(resume, of_a_silent_upload, peer_start(p))
{
    enum { BY_NOBODY, BY_OPEN, BY_CUT, BY_STORED, BY_ALL };
    struct peer q;
    int fd;

    peer_join(&q, p, false);
    for (int what = BY_NOBODY; what < BY_ALL; what++) {
        DONE(ask_upload(p, "/f", WRITE_STORE, 0, 200 * K, 1));
        DONE(ask_rest(p));
        DONE(ask_rest(p));
        cr_expect_eq(ask_size(&q, "/f"), 192 * K);
        if (what != BY_NOBODY)
            DONE(ask_upload(&q, "/f", WRITE_APPEND, 0, 250 * K, 1));
        if (what == BY_CUT)
            DONE(ask_abort(&q));
        else if (what == BY_STORED)
            DONE(ask_commit(&q, 250 * K));
        cr_expect_eq(ask_go_on(p, &fd),
                     what == BY_NOBODY ? OUTCOME_OK : OUTCOME_PARTIAL_TAKEN,
                     "%d", what);
        if (what == BY_NOBODY) {
            put_pattern(fd, 200 * K, 300 * K, 1);
            close(fd);
            PLAY(p, COMMIT(300 * K), IS("/f", 300 * K, 1));
        } else {
            GETS(PARTIAL_TAKEN, ask_go_on(p, &fd)); /* however often it asks */
            DONE(ask_abort(p));
        }
        if (what == BY_OPEN)
            DONE(ask_commit(&q, 250 * K));
        cr_expect(what >= BY_CUT || disk_has(p, "/f"));
        if (what == BY_CUT)
            cr_expect_eq(ask_size(&q, "/f"), 192 * K, "%d", what);
        ask_path(p, MSG_file_delete, "/f");
        cr_expect_eq(disk_partials(p, "/"), 0, "%d", what);
    }
    /* The session ends meanwhile. */
    DONE(ask_upload(p, "/f", WRITE_STORE, 0, 200 * K, 1));
    DONE(ask_rest(p));
    DONE(ask_abort(p));
    cr_expect_eq(ask_size(&q, "/f"), 192 * K);
    /* The upload has used its answer, though its bytes are another one's. */
    PLAY(p, SIZE("/f", 192 * K), SENDS(APPEND, "/f", 0, 300 * K, 1));
    DONE(ask_rest(p));
    PLAY(&q, SIZE("/f", 256 * K), SENDS(APPEND, "/f", 0, 350 * K, 1), ABORT());
    GETS(PARTIAL_TAKEN, ask_go_on(p, &fd));
    PLAY(p, ABORT(), OPENS(APPEND, "/f", 0, 0, SIZE_FIRST));
    peer_leave(&q);
}

/* A writer that doesn't know the record, such as 1.0.0 or a local program, has
 * changed bytes below the answer. Nor does the answer hold after a third one.
 */
PeerTest(resume, of_a_partial_that_others_wrote, peer_start(p))
{
    struct peer q;
    int fd;

    PLAY(p, CUTS("/f", 200 * K, 1), SIZE("/f", 192 * K));
    fd = open(disk_path(p, disk_partial(p, "/")), O_WRONLY | O_CLOEXEC);
    put_pattern(fd, 64 * K, 192 * K, 2);
    close(fd);
    GETS(SIZE_FIRST, ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL));
    peer_join(&q, p, false);
    PLAY(&q, SIZE("/f", 192 * K), SENDS(STORE, "/f", 192 * K, 300 * K, 2),
         ABORT());
    for (int i = 0; i < 2; i++)
        GETS(SIZE_FIRST, ask_write(p, "/f", i ? WRITE_APPEND : WRITE_STORE,
                                   192 * K, 0, NULL));
    PLAY(p, SIZE("/f", 256 * K), OPENS(APPEND, "/f", 0, 0), ABORT());
    peer_leave(&q);
}

/* A partial of 1.0.0 has a record without an identity, and isn't bound to its
 * directory. */
PeerTest(resume, of_an_upload_of_1_0_0, peer_start(p))
{
    struct peer q;
    const char *path;

    ask_cut(p, "/f", 200 * K, 1);
    path = disk_path(p, disk_partial(p, "/"));
    cr_assert_eq(removexattr(path, "user.sallyport.directory"), 0);
    cr_assert_eq(setxattr(path, "user.sallyport.reported", "1", 1, 0), 0);
    mark_error = ENOSPC; /* SIZE can't replace the record, which stays */
    peer_join(&q, p, false);
    PLAY(&q, mark_error = 0, SIZE("/f", 0), LEAVE());
    PLAY(p, OPENS(APPEND, "/f", 0, 0, SIZE_FIRST), SIZE("/f", 192 * K),
         APPE("/f", 300 * K, 1), FIRST(192 * K));
}

/* A session remembers the last 128 answers of SIZE about partials. SIZE of
 * another file doesn't matter. */
PeerTest(resume, by_an_earlier_size, peer_start(p))
{
    PLAY(p, PUT("/file", "x"), CUTS("/f", 200 * K, 1), CUTS("/g", 200 * K, 1),
         SIZE("/f", 192 * K), SIZE("/g", 192 * K), SIZE("/file", 1));
    DONE(ask_size(p, "/nothing"));
    for (int i = 0; i < 2; i++) { /* the 129th answer replaces the first */
        char name[16];

        cr_assert_eq(ask_size(p, "/f"), 192 * K);
        for (int n = 0; n < SIZED_MAX - (i == 0); n++) {
            snprintf(name, sizeof(name), "/n%d-%d", i, n);
            PLAY(p, CUTS(name, 100 * K, 1), SIZE(name, 64 * K));
        }
        int r = ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL);
        cr_expect_eq(r, i == 0 ? OUTCOME_OK : OUTCOME_SIZE_FIRST);
        if (r == OUTCOME_OK)
            DONE(ask_abort(p));
    }
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "/f" : "/g";

        PLAY(p, SIZE(name, 192 * K), OPENS(APPEND, name, 0, 0), FIRST(192 * K),
             ABORT());
    }
}

/* The 129th answer about a finished file replaces the first: then the rest of a
 * name without an answer never becomes a file, until SIZE is sent again. */
PeerTest(resume, by_a_forgotten_size, peer_init(p))
{
    PLAY(p, SHARES("/contracts", RIGHT_ALL & ~RIGHT_LIST), RUN());
    for (int i = 0; i < 4; i++) {
        const bool over = i % 2, in_type_a = i > 1;

        PLAY(p, AGAIN(), STOR("/f", 200 * K, 1));
        ask_size_of(p, "/f", in_type_a);
        for (int n = 0; n < SIZED_MAX - 1 + over; n++) {
            char name[16];

            snprintf(name, sizeof(name), "/n%d", n);
            PLAY(p, PUT(name, "x"));
            ask_size_of(p, name, in_type_a);
        }
        for (int end = 0; end < 2; end++) {
            ROW("forgotten %d, TYPE A %d, end %d: ", over, in_type_a, end);
            if (end == 0)
                PLAY(p, MOVE("/f", "/x"));
            else
                PLAY(p, FILL("/f", 300 * K, 2));
            PLAY(p, OPENS(APPEND, "/f", 0, 0, SIZE_FIRST),
                 OPENS(STORE, "/f", 100 * K, 0, SIZE_FIRST));
        }
        ask_size_of(p, "/f", in_type_a);
        PLAY(p, APPE("/f", 310 * K, 2), UNLINK("/f"));
        ask_size_of(p, "/f", in_type_a);
        PLAY(p, APPE("/f", 10, 3), DELE("/f"));
        ask_size_of(p, "/new", in_type_a);
        PLAY(p, APPE("/new", 10, 3), DELE("/new"), STOR("/new", 10, 3),
             DELE("/new"), APPE("/contracts/f", 10 + (size_t)i, 3));
    }
}

/* A new session sends the rest, without SIZE. Whichever look at the partial
 * fails, the rest doesn't become a file. */
Test(resume, a_look_that_fails)
{
    struct nth *nth = nth_new();
    struct peer one, *p = &one;
    bool met = nth != NULL;

    if (!nth)
        cr_skip_test(NTH_MISSING);
    peer_init(p);
    PLAY(p, p->nth = nth, RUN(), CUTS("/f", 200 * K, 1), SIZE("/f", 192 * K),
         AGAIN());
    for (unsigned n = 1; met; n++) {
        nth_arm(nth, n, EIO, NULL);
        int o = ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL);
        met = nth_disarm(nth);
        cr_expect_neq(o, OUTCOME_OK, "call %u, %s", n, nth_call(nth));
        if (o == OUTCOME_OK)
            DONE(ask_abort(p));
    }
    GETS(SIZE_FIRST, ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL));
    peer_stop(p);
    nth_free(nth);
}
