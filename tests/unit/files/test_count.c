/* uploads and upload_bytes: which uploads and bytes count, and that no more
 * than the permitted ones become visible, however many end at the same moment.
 */
#include <dirent.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/xattr.h>

#include "files/files.h"
#include "renames.h"
#include "steps.h"
#include "support/messages.h"
#include "syncs.h"

#define K 1024u

/* Up to so many files and bytes; 0: any number. */
static void begin(struct peer *p, uint64_t files, uint64_t bytes)
{
    peer_init(p);
    peer_share(p, "/contracts", RIGHT_ALL);
    disk_directory(p, "/d");
    p->start.rules.uploads = files;
    p->start.rules.upload_bytes = bytes;
    peer_run(p);
}

static unsigned long disk_bytes(struct peer *p, const char *directory)
{
    DIR *names = opendir(disk_path(p, directory));
    unsigned long sum = 0;
    struct stat st;

    cr_assert_not_null(names);
    for (struct dirent *e; (e = readdir(names));)
        if (fstatat(dirfd(names), e->d_name, &st, 0) == 0 &&
            S_ISREG(st.st_mode))
            sum += (unsigned long)st.st_size;
    closedir(names);
    return sum;
}

/* Up to LEN bytes: an APPE sends those that are missing. */
static int store_up_to(struct peer *p, const char *path, enum write_mode mode,
                       size_t len)
{
    int o = ask_upload(p, path, mode, 0, len, 1);

    return o == OUTCOME_OK ? ask_commit(p, len) : o;
}

static int store(struct peer *p, const char *path, enum write_mode mode)
{
    return store_up_to(p, path, mode, 10);
}

/* COUNT may leave out the bytes. */
static void expect_count(struct peer *p, const char *count)
{
    char text[STORED_TEXT_MAX] = "";

    cr_expect(getxattr(p->home, STORED_ATTRIBUTE, text, sizeof(text) - 1) >= 0,
              "%d", errno);
    if (!strchr(count, ' '))
        text[strcspn(text, " ")] = '\0';
    cr_expect_str_eq(text, count, "%s", text);
}

PeerTest(count, each_file_that_becomes_visible, begin(p, 6, 0))
{
    cr_expect_eq(store(p, "/f", WRITE_STORE), OUTCOME_OK);
    cr_expect_eq(store(p, "/f", WRITE_STORE), OUTCOME_OK, "over it");
    cr_expect_eq(store(p, "/d/f", WRITE_UNIQUE), OUTCOME_OK);
    cr_expect_eq(store(p, "/contracts/f", WRITE_STORE), OUTCOME_OK);
    expect_count(p, "4");
    ask_cut(p, "/cut", 200 * K, 1);
    DONE(ask_upload(p, "/x", WRITE_STORE, 0, 10, 1));
    cr_expect_eq(ask_commit(p, 11), OUTCOME_INCOMPLETE);
    cr_expect_eq(ask_upload(p, "/missing/x", WRITE_STORE, 0, 10, 1),
                 OUTCOME_NOT_FOUND);
    expect_count(p, "4");
    cr_expect_eq(ask_path(p, MSG_file_delete, "/f"), OUTCOME_OK);
    cr_assert_eq(unlink(disk_path(p, "/d/f")), 0, "collected");
    peer_again(p);
    cr_expect_eq(store(p, "/g", WRITE_APPEND), OUTCOME_OK);
    cr_expect_eq(ask_rename(p, "/g", "/h"), OUTCOME_OK);
    cr_expect_eq(store(p, "/g", WRITE_STORE), OUTCOME_OK);
    expect_count(p, "6");
    cr_expect_eq(ask_write(p, "/g", WRITE_STORE, 0, 0, NULL),
                 OUTCOME_MAX_FILES);
    cr_expect_eq(store(p, "/contracts/g", WRITE_STORE), OUTCOME_MAX_FILES);
    cr_expect_not(disk_has(p, SHARE "/g"));
    p->start.rules.uploads = 7;
    peer_again(p);
    cr_expect_eq(store(p, "/g", WRITE_STORE), OUTCOME_OK);
}

/* An upload of LEN bytes that finds its name taken at the commit. */
static void expect_taken_back(struct peer *p, size_t len, const char *count)
{
    DONE(ask_upload(p, "/f", WRITE_STORE, 0, len, 1));
    disk_put(p, "/f", "x", 1);
    cr_expect_eq(ask_commit(p, len), OUTCOME_NAME_TAKEN);
    expect_count(p, count);
}

