/* Uploads: the files after each kind of end, and how uploads are resumed. */
#include "peer.h"

#define K 1024u

static void store(struct peer *p, const char *path, size_t len, unsigned seed)
{
    DONE(ask_put(p, path, WRITE_STORE, 0, len, seed));
    cr_assert_eq(p->first, 0);
    cr_assert_eq(disk_partials(p, "/"), 0);
}

PeerTest(upload, appears_whole_at_commit, peer_init(p))
{
    p->start.rules.fsync = true;
    disk_directory(p, "/folder");
    peer_run(p);
    DONE(ask_upload(p, "/folder/f", WRITE_STORE, 0, 100 * K, 1));
    cr_assert_not(disk_has(p, "/folder/f"));
    cr_assert_eq(disk_partials(p, "/folder"), 1);
    DONE(ask_sync(p));
    DONE(ask_commit(p, 100 * K));
    cr_assert_str_eq(p->stored, "/folder/f");
    cr_assert(disk_is(p, "/folder/f", 100 * K, 1));
    cr_assert_eq(disk_partials(p, "/folder"), 0);
    cr_assert_eq(disk_mode(p, "/folder/f"), 0600);
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
    DONE(ask_commit(p, 0));
    cr_assert(disk_is(p, "/f", 0, 0));
}

PeerTest(upload, incomplete_changes_nothing, peer_start(p))
{
    static const size_t lengths[] = { 99, 101, 0, SIZE_MAX };

    store(p, "/f", 1000, 1);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        ask_upload(p, "/f", WRITE_STORE, 0, 100, 2);
        GETS(INCOMPLETE, ask_commit(p, lengths[i]));
        cr_expect(disk_is(p, "/f", 1000, 1));
        cr_expect_eq(disk_partials(p, "/"), 0, "too short to be kept");
    }
    store(p, "/f", 50, 3);
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

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *p = peer_new();

        disk_put(p, "/file", "hello", 5);
        disk_directory(p, "/folder");
        disk_directory(p, "/closed");
        cr_assert_eq(chmod(disk_path(p, "/closed"), 0500), 0);
        disk_link(p, "file", "/link");
        disk_link(p, "nothing", "/dangling");
        disk_link(p, "folder", "/link-to-folder");
        cr_assert_eq(mkfifo(disk_path(p, "/fifo"), 0666), 0);
        p->start.rights = rows[i].rights;
        peer_run(p);
        int r = ask_upload(p, rows[i].path, WRITE_STORE, 0, 10, 1);
        cr_expect_eq(r, rows[i].outcome, "%s: %d", rows[i].path, r);
        if (r == OUTCOME_OK) {
            GETS(OK, ask_commit(p, 10));
            cr_expect(disk_is(p, rows[i].path, 10, 1));
        }
        cr_expect_eq(disk_partials(p, "/"), 0);
        peer_stop(p);
    }
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
    disk_fill(p, "/f", 300 * K, 1);
    p->start.rules.max_file_size = 200 * K;
    peer_run(p);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int r = ask_write(p, "/f", WRITE_STORE, rows[i].offset,
                          rows[i].announced, NULL);

        cr_expect_eq(r, rows[i].outcome, "row %zu", i);
        if (r != OUTCOME_OK)
            continue;
        ask_abort(p);
        cr_assert_eq(unlink(disk_path(p, "/f")), 0);
        disk_fill(p, "/f", 300 * K, 1);
        if (disk_partials(p, "/") > 0)
            unlink(disk_path(p, disk_partial(p, "/")));
    }
    ask_upload(p, "/g", WRITE_STORE, 0, 200 * K + 1, 1);
    GETS(TOO_LARGE, ask_commit(p, 200 * K + 1));
    cr_expect_not(disk_has(p, "/g"));
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
        ask_cut(p, "/f", rows[i].held, 1);
        cr_expect_eq(disk_partials(p, "/"), rows[i].told > 0);
        cr_expect_eq(ask_size(p, "/f"), rows[i].told, "row %zu", i);
        cr_expect_eq(ask_size(p, "/g"), 0);
        GETS(NOT_FOUND, ask_facts(p, "/f", FACTS_FOR_ANY));
        GETS(NOT_FOUND, ask_read(p, "/f", 0, NULL));
    }
}

