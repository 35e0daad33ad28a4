/* Only those bytes of a partial count that a sync has confirmed. */
#include <sys/xattr.h>

#include "peer.h"
#include "sallyport/base/clock.h"
#include "support/cast.h"
#include "syncs.h"

#define K      1024u
#define MARK   "user.sallyport.confirmed"
#define RECORD "user.sallyport.reported"

static void begin(struct peer *p, enum write_mode mode, uint64_t offset,
                  size_t len, unsigned seed)
{
    DONE(ask_upload(p, "/f", mode, offset, len, seed));
}

static void start_with_fsync(struct peer *p)
{
    peer_init(p);
    p->start.rules.fsync = true;
    sync_calls_begin();
    peer_run(p);
}

static void end_peer(struct peer *p)
{
    peer_kill(p);
    peer_run(p);
}

/* Expects that SIZE, REST and APPE find no byte of a partial. */
static void expect_nothing(struct peer *p)
{
    PLAY(p, SIZE("/f", 0), OPENS(STORE, "/f", 64 * K, 0, BAD_OFFSET),
         OPENS(APPEND, "/f", 0, 0), FIRST(0), ABORT(), PARTIALS("/", 0));
}

PeerTest(confirmed, a_cut_syncs_before_it_marks, start_with_fsync(p))
{
    ask_cut(p, "/f", 200 * K, 1);
    cr_expect_str_eq(sync_calls(), "dmt");
    cr_expect_eq(ask_size(p, "/f"), 192 * K);
    begin(p, WRITE_STORE, 192 * K, 300 * K, 1);
    peer_again(p); /* the session ends in the middle */
    cr_expect_str_eq(sync_calls(), "dmtrsdmtr");
    cr_expect_eq(ask_size(p, "/f"), 256 * K);
}

/* A session leaves, and its last word is that the upload is worthless. It
 * doesn't wait for the answer to an earlier request. */
PeerTest(confirmed, a_last_word, start_with_fsync(p))
{
    for (int waits = 0; waits < 2; waits++) {
        begin(p, WRITE_STORE, 0, 200 * K, 1);
        cr_assert_eq(kill(p->pid, SIGSTOP), 0);
        if (waits)
            REQUEST(&p->session, file_sync);
        REQUEST(&p->session, file_abort, .worthless = true);
        channel_close(&p->session);
        cr_assert_eq(kill(p->pid, SIGCONT), 0);
        PLAY(p, ROW("%d: ", waits), AGAIN(), PARTIALS("/", 0));
    }
}

PeerTest(confirmed, a_death_before_a_sync_leaves_nothing, start_with_fsync(p))
{
    begin(p, WRITE_STORE, 0, 200 * K, 1);
    end_peer(p);
    cr_expect_eq(disk_partials(p, "/"), 1);
    expect_nothing(p);
}

/* A failed sync leaves no partial: a second sync would succeed, but prove
 * nothing. */
Test(confirmed, a_failed_sync_leaves_nothing)
{
    struct peer p;
    int end;

    for (int i = 0; i < 3; i++) {
        peer_init(&p);
        p.start.rules.fsync = true;
        PLAY(&p, sync_fails_at = 1, RUN());
        begin(&p, WRITE_STORE, 0, 200 * K, 1);
        end = i == 0   ? ask_sync(&p)
              : i == 1 ? ask_commit(&p, 200 * K)
                       : ask_abort(&p);
        cr_expect_eq(end, i == 2 ? OUTCOME_OK : OUTCOME_IO, "%d", i);
        if (i == 0)
            GETS(IO, ask_commit(&p, 200 * K));
        PLAY(&p, ROW("%d: ", i), PARTIALS("/", 0), GONE("/f"));
        expect_nothing(&p);
        peer_stop(&p);
    }
}

/* A failed sync also deletes the bytes that an earlier upload has confirmed. */
PeerTest(confirmed, a_failed_sync_takes_the_earlier_bytes_too,
         start_with_fsync(p))
{
    PLAY(p, CUTS("/f", 200 * K, 1), sync_fails_at = 1, AGAIN());
    begin(p, WRITE_STORE, 192 * K, 300 * K, 1);
    PLAY(p, SYNC(IO), ABORT(), PARTIALS("/", 0));
    expect_nothing(p);
}

/* Before a confirmed byte is cut or replaced, the disk must have the lower
 * mark. */
PeerTest(confirmed, lowered_and_synced_before_the_cut, start_with_fsync(p))
{
    ask_cut(p, "/f", 300 * K, 1);
    sync_calls_begin();
    begin(p, WRITE_STORE, 100 * K, 150 * K, 1);
    cr_expect_str_eq(sync_calls(), "rmst");
    end_peer(p);
    cr_expect_eq(ask_size(p, "/f"), 100 * K);
    begin(p, WRITE_STORE, 0, 10, 2); /* replaces the old partial */
    cr_expect_str_eq(sync_calls(), "rmstrsmrsrmsr");
    DONE(ask_abort(p));
    expect_nothing(p);
}

Test(confirmed, a_failed_sync_of_the_lower_mark_leaves_nothing)
{
    static const uint64_t offsets[] = { 100 * K, 0 };
    struct peer p;

    for (size_t i = 0; i < 2; i++) {
        sync_fails_at = 0;
        start_with_fsync(&p);
        PLAY(&p, CUTS("/f", 300 * K, 1), sync_fails_at = 1, AGAIN(),
             OPENS(STORE, "/f", offsets[i], 0, IO), PARTIALS("/", 0));
        expect_nothing(&p);
        peer_stop(&p);
    }
}

/* A file system without extended attributes has no marks: nothing can be
 * resumed, and the log says so once. */
