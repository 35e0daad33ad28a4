/* Uploads: the files after each kind of end, and how uploads continue. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/domain/rights.h"

#define K 1024u

/* Begins STOR of pattern SEED from where files says, up to LEN. The caller
 * commits it or not. */
static int begin(struct peer *p, const char *path, enum write_mode mode,
                 uint64_t offset, size_t len, unsigned seed, uint64_t *first)
{
    int fd, r = ask_write(p, path, mode, offset, 0, &fd, first);

    if (r != OUTCOME_OK)
        return r;
    put_pattern(fd, *first, len, seed);
    close(fd);
    return r;
}

static void store(struct peer *p, const char *path, size_t len, unsigned seed)
{
    uint64_t first;

    cr_assert_eq(begin(p, path, WRITE_STORE, 0, len, seed, &first), OUTCOME_OK);
    cr_assert_eq(first, 0);
    cr_assert_eq(ask_commit(p, len), OUTCOME_OK);
    cr_assert(disk_is(p, path, len, seed));
    cr_assert_eq(disk_partials(p, "/"), 0);
}

Test(upload, appears_whole_at_commit)
{
    struct peer p;
    struct stat st;
    uint64_t first;

    peer_init(&p);
    p.start.rules.fsync = true;
    disk_directory(&p, "/folder");
    peer_run(&p);
    cr_assert_eq(begin(&p, "/folder/f", WRITE_STORE, 0, 100 * K, 1, &first),
                 OUTCOME_OK);
    cr_assert_not(disk_has(&p, "/folder/f"));
    cr_assert_eq(disk_partials(&p, "/folder"), 1);
    char path[4097];
    cr_assert_eq(ask_sync(&p), OUTCOME_OK);
    cr_assert_eq(ask_commit_to(&p, 100 * K, path), OUTCOME_OK);
    cr_assert_str_eq(path, "/folder/f");
    cr_assert(disk_is(&p, "/folder/f", 100 * K, 1));
    cr_assert_eq(disk_partials(&p, "/folder"), 0);
    cr_assert_eq(stat(disk_path(&p, "/folder/f"), &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600);
    cr_assert_eq(st.st_uid, p.start.root ? PEER_UID : geteuid());
    peer_stop(&p);
}

Test(upload, handle_only_writes)
{
    struct peer p;
    char byte;
    uint64_t first;
    int fd;

    peer_start(&p);
    cr_assert_eq(ask_write(&p, "/f", WRITE_STORE, 0, 0, &fd, &first),
                 OUTCOME_OK);
    cr_assert_eq(pread(fd, &byte, 1, 0), -1);
    cr_assert_eq(errno, EBADF);
    close(fd);
    cr_assert_eq(ask_commit(&p, 0), OUTCOME_OK);
    cr_assert(disk_is(&p, "/f", 0, 0));
    peer_stop(&p);
}

Test(upload, incomplete_changes_nothing)
{
    static const size_t lengths[] = { 99, 101, 0, SIZE_MAX };
    struct peer p;
    uint64_t first;

    peer_start(&p);
    store(&p, "/f", 1000, 1);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        begin(&p, "/f", WRITE_STORE, 0, 100, 2, &first);
        cr_expect_eq(ask_commit(&p, lengths[i]), OUTCOME_INCOMPLETE);
        cr_expect(disk_is(&p, "/f", 1000, 1));
        cr_expect_eq(disk_partials(&p, "/"), 0, "too short to be kept");
    }
    store(&p, "/f", 50, 3);
    peer_stop(&p);
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
        struct peer p;
        uint64_t first;

        peer_init(&p);
        disk_put(&p, "/file", "hello", 5);
        disk_directory(&p, "/folder");
        disk_directory(&p, "/closed");
        cr_assert_eq(chmod(disk_path(&p, "/closed"), 0500), 0);
        disk_link(&p, "file", "/link");
        disk_link(&p, "nothing", "/dangling");
        disk_link(&p, "folder", "/link-to-folder");
        cr_assert_eq(mkfifo(disk_path(&p, "/fifo"), 0666), 0);
        p.start.rights = rows[i].rights;
        peer_run(&p);
        int r = begin(&p, rows[i].path, WRITE_STORE, 0, 10, 1, &first);
        cr_expect_eq(r, rows[i].outcome, "%s: %d", rows[i].path, r);
        if (r == OUTCOME_OK) {
            cr_expect_eq(ask_commit(&p, 10), OUTCOME_OK);
            cr_expect(disk_is(&p, rows[i].path, 10, 1));
        }
        cr_expect_eq(disk_partials(&p, "/"), 0);
        peer_stop(&p);
    }
}