/* Bytes that can be wrong are never resumed, however many there are. */
PeerTest(upload, spoiled_one_is_not_kept, peer_start(p))
{
    store(p, "/f", 10, 1);
    DONE(ask_upload(p, "/f", WRITE_STORE, 0, 200 * K, 2));
    DONE(ask_abort_spoiled(p));
    cr_expect_eq(disk_partials(p, "/"), 0);
    cr_expect(disk_is(p, "/f", 10, 1));
    ask_cut(p, "/g", 200 * K, 1);
    DONE(ask_upload(p, "/g", WRITE_STORE, 64 * K, 200 * K, 1));
    DONE(ask_abort_spoiled(p));
    cr_expect_eq(disk_partials(p, "/"), 0);
    store(p, "/g", 200 * K, 1);
}

/* A fleeting upload isn't kept after a cut, and doesn't resume an earlier
 * upload. */
PeerTest(upload, fleeting_one, peer_start(p))
{
    p->fleeting = true;
    DONE(ask_put(p, "/f", WRITE_STORE, 0, 200 * K, 1));
    DONE(ask_put(p, "/f", WRITE_APPEND, 0, 300 * K, 1));
    ask_cut(p, "/g", 200 * K, 1);
    cr_expect_eq(disk_partials(p, "/"), 0);
    p->fleeting = false;
    ask_cut(p, "/g", 200 * K, 1);
    p->fleeting = true;
    ask_cut(p, "/g", 100 * K, 2);
    cr_expect_eq(ask_size(p, "/g"), 192 * K);
    GETS(SIZE_FIRST, ask_write(p, "/g", WRITE_APPEND, 0, 0, NULL));
    /* A retry sends only the rest: the server refuses it again. */
    GETS(SIZE_FIRST, ask_write(p, "/g", WRITE_APPEND, 0, 0, NULL));
    DONE(ask_put(p, "/g", WRITE_STORE, 0, 100 * K, 2));
}

PeerTest(upload, append_goes_on_after_size_only, peer_start(p))
{
    ask_cut(p, "/f", 200 * K, 1);
    cr_assert_eq(ask_size(p, "/f"), 192 * K);
    DONE(ask_put(p, "/f", WRITE_APPEND, 0, 300 * K, 1));
    cr_assert_eq(p->first, 192 * K);
    /* If SIZE hasn't reported the partial, APPE begins a new file. */
    ask_cut(p, "/g", 200 * K, 1);
    DONE(ask_put(p, "/g", WRITE_APPEND, 0, 10, 2));
    cr_assert_eq(p->first, 0);
    /* An answer of SIZE is valid for one upload. */
    ask_cut(p, "/h", 200 * K, 1);
    ask_size(p, "/h");
    ask_cut(p, "/h", 200 * K, 1);
    ask_upload(p, "/h", WRITE_APPEND, 0, 10, 2);
    cr_assert_eq(p->first, 0);
}

/* SIZE has reported a length of the first partial. The second partial is kept
 * only because of this record. A hard link, as backups make, doesn't make it
 * look like a file. */
PeerTest(upload, the_record_of_size_stays_with_a_hard_link, peer_start(p))
{
    const char *partial;

    ask_cut(p, "/f", 200 * K, 1);
    cr_assert_eq(ask_size(p, "/f"), 192 * K);
    ask_cut(p, "/f", 10, 1);
    partial = disk_partial(p, "/");
    disk_hard_link(p, partial, "/backup");
    peer_again(p); /* only the record remembers SIZE now */
    ask_store(p, "/g", 10, 1);
    cr_expect_eq(disk_partials(p, "/"), 1);
    GETS(SIZE_FIRST, ask_upload(p, "/f", WRITE_APPEND, 0, 10, 2));
}