Test(confirmed, no_mark_no_resume)
{
    struct peer *p = peer_new();

    PLAY(p, p->start.rules.fsync = true, marks_fail = true, RUN());
    for (int i = 0; i < 2; i++) {
        begin(p, WRITE_STORE, 0, 200 * K, 1);
        PLAY(p, SYNC(), ABORT());
        expect_nothing(p);
    }
    PLAY(p, STOR("/f", 200 * K, 1), EVENT(TROUBLE));
    peer_stop(p); /* and no other event */
}

/* Only files may write a mark, but other processes of this uid can write the
 * partial's bytes. So a mark never makes more bytes count than the partial has.
 * A mark with a wrong form, or of fsync = no, doesn't count. */
PeerTest(confirmed, marks_that_are_not_true, start_with_fsync(p))
{
    static const struct {
        const char *bytes;
        size_t len;
        uint64_t length;
    } rows[] = {
        { "\x01\x00\x00\x01\x00\x00\x00\x00\x00", 9, 64 * K },
        { "\x01\x00\x00\x00\x01\x00\x00\x00\x00", 9, 128 * K }, /* too long */
        { "\x01\xff\xff\xff\xff\xff\xff\xff\xff", 9, 128 * K },
        { "\x02\x00\x00\x01\x00\x00\x00\x00\x00", 9, 0 }, /* fsync = no */
        { "\x00\x00\x00\x01\x00\x00\x00\x00\x00", 9, 0 },
        { "\x03\x00\x00\x01\x00\x00\x00\x00\x00", 9, 0 },
        { "\x01\x00\x00\x01\x00\x00\x00\x00", 8, 0 },
        { "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10, 0 },
        { "", 0, 0 },
    };

    ask_cut(p, "/f", 200 * K, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *path = disk_path(p, disk_partial(p, "/"));

        cr_assert_eq(setxattr(path, MARK, rows[i].bytes, rows[i].len, 0), 0);
        cr_expect_eq(ask_size(p, "/f"), rows[i].length, "row %zu", i);
    }
}

/* With fsync = no the marks are written without a sync, and they only count
 * until fsync is yes again. */
PeerTest(confirmed, without_fsync, peer_init(p))
{
    sync_calls_begin();
    PLAY(p, RUN(), CUTS("/f", 200 * K, 1), SIZE("/f", 192 * K));
    begin(p, WRITE_STORE, 64 * K, 200 * K, 1);
    DONE(ask_abort(p));
    cr_expect_str_eq(sync_calls(), "mtrrmrtmtr");
    PLAY(p, SIZE("/f", 192 * K), p->start.rules.fsync = true, AGAIN());
    expect_nothing(p);
}

/* The record of SIZE isn't left on the file, whether the partial was resumed,
 * or has taken the record over from another partial. */
PeerTest(confirmed, a_file_has_no_record, peer_start(p))
{
    static const uint64_t offsets[] = { 128 * K, 0 };

    for (size_t i = 0; i < 2; i++) {
        PLAY(p, CUTS("/f", 200 * K, 1), SIZE("/f", 192 * K));
        begin(p, WRITE_STORE, offsets[i], 200 * K, 1);
        cr_assert_eq(
            getxattr(disk_path(p, disk_partial(p, "/")), RECORD, NULL, 0), 24);
        DONE(ask_commit(p, 200 * K));
        cr_expect_lt(getxattr(disk_path(p, "/f"), RECORD, NULL, 0), 0);
        cr_assert_eq(unlink(disk_path(p, "/f")), 0);
    }
}

/* DELE syncs the directory after the removal of a partial: otherwise the
 * partial's bytes could become the beginning of another file after a power
 * cut. */
PeerTest(confirmed, a_partial_is_deleted_for_good,
         (sync_directories_fail = true, start_with_fsync(p)))
{
    PLAY(p, PUT("/f", "x"), DELE("/f"), CUTS("/f", 200 * K, 1), DELE("/f", IO),
         PARTIALS("/", 0));
}

/* Sends SIZE, and doesn't wait for the answer. */
static void send_size(struct peer *p)
{
    REQUEST(&p->session, facts, .path = SLICE("/f"), .purpose = FACTS_FOR_SIZE);
}

PeerTest(confirmed, size_waits_for_the_old_writer, peer_start(p))
{
    struct peer b;

    peer_join(&b, p, false);
    begin(p, WRITE_STORE, 0, 200 * K, 1);
    send_size(&b);
    cast_hear_nothing(&b.session, 100);
    DONE(ask_abort(p));
    cr_expect_eq(EXPECT(&b.session, facts_are)->size, 192 * K);
    begin(&b, WRITE_APPEND, 0, 200 * K, 1);
    /* If the partial becomes the file meanwhile, the answer is the file's
     * length. */
    send_size(p);
    cast_hear_nothing(&p->session, 100);
    DONE(ask_commit(&b, 200 * K));
    cr_expect_eq(EXPECT(&p->session, facts_are)->size, 200 * K);
    peer_leave(&b);
}

/* SIZE waits 5 s at most, and stops when its session has gone. */
PeerTest(confirmed, size_does_not_wait_long, start_with_fsync(p))
{
    struct peer b;
    uint64_t began;

    peer_join(&b, p, false);
    begin(p, WRITE_STORE, 0, 200 * K, 1);
    DONE(ask_sync(p));
    began = clock_ms();
    cr_expect_eq(ask_size(&b, "/f"), 192 * K);
    cr_expect_geq(clock_ms() - began, 4900);
    send_size(&b);
    began = clock_ms();
    peer_leave(&b);
    cr_expect_lt(clock_ms() - began, 4000);
}
