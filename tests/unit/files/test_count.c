/* The limits uploads and upload_bytes: which uploads and bytes count, and that
 * no more become visible than permitted, however many uploads end at the same
 * moment. */
#include <inttypes.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include "places.h"
#include "renames.h"
#include "steps.h"
#include "support/cast.h"
#include "support/scratch.h"
#include "syncs.h"

#define K 1024u

/* Starts a process with these limits of files and bytes; 0: no limit. */
static void begin(struct peer *p, uint64_t files, uint64_t bytes)
{
    peer_init(p);
    PLAY(p, SHARES("/contracts", RIGHT_ALL), DIRECTORY("/d"),
         p->start.rules.uploads = files, p->start.rules.upload_bytes = bytes,
         RUN());
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

static int store(struct peer *p, const char *path, enum write_mode mode)
{
    return ask_put(p, path, mode, 0, 10, 1);
}

/* Expects this value of the counter. COUNT can leave out the bytes. */
static void expect_count(struct peer *p, const char *count)
{
    char text[STORED_TEXT_MAX] = "";

    cr_expect(getxattr(p->home, STORED_ATTRIBUTE, text, sizeof(text) - 1) >= 0,
              "%d", errno);
    if (!strchr(count, ' '))
        text[strcspn(text, " ")] = '\0';
    cr_expect_str_eq(text, count, "%s", text);
}

#define COUNTS(text) expect_count(playing, text)

PeerTest(count, each_file_that_becomes_visible, begin(p, 2, 0))
{
    PLAY(p, SENDS(STORE, "/x", 0, 10, 1), COMMIT(11, INCOMPLETE),
         SENDS(STORE, "/missing/x", 0, 10, 1, NOT_FOUND), APPE("/f", 10, 1),
         RNTO("/f", "/h"), COUNTS("1"));
    cr_assert_eq(unlink(disk_path(p, "/h")), 0, "collected");
    PLAY(p, AGAIN(), STOR("/g", 10, 1), COUNTS("2"),
         OPENS(STORE, "/g", 0, 0, MAX_FILES),
         STOR("/contracts/g", 10, 1, MAX_FILES), GONE(SHARE "/g"),
         p->start.rules.uploads = 3, AGAIN(), STOR("/g", 10, 1));
}

/* If an upload ends before its rename, its count is taken back. */
PeerTest(count, a_partial_that_was_removed, begin(p, 5, 0))
{
    for (int i = 0; i < 2; i++) {
        PLAY(p, SENDS(STORE, "/d/f", 0, 10, 1), UNLINK(disk_partial(p, "/d")),
             COMMIT(10, PARTIAL_TAKEN), COUNTS("0"));
    }
}

/* The counter can't be written, since the home's disk is full. The share's disk
 * isn't full, so no partial is removed there. */
PeerTest(count, a_full_home, (mark_error = ENOSPC, begin(p, 5, 0)))
{
    PLAY(p, SENDS(STORE, "/contracts/f", 0, 200 * K, 1), COMMIT(200 * K, IO),
         EVENT(TROUBLE));
}

/* With each on_conflict the disk has at most the bytes that are counted. A
 * version has its own copy of the file's beginning. */
Test(count, bytes_of_each_conflict)
{
    for (int c = 0; c < CONFLICT_COUNT; c++)
        for (int append = 0; append < 2; append++) {
            const enum write_mode mode = append ? WRITE_APPEND : WRITE_STORE;
            char text[STORED_TEXT_MAX] = "";
            unsigned long files, counted = 0, held = 0;
            struct peer *p = peer_new();

            p->start.rules.on_conflict = (enum conflict)c;
            PLAY(p, p->start.rules.upload_bytes = 1000 * K, DIRECTORY("/d"),
                 RUN());
            for (size_t len = 100 * K; len < 104 * K; len += K)
                ask_put(p, "/d/f", mode, 0, len, 1);
            cr_expect_gt(
                getxattr(p->home, STORED_ATTRIBUTE, text, sizeof(text)), 0);
            cr_expect_eq(sscanf(text, "%lu %lu", &files, &counted), 2);
            held = disk_bytes(p, "/d");
            cr_expect_leq(held, counted, "conflict %d, append %d", c, append);
            peer_stop(p);
        }
}

/* If a count can't be synced, it is taken back, and the upload is refused. */
PeerTest(count, a_sync_that_fails, peer_init(p))
{
    PLAY(p, p->start.rules.uploads = 5, p->start.rules.fsync = true, RUN(),
         STOR("/f", 10, 1), sync_directories_fail = true, AGAIN(),
         SENDS(STORE, "/g", 0, 10, 1), COMMIT(10, IO), EVENT(TROUBLE),
         GONE("/g"), COUNTS("1"));
}

#define MANY 10

/* Plays ten uploads that all begin before the first one ends, in the home and
 * in all places with local disks or, on a NETWORK disk, in the home alone.
 * Exactly four of them can be stored. */
static void many_at_once(bool network)
{
    struct peer one, *p = &one, other[MANY];
    enum place_kind in[MANY];
    size_t stored = 0, held = 0, left = 0;

    peer_init(p);
    for (enum place_kind i = 0, n = 0; n < MANY; i = (i + 1) % PLACE_COUNT)
        if (places_go(i) && (i == PLACE_NETWORK) == network)
            in[n++] = i;
    places_go(in[0]);
    for (enum place_kind i = 0; i < PLACE_COUNT; i++)
        places_furnish(p, i);
    PLAY(p, p->start.rules.upload_bytes = 999 * K, RUN());
    for (size_t i = 0; i < MANY; i++) {
        const char *folder = i == 0 ? "" : files_places[in[i]].path;
        char path[64];

        places_enter(p, in[i]);
        snprintf(path, sizeof(path), "%s/f%zu", folder, i);
        peer_join(&other[i], p, false);
        DONE(ask_upload(&other[i], path, WRITE_STORE, 0, 200 * K, 1));
    }
    for (size_t i = 0; i < MANY; i++)
        send_commit(&other[i], 200 * K);
    for (size_t i = 0; i < MANY; i++) {
        const int r = ask_answer(&other[i]);

        stored += r == OUTCOME_OK;
        held += r == OUTCOME_OK && in[i] == PLACE_INSPECT;
        cr_expect(r == OUTCOME_OK || r == OUTCOME_MAX_BYTES);
        peer_leave(&other[i]);
    }
    cr_expect_eq(stored, 4);
    for (enum place_kind i = 0; i < PLACE_COUNT; i++)
        if (files_places[i].path && disk_has(p, files_places[i].disk))
            left += disk_partials(p, files_places[i].disk);
    left += disk_partials(p, "");
    cr_expect_eq(left, held, "nothing is left that nobody can finish");
    expect_count(p, "4 819200");
    peer_stop(p);
}

/* At its beginning each upload fits into the limit. */
Test(count, bytes_of_ten_at_once)
{
    many_at_once(false);
    many_at_once(true);
}

/* Only one process at a time changes the counter, whatever directory it stores
 * to: it has the lock of LOCKED, the home or a file. */
static void wait_for_the_lock(const char *locked)
{
    struct peer p, b;
    struct steps *s;
    int lock;

    begin(&p, 5, 0);
    s = steps_for_next();
    peer_join(&b, &p, false);
    DONE(ask_upload(&b, "/contracts/f", WRITE_STORE, 0, 10, 1));
    lock = open(disk_path(&p, locked),
                (locked[1] ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    cr_assert_geq(lock, 0, "%s", strerror(errno));
    cr_assert_eq(flock(lock, LOCK_EX | LOCK_NB), 0);
    steps_hold(s);
    send_commit(&b, 10);
    cr_assert_eq(steps_next(s, &b), STEPPED_BLOCKED);
    cr_assert_eq(close(lock), 0);
    steps_free(s);
    GETS(OK, ask_answer(&b));
    PLAY(&p, COUNTS("1"), DELE("/" LOCK_FILE, NOT_FOUND));
    peer_leave(&b);
    peer_stop(&p);
    steps_end(s);
}

Test(count, waits_for_the_lock_of_the_home)
{
    wait_for_the_lock("/");
}

/* On a network disk the lock of a directory holds on one machine only, so the
 * counter has the lock of a file. No client sees this file, and it never
 * expires. */
Test(count, waits_for_the_lock_of_another_machine)
{
    disk_type = FUSE_SUPER_MAGIC;
    rename_faults.nodes = true;
    wait_for_the_lock("/" LOCK_FILE);
}

/* The lock file can't be made, since the home isn't writable. No upload is
 * stored, but other requests succeed. The outcome IO doesn't blame the share's
 * disk. */
PeerTest(count, without_its_lock, peer_init(p))
{
    PLAY(p, disk_type = FUSE_SUPER_MAGIC, SHARES("/contracts", RIGHT_ALL),
         FILL("/old", 10, 1), p->start.rules.uploads = 5);
    cr_assert_eq(chmod(p->home, 0500), 0);
    PLAY(p, RUN(), SIZE("/old", 10), STOR("/contracts/f", 10, 1, IO),
         GONE(SHARE "/f"), EVENT(TROUBLE));
    cr_assert_eq(chmod(p->home, 0700), 0);
}

/* A counter that can't be read permits no upload. */
PeerTest(count, a_forged_one, begin(p, 5, 0))
{
    static const char *const forged[] = {
        "many", "1111111111111111111111111111111111111111111111111111111111"
    };

    for (int i = 0; i < 2; i++) {
        cr_assert_eq(setxattr(p->home, STORED_ATTRIBUTE, forged[i],
                              strlen(forged[i]), 0),
                     0);
        cr_expect_eq(store(p, "/f", WRITE_STORE), OUTCOME_IO, "%s", forged[i]);
    }
    peer_expect(p, EVENT_TROUBLE);
}

/* The counter is synced to the home's slow disk. Other changes, in the home and
 * in the share, don't wait for this. */
PeerTest(count, no_sync_under_a_lock, begin(p, 5, 0))
{
    struct peer b;

    PLAY(p, PUT(SHARE "/old", "x"), PUT("/old", "x"));
    b = *p;
    b.start.rules.fsync = true;
    sync_directories_wait();
    PLAY(&b, RUN(), SENDS(STORE, "/contracts/f", 0, 10, 1));
    send_commit(&b, 10);
    sync_directories_expect();
    PLAY(p, DELE("/contracts/old"), DELE("/old"));
    sync_directories_go_on();
    EXPECT(&b.session, file_stored);
    expect_count(p, "1");
    peer_leave(&b);
}

/* Bytes */

/* If an upload resumes onto a finished file, only the new bytes count. If it
 * resumes a partial, all bytes count, since none has counted yet. */
PeerTest(count, the_bytes_that_were_sent, begin(p, 0, 1024 * K))
{
    GETS(OK, store(p, "/f", WRITE_STORE));
    cr_expect_eq(store(p, "/f", WRITE_STORE), OUTCOME_OK, "over it");
    GETS(OK, store(p, "/contracts/f", WRITE_UNIQUE));
    PLAY(p, COUNTS("3 30"), APPE("/f", 25, 1), COUNTS("4 45"),
         CUTS("/cut", 200 * K, 1), COUNTS("4 45"), SIZE("/cut", 192 * K),
         APPE("/cut", 300 * K, 1), COUNTS("5 307245"), DELE("/cut"),
         COUNTS("5 307245"));
}

static void expect_limit(struct peer *p, const char *path, enum write_mode mode,
                         uint64_t limit, bool by_bytes)
{
    DONE(ask_write(p, path, mode, 0, 0, NULL));
    cr_expect_eq(p->limit, limit, "%" PRIu64, p->limit);
    cr_expect_eq(p->by_bytes, by_bytes);
    DONE(ask_abort_spoiled(p));
}

#define LIMIT(path, mode, limit, by_bytes)                                     \
    expect_limit(playing, path, mode, limit, by_bytes)

PeerTest(count, bytes_that_are_left, begin(p, 0, 100))
{
    PLAY(p, LIMIT("/f", WRITE_STORE, 100, true), STOR("/f", 60, 1),
         LIMIT("/g", WRITE_STORE, 40, true),
         LIMIT("/f", WRITE_APPEND, 100, true),
         OPENS(STORE, "/g", 0, 41, MAX_BYTES),
         OPENS(APPEND, "/f", 0, 101, MAX_BYTES), STOR("/g", 41, 1, MAX_BYTES),
         GONE("/g"), PARTIALS("", 0), COUNTS("1 60"), APPE("/f", 100, 1),
         COUNTS("2 100"), OPENS(STORE, "/g", 0, 0, MAX_BYTES), DELE("/f"),
         OPENS(STORE, "/g", 0, 0, MAX_BYTES), p->start.rules.upload_bytes = 110,
         AGAIN(), STOR("/g", 10, 1), COUNTS("3 110"));
}

/* A partial that has more bytes than the limit leaves can't be resumed. */
PeerTest(count, an_unfinished_upload_that_is_too_long, begin(p, 0, 300 * K))
{
    PLAY(p, CUTS("/cut", 200 * K, 1), STOR("/f", 100 * K, 1),
         p->start.rules.upload_bytes = 200 * K, AGAIN(), SIZE("/cut", 192 * K),
         OPENS(APPEND, "/cut", 0, 0, MAX_BYTES),
         LIMIT("/cut", WRITE_STORE, 100 * K, true));
}

static const char *const five[] = { "/1", "/d/2", "/contracts/3", "/d/4",
                                    "/5" };

/* Is there a partial of PATH, a name in the home, a directory or a share? */
static bool is_left(struct peer *p, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    char partial[512];

    snprintf(partial, sizeof(partial), "%s%.*s%s",
             path[1] == 'c' ? "/../../shares" : "", (int)(name - path), path,
             disk_partial_name(p, name));
    return disk_has(p, partial);
}

/* The clock of files can stand still for some milliseconds. */
static void await_clock_of_files(struct peer *p)
{
    const struct stat before = disk_stat(p, "/d");
    struct stat st;

    do {
        cr_assert_eq(chmod(disk_path(p, "/d"), before.st_mode & 07777), 0);
        st = disk_stat(p, "/d");
    } while (st.st_ctim.tv_sec == before.st_ctim.tv_sec &&
             st.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
}

/* Cuts five uploads at 200 KiB. Their partials have 960 KiB in all. */
static void cut_five(struct peer *p)
{
    for (size_t i = 0; i < 5; i++) {
        ask_cut(p, five[i], 200 * K, 1);
        cr_assert(is_left(p, five[i]), "%s", five[i]);
        await_clock_of_files(p);
    }
}

/* Gives the five partials a second name, outside of the home. */
static void link_five(struct peer *p)
{
    for (size_t i = 0; i < 5; i++) {
        const char *name = strrchr(five[i], '/') + 1;
        char from[512], to[32];

        snprintf(from, sizeof(from), "%s%.*s%s",
                 five[i][1] == 'c' ? "/../../shares" : "",
                 (int)(name - five[i]), five[i], disk_partial_name(p, name));
        snprintf(to, sizeof(to), "/../link-%zu", i);
        disk_hard_link(p, from, to);
        await_clock_of_files(p);
    }
}

/* Expects the event of so many removed uploads, of 192 KiB each. */
static void expect_gone(struct peer *p, unsigned count)
{
    const struct event_record e = peer_expect(p, EVENT_SERVICE);

    cr_expect_eq(e.number[FIELD_NUMBER], count);
    cr_expect_eq(e.number[FIELD_BYTES], count * 192 * K);
}

#define EXPIRED(count) expect_gone(playing, count)

/* Unfinished uploads hold no more bytes than the limit leaves: the oldest ones
 * at rest go, wherever they are, as soon as bytes are stored. */
Test(count, unfinished_uploads)
{
    enum { SYNC, COMMIT, CUT, LEAVE, STEPS };

    for (int turn = 0; turn < 2 * STEPS; turn++) {
        const int step = turn / 2;
        struct peer one, *p = &one;

        begin(p, 0, 999 * K);
        cut_five(p);
        if (turn % 2) /* as cp -al of the home does */
            link_five(p);
        DONE(ask_upload(p, "/n", WRITE_STORE, 0, 400 * K, 1));
        for (size_t i = 0; i < 5; i++)
            cr_expect(is_left(p, five[i]), "%s", five[i]);
        if (step == SYNC)
            DONE(ask_sync(p));
        else if (step == COMMIT)
            GETS(OK, ask_commit(p, 400 * K));
        else if (step == CUT)
            DONE(ask_abort(p));
        else if (step == LEAVE)
            channel_close(&p->session);
        expect_gone(p, 2);
        for (size_t i = 0; i < 5; i++)
            cr_expect_eq(is_left(p, five[i]), i >= 2, "%s", five[i]);
        cr_expect_eq(disk_has(p, "/n"), step == COMMIT);
        peer_stop(p);
    }
}

/* A look that misses unfinished uploads, since their share is away or the time
 * is over, doesn't say that there are none. */
PeerTest(count, unfinished_uploads_that_were_missed, begin(p, 0, 500 * K))
{
    PLAY(p, CUTS("/contracts/f", 200 * K, 1), MOVE(SHARE, "/../../shares/away"),
         AGAIN(), EVENT(TROUBLE), STOR("/s", 10, 1),
         MOVE("/../../shares/away", SHARE), AGAIN(), STOR("/n", 400 * K, 1),
         EXPIRED(1), p->start.rules.upload_bytes += 400 * K, AGAIN(),
         CUTS("/d/f", 200 * K, 1), clock_jumps = 3000, AGAIN(),
         STOR("/s", 10, 1), clock_jumps = 0, AGAIN(), STOR("/n", 400 * K, 1),
         EXPIRED(1));
}

/* A read-only snapshot in the home holds unfinished uploads that nobody can
 * remove. */
PeerTest(count, unfinished_uploads_in_a_snapshot, begin(p, 0, 500 * K))
{
    PLAY(p, CUTS("/d/f", 200 * K, 1), MOVE("/d", "/../frozen"),
         DIRECTORY("/snapshot"));
    if (!mounts_own() ||
        mount(disk_path(p, "/../frozen"), disk_path(p, "/snapshot"), NULL,
              MS_BIND, NULL) < 0)
        cr_skip_test("nothing can be mounted here");
    cr_assert_eq(mount(NULL, disk_path(p, "/snapshot"), NULL,
                       MS_BIND | MS_REMOUNT | MS_RDONLY, NULL),
                 0);
    PLAY(p, AGAIN(), SENDS(STORE, "/n", 0, 400 * K, 1), SYNC(),
         COMMIT(400 * K));
    cr_assert_eq(umount(disk_path(p, "/snapshot")), 0);
}

static int upload_and_sync(struct peer *p, size_t len)
{
    DONE(ask_upload(p, "/n", WRITE_STORE, 0, len, 1));
    const int r = ask_sync(p);

    DONE(ask_abort_spoiled(p));
    return r;
}

/* If SIZE has reported a length, the client may send the rest at any moment: so
 * the partial stays until it is idle, and the new upload is refused. So does a
 * partial that an upload is writing; but this may end soon. A continued upload
 * is no other one. */
PeerTest(count, unfinished_uploads_that_stay, begin(p, 0, 500 * K))
{
    struct peer b;

    PLAY(p, CUTS("/f", 200 * K, 1), SIZE("/f", 192 * K));
    peer_join(&b, p, false);
    DONE(ask_upload(&b, "/d/g", WRITE_STORE, 0, 208 * K, 1));
    PLAY(p, STEP(upload_and_sync(playing, 101 * K), OUTCOME_BUSY),
         STEP(upload_and_sync(playing, 100 * K), OUTCOME_OK));
    peer_leave(&b);
    PLAY(p, STEP(upload_and_sync(playing, 300 * K), OUTCOME_OK), EXPIRED(1),
         STEP(upload_and_sync(playing, 309 * K), OUTCOME_MAX_BYTES),
         time_ahead += HOUR, AGAIN(),
         STEP(upload_and_sync(playing, 309 * K), OUTCOME_OK), EXPIRED(1),
         CUTS("/f", 200 * K, 1), SIZE("/f", 192 * K),
         LIMIT("/f", WRITE_APPEND, 500 * K, true));
}

/* An upload that is cut counts as a file, too; but not if none of it stays. */
PeerTest(count, unfinished_files, begin(p, 2, 0))
{
    PLAY(p, CUTS("/f", 200 * K, 1), CUTS("/g", 200 * K, 1), SIZE("/g", 192 * K),
         CUTS("/n", 10, 1));
    cr_expect(is_left(p, "/f"));
    PLAY(p, STOR("/n", 10, 1), EXPIRED(1), STOR("/n", 10, 1, MAX_FILES),
         APPE("/g", 200 * K, 1), COUNTS("2"));
}

/* The smaller of both limits counts, and the answer names it. */
PeerTest(count, beside_max_file_size, peer_init(p))
{
    PLAY(p, p->start.rules.upload_bytes = 100,
         p->start.rules.max_file_size = 60, RUN(),
         LIMIT("/f", WRITE_STORE, 60, false),
         OPENS(STORE, "/f", 0, 101, TOO_LARGE), STOR("/f", 60, 1),
         LIMIT("/f", WRITE_STORE, 40, true),
         LIMIT("/f", WRITE_APPEND, 60, false),
         OPENS(STORE, "/g", 0, 41, MAX_BYTES));
}

/* AVBL and ALLO heed upload_bytes. */
PeerTest(count, bytes_as_space, begin(p, 0, 100))
{
    GETS(OK, ask_put(p, "/f", WRITE_STORE, 0, 60, 1));
    DONE(ask_space(p, "/contracts", UINT64_MAX));
    cr_expect(p->space.bytes == 40 && p->space.by_bytes);
    PLAY(p, p->start.rules.upload_bytes = INT64_MAX, AGAIN());
    DONE(ask_space(p, "/", 41));
    cr_expect(p->space.bytes > 100 && !p->space.by_bytes);
    cr_assert_eq(setxattr(p->home, STORED_ATTRIBUTE, "many", 4, 0), 0);
    GETS(IO, ask_space(p, "/", 41));
    peer_expect(p, EVENT_TROUBLE);
}

/* Files and bytes are both counted with either limit, also after a release that
 * has counted only files. */
PeerTest(count, files_and_bytes, begin(p, 5, 0))
{
    cr_assert_eq(setxattr(p->home, STORED_ATTRIBUTE, "1", 1, 0), 0);
    PLAY(p, STOR("/f", 10, 1), COUNTS("2 10"), p->start.rules.uploads = 0,
         p->start.rules.upload_bytes = 100, AGAIN(), STOR("/f", 10, 1),
         COUNTS("3 20"));
}

/* If the rename fails, only the bytes of this upload are taken back. */
PeerTest(count, bytes_of_a_rename_that_fails, peer_init(p))
{
    PLAY(p, p->start.rules.upload_bytes = 100,
         p->start.rules.on_conflict = CONFLICT_REJECT, RUN(), STOR("/g", 10, 1),
         SENDS(STORE, "/f", 0, 30, 1), PUT("/f", "x"), COMMIT(30, NAME_TAKEN),
         COUNTS("1 10"));
}
