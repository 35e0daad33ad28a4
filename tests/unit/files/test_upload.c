/* Uploads: the files after each kind of end, and how uploads are resumed. */
#include "peer.h"

#define K 1024u

static void store(struct peer *p, const char *path, size_t len, unsigned seed)
{
    PLAY(p, STOR(path, len, seed), FIRST(0), PARTIALS("/", 0));
}

PeerTest(upload, appears_whole_at_commit, peer_init(p))
{
    PLAY(p, p->start.rules.fsync = true, DIRECTORY("/folder"), RUN(),
         SENDS(STORE, "/folder/f", 0, 100 * K, 1), GONE("/folder/f"),
         PARTIALS("/folder", 1), SYNC(), COMMIT(100 * K), STORED("/folder/f"),
         IS("/folder/f", 100 * K, 1), PARTIALS("/folder", 0),
         MODE("/folder/f", 0600));
    cr_assert_eq(disk_stat(p, "/folder/f").st_uid,
                 p->start.root ? PEER_UID : geteuid());
}

PeerTest(upload, handle_only_writes, peer_start(p))
{
    char byte;
    int fd;

    DONE(ask_write(p, "/f", WRITE_STORE, 0, 0, &fd));
    cr_assert_eq(pread(fd, &byte, 1, 0), -1);
    cr_assert_eq(errno, EBADF);
    close(fd);
    PLAY(p, COMMIT(0), IS("/f", 0, 0));
}

PeerTest(upload, incomplete_changes_nothing, peer_start(p))
{
    static const size_t lengths[] = { 99, 101, 0, SIZE_MAX };

    store(p, "/f", 1000, 1);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        PLAY(p, SENDS(STORE, "/f", 0, 100, 2), COMMIT(lengths[i], INCOMPLETE),
             IS("/f", 1000, 1));
        cr_expect_eq(disk_partials(p, "/"), 0, "too short to be kept");
    }
    store(p, "/f", 50, 3);
}

static void furnish(struct peer *p)
{
    PLAY(p, PUT("/file", "hello"), DIRECTORY("/folder"), DIRECTORY("/closed"),
         BITS("/closed", 0500), LINK("file", "/link"),
         LINK("nothing", "/dangling"), LINK("folder", "/link-to-folder"));
    cr_assert_eq(mkfifo(disk_path(p, "/fifo"), 0666), 0);
}

Test(upload, targets)
{
    static const struct {
        const char *path;
        unsigned rights;
        int outcome;
    } rows[] = {
        { "/new", RIGHT_LIST | RIGHT_WRITE, OUTCOME_OK },
        { "/file", RIGHT_LIST | RIGHT_WRITE | RIGHT_REPLACE, OUTCOME_OK },
        { "/file", RIGHT_LIST | RIGHT_WRITE, OUTCOME_NO_RIGHT },
        { "/new", RIGHT_ALL & ~RIGHT_WRITE, OUTCOME_NO_RIGHT },
        { "/link", RIGHT_ALL, OUTCOME_OK },
        { "/link", RIGHT_LIST | RIGHT_WRITE, OUTCOME_NO_RIGHT },
        { "/dangling", RIGHT_ALL, OUTCOME_NOT_REGULAR },
        { "/link-to-folder", RIGHT_ALL, OUTCOME_IS_DIRECTORY },
        { "/folder", RIGHT_ALL, OUTCOME_IS_DIRECTORY },
        { "/fifo", RIGHT_ALL, OUTCOME_NOT_REGULAR },
        { "/", RIGHT_ALL, OUTCOME_EXISTS },
        { "/missing/f", RIGHT_ALL, OUTCOME_NOT_FOUND },
        { "/file/f", RIGHT_ALL, OUTCOME_NOT_DIRECTORY },
        { "/.sallyport-x", RIGHT_ALL, OUTCOME_BAD_NAME },
        { "/.sallyport-x/f", RIGHT_ALL, OUTCOME_NOT_FOUND },
        { "/tab\tname", RIGHT_ALL, OUTCOME_BAD_NAME },
        { "/del\x7f", RIGHT_ALL, OUTCOME_BAD_NAME },
        { "/closed/f", RIGHT_ALL, OUTCOME_DENIED },
    };

    struct peer *p = NULL;
    int r = OUTCOME_OK;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        p = peer_for_row(p, r == OUTCOME_OK, rows[i].rights, furnish);
        r = ask_upload(p, rows[i].path, WRITE_STORE, 0, 10, 1);
        cr_expect_eq(r, rows[i].outcome, "%s: %d", rows[i].path, r);
        if (r == OUTCOME_OK)
            PLAY(p, COMMIT(10), IS(rows[i].path, 10, 1));
        cr_expect_eq(disk_partials(p, "/"), 0);
    }
    peer_stop(p);
}

