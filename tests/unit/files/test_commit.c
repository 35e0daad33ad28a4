/* The files that an upload leaves alone, the files removed with its file, and
 * the place of the file when the reply names its path. */
#include <linux/magic.h>
#include <sys/file.h>

#include "peer.h"
#include "syncs.h"

#define K         1024u
#define OVERTAKEN "user.sallyport.overtaken"

static void begin(struct peer *p, const char *path, enum write_mode mode,
                  uint64_t offset, size_t len, unsigned seed)
{
    DONE(ask_upload(p, path, mode, offset, len, seed));
}

static const struct {
    enum write_mode mode;
    uint64_t offset;
} ways[] = { { WRITE_STORE, 64 * K },
             { WRITE_STORE, 256 * K },
             { WRITE_APPEND, 0 } };
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static void open_rest(struct peer *p, size_t way)
{
    cr_assert_eq(ask_write(p, "/f", ways[way].mode, ways[way].offset, 0, NULL),
                 OUTCOME_OK, "way %zu", way);
    cr_assert_eq(p->first, way == 0 ? 64 * K : 256 * K);
}

/* A partial at rest has its confirmed length: an upload that continues it there
 * changes nothing before its first byte, however often it fails, and SIZE's
 * answer stays valid. */
static void fail_before_the_first_byte(void)
{
    struct peer p;

    peer_start(&p);
    ask_cut(&p, "/f", 256 * K + 5, 1);
    for (size_t i = 1; i < WAYS; i++) {
        cr_assert_eq(ask_size(&p, "/f"), 256 * K);
        for (int j = 0; j < 3; j++) {
            open_rest(&p, i);
            DONE(ask_abort(&p));
            cr_expect_eq(disk_partials(&p, "/"), 1);
            cr_expect(disk_is(&p, disk_partial(&p, "/"), 256 * K, 1));
        }
    }
    DONE(ask_put(&p, "/f", WRITE_APPEND, 0, 300 * K, 1));
    peer_stop(&p);
}

Test(commit, old_bytes_stay_until_the_first_byte)
{
    fail_before_the_first_byte();
}

/* There each of them sets its token. */
Test(commit, old_bytes_stay_on_a_network_disk)
{
    disk_type = FUSE_SUPER_MAGIC;
    fail_before_the_first_byte();
}

/* A REST below the confirmed length cuts at once: SIZE must be asked again, and
 * never reports the bytes above. */
PeerTest(commit, a_lower_rest_cuts_at_once, peer_start(p))
{
    ask_cut(p, "/f", 256 * K + 5, 1);
    cr_assert_eq(ask_size(p, "/f"), 256 * K);
    open_rest(p, 0);
    cr_expect(disk_is(p, disk_partial(p, "/"), 64 * K, 1));
    DONE(ask_abort(p));
    GETS(SIZE_FIRST, ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL));
    cr_expect_eq(ask_size(p, "/f"), 64 * K);
    DONE(ask_put(p, "/f", WRITE_APPEND, 0, 100 * K, 1));
}

/* Bytes that a killed process left above the confirmed length never become a
 * part of the file. */
PeerTest(commit, what_a_killed_process_left, peer_start(p))
{
    begin(p, "/f", WRITE_STORE, 0, 256 * K + 5, 1);
    DONE(ask_sync(p));
    peer_kill(p);
    disk_extend(p, "/", 400 * K, 2);
    peer_run(p);
    cr_assert_eq(ask_size(p, "/f"), 256 * K);
    open_rest(p, 2);
    cr_expect(disk_is(p, disk_partial(p, "/"), 256 * K, 1));
    DONE(ask_commit(p, 256 * K));
    cr_expect(disk_is(p, "/f", 256 * K, 1));
}

/* STOR without REST begins again: the old bytes are gone, even if no byte
 * comes. A client that relies on them is refused. */