Test(upload, limits)
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
    struct peer p;
    uint64_t first;
    int fd;

    peer_init(&p);
    disk_fill(&p, "/f", 300 * K, 1);
    p.start.rules.max_file_size = 200 * K;
    peer_run(&p);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(ask_write(&p, "/f", WRITE_STORE, rows[i].offset,
                               rows[i].announced, &fd, &first),
                     rows[i].outcome, "row %zu", i);
        if (fd < 0)
            continue;
        close(fd);
        ask_abort(&p);
        cr_assert_eq(unlink(disk_path(&p, "/f")), 0);
        disk_fill(&p, "/f", 300 * K, 1);
        if (disk_partials(&p, "/") > 0)
            unlink(disk_path(&p, disk_partial(&p, "/")));
    }
    begin(&p, "/g", WRITE_STORE, 0, 200 * K + 1, 1, &first);
    cr_expect_eq(ask_commit(&p, 200 * K + 1), OUTCOME_TOO_LARGE);
    cr_expect_not(disk_has(&p, "/g"));
    peer_stop(&p);
}

Test(upload, cut_one_is_kept_from_64k_on)
{
    static const struct {
        size_t held;
        uint64_t told;
    } rows[] = {
        { 0, 0 },
        { 64 * K, 0 },
        { 64 * K + 1, 64 * K },
        { 200 * K, 192 * K },
        { 256 * K, 192 * K },
    };
    struct peer p;

    peer_start(&p);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ask_cut(&p, "/f", rows[i].held, 1);
        cr_expect_eq(disk_partials(&p, "/"), rows[i].told > 0);
        cr_expect_eq(ask_size(&p, "/f"), rows[i].told, "row %zu", i);
        cr_expect_eq(ask_size(&p, "/g"), 0);
        struct msg_facts_are facts;
        cr_expect_eq(ask_facts(&p, "/f", FACTS_FOR_ANY, &facts),
                     OUTCOME_NOT_FOUND);
        int fd;
        cr_expect_eq(ask_read(&p, "/f", 0, &fd), OUTCOME_NOT_FOUND);
    }
    peer_stop(&p);
}

/* Bytes that may be wrong are never continued, however many there are. */
Test(upload, spoiled_one_is_not_kept)
{
    struct peer p;
    uint64_t first;

    peer_start(&p);
    store(&p, "/f", 10, 1);
    cr_assert_eq(begin(&p, "/f", WRITE_STORE, 0, 200 * K, 2, &first),
                 OUTCOME_OK);
    cr_assert_eq(ask_abort_spoiled(&p), OUTCOME_OK);
    cr_expect_eq(disk_partials(&p, "/"), 0);
    cr_expect(disk_is(&p, "/f", 10, 1));
    ask_cut(&p, "/g", 200 * K, 1);
    cr_assert_eq(begin(&p, "/g", WRITE_STORE, 64 * K, 200 * K, 1, &first),
                 OUTCOME_OK);
    cr_assert_eq(ask_abort_spoiled(&p), OUTCOME_OK);
    cr_expect_eq(disk_partials(&p, "/"), 0);
    store(&p, "/g", 200 * K, 1);
    peer_stop(&p);
}

static void begin_fleeting(struct peer *p, const char *path,
                           enum write_mode mode, size_t len, unsigned seed)
{
    uint64_t first;
    int fd;

    cr_assert_eq(ask_write_fleeting(p, path, mode, &fd, &first), OUTCOME_OK);
    put_pattern(fd, first, len, seed);
    close(fd);
}