PeerTest(upload, limits, peer_init(p))
{
    static const struct {
        uint64_t offset, announced;
        int outcome;
    } rows[] = {
        { 0, 0, OUTCOME_OK },
        { 0, 200 * K, OUTCOME_OK },
        { 0, 200 * K + 1, OUTCOME_TOO_LARGE },
        { 0, UINT64_MAX, OUTCOME_TOO_LARGE },
        { 201 * K, 0, OUTCOME_TOO_LARGE },
        { 200 * K, 0, OUTCOME_OK },
    };
    PLAY(p, FILL("/f", 300 * K, 1), p->start.rules.max_file_size = 200 * K,
         RUN());
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int r = ask_write(p, "/f", WRITE_STORE, rows[i].offset,
                          rows[i].announced, NULL);

        cr_expect_eq(r, rows[i].outcome, "row %zu", i);
        if (r != OUTCOME_OK)
            continue;
        PLAY(p, ABORT(), UNLINK("/f"), FILL("/f", 300 * K, 1));
        if (disk_partials(p, "/") > 0)
            unlink(disk_path(p, disk_partial(p, "/")));
    }
    PLAY(p, SENDS(STORE, "/g", 0, 200 * K + 1, 1),
         COMMIT(200 * K + 1, TOO_LARGE), GONE("/g"));
}

PeerTest(upload, cut_one_is_kept_from_64k_on, peer_start(p))
{
    static const struct {
        size_t held;
        uint64_t told;
    } rows[] = {
        { 0, 0 },
        { 1, 0 },
        { 64 * K, 0 }, /* less, so that there is always something to send */
        { 64 * K + 1, 64 * K },
        { 128 * K, 64 * K },
        { 128 * K + 1, 128 * K },
        { 200 * K, 192 * K },
        { 256 * K, 192 * K },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        PLAY(p, ROW("row %zu: ", i), CUTS("/f", rows[i].held, 1),
             PARTIALS("/", rows[i].told > 0), SIZE("/f", rows[i].told),
             SIZE("/g", 0), MLST("/f", NOT_FOUND), RETR("/f", NOT_FOUND));
    }
}

/* Bytes that can be wrong are never resumed, however many there are. */
PeerTest(upload, spoiled_one_is_not_kept, peer_start(p))
{
    store(p, "/f", 10, 1);
    DONE(ask_upload(p, "/f", WRITE_STORE, 0, 200 * K, 2));
    DONE(ask_abort_spoiled(p));
    PLAY(p, PARTIALS("/", 0), IS("/f", 10, 1), CUTS("/g", 200 * K, 1),
         SENDS(STORE, "/g", 64 * K, 200 * K, 1));
    DONE(ask_abort_spoiled(p));
    cr_expect_eq(disk_partials(p, "/"), 0);
    store(p, "/g", 200 * K, 1);
}

/* A fleeting upload isn't kept after a cut, and doesn't resume an earlier
 * upload. */
PeerTest(upload, fleeting_one, peer_start(p))
{
    PLAY(p, p->fleeting = true, STOR("/f", 200 * K, 1), APPE("/f", 300 * K, 1),
         CUTS("/g", 200 * K, 1), PARTIALS("/", 0), p->fleeting = false,
         CUTS("/g", 200 * K, 1), p->fleeting = true, CUTS("/g", 100 * K, 2),
         SIZE("/g", 192 * K), OPENS(APPEND, "/g", 0, 0, SIZE_FIRST));
    /* A retry sends only the rest: the server refuses it again. */
    PLAY(p, OPENS(APPEND, "/g", 0, 0, SIZE_FIRST), STOR("/g", 100 * K, 2));
}

PeerTest(upload, append_goes_on_after_size_only, peer_start(p))
{
    PLAY(p, CUTS("/f", 200 * K, 1), SIZE("/f", 192 * K), APPE("/f", 300 * K, 1),
         FIRST(192 * K));
    /* If SIZE hasn't reported the partial, APPE begins a new file. */
    PLAY(p, CUTS("/g", 200 * K, 1), APPE("/g", 10, 2), FIRST(0));
    /* An answer of SIZE is valid for one upload. */
    PLAY(p, CUTS("/h", 200 * K, 1), SIZE("/h", 192 * K), CUTS("/h", 200 * K, 1),
         SENDS(APPEND, "/h", 0, 10, 2, SIZE_FIRST));
}

/* SIZE has reported a length of the first partial. The second partial is kept
 * only because of this record. A hard link, as backups make, doesn't make it
 * look like a file. */