/* A name that is taken takes its count back. */
PeerTest(count, a_rename_that_fails, peer_init(p))
{
    p->start.rules.uploads = 5;
    p->start.rules.on_conflict = CONFLICT_REJECT;
    peer_run(p);
    expect_taken_back(p, 10, "0");
}

/* Whatever ends an upload before its rename takes its count back. */
PeerTest(count, a_partial_that_was_removed, begin(p, 5, 0))
{
    for (int i = 0; i < 2; i++) {
        DONE(ask_upload(p, "/d/f", WRITE_STORE, 0, 10, 1));
        cr_assert_eq(unlink(disk_path(p, disk_partial(p, "/d"))), 0);
        cr_expect_eq(ask_commit(p, 10), OUTCOME_TAKEN_OVER);
        expect_count(p, "0");
    }
}

/* The home's disk is full, and the share's isn't: nothing of the upload is
 * removed. */
Test(count, a_full_home)
{
    struct event_record event;
    struct peer p;

    mark_error = ENOSPC;
    begin(&p, 5, 0);
    DONE(ask_upload(&p, "/contracts/f", WRITE_STORE, 0, 200 * K, 1));
    cr_expect_eq(ask_commit(&p, 200 * K), OUTCOME_IO);
    cr_expect(peer_event(&p, &event) && event.event == EVENT_TROUBLE);
    peer_stop(&p);
}

/* Bytes on the disk are never more than are counted, in each way to change a
 * file that exists: a version has its own copy of the head. */
Test(count, bytes_of_each_conflict)
{
    for (int c = 0; c < CONFLICT_COUNT; c++)
        for (int append = 0; append < 2; append++) {
            const enum write_mode mode = append ? WRITE_APPEND : WRITE_STORE;
            char text[STORED_TEXT_MAX] = "";
            unsigned long files, counted = 0, held = 0;
            struct peer *p = peer_new();

            p->start.rules.on_conflict = (enum conflict)c;
            p->start.rules.upload_bytes = 1000 * K;
            disk_directory(p, "/d");
            peer_run(p);
            for (size_t len = 100 * K; len < 104 * K; len += K)
                store_up_to(p, "/d/f", mode, len);
            cr_expect_gt(
                getxattr(p->home, STORED_ATTRIBUTE, text, sizeof(text)), 0);
            cr_expect_eq(sscanf(text, "%lu %lu", &files, &counted), 2);
            held = disk_bytes(p, "/d");
            cr_expect_leq(held, counted, "conflict %d, append %d", c, append);
            peer_stop(p);
        }
}

/* A count that can't be synced is taken back with its upload. */
PeerTest(count, a_sync_that_fails, peer_init(p))
{
    struct event_record event;

    p->start.rules.uploads = 5;
    p->start.rules.fsync = true;
    peer_run(p);
    cr_expect_eq(store(p, "/f", WRITE_STORE), OUTCOME_OK);
    sync_directories_fail = true;
    peer_again(p);
    DONE(ask_upload(p, "/g", WRITE_STORE, 0, 10, 1));
    cr_expect_eq(ask_commit(p, 10), OUTCOME_IO);
    cr_expect(peer_event(p, &event) && event.event == EVENT_TROUBLE);
    cr_expect_not(disk_has(p, "/g"));
    expect_count(p, "1");
}

#define MANY 10

/* All begin before the first one ends, in the home, a directory and a share.
 * Four of them may be stored. */
static void many_at_once(struct peer *p, enum outcome refused)
{
    static const char *const where[] = { "", "/d", "/contracts" };
    struct peer other[MANY];
    size_t stored = 0;

    for (size_t i = 0; i < MANY; i++) {
        char path[64];

        snprintf(path, sizeof(path), "%s/f%zu", where[i % 3], i);
        peer_join(&other[i], p);
        DONE(ask_upload(&other[i], path, WRITE_STORE, 0, 200 * K, 1));
    }
    for (size_t i = 0; i < MANY; i++)
        cr_assert_eq(SEND(&other[i].session, file_commit, NEXT(&other[i]),
                          .length = 200 * K),
                     0);
    for (size_t i = 0; i < MANY; i++) {
        struct message m;

        cr_assert_eq(channel_wait(&other[i].session, &m, PEER_MS), 1);
        stored += m.kind == MSG_file_stored;
        cr_expect(m.kind == MSG_file_stored || m.refused.outcome == refused);
        peer_leave(&other[i]);
    }
    cr_expect_eq(stored, 4);
    cr_expect_eq(disk_partials(p, "") + disk_partials(p, "/d") +
                     disk_partials(p, SHARE),
                 0, "nothing is left that nobody can finish");
}

