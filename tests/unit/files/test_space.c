/* If a disk is full, old partials of the user are removed, but no partials of
 * other users. */
#include <sys/statvfs.h>

#include "files/files.h"
#include "peer.h"
#include "syncs.h"

#define K       1024u
#define FOREIGN "/d/.sallyport-00000000000000000000000000000000.part"

static void begin(struct peer *p, const char *path, size_t len)
{
    DONE(ask_upload(p, path, WRITE_STORE, 0, len, 1));
}

/* Runs a new process in the same home, SECONDS later. */
static void later(struct peer *p, time_t seconds)
{
    PLAY(p, time_ahead += seconds, AGAIN());
}

/* Expects the event about removed partials. FULL is the beginning of its
 * reason: the disk, a quota, or min_free. */
static void expect_event(struct peer *p, uint64_t removed, const char *full)
{
    const struct event_record e = peer_expect(p, EVENT_SERVICE);

    cr_expect(slice_starts(e.text[FIELD_REASON], slice_from(full)), "%.*s",
              (int)e.text[FIELD_REASON].len, e.text[FIELD_REASON].ptr);
    cr_expect_eq(e.number[FIELD_NUMBER], removed);
    cr_expect_gt(e.number[FIELD_BYTES], removed * 100 * K);
}

/* Plays an upload of LEN bytes that fills the disk. */
static void fill_up(struct peer *p, size_t len)
{
    begin(p, "/g", len);
    PLAY(p, FULL(NO_SPACE), ABORT());
}

/* An upload that fails for lack of space leaves no partial, and all idle
 * partials are removed, so that the retry fits. */
PeerTest(idle, all_go_with_an_upload_that_fails, peer_start(p))
{
    PLAY(p, DIRECTORY("/a"), DIRECTORY("/a/b"), CUTS("/a/b/oldest", 200 * K, 1),
         CUTS("/f", 200 * K, 1), PUT("/a/file", "x"));
    later(p, HOUR);
    begin(p, "/g", 10);
    GETS(NO_SPACE, ask_full(p, false));
    cr_expect_eq(disk_partials(p, "/a/b"), 1, "not before the client's reply");
    DONE(ask_abort(p));
    expect_event(p, 2, "the disk is full: ");
    PLAY(p, PARTIALS("/a/b", 0), PARTIALS("/", 0), HAS("/a/file"));
    fill_up(p, 10);
}

/* A quota is full at a write or, as on NFS, at a sync. */
Test(idle, a_quota_that_is_full)
{
    for (int at_sync = 0; at_sync < 2; at_sync++) {
        struct peer *p = peer_started();

        PLAY(p, CUTS("/f", 200 * K, 1), p->start.rules.fsync = at_sync);
        sync_fails_at = (unsigned)at_sync;
        sync_error = EDQUOT;
        later(p, HOUR);
        begin(p, "/g", 200 * K);
        GETS(OVER_QUOTA, at_sync ? ask_sync(p) : ask_full(p, true));
        DONE(ask_abort(p));
        expect_event(p, 1, "a quota is full: ");
        cr_expect_eq(disk_partials(p, "/"), 0);
        peer_stop(p);
    }
}

/* A partial that was used recently, a partial of another user, and a file that
 * isn't a partial are kept. */
PeerTest(idle, files_that_stay, peer_start(p))
{
    PLAY(p, DIRECTORY("/d"), CUTS("/young", 200 * K, 1),
         PUT("/.sallyport-file", "x"));
    if (geteuid() == 0) {
        disk_put(p, FOREIGN, "x", 1);
        cr_assert_eq(chown(disk_path(p, FOREIGN), PEER_UID + 1, PEER_UID + 1),
                     0);
    }
    later(p, 3500);
    fill_up(p, 10);
    cr_assert_eq(unlink(disk_path(p, "/.sallyport-file")), 0);
    cr_expect_eq(disk_partials(p, "/"), 1, "nothing is old enough");
    later(p, HOUR);
    fill_up(p, 10);
    expect_event(p, 1, "the disk is full: ");
    PLAY(p, PARTIALS("/", 0), PARTIALS("/d", geteuid() == 0));
}