PeerTest(upload, the_record_of_size_stays_with_a_hard_link, peer_start(p))
{
    const char *partial;

    PLAY(p, CUTS("/f", 200 * K, 1), SIZE("/f", 192 * K), CUTS("/f", 10, 1));
    partial = disk_partial(p, "/");
    disk_hard_link(p, partial, "/backup");
    peer_again(p); /* only the record remembers SIZE now */
    ask_store(p, "/g", 10, 1);
    PLAY(p, PARTIALS("/", 1), SENDS(APPEND, "/f", 0, 10, 2, SIZE_FIRST));
}

/* SIZE's answer is no longer valid: the rest alone must not become the file. */
PeerTest(upload, append_after_a_size_that_is_over, peer_start(p))
{
    ask_cut(p, "/f", 200 * K, 1);
    ask_size(p, "/f");
    cr_assert_eq(truncate(disk_path(p, disk_partial(p, "/")), 100 * K), 0);
    GETS(SIZE_FIRST, ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL));
    ask_size(p, "/f");
    PLAY(p, FILL("/f", 10, 2), OPENS(APPEND, "/f", 0, 0, SIZE_FIRST));
    /* A new SIZE gives the right answer. */
    PLAY(p, UNLINK("/f"), SIZE("/f", 64 * K), FILL("/f", 10, 2), SIZE("/f", 10),
         APPE("/f", 20, 2), FIRST(10));
}

PeerTest(upload, onto_a_finished_file, peer_start(p))
{
    store(p, "/f", 100 * K, 1);
    PLAY(p, SENDS(APPEND, "/f", 0, 150 * K, 1), FIRST(100 * K));
    cr_assert(disk_is(p, "/f", 100 * K, 1), "unchanged meanwhile");
    PLAY(p, COMMIT(150 * K), IS("/f", 150 * K, 1),
         SENDS(STORE, "/f", 150 * K + 1, 0, 0, BAD_OFFSET),
         REST("/f", 20 * K, 30 * K, 1), FIRST(20 * K));
    /* If the upload is cut, the old file is kept. */
    PLAY(p, SENDS(APPEND, "/f", 0, 150 * K, 2), ABORT(), IS("/f", 30 * K, 1),
         SIZE("/f", 30 * K));
}

PeerTest(upload, onto_a_file_that_cannot_be_read, peer_start(p))
{
    store(p, "/f", 100 * K, 1);
    PLAY(p, BITS("/f", 0), OPENS(APPEND, "/f", 0, 0, DENIED), PARTIALS("/", 0),
         BITS("/f", 0600), IS("/f", 100 * K, 1));
    /* The user can replace the file without the right to read it. */
    PLAY(p, BITS("/f", 0), STOR("/f", 10, 2));
}

PeerTest(upload, link_is_read_and_replaced, peer_start(p))
{
    store(p, "/f", 100 * K, 1);
    PLAY(p, LINK("f", "/link"), APPE("/link", 150 * K, 1), FIRST(100 * K),
         IS("/f", 100 * K, 1), IS("/link", 150 * K, 1));
    cr_assert(S_ISREG(disk_stat(p, "/link").st_mode));
}

PeerTest(upload, resume_off, peer_init(p))
{
    PLAY(p, p->start.rules.resume = false, RUN(), CUTS("/f", 200 * K, 1),
         PARTIALS("/", 0));
    DONE(ask_size(p, "/f"));
    GETS(BAD_OFFSET, ask_upload(p, "/f", WRITE_STORE, 1, 0, 0));
}

PeerTest(upload, two_writers_of_one_name, peer_start(p))
{
    struct peer b;

    peer_join(&b, p, false);
    ask_upload(p, "/f", WRITE_STORE, 0, 200 * K, 1);
    ask_upload(&b, "/f", WRITE_STORE, 0, 100 * K, 2);
    cr_assert_eq(disk_partials(p, "/"), 2);
    DONE(ask_commit(&b, 100 * K));
    PLAY(p, IS("/f", 100 * K, 2), COMMIT(200 * K), IS("/f", 200 * K, 1));
    /* A client can't resume a partial that another upload is writing. */
    ask_upload(p, "/g", WRITE_STORE, 0, 200 * K, 1);
    PLAY(&b, OPENS(STORE, "/g", 64 * K, 0, BUSY), DELE("/g", BUSY));
    /* After a cut neither is kept: the second one has no place, and SIZE must
     * not report the first one to the client of the second. */
    PLAY(&b, SENDS(STORE, "/g", 0, 300 * K, 2), ABORT());
    PLAY(p, PARTIALS("/", 1), ABORT(), PARTIALS("/", 0));
    PLAY(&b, SIZE("/g", 0), LEAVE());
}