PeerTest(commit, a_new_upload_drops_the_old_bytes, peer_start(p))
{
    ask_cut(p, "/f", 256 * K + 5, 1);
    cr_assert_eq(ask_size(p, "/f"), 256 * K);
    DONE(ask_write(p, "/f", WRITE_STORE, 0, 0, NULL));
    cr_expect(disk_is(p, disk_partial(p, "/"), 0, 1));
    DONE(ask_abort(p));
    GETS(SIZE_FIRST, ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL));
    cr_expect_eq(ask_size(p, "/f"), 0);
    GETS(OK, ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL));
    cr_expect_eq(p->first, 0);
    DONE(ask_commit(p, 0));
    cr_expect_eq(disk_partials(p, "/"), 0);
}

/* An upload without any byte is a complete, empty file. */
PeerTest(commit, an_empty_upload_is_a_file, peer_start(p))
{
    static const size_t lengths[] = { 64 * K, 256 * K, 256 * K };

    for (size_t i = 0; i < WAYS; i++) {
        ask_cut(p, "/f", 256 * K + 5, 1);
        ask_size(p, "/f");
        open_rest(p, i);
        cr_assert_eq(ask_commit(p, lengths[i]), OUTCOME_OK, "way %zu", i);
        cr_expect(disk_is(p, "/f", lengths[i], 1), "way %zu", i);
        cr_expect_eq(disk_partials(p, "/"), 0);
        DONE(ask_path(p, MSG_file_delete, "/f"));
    }
}

/* Shares and frees the lock of the only partial all the time, as many SIZE of
 * other sessions would. */
static pid_t probe(struct peer *p)
{
    int fd = open(disk_path(p, disk_partial(p, "/")), O_RDONLY | O_CLOEXEC);
    pid_t pid;

    cr_assert_geq(fd, 0);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            flock(fd, LOCK_SH);
            flock(fd, LOCK_UN);
        }
    }
    close(fd);
    return pid;
}

static void end_probe(pid_t pid)
{
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

/* Another session that only looks whether a partial is in use keeps nobody
 * out. */
PeerTest(commit, a_look_keeps_nobody_out, peer_start(p))
{
    ask_cut(p, "/f", 256 * K + 5, 1);
    pid_t other = probe(p);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(ask_write(p, "/f", WRITE_STORE, 64 * K, 0, NULL),
                     OUTCOME_OK, "round %d", i);
        DONE(ask_abort(p));
    }
    GETS(OK, ask_path(p, MSG_file_delete, "/f"));
    end_probe(other);
    cr_expect_eq(disk_partials(p, "/"), 0);
}

/* The name of a partial's file passes to another file. The partial and SIZE's
 * answer about it must not become the beginning of that file. */
static void expect_nothing_of(struct peer *p, const char *path)
{
    cr_expect_eq(ask_size(p, path), 0, "%s", path);
    cr_expect_eq(disk_partials(p, "/"), 0, "%s", path);
    DONE(ask_write(p, path, WRITE_APPEND, 0, 0, NULL));
    cr_expect_eq(p->first, 0);
    ask_abort(p);
}

PeerTest(commit, a_partial_goes_with_its_file, peer_start(p))
{
    ask_store(p, "/f", 300 * K, 1);
    ask_cut(p, "/f", 200 * K, 2);
    cr_assert_eq(disk_partials(p, "/"), 1);
    DONE(ask_path(p, MSG_file_delete, "/f"));
    expect_nothing_of(p, "/f");
    ask_store(p, "/f", 300 * K, 1);
    ask_cut(p, "/f", 200 * K, 2);
    DONE(ask_rename(p, "/f", "/g"));
    expect_nothing_of(p, "/f");
    ask_cut(p, "/f", 200 * K, 2);
    DONE(ask_rename(p, "/g", "/f"));
    cr_expect_eq(disk_partials(p, "/"), 0);
    /* If the removal of a file fails, its partial stays. */
    ask_cut(p, "/f", 200 * K, 2);
    GETS(NOT_FOUND, ask_rename(p, "/f", "/missing/f"));
    cr_expect_eq(disk_partials(p, "/"), 1);
}

static void store_over(struct peer *b)
{
    ask_store(b, "/f", 300 * K, 2);
}

static void delete_it(struct peer *b)
{
    disk_fill(b, "/f", 300 * K, 2);
    DONE(ask_path(b, MSG_file_delete, "/f"));
}

static void rename_onto(struct peer *b)
{
    disk_fill(b, "/g", 300 * K, 2);
    DONE(ask_rename(b, "/g", "/f"));
}