/* Unless it is committed, it can't be continued; and it doesn't continue an
 * earlier cut upload. */
Test(upload, fleeting_one)
{
    struct peer p;
    uint64_t first;
    int fd;

    peer_start(&p);
    begin_fleeting(&p, "/f", WRITE_STORE, 200 * K, 1);
    cr_assert_eq(ask_commit(&p, 200 * K), OUTCOME_OK);
    cr_expect(disk_is(&p, "/f", 200 * K, 1));
    begin_fleeting(&p, "/f", WRITE_APPEND, 300 * K, 1);
    cr_assert_eq(ask_commit(&p, 300 * K), OUTCOME_OK);
    cr_expect(disk_is(&p, "/f", 300 * K, 1));
    begin_fleeting(&p, "/g", WRITE_STORE, 200 * K, 1);
    cr_assert_eq(ask_abort(&p), OUTCOME_OK);
    cr_expect_eq(disk_partials(&p, "/"), 0);
    ask_cut(&p, "/g", 200 * K, 1);
    begin_fleeting(&p, "/g", WRITE_STORE, 100 * K, 2);
    cr_assert_eq(ask_abort(&p), OUTCOME_OK);
    cr_expect_eq(ask_size(&p, "/g"), 192 * K);
    cr_expect_eq(ask_write_fleeting(&p, "/g", WRITE_APPEND, &fd, &first),
                 OUTCOME_SIZE_FIRST);
    /* A client that asks again still sends only the rest. */
    cr_expect_eq(ask_write_fleeting(&p, "/g", WRITE_APPEND, &fd, &first),
                 OUTCOME_SIZE_FIRST);
    begin_fleeting(&p, "/g", WRITE_STORE, 100 * K, 2);
    cr_assert_eq(ask_commit(&p, 100 * K), OUTCOME_OK);
    cr_expect(disk_is(&p, "/g", 100 * K, 2));
    peer_stop(&p);
}

/* Also if nobody is left to delete it: no name leads to it. */
Test(upload, fleeting_one_of_a_files_that_is_killed)
{
    struct peer p;

    peer_start(&p);
    begin_fleeting(&p, "/f", WRITE_STORE, 200 * K, 1);
    kill(p.pid, SIGKILL);
    cr_assert_eq(peer_wait(&p), 256 + SIGKILL);
    channel_close(&p.session);
    channel_close(&p.master);
    channel_close(&p.log);
    cr_expect_eq(disk_partials(&p, "/"), 1);
    peer_run(&p);
    cr_expect_eq(ask_size(&p, "/f"), 0);
    peer_stop(&p);
}

Test(upload, store_goes_on_at_rest)
{
    struct peer p;
    uint64_t first;

    peer_start(&p);
    ask_cut(&p, "/f", 200 * K, 1);
    cr_assert_eq(begin(&p, "/f", WRITE_STORE, 192 * K + 1, 0, 0, &first),
                 OUTCOME_BAD_OFFSET);
    cr_assert_eq(begin(&p, "/f", WRITE_STORE, 100 * K + 3, 300 * K, 1, &first),
                 OUTCOME_OK);
    cr_assert_eq(first, 100 * K + 3);
    cr_assert_eq(ask_commit(&p, 300 * K), OUTCOME_OK);
    cr_assert(disk_is(&p, "/f", 300 * K, 1));
    cr_assert_eq(disk_partials(&p, "/"), 0);
    peer_stop(&p);
}

/* The partial is cut, so a shorter new end leaves nothing of the old one. */
Test(upload, store_cuts_what_is_behind_rest)
{
    struct peer p;
    uint64_t first;

    peer_start(&p);
    ask_cut(&p, "/f", 200 * K, 1);
    begin(&p, "/f", WRITE_STORE, 64 * K, 65 * K, 1, &first);
    cr_assert_eq(ask_commit(&p, 65 * K), OUTCOME_OK);
    cr_assert(disk_is(&p, "/f", 65 * K, 1));
    peer_stop(&p);
}