/* The handle of an old upload doesn't reach a new partial, even if the session
 * keeps the handle. */
PeerTest(upload, an_old_handle_reaches_no_new_partial, peer_start(p))
{
    int old;

    DONE(ask_write(p, "/f", WRITE_STORE, 0, 0, &old));
    put_pattern(old, 0, 200 * K, 1);
    PLAY(p, ABORT(), SENDS(STORE, "/f", 0, 100 * K, 2), PARTIALS("/", 1));
    put_pattern(old, 0, 100 * K, 3);
    PLAY(p, COMMIT(100 * K), IS("/f", 100 * K, 2));
    close(old);
}

/* An upload resumes the bytes that SIZE has reported, never other bytes of the
 * same length. */
PeerTest(upload, another_session_begins_the_partial_anew, peer_start(p))
{
    static const struct {
        enum write_mode mode;
        uint64_t offset;
    } rows[] = { { WRITE_APPEND, 0 },
                 { WRITE_STORE, 192 * K },
                 { WRITE_STORE, 64 * K } };
    struct peer b;
    peer_join(&b, p, false);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        PLAY(p, CUTS("/g", 200 * K, 1), SIZE("/g", 192 * K));
        ask_cut(&b, "/g", 200 * K, 2);
        cr_assert_eq(ask_write(p, "/g", rows[i].mode, rows[i].offset, 0, NULL),
                     OUTCOME_SIZE_FIRST, "row %zu", i);
        /* A new SIZE reports the other partial, which the upload then
         * resumes. */
        cr_expect_eq(ask_size(p, "/g"), 192 * K);
        DONE(ask_put(p, "/g", rows[i].mode, rows[i].offset, 300 * K, 2));
        PLAY(p, ROW("row %zu: ", i), IS("/g", 300 * K, 2), UNLINK("/g"));
    }
    peer_leave(&b);
}

PeerTest(upload, survives_any_end_of_the_process, peer_start(p))
{
    ask_upload(p, "/f", WRITE_STORE, 0, 200 * K, 1);
    peer_again(p); /* the session ends */
    ask_upload(p, "/g", WRITE_STORE, 0, 200 * K, 1);
    channel_close(&p->master); /* master dies */
    cr_assert_eq(peer_wait(p), 0);
    PLAY(p, RUN(), SENDS(STORE, "/h", 0, 200 * K, 1), SYNC());
    peer_kill(p);
    PLAY(p, RUN(), SIZE("/f", 192 * K), SIZE("/g", 192 * K),
         SIZE("/h", 192 * K));
}

PeerTest(upload, partials_expire, peer_init(p))
{
    PLAY(p, DIRECTORY("/folder"), RUN(), CUTS("/folder/young", 200 * K, 1));
    disk_age(p, disk_partial(p, "/folder"), 6);
    cr_expect_eq(disk_sweep(p, HOUR), 0);
    disk_age(p, disk_partial(p, "/folder"), 7);
    cr_expect_eq(disk_sweep(p, 0), 0, "it was touched just now");
    PLAY(p, SWEEPS(HOUR, 1), PARTIALS("/folder", 0));
    /* A partial that is being written is kept. */
    ask_upload(p, "/g", WRITE_STORE, 0, 200 * K, 1);
    disk_age(p, disk_partial(p, "/"), 7);
    PLAY(p, SWEEPS(HOUR, 0), COMMIT(200 * K));
}

/* A partial with a random name can't be resumed. If its lock is free, its
 * process has died; but it is kept for an hour, since a new partial is unlocked
 * for a moment, and a network disk can lose the lock. */
PeerTest(upload, what_a_killed_process_left, peer_start(p))
{
    PLAY(p, PUT("/" LEFT, "x"), FILL("/f", 300 * K, 1),
         OPENS(APPEND, "/f", 0, 0), PARTIALS("/", 2), SWEEPS(0, 0));
    cr_expect_eq(disk_sweep(p, HOUR), 1, "the other one is being written");
    PLAY(p, GONE("/" LEFT), ABORT(), IS("/f", 300 * K, 1));
}

/* The server never writes to another file that has the name of a partial. */
PeerTest(upload, foreign_files_under_a_partials_name, peer_start(p))
{
    const char *partial;

    ask_cut(p, "/f", 200 * K, 1);
    partial = disk_partial(p, "/");
    disk_hard_link(p, partial, "/second");
    PLAY(p, STOR("/f", 10, 2), IS("/second", 192 * K, 1));
    cr_assert_not(disk_has(p, partial), "that name is of no use");
    disk_link(p, "second", partial);
    DONE(ask_size(p, "/g"));
    PLAY(p, STOR("/f", 20, 2), IS("/second", 192 * K, 1));
}
