/* The files that an upload leaves alone, the files removed with its file, and
 * the place of the file when the reply names its path. */
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/xattr.h>

#include "files/files.h"
#include "peer.h"
#include "syncs.h"

#define K 1024u

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

static void open_rest(struct peer *p, size_t way, int *fd)
{
    cr_assert_eq(ask_write(p, "/f", ways[way].mode, ways[way].offset, 0, fd),
                 OUTCOME_OK, "way %zu", way);
    cr_assert_eq(p->first, way == 0 ? 64 * K : 256 * K);
}

/* A partial at rest has its confirmed length: an upload that continues it there
 * changes nothing before its first byte, however often it fails, and SIZE's
 * answer stays valid. */
static void fail_before_the_first_byte(void)
{
    struct peer p;
    int fd;

    peer_start(&p);
    ask_cut(&p, "/f", 256 * K + 5, 1);
    for (size_t i = 1; i < WAYS; i++) {
        cr_assert_eq(ask_size(&p, "/f"), 256 * K);
        for (int j = 0; j < 3; j++) {
            open_rest(&p, i, &fd);
            close(fd);
            DONE(ask_abort(&p));
            cr_expect_eq(disk_partials(&p, "/"), 1);
            cr_expect(disk_is(&p, disk_partial(&p, "/"), 256 * K, 1));
        }
    }
    begin(&p, "/f", WRITE_APPEND, 0, 300 * K, 1);
    DONE(ask_commit(&p, 300 * K));
    cr_expect(disk_is(&p, "/f", 300 * K, 1));
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

/* One block is enough: it stays, though its last byte could be the file's. */
PeerTest(commit, the_shortest_rest, peer_start(p))
{
    ask_cut(p, "/f", 64 * K + 1, 1);
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(ask_size(p, "/f"), 64 * K);
        DONE(ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL));
        DONE(ask_abort(p));
        cr_expect(disk_is(p, disk_partial(p, "/"), 64 * K, 1));
    }
}

/* A REST below the confirmed length cuts at once: SIZE must be asked again, and
 * never reports the bytes above. */
PeerTest(commit, a_lower_rest_cuts_at_once, peer_start(p))
{
    int fd;

    ask_cut(p, "/f", 256 * K + 5, 1);
    cr_assert_eq(ask_size(p, "/f"), 256 * K);
    open_rest(p, 0, &fd);
    close(fd);
    cr_expect(disk_is(p, disk_partial(p, "/"), 64 * K, 1));
    DONE(ask_abort(p));
    cr_expect_eq(ask_write(p, "/f", WRITE_APPEND, 0, 0, &fd),
                 OUTCOME_SIZE_FIRST);
    cr_expect_eq(ask_size(p, "/f"), 64 * K);
    begin(p, "/f", WRITE_APPEND, 0, 100 * K, 1);
    DONE(ask_commit(p, 100 * K));
    cr_expect(disk_is(p, "/f", 100 * K, 1));
}

/* Bytes that a killed process left above the confirmed length never become a
 * part of the file. */
PeerTest(commit, what_a_killed_process_left, peer_start(p))
{
    int fd;

    begin(p, "/f", WRITE_STORE, 0, 256 * K + 5, 1);
    DONE(ask_sync(p));
    kill(p->pid, SIGKILL);
    cr_assert_eq(peer_wait(p), 256 + SIGKILL);
    disk_extend(p, "/", 400 * K, 2);
    peer_run(p);
    cr_assert_eq(ask_size(p, "/f"), 256 * K);
    open_rest(p, 2, &fd);
    close(fd);
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
    cr_expect_eq(ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL),
                 OUTCOME_SIZE_FIRST);
    cr_expect_eq(ask_size(p, "/f"), 0);
    cr_expect_eq(ask_write(p, "/f", WRITE_APPEND, 0, 0, NULL), OUTCOME_OK);
    cr_expect_eq(p->first, 0);
    DONE(ask_commit(p, 0));
    cr_expect_eq(disk_partials(p, "/"), 0);
}