Test(upload, append_goes_on_after_size_only)
{
    struct peer p;
    uint64_t first;

    peer_start(&p);
    ask_cut(&p, "/f", 200 * K, 1);
    cr_assert_eq(ask_size(&p, "/f"), 192 * K);
    begin(&p, "/f", WRITE_APPEND, 0, 300 * K, 1, &first);
    cr_assert_eq(first, 192 * K);
    cr_assert_eq(ask_commit(&p, 300 * K), OUTCOME_OK);
    cr_assert(disk_is(&p, "/f", 300 * K, 1));
    /* Unless SIZE has reported it, it begins again. */
    ask_cut(&p, "/g", 200 * K, 1);
    begin(&p, "/g", WRITE_APPEND, 0, 10, 2, &first);
    cr_assert_eq(first, 0);
    cr_assert_eq(ask_commit(&p, 10), OUTCOME_OK);
    cr_assert(disk_is(&p, "/g", 10, 2));
    /* An answer of SIZE counts for one upload. */
    ask_cut(&p, "/h", 200 * K, 1);
    ask_size(&p, "/h");
    ask_cut(&p, "/h", 200 * K, 1);
    begin(&p, "/h", WRITE_APPEND, 0, 10, 2, &first);
    cr_assert_eq(first, 0);
    peer_stop(&p);
}

/* SIZE has reported a length of the first partial. The second one is kept only
 * for that record. A backup's hard link doesn't make it look like a file. */
Test(upload, the_record_of_size_stays_with_a_hard_link)
{
    const char *partial;
    struct peer p;
    uint64_t first;

    peer_start(&p);
    ask_cut(&p, "/f", 200 * K, 1);
    cr_assert_eq(ask_size(&p, "/f"), 192 * K);
    ask_cut(&p, "/f", 10, 1);
    partial = disk_partial(&p, "/");
    cr_assert_eq(link(disk_path(&p, partial), disk_path(&p, "/backup")), 0);
    peer_again(&p); /* which sweeps the directory before an upload */
    cr_assert_eq(begin(&p, "/g", WRITE_STORE, 0, 10, 1, &first), OUTCOME_OK);
    cr_assert_eq(ask_commit(&p, 10), OUTCOME_OK);
    cr_expect_eq(disk_partials(&p, "/"), 1);
    cr_expect_eq(begin(&p, "/f", WRITE_APPEND, 0, 10, 2, &first),
                 OUTCOME_SIZE_FIRST);
    peer_stop(&p);
}

/* SIZE's answer is no longer valid: the rest alone must not become the file. */
Test(upload, append_after_a_size_that_is_over)
{
    struct peer p;
    uint64_t first;
    int fd;

    peer_start(&p);
    ask_cut(&p, "/f", 200 * K, 1);
    ask_size(&p, "/f");
    cr_assert_eq(truncate(disk_path(&p, disk_partial(&p, "/")), 100 * K), 0);
    cr_assert_eq(ask_write(&p, "/f", WRITE_APPEND, 0, 0, &fd, &first),
                 OUTCOME_SIZE_FIRST);
    ask_size(&p, "/f");
    disk_fill(&p, "/f", 10, 2);
    cr_assert_eq(ask_write(&p, "/f", WRITE_APPEND, 0, 0, &fd, &first),
                 OUTCOME_SIZE_FIRST);
    /* A new SIZE gives the right answer. */
    cr_assert_eq(unlink(disk_path(&p, "/f")), 0);
    cr_assert_eq(ask_size(&p, "/f"), 64 * K);
    disk_fill(&p, "/f", 10, 2);
    cr_assert_eq(ask_size(&p, "/f"), 10);
    begin(&p, "/f", WRITE_APPEND, 0, 20, 2, &first);
    cr_assert_eq(first, 10);
    cr_assert_eq(ask_commit(&p, 20), OUTCOME_OK);
    cr_assert(disk_is(&p, "/f", 20, 2));
    peer_stop(&p);
}