/* If the server doesn't run as root, all users have one uid, and in a share
 * their partials are in the same directories. Partials of other users are
 * kept. */
PeerTest(idle, of_a_user_with_the_same_uid, peer_start(p))
{
    PLAY(p, CUTS("/f", 200 * K, 1), p->start.name = "bert");
    later(p, 0);
    PLAY(p, CUTS("/f", 200 * K, 2), PUT("/" LEFT, "x"));
    later(p, HOUR);
    fill_up(p, 10);
    cr_expect_eq(peer_expect(p, EVENT_SERVICE).number[FIELD_NUMBER], 2,
                 "the own ones");
    cr_expect(disk_is(p, disk_partial(p, "/"), 192 * K, 1));
}

/* ALLO, and AVBL on a disk that is nearly full, count the bytes of idle
 * partials as free. Only STOR removes the partials, if it has to. */
PeerTest(idle, counts_as_free, peer_start(p))
{
    uint64_t after;

    PLAY(p, CUTS("/f", 8 * K * K, 1), free_always = INT64_MAX);
    later(p, HOUR);
    DONE(ask_space(p, "/", UINT64_MAX));
    cr_expect_eq(p->space.bytes, INT64_MAX / 4096 * 4096);
    PLAY(p, free_always = 1024 * K, AGAIN());
    DONE(ask_space(p, "/", UINT64_MAX));
    after = p->space.bytes;
    DONE(ask_space(p, "/", 1));
    cr_expect_eq(p->space.bytes, 1024 * K);
    cr_expect_geq(after, p->space.bytes + 8 * K * K - RESUME_BLOCK);
    cr_expect_eq(disk_partials(p, "/"), 1);
}

/* An announced length that can never fit removes no partials. */
PeerTest(idle, an_announced_length_that_never_fits, peer_start(p))
{
    PLAY(p, CUTS("/f", 200 * K, 1), CUTS("/g", 200 * K, 1));
    later(p, HOUR);
    PLAY(p, OPENS(STORE, "/x", 0, INT64_MAX, NO_SPACE), PARTIALS("/", 2));
}

/* A STOR that is refused for lack of space doesn't drop the old partial, which
 * can still be resumed. The bytes of a partial that a STOR would drop count as
 * free. */
PeerTest(space, a_refused_upload_drops_nothing, peer_start(p))
{
    uint64_t size;

    ask_cut(p, "/x", 200 * K, 1);
    size = ask_size(p, "/x");
    cr_assert_gt(size, 0);
    PLAY(p, OPENS(STORE, "/x", 0, INT64_MAX, NO_SPACE), SIZE("/x", size),
         free_at_first = 250 * K, AGAIN(),
         OPENS(STORE, "/x", 0, 500 * K, NO_SPACE), SIZE("/x", size), AGAIN(),
         OPENS(STORE, "/x", 0, 400 * K), ABORT());
}

/* 250 KiB are free, and the upload has 400 KiB: only one of two partials of 200
 * KiB is removed. */
PeerTest(idle, an_announced_length_takes_what_is_missing, peer_start(p))
{
    PLAY(p, CUTS("/f", 200 * K, 1), CUTS("/g", 200 * K, 1),
         free_at_first = 250 * K);
    later(p, HOUR);
    DONE(ask_write(p, "/x", WRITE_STORE, 0, 400 * K, NULL));
    expect_event(p, 1, "the disk is full: ");
    PLAY(p, ABORT(), PARTIALS("/", 1));
}

/* 100 KiB are free, and the upload's own partial, which is idle, has 192 KiB.
 * For an upload that resumes the partial, its bytes don't count as free. For an
 * upload that drops the partial, they count only once. A refused upload keeps
 * the partial. */