/* SIZE's answer is no longer valid: the rest alone must not become the file. */
PeerTest(upload, append_after_a_size_that_is_over, peer_start(p))
{
    ask_cut(p, "/f", 200 * K, 1);
    ask_size(p, "/f");
    cr_assert_eq(truncate(disk_path(p, disk_partial(p, "/")), 100 * K), 0);
    GETS(SIZE_FIRST, ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL));
    ask_size(p, "/f");
    disk_fill(p, "/f", 10, 2);
    GETS(SIZE_FIRST, ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL));
    /* A new SIZE gives the right answer. */
    cr_assert_eq(unlink(disk_path(p, "/f")), 0);
    cr_assert_eq(ask_size(p, "/f"), 64 * K);
    disk_fill(p, "/f", 10, 2);
    cr_assert_eq(ask_size(p, "/f"), 10);
    DONE(ask_put(p, "/f", WRITE_APPEND, 0, 20, 2));
    cr_assert_eq(p->first, 10);
}

PeerTest(upload, onto_a_finished_file, peer_start(p))
{
    store(p, "/f", 100 * K, 1);
    ask_upload(p, "/f", WRITE_APPEND, 0, 150 * K, 1);
    cr_assert_eq(p->first, 100 * K);
    cr_assert(disk_is(p, "/f", 100 * K, 1), "unchanged meanwhile");
    DONE(ask_commit(p, 150 * K));
    cr_assert(disk_is(p, "/f", 150 * K, 1));
    GETS(BAD_OFFSET, ask_upload(p, "/f", WRITE_STORE, 150 * K + 1, 0, 0));
    DONE(ask_put(p, "/f", WRITE_STORE, 20 * K, 30 * K, 1));
    cr_assert_eq(p->first, 20 * K);
    /* If the upload is cut, the old file is kept. */
    ask_upload(p, "/f", WRITE_APPEND, 0, 150 * K, 2);
    ask_abort(p);
    cr_assert(disk_is(p, "/f", 30 * K, 1));
    cr_assert_eq(ask_size(p, "/f"), 30 * K);
}

PeerTest(upload, onto_a_file_that_cannot_be_read, peer_start(p))
{
    store(p, "/f", 100 * K, 1);
    cr_assert_eq(chmod(disk_path(p, "/f"), 0), 0);
    GETS(DENIED, ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL));
    cr_assert_eq(disk_partials(p, "/"), 0);
    cr_assert_eq(chmod(disk_path(p, "/f"), 0600), 0);
    cr_assert(disk_is(p, "/f", 100 * K, 1));
    /* The user can replace the file without the right to read it. */
    cr_assert_eq(chmod(disk_path(p, "/f"), 0), 0);
    DONE(ask_put(p, "/f", WRITE_STORE, 0, 10, 2));
}

PeerTest(upload, link_is_read_and_replaced, peer_start(p))
{
    store(p, "/f", 100 * K, 1);
    disk_link(p, "f", "/link");
    DONE(ask_put(p, "/link", WRITE_APPEND, 0, 150 * K, 1));
    cr_assert_eq(p->first, 100 * K);
    cr_assert(disk_is(p, "/f", 100 * K, 1));
    cr_assert(disk_is(p, "/link", 150 * K, 1));
    cr_assert(S_ISREG(disk_stat(p, "/link").st_mode));
}

PeerTest(upload, resume_off, peer_init(p))
{
    p->start.rules.resume = false;
    peer_run(p);
    ask_cut(p, "/f", 200 * K, 1);
    cr_assert_eq(disk_partials(p, "/"), 0);
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
    cr_assert(disk_is(p, "/f", 100 * K, 2));
    DONE(ask_commit(p, 200 * K));
    cr_assert(disk_is(p, "/f", 200 * K, 1));
    /* A client can't resume a partial that another upload is writing. */
    ask_upload(p, "/g", WRITE_STORE, 0, 200 * K, 1);
    GETS(BUSY, ask_write(&b, "/g", WRITE_STORE, 64 * K, 0, NULL));
    GETS(BUSY, ask_path(&b, MSG_file_delete, "/g"));
    /* After a cut the second upload's partial is deleted, and the first one's
     * is kept. */
    ask_upload(&b, "/g", WRITE_STORE, 0, 300 * K, 2);
    ask_abort(&b);
    cr_assert_eq(disk_partials(p, "/"), 1);
    ask_abort(p);
    cr_assert_eq(ask_size(&b, "/g"), 192 * K);
    peer_leave(&b);
}

/* The handle of an old upload doesn't reach a new partial, even if the session
 * keeps the handle. */