Test(upload, onto_a_finished_file)
{
    struct peer p;
    uint64_t first;

    peer_start(&p);
    store(&p, "/f", 100 * K, 1);
    begin(&p, "/f", WRITE_APPEND, 0, 150 * K, 1, &first);
    cr_assert_eq(first, 100 * K);
    cr_assert(disk_is(&p, "/f", 100 * K, 1), "unchanged meanwhile");
    cr_assert_eq(ask_commit(&p, 150 * K), OUTCOME_OK);
    cr_assert(disk_is(&p, "/f", 150 * K, 1));
    cr_assert_eq(begin(&p, "/f", WRITE_STORE, 150 * K + 1, 0, 0, &first),
                 OUTCOME_BAD_OFFSET);
    begin(&p, "/f", WRITE_STORE, 20 * K, 30 * K, 1, &first);
    cr_assert_eq(first, 20 * K);
    cr_assert_eq(ask_commit(&p, 30 * K), OUTCOME_OK);
    cr_assert(disk_is(&p, "/f", 30 * K, 1));
    /* Cut before the end: the old file stays. */
    begin(&p, "/f", WRITE_APPEND, 0, 150 * K, 2, &first);
    ask_abort(&p);
    cr_assert(disk_is(&p, "/f", 30 * K, 1));
    cr_assert_eq(ask_size(&p, "/f"), 30 * K);
    peer_stop(&p);
}

Test(upload, onto_a_file_that_cannot_be_read)
{
    struct peer p;
    uint64_t first;
    int fd;

    peer_start(&p);
    store(&p, "/f", 100 * K, 1);
    cr_assert_eq(chmod(disk_path(&p, "/f"), 0), 0);
    cr_assert_eq(ask_write(&p, "/f", WRITE_APPEND, 0, 0, &fd, &first),
                 OUTCOME_DENIED);
    cr_assert_eq(disk_partials(&p, "/"), 0);
    cr_assert_eq(chmod(disk_path(&p, "/f"), 0600), 0);
    cr_assert(disk_is(&p, "/f", 100 * K, 1));
    /* The user replaces the file without the right to read it. */
    cr_assert_eq(chmod(disk_path(&p, "/f"), 0), 0);
    begin(&p, "/f", WRITE_STORE, 0, 10, 2, &first);
    cr_assert_eq(ask_commit(&p, 10), OUTCOME_OK);
    cr_assert(disk_is(&p, "/f", 10, 2));
    peer_stop(&p);
}

Test(upload, link_is_read_and_replaced)
{
    struct peer p;
    struct stat st;
    uint64_t first;

    peer_start(&p);
    store(&p, "/f", 100 * K, 1);
    disk_link(&p, "f", "/link");
    begin(&p, "/link", WRITE_APPEND, 0, 150 * K, 1, &first);
    cr_assert_eq(first, 100 * K);
    cr_assert_eq(ask_commit(&p, 150 * K), OUTCOME_OK);
    cr_assert(disk_is(&p, "/f", 100 * K, 1));
    cr_assert(disk_is(&p, "/link", 150 * K, 1));
    cr_assert_eq(lstat(disk_path(&p, "/link"), &st), 0);
    cr_assert(S_ISREG(st.st_mode));
    peer_stop(&p);
}

Test(upload, resume_off)
{
    struct peer p;
    uint64_t first;

    peer_init(&p);
    p.start.rules.resume = false;
    peer_run(&p);
    ask_cut(&p, "/f", 200 * K, 1);
    cr_assert_eq(disk_partials(&p, "/"), 0);
    cr_assert_eq(ask_size(&p, "/f"), 0);
    cr_assert_eq(begin(&p, "/f", WRITE_STORE, 1, 0, 0, &first),
                 OUTCOME_BAD_OFFSET);
    peer_stop(&p);
}