/* Also if the session dies; if files itself dies, it leaves only a name. */
PeerTest(commit, old_bytes_stay_after_a_death, peer_start(p))
{
    int fd;

    ask_cut(p, "/f", 256 * K + 5, 1);
    for (size_t i = 1; i < WAYS; i++) {
        cr_assert_eq(ask_size(p, "/f"), 256 * K, "way %zu", i);
        open_rest(p, i, &fd);
        close(fd);
        if (i % 2)
            kill(p->pid, SIGKILL);
        channel_close(&p->session);
        channel_close(&p->master);
        cr_assert_eq(peer_wait(p), i % 2 ? 256 + SIGKILL : 0);
        channel_close(&p->log);
        peer_run(p);
    }
    cr_assert_eq(ask_size(p, "/f"), 256 * K);
}

/* An upload without any byte is a complete, empty file. */
PeerTest(commit, an_empty_upload_is_a_file, peer_start(p))
{
    static const size_t lengths[] = { 64 * K, 256 * K, 256 * K };
    int fd;

    for (size_t i = 0; i < WAYS; i++) {
        ask_cut(p, "/f", 256 * K + 5, 1);
        ask_size(p, "/f");
        open_rest(p, i, &fd);
        close(fd);
        cr_assert_eq(ask_commit(p, lengths[i]), OUTCOME_OK, "way %zu", i);
        cr_expect(disk_is(p, "/f", lengths[i], 1), "way %zu", i);
        cr_expect_eq(disk_partials(p, "/"), 0);
        DONE(ask_path(p, MSG_file_delete, "/f"));
    }
}

/* Before its first byte, too, no other session gets what it continues. */
PeerTest(commit, an_open_upload_keeps_others_out, peer_start(p))
{
    struct peer b;
    int fd;

    peer_join(&b, p);
    ask_cut(p, "/f", 256 * K + 5, 1);
    open_rest(p, 0, &fd);
    cr_expect_eq(ask_path(&b, MSG_file_delete, "/f"), OUTCOME_BUSY);
    cr_expect_eq(ask_write(&b, "/f", WRITE_STORE, 64 * K, 0, NULL),
                 OUTCOME_BUSY);
    DONE(ask_write(&b, "/f", WRITE_STORE, 0, 0, NULL));
    cr_expect_eq(disk_partials(p, "/"), 2);
    DONE(ask_abort(&b));
    put_pattern(fd, 64 * K, 128 * K, 1);
    close(fd);
    DONE(ask_abort(p));
    cr_expect_eq(ask_size(&b, "/f"), 64 * K);
    peer_leave(&b);
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
    cr_expect_eq(ask_path(p, MSG_file_delete, "/f"), OUTCOME_OK);
    end_probe(other);
    cr_expect_eq(disk_partials(p, "/"), 0);
}

/* An upload that announces more than the disk has is refused, and changes
 * nothing. */
PeerTest(commit, refused_for_its_length, peer_start(p))
{
    ask_cut(p, "/f", 256 * K + 5, 1);
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(
            ask_write(p, "/f", ways[i].mode, ways[i].offset, UINT64_MAX, NULL),
            OUTCOME_NO_SPACE);
    cr_expect_eq(disk_partials(p, "/"), 1);
    cr_expect_eq(ask_size(p, "/f"), 256 * K);
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
    cr_assert_eq(ask_rename(p, "/f", "/missing/f"), OUTCOME_NOT_FOUND);
    cr_expect_eq(disk_partials(p, "/"), 1);
}

/* A partial that is being written stays, whatever happens to the file. */
PeerTest(commit, a_running_one_stays, peer_start(p))
{
    struct peer b;

    peer_join(&b, p);
    ask_store(p, "/f", 300 * K, 1);
    begin(p, "/f", WRITE_STORE, 0, 200 * K, 2);
    DONE(ask_path(&b, MSG_file_delete, "/f"));
    cr_expect_eq(disk_partials(p, "/"), 1);
    DONE(ask_commit(p, 200 * K));
    cr_expect(disk_is(p, "/f", 200 * K, 2));
    peer_leave(&b);
}

/* After the death of its network a client sends the whole file again. Then the
 * old session ends, a program collects the file, and the next upload of that
 * name comes. */