Test(idle, not_the_one_of_the_upload)
{
    static const uint64_t offsets[] = { 192 * K, 100 * K, 0 };
    struct peer p;

    free_at_first = 100 * K;
    for (size_t i = 0; i < 3; i++) {
        peer_start(&p);
        ask_cut(&p, "/x", 200 * K, 1);
        later(&p, HOUR);
        cr_expect_eq(
            ask_write(&p, "/x", WRITE_STORE, offsets[i], 400 * K, NULL),
            OUTCOME_NO_SPACE, "from %lu", offsets[i]);
        cr_expect_eq(ask_size(&p, "/x"), 192 * K, "from %lu", offsets[i]);
        peer_stop(&p);
    }
}

/* Another idle partial is removed, so that an upload that resumes its own
 * partial fits. */
PeerTest(idle, beside_the_one_of_the_upload, peer_start(p))
{
    PLAY(p, CUTS("/f", 200 * K, 1), CUTS("/x", 200 * K, 2),
         free_at_first = 100 * K);
    later(p, HOUR);
    DONE(ask_write(p, "/x", WRITE_STORE, 192 * K, 400 * K, NULL));
    expect_event(p, 1, "the disk is full: ");
    PLAY(p, ABORT(), IS(disk_partial(p, "/"), 192 * K, 2));
}

/* If the disk has no space for the lower mark, the partial isn't cut. */
PeerTest(idle, not_the_one_that_is_to_be_cut, peer_start(p))
{
    PLAY(p, CUTS("/x", 200 * K, 1), mark_error = ENOSPC);
    later(p, HOUR);
    PLAY(p, OPENS(STORE, "/x", 100 * K, 0, NO_SPACE),
         IS(disk_partial(p, "/"), 192 * K, 1), mark_error = 0, AGAIN(),
         SIZE("/x", 192 * K));
}

/* SIZE renews the partial's ctime. */
PeerTest(idle, size_keeps_it, peer_start(p))
{
    struct stat before, after;

    PLAY(p, CUTS("/f", 200 * K, 1), SIZE("/f", 192 * K));
    before = disk_stat(p, disk_partial(p, "/"));
    later(p, 0);
    cr_expect_eq(ask_size(p, "/f"), 192 * K);
    after = disk_stat(p, disk_partial(p, "/"));
    cr_expect(before.st_ctim.tv_sec != after.st_ctim.tv_sec ||
              before.st_ctim.tv_nsec != after.st_ctim.tv_nsec);
    cr_expect_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    /* This answer of SIZE is valid, too. */
    PLAY(p, OPENS(APPEND, "/f", 0, 0), FIRST(192 * K), ABORT());
}

/* Makes a partial in the home, a partial in a directory below, and 200
 * files. */
static void two_and_many(struct peer *p)
{
    peer_start(p);
    PLAY(p, DIRECTORY("/d"), CUTS("/f", 200 * K, 1), CUTS("/d/f", 200 * K, 1));
    for (int i = 0; i < 200; i++) {
        char name[32];

        snprintf(name, sizeof(name), "/file-%d", i);
        disk_put(p, name, "", 0);
    }
}

/* The search for idle partials ends after 5 s, so that no client waits longer
 * for an answer, however large the home is. The partials found by then are
 * removed. */
PeerTest(idle, a_look_ends_in_time, two_and_many(p))
{
    clock_jumps = 100;
    later(p, HOUR);
    clock_jumps = 0;
    fill_up(p, 10);
    cr_expect_eq(disk_partials(p, "/d"), 1, "it was never looked at");
    later(p, 0);
    fill_up(p, 10);
    PLAY(p, PARTIALS("/d", 0), EVENT(SERVICE));
}

/* The search also ends after 100,000 names if the clock stands still. */
PeerTest(idle, a_look_ends_after_many_names, two_and_many(p))
{
    directories_endless = true;
    clock_jumps = -1;
    later(p, HOUR);
    clock_jumps = 0;
    directories_endless = false;
    fill_up(p, 10);
    cr_expect_eq(disk_partials(p, "/d"), 1, "it was never looked at");
    peer_expect(p, EVENT_SERVICE);
}