Test(upload, two_writers_of_one_name)
{
    struct peer a, b;
    uint64_t first;
    int fd;

    peer_start(&a);
    peer_join(&b, &a);
    begin(&a, "/f", WRITE_STORE, 0, 200 * K, 1, &first);
    begin(&b, "/f", WRITE_STORE, 0, 100 * K, 2, &first);
    cr_assert_eq(disk_partials(&a, "/"), 2);
    cr_assert_eq(ask_commit(&b, 100 * K), OUTCOME_OK);
    cr_assert(disk_is(&a, "/f", 100 * K, 2));
    cr_assert_eq(ask_commit(&a, 200 * K), OUTCOME_OK);
    cr_assert(disk_is(&a, "/f", 200 * K, 1));
    /* A client that wants to continue another upload's partial must wait. */
    begin(&a, "/g", WRITE_STORE, 0, 200 * K, 1, &first);
    cr_assert_eq(ask_write(&b, "/g", WRITE_STORE, 64 * K, 0, &fd, &first),
                 OUTCOME_BUSY);
    cr_assert_eq(ask_path(&b, MSG_file_delete, "/g"), OUTCOME_BUSY);
    /* The second one's partial is deleted if it is cut, the first one's is
     * kept. */
    begin(&b, "/g", WRITE_STORE, 0, 300 * K, 2, &first);
    ask_abort(&b);
    cr_assert_eq(disk_partials(&a, "/"), 1);
    ask_abort(&a);
    cr_assert_eq(ask_size(&b, "/g"), 192 * K);
    peer_leave(&b);
    peer_stop(&a);
}

/* A handle doesn't live longer than its upload's partial, even if the session
 * keeps it. */
Test(upload, an_old_handle_reaches_no_new_partial)
{
    struct peer p;
    uint64_t first;
    int old;

    peer_start(&p);
    cr_assert_eq(ask_write(&p, "/f", WRITE_STORE, 0, 0, &old, &first),
                 OUTCOME_OK);
    put_pattern(old, 0, 200 * K, 1);
    cr_assert_eq(ask_abort(&p), OUTCOME_OK);
    begin(&p, "/f", WRITE_STORE, 0, 100 * K, 2, &first);
    cr_assert_eq(disk_partials(&p, "/"), 1);
    put_pattern(old, 0, 100 * K, 3);
    cr_assert_eq(ask_commit(&p, 100 * K), OUTCOME_OK);
    cr_assert(disk_is(&p, "/f", 100 * K, 2));
    close(old);
    peer_stop(&p);
}

/* The bytes that SIZE reported, and not others of the same number. */
Test(upload, another_session_begins_the_partial_anew)
{
    static const struct {
        enum write_mode mode;
        uint64_t offset;
    } rows[] = { { WRITE_APPEND, 0 },
                 { WRITE_STORE, 192 * K },
                 { WRITE_STORE, 64 * K } };
    struct peer a, b;
    uint64_t first;
    int fd;

    peer_start(&a);
    peer_join(&b, &a);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ask_cut(&a, "/g", 200 * K, 1);
        cr_assert_eq(ask_size(&a, "/g"), 192 * K);
        ask_cut(&b, "/g", 200 * K, 2);
        cr_expect_eq(
            ask_write(&a, "/g", rows[i].mode, rows[i].offset, 0, &fd, &first),
            OUTCOME_SIZE_FIRST, "row %zu", i);
        if (fd >= 0)
            ask_abort(&a);
        /* A new SIZE reports the other partial, and the upload continues
         * that. */
        cr_expect_eq(ask_size(&a, "/g"), 192 * K);
        begin(&a, "/g", rows[i].mode, rows[i].offset, 300 * K, 2, &first);
        cr_expect_eq(ask_commit(&a, 300 * K), OUTCOME_OK);
        cr_expect(disk_is(&a, "/g", 300 * K, 2), "row %zu", i);
        cr_assert_eq(unlink(disk_path(&a, "/g")), 0);
    }
    peer_leave(&b);
    peer_stop(&a);
}

/* SIZE reported the finished file, so REST continues that. A partial that
 * another upload left under the name doesn't matter. */