Test(commit, an_overtaken_one_is_not_kept)
{
    struct peer a, b;

    peer_start(&a);
    peer_join(&b, &a);
    begin(&a, "/f", WRITE_STORE, 0, 300 * K, 1);
    ask_store(&b, "/f", 300 * K, 1);
    cr_assert_eq(ask_commit(&a, 300 * K), OUTCOME_OK, "it can be completed");
    cr_expect_lt(
        getxattr(disk_path(&a, "/f"), "user.sallyport.overtaken", NULL, 0), 0);
    begin(&a, "/f", WRITE_STORE, 0, 300 * K, 1);
    ask_store(&b, "/f", 300 * K, 1);
    peer_leave(&a);
    cr_assert_eq(unlink(disk_path(&b, "/f")), 0);
    cr_expect_eq(ask_size(&b, "/f"), 0);
    cr_expect_eq(disk_partials(&b, "/"), 0);
    peer_stop(&b);
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

/* The name has another file now, or none: after a cut nobody continues what
 * another session was writing. */
Test(commit, each_verb_overtakes)
{
    static void (*const verbs[])(struct peer *b) = { store_over, delete_it,
                                                     rename_onto, rename_away };

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        struct peer a, b;

        peer_start(&a);
        peer_join(&b, &a);
        begin(&a, "/f", WRITE_STORE, 0, 300 * K, 1);
        verbs[i](&b);
        peer_leave(&a);
        unlink(disk_path(&b, "/f")); /* collected */
        cr_expect_eq(ask_size(&b, "/f"), 0, "verb %zu", i);
        cr_expect_eq(disk_partials(&b, "/"), 0, "verb %zu", i);
        peer_stop(&b);
    }
}

/* DELE of a name that has no file changes nothing of an upload under way. */
Test(commit, a_refused_removal_overtakes_nothing)
{
    struct peer a, b;

    peer_start(&a);
    peer_join(&b, &a);
    begin(&a, "/f", WRITE_STORE, 0, 300 * K, 1);
    cr_expect_eq(ask_path(&b, MSG_file_delete, "/f"), OUTCOME_BUSY);
    peer_leave(&a);
    cr_expect_eq(ask_size(&b, "/f"), 256 * K);
    peer_stop(&b);
}

/* cifs with uid=, NFS with all_squash: nothing is left, and the log says why.
 */
PeerTest(commit, a_disk_that_gives_another_owner, peer_init(p))
{
    struct event_record event;

    disk_owner = PEER_UID + 9;
    peer_run(p);
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(ask_write(p, "/f", WRITE_STORE, 0, 0, NULL),
                     OUTCOME_DENIED);
        cr_assert(peer_event(p, &event));
        cr_expect_eq(event.event, EVENT_TROUBLE);
        cr_expect_eq(disk_partials(p, "/"), 0);
    }
}

/* Its process was killed. A partial in work stays. */
Test(commit, an_overtaken_one_is_swept)
{
    struct peer a, b;

    peer_start(&a);
    peer_join(&b, &a);
    begin(&a, "/f", WRITE_STORE, 0, 300 * K, 1);
    ask_store(&b, "/f", 300 * K, 1);
    cr_expect_eq(disk_sweep(&b, HOUR), 0, "it is being written");
    cr_assert_eq(kill(a.pid, SIGKILL), 0);
    cr_assert_eq(peer_wait(&a), 256 + SIGKILL);
    cr_assert_eq(disk_partials(&b, "/"), 1);
    cr_expect_eq(disk_sweep(&b, 0), 0);
    cr_expect_eq(disk_sweep(&b, HOUR), 1);
    cr_expect_eq(disk_partials(&b, "/"), 0);
    channel_close(&a.session);
    channel_close(&a.master);
    channel_close(&a.log);
    peer_stop(&b);
}

/* Also where the file gets another name. */
Test(commit, an_overtaken_one_in_a_drop)
{
    struct peer a, b;

    peer_init(&a);
    a.start.rights = RIGHT_WRITE;
    peer_run(&a);
    peer_join(&b, &a);
    begin(&a, "/f", WRITE_STORE, 0, 300 * K, 1);
    ask_store(&b, "/f", 300 * K, 1);
    peer_leave(&a);
    cr_expect_eq(ask_size(&b, "/f"), 0);
    cr_expect_eq(disk_partials(&b, "/"), 0);
    peer_stop(&b);
}