static void count_name(struct walk *w, int directory, const char *name)
{
    (void)directory, (void)name;
    (*(uint64_t *)w->owner)++;
}

/* A walk sees exactly as many names as its limit permits (0: all); "/d/f" comes
 * last. */
PeerTest(idle, limits_of_a_walk, peer_start(p))
{
    struct files f = { .session.fd = -1, .master.fd = -1 };

    PLAY(p, DIRECTORY("/d"), PUT("/d/f", ""), PUT("/g", ""));
    f.mount[0].fd = open(p->home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (uint64_t most = 0; most < 3; most++) {
        uint64_t seen = 0;
        struct walk w = { .f = &f,
                          .mount = f.mount,
                          .owner = &seen,
                          .on_name = count_name,
                          .most = most };

        walk_mount(&w);
        cr_expect_eq(seen, most ? most : 3, "%d of %d", (int)seen, (int)most);
    }
    close(f.mount[0].fd);
}

#define MANY 30

/* Each removal takes half a second. An upload that needs many removals is
 * refused before its session stops waiting for the answer. */
PeerTest(idle, making_room_ends_in_time, peer_start(p))
{
    size_t left;

    for (int i = 0; i < MANY; i++) {
        char name[32];

        snprintf(name, sizeof(name), "/f-%d", i);
        ask_cut(p, name, 100 * K, 1);
    }
    free_always = 1;
    unlinks_last = 500;
    later(p, HOUR);
    unlinks_last = 0;
    GETS(NO_SPACE,
         ask_write(p, "/x", WRITE_STORE, 0, (MANY - 2) * 64 * K, NULL));
    left = disk_partials(p, "/");
    cr_expect(left >= MANY - 10 && left < MANY, "it tried, and stopped: %zu",
              left);
    peer_expect(p, EVENT_SERVICE);
}

/* The disk doesn't report removed bytes as free, but they count as free. So no
 * finished upload is lost, and no more partials are removed than needed. */
PeerTest(min_free, what_was_removed_is_believed, peer_start(p))
{
    PLAY(p, CUTS("/a", 200 * K, 1), CUTS("/b", 200 * K, 1),
         free_always = 250 * K, p->start.rules.min_free.bytes = 300 * K);
    later(p, HOUR);
    begin(p, "/x", 100 * K);
    for (int i = 0; i < 3; i++)
        GETS(OK, ask_sync(p));
    PLAY(p, COMMIT(100 * K), PARTIALS("/", 1));
    expect_event(p, 1, "min_free is reached: ");
}

/* Removed bytes that the disk reports as free count only once: otherwise the
 * next upload would leave less than min_free. */
PeerTest(min_free, what_was_reported_counts_once, peer_start(p))
{
    PLAY(p, CUTS("/a", 200 * K, 1), CUTS("/b", 200 * K, 1),
         free_always = 252 * K, free_per_name = 200 * K,
         p->start.rules.min_free.bytes = 300 * K);
    later(p, HOUR);
    begin(p, "/x", 4 * K);
    expect_event(p, 1, "min_free is reached: ");
    GETS(OK, ask_commit(p, 4 * K));
    DONE(ask_space(p, "/", 1));
    cr_expect_eq(p->space.bytes, (252 + 200 - 300) * K);
}

/* The bytes of the old partial count as free, before the upload drops it and
 * afterwards. */
PeerTest(space, a_partial_that_is_dropped, peer_start(p))
{
    int fd;

    PLAY(p, CUTS("/x", 200 * K, 1), free_always = 250 * K,
         p->start.rules.min_free.bytes = 100 * K, AGAIN());
    DONE(ask_write(p, "/x", WRITE_STORE, 0, 300 * K, &fd));
    put_pattern(fd, 0, 300 * K, 1);
    close(fd);
    PLAY(p, SYNC(), COMMIT(300 * K));
}

/* 128 KiB of the partial, above a lower REST, are cut, so they count as free; a
 * hole doesn't. */
Test(space, a_partial_that_is_cut)
{
    static const struct {
        uint64_t offset, announced;
        bool hole;
        int outcome;
    } rows[] = {
        { 64 * K, (64 + 248 + 128) * K, false, OUTCOME_OK },
        { 64 * K, (64 + 248 + 128 + 8) * K, false, OUTCOME_NO_SPACE },
        { 192 * K, (192 + 248) * K, false, OUTCOME_OK },
        { 192 * K, (192 + 248 + 8) * K, false, OUTCOME_NO_SPACE },
        { 64 * K, (64 + 248) * K, true, OUTCOME_OK },
        { 64 * K, (64 + 248 + 8) * K, true, OUTCOME_NO_SPACE },
    };
    struct peer p;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        free_at_first = 0;
        peer_start(&p);
        ask_cut(&p, "/x", 200 * K, 1);
        if (rows[i].hole) {
            const char *path = disk_path(&p, disk_partial(&p, "/"));
            cr_assert_eq(truncate(path, 0), 0);
            cr_assert_eq(truncate(path, 192 * K), 0);
        }
        PLAY(&p, free_at_first = 248 * K, AGAIN());
        cr_expect_eq(ask_write(&p, "/x", WRITE_STORE, rows[i].offset,
                               rows[i].announced, NULL),
                     rows[i].outcome, "row %zu", i);
        if (rows[i].outcome == OUTCOME_OK)
            DONE(ask_abort(&p));
        cr_expect_eq(ask_size(&p, "/x"),
                     rows[i].outcome == OUTCOME_OK ? rows[i].offset : 192 * K,
                     "row %zu", i);
        peer_stop(&p);
    }
}