Test(upload, rest_goes_on_with_what_size_told_of)
{
    struct peer a, b;
    uint64_t first;

    peer_start(&a);
    peer_join(&b, &a);
    store(&a, "/f", 500000, 1);
    ask_cut(&a, "/f", 700000, 2);
    cr_assert_eq(ask_size(&a, "/f"), 500000);
    cr_assert_eq(begin(&a, "/f", WRITE_STORE, 500000, 600000, 1, &first),
                 OUTCOME_OK);
    cr_expect_eq(first, 500000);
    cr_assert_eq(ask_commit(&a, 600000), OUTCOME_OK);
    cr_expect(disk_is(&a, "/f", 600000, 1));
    /* The other way round: SIZE reported a partial, then the file appeared. */
    ask_cut(&a, "/h", 200 * K, 1);
    cr_assert_eq(ask_size(&a, "/h"), 192 * K);
    disk_fill(&a, "/h", 200 * K, 2);
    begin(&a, "/h", WRITE_STORE, 192 * K, 300 * K, 1, &first);
    cr_assert_eq(ask_commit(&a, 300 * K), OUTCOME_OK);
    cr_expect(disk_is(&a, "/h", 300 * K, 1));
    peer_leave(&b);
    peer_stop(&a);
}

Test(upload, survives_any_end_of_the_process)
{
    struct peer a, b;
    uint64_t first;

    peer_start(&a);
    begin(&a, "/f", WRITE_STORE, 0, 200 * K, 1, &first);
    channel_close(&a.session); /* the session left */
    channel_close(&a.master);
    cr_assert_eq(peer_wait(&a), 0);
    peer_run(&a);
    begin(&a, "/g", WRITE_STORE, 0, 200 * K, 1, &first);
    channel_close(&a.master); /* master died */
    cr_assert_eq(peer_wait(&a), 0);
    peer_run(&a);
    begin(&a, "/h", WRITE_STORE, 0, 200 * K, 1, &first);
    cr_assert_eq(ask_sync(&a), OUTCOME_OK);
    kill(a.pid, SIGKILL);
    cr_assert_eq(peer_wait(&a), 256 + SIGKILL);
    peer_join(&b, &a);
    cr_assert_eq(ask_size(&b, "/f"), 192 * K);
    cr_assert_eq(ask_size(&b, "/g"), 192 * K);
    cr_assert_eq(ask_size(&b, "/h"), 192 * K);
    peer_stop(&b);
}

Test(upload, another_user_sees_no_partial)
{
    struct peer a, b;

    peer_start(&a);
    ask_cut(&a, "/f", 200 * K, 1);
    b = a;
    b.start.name = "bert";
    peer_run(&b);
    cr_assert_eq(ask_size(&b, "/f"), 0);
    peer_leave(&b);
    peer_stop(&a);
}

Test(upload, partials_expire)
{
    struct peer p;
    uint64_t first;

    peer_init(&p);
    disk_directory(&p, "/folder");
    peer_run(&p);
    ask_cut(&p, "/folder/young", 200 * K, 1);
    disk_age(&p, disk_partial(&p, "/folder"), 6);
    cr_expect_eq(disk_sweep(&p, HOUR), 0);
    disk_age(&p, disk_partial(&p, "/folder"), 7);
    cr_expect_eq(disk_sweep(&p, 0), 0, "it was touched just now");
    cr_expect_eq(disk_sweep(&p, HOUR), 1);
    cr_assert_eq(disk_partials(&p, "/folder"), 0);
    /* Never a partial in work. */
    begin(&p, "/g", WRITE_STORE, 0, 200 * K, 1, &first);
    disk_age(&p, disk_partial(&p, "/"), 7);
    cr_expect_eq(disk_sweep(&p, HOUR), 0);
    cr_assert_eq(ask_commit(&p, 200 * K), OUTCOME_OK);
    peer_stop(&p);
}

/* One of a random name can't be continued. If its lock is free, its process has
 * died; but a new one is unlocked for a moment, and a network disk can lose the
 * lock. */