static int ask_prepare(struct peer *p, uint64_t length)
{
    struct message reply;

    return ASK(p, &reply, file_prepare, NEXT(p), .length = length);
}

/* A session of an attacker doesn't keep to the order. What becomes visible has
 * the length of the last request, and no mark of a partial. */
PeerTest(commit, prepared_in_another_order, peer_start(p))
{
    int fd;

    DONE(ask_write(p, "/f", WRITE_STORE, 0, 0, &fd));
    put_pattern(fd, 0, 200 * K, 1);
    cr_expect_eq(ask_prepare(p, 100 * K), OUTCOME_INCOMPLETE);
    cr_expect_eq(ask_prepare(p, 200 * K), OUTCOME_OK);
    cr_expect_eq(ask_prepare(p, 200 * K), OUTCOME_OK);
    cr_expect_eq(ask_sync(p), OUTCOME_OK);
    cr_expect_eq(ask_commit(p, 200 * K), OUTCOME_OK);
    close(fd);
    cr_expect_lt(
        getxattr(disk_path(p, "/f"), "user.sallyport.confirmed", NULL, 0), 0);
    cr_expect_lt(getxattr(disk_path(p, "/f"), "user.sallyport.name", NULL, 0),
                 0);
    DONE(ask_write(p, "/g", WRITE_STORE, 0, 0, &fd));
    put_pattern(fd, 0, 200 * K, 1);
    cr_expect_eq(ask_prepare(p, 200 * K), OUTCOME_OK);
    put_pattern(fd, 200 * K, 300 * K, 1);
    close(fd);
    cr_expect_eq(ask_commit(p, 200 * K), OUTCOME_INCOMPLETE);
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
    begin(p, "/f", WRITE_APPEND, 0, 400 * K, 1);
    DONE(ask_commit(p, 400 * K));
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
    cr_assert_eq(rename(disk_path(p, "/d"), disk_path(p, "/x")), 0);
    cr_expect_eq(ask_commit(p, 0), OUTCOME_MOVED);
    disk_put(p, "/d", "x", 1);
    DONE(ask_write(p, "/x/e/f", WRITE_STORE, 0, 0, NULL));
    cr_assert_eq(rename(disk_path(p, "/x/e"), disk_path(p, "/y")), 0);
    disk_put(p, "/x/e", "x", 1);
    cr_expect_eq(ask_commit(p, 0), OUTCOME_MOVED, "a file has its name");
}

PeerTest(commit, folder_that_is_renamed, peer_init(p))
{
    struct peer b;

    disk_directory(p, "/a");
    peer_run(p);
    peer_join(&b, p);
    begin(p, "/a/x", WRITE_STORE, 0, 200 * K, 1);
    DONE(ask_rename(&b, "/a", "/b"));
    DONE(ask_path(&b, MSG_directory_make, "/a"));
    cr_expect_eq(ask_commit(p, 200 * K), OUTCOME_MOVED);
    cr_expect_not(disk_has(p, "/a/x"));
    cr_expect_not(disk_has(p, "/b/x"));
    cr_expect_eq(ask_size(&b, "/b/x"), 192 * K);
    /* Also if no other directory has its name. */
    begin(p, "/a/x", WRITE_STORE, 0, 200 * K, 1);
    DONE(ask_rename(&b, "/a", "/c"));
    cr_expect_eq(ask_commit(p, 200 * K), OUTCOME_MOVED);
    cr_expect_eq(ask_size(&b, "/c/x"), 192 * K);
    /* A directory that was moved away and back makes no difference. */
    begin(p, "/b/x", WRITE_STORE, 0, 200 * K, 1);
    DONE(ask_rename(&b, "/b", "/d"));
    DONE(ask_rename(&b, "/d", "/b"));
    cr_expect_eq(ask_commit(p, 200 * K), OUTCOME_OK);
    cr_expect(disk_is(p, "/b/x", 200 * K, 1));
    peer_leave(&b);
}