PeerTest(count, ten_at_once, begin(p, 4, 0))
{
    many_at_once(p, OUTCOME_MAX_FILES);
    expect_count(p, "4");
}

/* At its begin each of them has room. */
PeerTest(count, bytes_of_ten_at_once, begin(p, 0, 999 * K))
{
    many_at_once(p, OUTCOME_MAX_BYTES);
    expect_count(p, "4 819200");
}

/* Only one process at a time counts, in whatever directories they store. */
Test(count, waits_for_the_lock_of_the_home)
{
    struct message m;
    struct peer p, b;
    struct steps *s;
    int home;

    begin(&p, 5, 0);
    s = steps_for_next();
    peer_join(&b, &p);
    DONE(ask_upload(&b, "/contracts/f", WRITE_STORE, 0, 10, 1));
    home = open(p.home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(flock(home, LOCK_EX | LOCK_NB), 0);
    steps_hold(s);
    cr_assert_eq(SEND(&b.session, file_commit, NEXT(&b), .length = 10), 0);
    cr_assert_eq(steps_next(s, &b), STEPPED_BLOCKED);
    cr_assert_eq(close(home), 0);
    steps_free(s);
    message_hear(&b.session, MSG_file_stored, &m);
    expect_count(&p, "1");
    peer_leave(&b);
    peer_stop(&p);
    steps_end(s);
}

/* On a network disk the lock of a directory holds on one machine only, so there
 * it is a file's. No client sees that file, and it never expires. */
Test(count, waits_for_the_lock_of_another_machine)
{
    struct message m;
    struct peer p, b;
    struct steps *s;
    int lock;

    disk_type = FUSE_SUPER_MAGIC;
    rename_faults.nodes = true;
    begin(&p, 5, 0);
    s = steps_for_next();
    peer_join(&b, &p);
    DONE(ask_upload(&b, "/contracts/f", WRITE_STORE, 0, 10, 1));
    lock = open(disk_path(&p, "/" LOCK_FILE), O_RDWR | O_CLOEXEC);
    cr_assert_geq(lock, 0, "%s", strerror(errno));
    cr_assert_eq(flock(lock, LOCK_EX | LOCK_NB), 0);
    steps_hold(s);
    cr_assert_eq(SEND(&b.session, file_commit, NEXT(&b), .length = 10), 0);
    cr_assert_eq(steps_next(s, &b), STEPPED_BLOCKED);
    cr_assert_eq(close(lock), 0);
    steps_free(s);
    message_hear(&b.session, MSG_file_stored, &m);
    expect_count(&p, "1");
    cr_expect_eq(ask_path(&p, MSG_file_delete, "/" LOCK_FILE),
                 OUTCOME_NOT_FOUND);
    peer_leave(&b);
    peer_stop(&p);
    steps_end(s);
}

/* Nothing can be written to the home, so the file can't be made: no upload is
 * counted, and all else goes on. That says nothing of the share's disk. */
PeerTest(count, without_its_lock, peer_init(p))
{
    struct event_record event;

    disk_type = FUSE_SUPER_MAGIC;
    peer_share(p, "/contracts", RIGHT_ALL);
    disk_fill(p, "/old", 10, 1);
    p->start.rules.uploads = 5;
    cr_assert_eq(chmod(p->home, 0500), 0);
    peer_run(p);
    cr_expect_eq(ask_size(p, "/old"), 10);
    cr_expect_eq(store(p, "/contracts/f", WRITE_STORE), OUTCOME_IO);
    cr_expect_not(disk_has(p, SHARE "/f"));
    cr_expect(peer_event(p, &event) && event.event == EVENT_TROUBLE);
    cr_assert_eq(chmod(p->home, 0700), 0);
}

/* Killed right before the rename: at most one more is counted, and none
 * less. */
Test(count, a_killed_process)
{
    struct peer p, b;
    struct steps *s;
    int status;

    begin(&p, 5, 0);
    s = steps_for_next();
    peer_join(&b, &p);
    DONE(ask_upload(&b, "/f", WRITE_STORE, 0, 10, 1));
    steps_hold(s);
    cr_assert_eq(SEND(&b.session, file_commit, NEXT(&b), .length = 10), 0);
    cr_assert_eq(steps_next(s, &b), STEPPED_HELD);
    kill(b.pid, SIGKILL);
    cr_assert_eq(waitpid(b.pid, &status, 0), b.pid);
    cr_expect_not(disk_has(&p, "/f"));
    expect_count(&p, "1");
    cr_expect_eq(store(&p, "/f", WRITE_STORE), OUTCOME_OK, "no lock is left");
    expect_count(&p, "2");
    peer_stop(&p);
    steps_end(s);
}

/* A count that nobody can read permits nothing. */
PeerTest(count, a_forged_one, begin(p, 5, 0))
{
    static const char *const forged[] = {
        "many", "1111111111111111111111111111111111111111111111111111111111"
    };
    struct event_record event;

    for (int i = 0; i < 2; i++) {
        cr_assert_eq(setxattr(p->home, STORED_ATTRIBUTE, forged[i],
                              strlen(forged[i]), 0),
                     0);
        cr_expect_eq(store(p, "/f", WRITE_STORE), OUTCOME_IO, "%s", forged[i]);
    }
    cr_expect(peer_event(p, &event) && event.event == EVENT_TROUBLE);
}

/* The home's disk is slow: other changes in the share, which may be on another
 * disk, don't wait for it. */
PeerTest(count, no_sync_under_a_lock, begin(p, 5, 0))
{
    struct message m;
    struct peer b;

    disk_put(p, SHARE "/old", "x", 1);
    disk_put(p, "/old", "x", 1);
    b = *p;
    b.start.rules.fsync = true;
    sync_directories_wait();
    peer_run(&b);
    DONE(ask_upload(&b, "/contracts/f", WRITE_STORE, 0, 10, 1));
    cr_assert_eq(SEND(&b.session, file_commit, NEXT(&b), .length = 10), 0);
    sync_directories_expect();
    cr_expect_eq(ask_path(p, MSG_file_delete, "/contracts/old"), OUTCOME_OK);
    cr_expect_eq(ask_path(p, MSG_file_delete, "/old"), OUTCOME_OK);
    sync_directories_go_on();
    message_hear(&b.session, MSG_file_stored, &m);
    expect_count(p, "1");
    peer_leave(&b);
}

/* Bytes */

/* If a file is continued, only the new bytes count; after an unfinished upload
 * all of them, since none has counted. */
PeerTest(count, the_bytes_that_were_sent, begin(p, 0, 1024 * K))
{
    cr_expect_eq(store(p, "/f", WRITE_STORE), OUTCOME_OK);
    cr_expect_eq(store(p, "/f", WRITE_STORE), OUTCOME_OK, "over it");
    cr_expect_eq(store(p, "/contracts/f", WRITE_UNIQUE), OUTCOME_OK);
    expect_count(p, "3 30");
    cr_expect_eq(store_up_to(p, "/f", WRITE_APPEND, 25), OUTCOME_OK);
    expect_count(p, "4 45");
    ask_cut(p, "/cut", 200 * K, 1);
    expect_count(p, "4 45");
    cr_assert_eq(ask_size(p, "/cut"), 192 * K);
    cr_expect_eq(store_up_to(p, "/cut", WRITE_APPEND, 300 * K), OUTCOME_OK);
    expect_count(p, "5 307245");
    cr_expect_eq(ask_path(p, MSG_file_delete, "/cut"), OUTCOME_OK);
    expect_count(p, "5 307245");
}

static int write_to(struct peer *p, const char *path, enum write_mode mode,
                    uint64_t announced, struct msg_file_writable *ret)
{
    int o = ask_open(p,
                     &(struct msg_file_write){ .request = NEXT(p),
                                               .path = slice_from(path),
                                               .mode = mode,
                                               .announced = announced },
                     ret);

    if (ret->file >= 0)
        close(ret->file);
    return o;
}

static void expect_limit(struct peer *p, const char *path, enum write_mode mode,
                         uint64_t limit, bool by_bytes)
{
    struct msg_file_writable w;

    DONE(write_to(p, path, mode, 0, &w));
    cr_expect_eq(w.limit, limit, "%" PRIu64, w.limit);
    cr_expect_eq(w.by_bytes, by_bytes);
    DONE(ask_abort_spoiled(p));
}

PeerTest(count, bytes_that_are_left, begin(p, 0, 100))
{
    struct msg_file_writable w;

    expect_limit(p, "/f", WRITE_STORE, 100, true);
    cr_expect_eq(store_up_to(p, "/f", WRITE_STORE, 60), OUTCOME_OK);
    expect_limit(p, "/g", WRITE_STORE, 40, true);
    expect_limit(p, "/f", WRITE_APPEND, 100, true);
    cr_expect_eq(write_to(p, "/g", WRITE_STORE, 41, &w), OUTCOME_MAX_BYTES);
    cr_expect_eq(write_to(p, "/f", WRITE_APPEND, 101, &w), OUTCOME_MAX_BYTES);
    cr_expect_eq(store_up_to(p, "/g", WRITE_STORE, 41), OUTCOME_MAX_BYTES);
    cr_expect_not(disk_has(p, "/g"));
    cr_expect_eq(disk_partials(p, ""), 0);
    expect_count(p, "1 60");
    cr_expect_eq(store_up_to(p, "/f", WRITE_APPEND, 100), OUTCOME_OK);
    expect_count(p, "2 100");
    cr_expect_eq(write_to(p, "/g", WRITE_STORE, 0, &w), OUTCOME_MAX_BYTES);
    cr_expect_eq(ask_path(p, MSG_file_delete, "/f"), OUTCOME_OK);
    cr_expect_eq(write_to(p, "/g", WRITE_STORE, 0, &w), OUTCOME_MAX_BYTES);
    p->start.rules.upload_bytes = 110;
    peer_again(p);
    cr_expect_eq(store(p, "/g", WRITE_STORE), OUTCOME_OK);
    expect_count(p, "3 110");
}

/* The existing part is larger than the rest of the limit. */
PeerTest(count, an_unfinished_upload_that_is_too_long, begin(p, 0, 300 * K))
{
    struct msg_file_writable w;

    ask_cut(p, "/cut", 200 * K, 1);
    cr_expect_eq(store_up_to(p, "/f", WRITE_STORE, 200 * K), OUTCOME_OK);
    cr_assert_eq(ask_size(p, "/cut"), 192 * K);
    cr_expect_eq(write_to(p, "/cut", WRITE_APPEND, 0, &w), OUTCOME_MAX_BYTES);
    expect_limit(p, "/cut", WRITE_STORE, 100 * K, true);
}

/* The smaller limit counts, and is named. */
PeerTest(count, beside_max_file_size, peer_init(p))
{
    struct msg_file_writable w;

    p->start.rules.upload_bytes = 100;
    p->start.rules.max_file_size = 60;
    peer_run(p);
    expect_limit(p, "/f", WRITE_STORE, 60, false);
    cr_expect_eq(write_to(p, "/f", WRITE_STORE, 101, &w), OUTCOME_TOO_LARGE);
    cr_expect_eq(store_up_to(p, "/f", WRITE_STORE, 60), OUTCOME_OK);
    expect_limit(p, "/f", WRITE_STORE, 40, true);
    expect_limit(p, "/f", WRITE_APPEND, 60, false);
    cr_expect_eq(write_to(p, "/g", WRITE_STORE, 41, &w), OUTCOME_MAX_BYTES);
}

/* AVBL and ALLO know it. */
PeerTest(count, bytes_as_space, begin(p, 0, 100))
{
    struct event_record event;
    struct message m;

    cr_expect_eq(store_up_to(p, "/f", WRITE_STORE, 60), OUTCOME_OK);
    DONE(ASK(p, &m, space, NEXT(p), .path = SLICE("/contracts"),
             .wanted = UINT64_MAX));
    cr_expect(m.space_is.bytes == 40 && m.space_is.by_bytes);
    p->start.rules.upload_bytes = INT64_MAX;
    peer_again(p);
    DONE(ASK(p, &m, space, NEXT(p), .path = SLICE("/"), .wanted = 41));
    cr_expect(m.space_is.bytes > 100 && !m.space_is.by_bytes);
    cr_assert_eq(setxattr(p->home, STORED_ATTRIBUTE, "many", 4, 0), 0);
    cr_expect_eq(ASK(p, &m, space, NEXT(p), .path = SLICE("/"), .wanted = 41),
                 OUTCOME_IO);
    cr_expect(peer_event(p, &event) && event.event == EVENT_TROUBLE);
}

/* Both are counted with either limit, also after a release that counted files
 * alone. */
PeerTest(count, files_and_bytes, begin(p, 5, 0))
{
    cr_assert_eq(setxattr(p->home, STORED_ATTRIBUTE, "1", 1, 0), 0);
    cr_expect_eq(store(p, "/f", WRITE_STORE), OUTCOME_OK);
    expect_count(p, "2 10");
    p->start.rules.uploads = 0;
    p->start.rules.upload_bytes = 100;
    peer_again(p);
    cr_expect_eq(store(p, "/f", WRITE_STORE), OUTCOME_OK);
    expect_count(p, "3 20");
}

/* The counted bytes are taken back, and no more. */
PeerTest(count, bytes_of_a_rename_that_fails, peer_init(p))
{
    p->start.rules.upload_bytes = 100;
    p->start.rules.on_conflict = CONFLICT_REJECT;
    peer_run(p);
    cr_expect_eq(store(p, "/g", WRITE_STORE), OUTCOME_OK);
    expect_taken_back(p, 30, "1 10");
}