Test(upload, what_a_killed_process_left)
{
    struct peer p;
    uint64_t first;
    int fd;

    peer_start(&p);
    disk_put(&p, "/" LEFT, "x", 1);
    disk_fill(&p, "/f", 300 * K, 1);
    cr_assert_eq(ask_write(&p, "/f", WRITE_APPEND, 0, 0, &fd, &first),
                 OUTCOME_OK);
    close(fd);
    cr_expect_eq(disk_partials(&p, "/"), 2);
    cr_expect_eq(disk_sweep(&p, 0), 0);
    cr_expect_eq(disk_sweep(&p, HOUR), 1, "the other one is being written");
    cr_expect_not(disk_has(&p, "/" LEFT));
    cr_assert_eq(ask_abort(&p), OUTCOME_OK);
    cr_expect(disk_is(&p, "/f", 300 * K, 1));
    peer_stop(&p);
}

/* Other partials that a listing or a write finds stay. */
Test(upload, a_session_removes_no_other_partial)
{
    struct peer p;
    uint64_t first, entries;
    char *text;
    int outcome;

    peer_start(&p);
    ask_cut(&p, "/old", 200 * K, 1);
    disk_age(&p, disk_partial(&p, "/"), 99);
    disk_put(&p, "/" LEFT, "x", 1);
    ask_list(&p, "/", LIST_NAMES, "", &text, &outcome, &entries);
    free(text);
    begin(&p, "/g", WRITE_STORE, 0, 10, 1, &first);
    cr_assert_eq(ask_commit(&p, 10), OUTCOME_OK);
    cr_expect_eq(disk_partials(&p, "/"), 2);
    peer_stop(&p);
}

/* `cp -al` of the home, of a cut upload or of a running one: it can be resumed
 * all the same. */
Test(upload, a_hard_link_to_a_partial)
{
    struct peer p;
    uint64_t first, entries;
    char partial[512];
    int outcome;
    char *text;

    peer_start(&p);
    disk_directory(&p, "/backup");
    for (int runs = 0; runs < 2; runs++) {
        cr_assert_eq(begin(&p, "/f", WRITE_STORE, 0, 200 * K, 1, &first),
                     OUTCOME_OK);
        if (!runs)
            cr_assert_eq(ask_abort(&p), OUTCOME_OK);
        snprintf(partial, sizeof(partial), "%s", disk_partial(&p, "/"));
        cr_assert_eq(link(disk_path(&p, partial), disk_path(&p, "/backup/f")),
                     0);
        if (runs)
            cr_assert_eq(ask_abort(&p), OUTCOME_OK);
        ask_list(&p, "/", LIST_NAMES, "", &text, &outcome, &entries);
        free(text);
        cr_expect_eq(ask_size(&p, "/f"), 192 * K);
        cr_assert_eq(begin(&p, "/f", WRITE_APPEND, 0, 300 * K, 1, &first),
                     OUTCOME_OK);
        cr_expect_eq(first, 192 * K);
        cr_assert_eq(ask_commit(&p, 300 * K), OUTCOME_OK);
        cr_expect(disk_is(&p, "/f", 300 * K, 1));
        cr_assert_eq(unlink(disk_path(&p, "/f")), 0);
        cr_assert_eq(unlink(disk_path(&p, "/backup/f")), 0);
    }
    peer_stop(&p);
}

/* A foreign file under a partial's name is never written to. */
Test(upload, foreign_files_under_a_partials_name)
{
    struct peer p;
    char partial[512];
    uint64_t first;

    peer_start(&p);
    ask_cut(&p, "/f", 200 * K, 1);
    snprintf(partial, sizeof(partial), "%s", disk_partial(&p, "/"));
    cr_assert_eq(link(disk_path(&p, partial), disk_path(&p, "/second")), 0);
    begin(&p, "/f", WRITE_STORE, 0, 10, 2, &first);
    cr_assert_eq(ask_commit(&p, 10), OUTCOME_OK);
    cr_assert(disk_is(&p, "/second", 192 * K, 1));
    cr_assert_not(disk_has(&p, partial), "that name is of no use");
    disk_link(&p, "second", partial);
    cr_assert_eq(ask_size(&p, "/g"), 0);
    begin(&p, "/f", WRITE_STORE, 0, 20, 2, &first);
    cr_assert_eq(ask_commit(&p, 20), OUTCOME_OK);
    cr_assert(disk_is(&p, "/second", 192 * K, 1));
    peer_stop(&p);
}