static void rename_away(struct peer *b)
{
    disk_fill(b, "/f", 300 * K, 2);
    DONE(ask_rename(b, "/f", "/g"));
}

static void delete_nothing(struct peer *b)
{
    GETS(BUSY, ask_path(b, MSG_file_delete, "/f"));
}

static const struct {
    const char *name;
    void (*of)(struct peer *b);
    unsigned rights;
    bool overtakes;
} verbs[] = {
    { "STOR", store_over, RIGHT_ALL, true },
    { "DELE", delete_it, RIGHT_ALL, true },
    { "RNTO onto it", rename_onto, RIGHT_ALL, true },
    { "RNTO away", rename_away, RIGHT_ALL, true },
    { "DELE of nothing", delete_nothing, RIGHT_ALL, false },
    { "STOR in a drop", store_over, RIGHT_WRITE, true },
};

/* The name has another file now, or none: the upload that another session is
 * writing can still become the file, but after a cut nobody continues it. */
Test(commit, each_verb_overtakes)
{
    for (size_t i = 0; i < 2 * sizeof(verbs) / sizeof(verbs[0]); i++) {
        const char *name = verbs[i / 2].name;
        const bool ends = i % 2;
        struct peer a, b;

        peer_init(&a);
        a.start.rights = verbs[i / 2].rights;
        peer_run(&a);
        peer_join(&b, &a, false);
        begin(&a, "/f", WRITE_STORE, 0, 300 * K, 1);
        verbs[i / 2].of(&b);
        if (ends) {
            cr_assert_eq(ask_commit(&a, 300 * K), 0, "%s", name);
            cr_expect(disk_is(&a, a.stored, 300 * K, 1), "%s", name);
            cr_expect_not(disk_has_attribute(&a, a.stored, OVERTAKEN));
        }
        peer_leave(&a);
        unlink(disk_path(&b, "/f")); /* collected */
        const bool goes_on = !ends && !verbs[i / 2].overtakes;
        cr_expect_eq(ask_size(&b, "/f"), goes_on ? 256 * K : 0, "%s", name);
        cr_expect_eq(disk_partials(&b, "/"), goes_on, "%s", name);
        peer_stop(&b);
    }
}

/* cifs with uid=, NFS with all_squash: nothing is left, and the log says why.
 */
PeerTest(commit, a_disk_that_gives_another_owner, peer_init(p))
{
    disk_owner = PEER_UID + 9;
    peer_run(p);
    for (int i = 0; i < 2; i++) {
        GETS(DENIED, ask_write(p, "/f", WRITE_STORE, 0, 0, NULL));
        peer_expect(p, EVENT_TROUBLE);
        cr_expect_eq(disk_partials(p, "/"), 0);
    }
}

/* Its process was killed. A partial in work stays. */
PeerTest(commit, an_overtaken_one_is_swept, peer_start(p))
{
    struct peer a;

    peer_join(&a, p, false);
    begin(&a, "/f", WRITE_STORE, 0, 300 * K, 1);
    ask_store(p, "/f", 300 * K, 1);
    cr_expect_eq(disk_sweep(p, HOUR), 0, "it is being written");
    peer_kill(&a);
    cr_assert_eq(disk_partials(p, "/"), 1);
    cr_expect_eq(disk_sweep(p, 0), 0);
    cr_expect_eq(disk_sweep(p, HOUR), 1);
    cr_expect_eq(disk_partials(p, "/"), 0);
}

/* A session of an attacker doesn't keep to the order. What becomes visible has
 * the length of the last request, and no mark of a partial. */