PeerTest(upload, an_old_handle_reaches_no_new_partial, peer_start(p))
{
    int old;

    DONE(ask_write(p, "/f", WRITE_STORE, 0, 0, &old));
    put_pattern(old, 0, 200 * K, 1);
    DONE(ask_abort(p));
    ask_upload(p, "/f", WRITE_STORE, 0, 100 * K, 2);
    cr_assert_eq(disk_partials(p, "/"), 1);
    put_pattern(old, 0, 100 * K, 3);
    DONE(ask_commit(p, 100 * K));
    cr_assert(disk_is(p, "/f", 100 * K, 2));
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
        ask_cut(p, "/g", 200 * K, 1);
        cr_assert_eq(ask_size(p, "/g"), 192 * K);
        ask_cut(&b, "/g", 200 * K, 2);
        cr_assert_eq(ask_write(p, "/g", rows[i].mode, rows[i].offset, 0, NULL),
                     OUTCOME_SIZE_FIRST, "row %zu", i);
        /* A new SIZE reports the other partial, which the upload then
         * resumes. */
        cr_expect_eq(ask_size(p, "/g"), 192 * K);
        DONE(ask_put(p, "/g", rows[i].mode, rows[i].offset, 300 * K, 2));
        cr_expect(disk_is(p, "/g", 300 * K, 2), "row %zu", i);
        cr_assert_eq(unlink(disk_path(p, "/g")), 0);
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
    peer_run(p);
    ask_upload(p, "/h", WRITE_STORE, 0, 200 * K, 1);
    DONE(ask_sync(p));
    peer_kill(p);
    peer_run(p);
    cr_assert_eq(ask_size(p, "/f"), 192 * K);
    cr_assert_eq(ask_size(p, "/g"), 192 * K);
    cr_assert_eq(ask_size(p, "/h"), 192 * K);
}

PeerTest(upload, partials_expire, peer_init(p))
{
    disk_directory(p, "/folder");
    peer_run(p);
    ask_cut(p, "/folder/young", 200 * K, 1);
    disk_age(p, disk_partial(p, "/folder"), 6);
    cr_expect_eq(disk_sweep(p, HOUR), 0);
    disk_age(p, disk_partial(p, "/folder"), 7);
    cr_expect_eq(disk_sweep(p, 0), 0, "it was touched just now");
    cr_expect_eq(disk_sweep(p, HOUR), 1);
    cr_assert_eq(disk_partials(p, "/folder"), 0);
    /* A partial that is being written is kept. */
    ask_upload(p, "/g", WRITE_STORE, 0, 200 * K, 1);
    disk_age(p, disk_partial(p, "/"), 7);
    cr_expect_eq(disk_sweep(p, HOUR), 0);
    DONE(ask_commit(p, 200 * K));
}

/* A partial with a random name can't be resumed. If its lock is free, its
 * process has died; but it is kept for an hour, since a new partial is unlocked
 * for a moment, and a network disk can lose the lock. */
PeerTest(upload, what_a_killed_process_left, peer_start(p))
{
    disk_put(p, "/" LEFT, "x", 1);
    disk_fill(p, "/f", 300 * K, 1);
    DONE(ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL));
    cr_expect_eq(disk_partials(p, "/"), 2);
    cr_expect_eq(disk_sweep(p, 0), 0);
    cr_expect_eq(disk_sweep(p, HOUR), 1, "the other one is being written");
    cr_expect_not(disk_has(p, "/" LEFT));
    DONE(ask_abort(p));
    cr_expect(disk_is(p, "/f", 300 * K, 1));
}

/* The server never writes to another file that has the name of a partial. */
PeerTest(upload, foreign_files_under_a_partials_name, peer_start(p))
{
    const char *partial;

    ask_cut(p, "/f", 200 * K, 1);
    partial = disk_partial(p, "/");
    disk_hard_link(p, partial, "/second");
    DONE(ask_put(p, "/f", WRITE_STORE, 0, 10, 2));
    cr_assert(disk_is(p, "/second", 192 * K, 1));
    cr_assert_not(disk_has(p, partial), "that name is of no use");
    disk_link(p, "second", partial);
    DONE(ask_size(p, "/g"));
    DONE(ask_put(p, "/f", WRITE_STORE, 0, 20, 2));
    cr_assert(disk_is(p, "/second", 192 * K, 1));
}