/* The bytes of a partial with a second name don't count as free, since the
 * second name keeps them. The refused upload keeps the partial. */
PeerTest(space, a_partial_with_two_names, peer_start(p))
{
    uint64_t size;

    ask_cut(p, "/x", 200 * K, 1);
    size = ask_size(p, "/x");
    disk_hard_link(p, disk_partial(p, "/"), "/backup");
    PLAY(p, free_always = 250 * K, AGAIN(),
         OPENS(STORE, "/x", 0, 300 * K, NO_SPACE), UNLINK("/backup"),
         SIZE("/x", size));
}

/* A disk can report strange numbers: FUSE passes on each number of its
 * daemon. */
Test(space, of_a_disk)
{
    static const struct {
        unsigned long fragment, block;
        fsblkcnt_t free;
        uint64_t bytes, length;
        int fits;
    } rows[] = {
        { 4096, 65536, 2, 8192, 8192, 0 },
        { 4096, 65536, 2, 8192, 8193, -ENOSPC },
        { 4096, 65536, 0, 0, 1, -ENOSPC },
        { 4096, 65536, 0, 0, 0, 0 },
        { 4096, 4096, 0, 0, 0, 0 },
        { 1, 1, 5, 5, UINT64_MAX, -ENOSPC },
        { 1, 1, UINT64_MAX, INT64_MAX, UINT64_MAX, 0 },
        { 4096, 1, UINT64_MAX, INT64_MAX, UINT64_MAX, 0 },
        { 0, 4096, 2, 8192, 8192, 0 },
        { 0, 4096, 2, 8192, 8193, -ENOSPC },
        { 0, 0, 5, 0, 8193, 0 },
        { 0, 0, 0, 0, 8193, 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct statvfs disk = { .f_frsize = rows[i].fragment,
                                      .f_bsize = rows[i].block,
                                      .f_bavail = rows[i].free };

        cr_expect_eq(space_free(&disk), rows[i].bytes, "row %zu", i);
        cr_expect_eq(space_check(&disk, rows[i].length), rows[i].fits,
                     "row %zu", i);
    }
}