PeerTest(commit, prepared_in_another_order, peer_start(p))
{
    int fd;

    DONE(ask_write(p, "/f", WRITE_STORE, 0, 0, &fd));
    put_pattern(fd, 0, 200 * K, 1);
    GETS(INCOMPLETE, ask_prepare(p, 100 * K));
    GETS(OK, ask_prepare(p, 200 * K));
    GETS(OK, ask_prepare(p, 200 * K));
    GETS(OK, ask_sync(p));
    GETS(OK, ask_commit(p, 200 * K));
    close(fd);
    cr_expect_not(disk_has_attribute(p, "/f", "user.sallyport.confirmed"));
    cr_expect_not(disk_has_attribute(p, "/f", "user.sallyport.name"));
    DONE(ask_write(p, "/g", WRITE_STORE, 0, 0, &fd));
    put_pattern(fd, 0, 200 * K, 1);
    GETS(OK, ask_prepare(p, 200 * K));
    put_pattern(fd, 200 * K, 300 * K, 1);
    close(fd);
    GETS(INCOMPLETE, ask_commit(p, 200 * K));
    cr_expect_not(disk_has(p, "/g"));
}

/* The finished file can still be continued; its copy is gone. */
PeerTest(commit, a_copy_is_not_kept, peer_start(p))
{
    ask_store(p, "/f", 300 * K, 1);
    begin(p, "/f", WRITE_APPEND, 0, 400 * K, 1);
    DONE(ask_abort(p));
    begin(p, "/f", WRITE_STORE, 200 * K, 400 * K, 1);
    DONE(ask_abort(p));
    cr_expect_eq(disk_partials(p, "/"), 0);
    cr_assert_eq(unlink(disk_path(p, "/f")), 0);
    expect_nothing_of(p, "/f");
    /* It doesn't touch the new upload's partial before it becomes the file
     * either. */
    ask_store(p, "/f", 300 * K, 1);
    ask_cut(p, "/f", 200 * K, 2);
    begin(p, "/f", WRITE_APPEND, 0, 400 * K, 1);
    DONE(ask_abort(p));
    cr_expect(disk_is(p, disk_partial(p, "/"), 192 * K, 2));
    DONE(ask_put(p, "/f", WRITE_APPEND, 0, 400 * K, 1));
    cr_expect_eq(disk_partials(p, "/"), 0);
    cr_expect(disk_is(p, "/f", 400 * K, 1));
}

/* The reply names a path, and the file is there; otherwise there is no such
 * reply. Here nothing has taken the directory's place. */
PeerTest(commit, folder_that_is_renamed_alone, peer_init(p))
{
    disk_directory(p, "/d");
    disk_directory(p, "/d/e");
    peer_run(p);
    DONE(ask_write(p, "/d/e/f", WRITE_STORE, 0, 0, NULL));
    disk_rename(p, "/d", "/x");
    GETS(MOVED, ask_commit(p, 0));
    disk_put(p, "/d", "x", 1);
    DONE(ask_write(p, "/x/e/f", WRITE_STORE, 0, 0, NULL));
    disk_rename(p, "/x/e", "/y");
    disk_put(p, "/x/e", "x", 1);
    cr_expect_eq(ask_commit(p, 0), OUTCOME_MOVED, "a file has its name");
}

PeerTest(commit, folder_that_is_renamed, peer_init(p))
{
    struct peer b;

    disk_directory(p, "/a");
    peer_run(p);
    peer_join(&b, p, false);
    begin(p, "/a/x", WRITE_STORE, 0, 200 * K, 1);
    DONE(ask_rename(&b, "/a", "/b"));
    DONE(ask_path(&b, MSG_directory_make, "/a"));
    GETS(MOVED, ask_commit(p, 200 * K));
    cr_expect_not(disk_has(p, "/a/x"));
    cr_expect_not(disk_has(p, "/b/x"));
    cr_expect_eq(ask_size(&b, "/b/x"), 192 * K);
    /* Also if no other directory has its name. */
    begin(p, "/a/x", WRITE_STORE, 0, 200 * K, 1);
    DONE(ask_rename(&b, "/a", "/c"));
    GETS(MOVED, ask_commit(p, 200 * K));
    cr_expect_eq(ask_size(&b, "/c/x"), 192 * K);
    /* A directory that was moved away and back makes no difference. */
    begin(p, "/b/x", WRITE_STORE, 0, 200 * K, 1);
    DONE(ask_rename(&b, "/b", "/d"));
    DONE(ask_rename(&b, "/d", "/b"));
    GETS(OK, ask_commit(p, 200 * K));
    cr_expect(disk_is(p, "/b/x", 200 * K, 1));
    peer_leave(&b);
}
