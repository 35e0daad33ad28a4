/* Commits and cuts: which partials are kept, removed or overtaken, and that a
 * reply names the path that the file has. */
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

/* A partial at rest has exactly its confirmed length. So an upload that resumes
 * there changes nothing before its first byte, however often it fails, and
 * SIZE's answer stays valid. */
static void fail_before_the_first_byte(long disk)
{
    struct peer p;

    disk_type = disk;
    peer_start(&p);
    ask_cut(&p, "/f", 256 * K + 5, 1);
    for (size_t i = 1; i < WAYS; i++) {
        cr_assert_eq(ask_size(&p, "/f"), 256 * K);
        for (int j = 0; j < 3; j++) {
            open_rest(&p, i);
            PLAY(&p, ABORT(), PARTIALS("/", 1),
                 IS(disk_partial(&p, "/"), 256 * K, 1));
        }
    }
    DONE(ask_put(&p, "/f", WRITE_APPEND, 0, 300 * K, 1));
    peer_stop(&p);
}

Test(commit, old_bytes_stay_until_the_first_byte)
{
    fail_before_the_first_byte(0);
    /* On a network disk each of these uploads sets its token. */
    fail_before_the_first_byte(FUSE_SUPER_MAGIC);
}

/* A REST below the confirmed length cuts the partial at once. The client must
 * send SIZE again, which no longer reports the bytes above. */
PeerTest(commit, a_lower_rest_cuts_at_once, peer_start(p))
{
    PLAY(p, CUTS("/f", 256 * K + 5, 1), SIZE("/f", 256 * K));
    open_rest(p, 0);
    PLAY(p, IS(disk_partial(p, "/"), 64 * K, 1), ABORT(),
         OPENS(APPEND, "/f", 0, 0, SIZE_FIRST), SIZE("/f", 64 * K),
         APPE("/f", 100 * K, 1));
}

/* Bytes that a killed process left above the confirmed length never become a
 * part of the file. */
PeerTest(commit, what_a_killed_process_left, peer_start(p))
{
    begin(p, "/f", WRITE_STORE, 0, 256 * K + 5, 1);
    DONE(ask_sync(p));
    peer_kill(p);
    disk_extend(p, "/", 400 * K, 2);
    PLAY(p, RUN(), SIZE("/f", 256 * K));
    open_rest(p, 2);
    PLAY(p, IS(disk_partial(p, "/"), 256 * K, 1), COMMIT(256 * K),
         IS("/f", 256 * K, 1));
}

/* A STOR without REST deletes the bytes of the old partial, even if it sends no
 * byte itself. An APPE that relies on the deleted bytes is refused. */
PeerTest(commit, a_new_upload_drops_the_old_bytes, peer_start(p))
{
    PLAY(p, CUTS("/f", 256 * K + 5, 1), SIZE("/f", 256 * K),
         OPENS(STORE, "/f", 0, 0), IS(disk_partial(p, "/"), 0, 1), ABORT(),
         OPENS(APPEND, "/f", 0, 0, SIZE_FIRST), SIZE("/f", 0),
         OPENS(APPEND, "/f", 0, 0), FIRST(0), COMMIT(0), PARTIALS("/", 0));
}

/* A resumed upload that sends no byte succeeds: the file has the bytes of the
 * partial. */
PeerTest(commit, an_empty_upload_is_a_file, peer_start(p))
{
    static const size_t lengths[] = { 64 * K, 256 * K, 256 * K };

    for (size_t i = 0; i < WAYS; i++) {
        ask_cut(p, "/f", 256 * K + 5, 1);
        ask_size(p, "/f");
        open_rest(p, i);
        PLAY(p, ROW("way %zu: ", i), COMMIT(lengths[i]),
             IS("/f", lengths[i], 1), PARTIALS("/", 0), DELE("/f"));
    }
}

/* Starts a process that shares and frees the lock of the only partial all the
 * time, as many SIZE of other sessions do. */
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
            poll(NULL, 0, 1);
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

/* Other sessions that only look whether a partial is in use don't make an
 * upload or a DELE busy. */
PeerTest(commit, a_look_keeps_nobody_out, peer_start(p))
{
    ask_cut(p, "/f", 256 * K + 5, 1);
    pid_t other = probe(p);
    for (int i = 0; i < 100; i++) {
        PLAY(p, ROW("round %d: ", i), OPENS(STORE, "/f", 64 * K, 0), ABORT());
    }
    GETS(OK, ask_path(p, MSG_file_delete, "/f"));
    end_probe(other);
    cr_expect_eq(disk_partials(p, "/"), 0);
}

/* Expects neither a partial of PATH nor an answer of SIZE about it, since
 * another file has got the name PATH, or lost it: the old bytes must not become
 * the beginning of a new file. */
static void expect_nothing_of(struct peer *p, const char *path)
{
    PLAY(p, ROW("%s: ", path), SIZE(path, 0), PARTIALS("/", 0),
         OPENS(APPEND, path, 0, 0), FIRST(0), ABORT());
}

PeerTest(commit, a_partial_goes_with_its_file, peer_start(p))
{
    PLAY(p, STOR("/f", 300 * K, 1), CUTS("/f", 200 * K, 2), PARTIALS("/", 1),
         DELE("/f"));
    expect_nothing_of(p, "/f");
    PLAY(p, STOR("/f", 300 * K, 1), CUTS("/f", 200 * K, 2), RNTO("/f", "/g"));
    expect_nothing_of(p, "/f");
    PLAY(p, CUTS("/f", 200 * K, 2), RNTO("/g", "/f"), PARTIALS("/", 0));
    /* A rename that fails keeps the partial of its file. */
    PLAY(p, CUTS("/f", 200 * K, 2), RNTO("/f", "/missing/f", NOT_FOUND),
         PARTIALS("/", 1));
}

static void store_over(struct peer *b)
{
    ask_store(b, "/f", 300 * K, 2);
}

static void delete_it(struct peer *b)
{
    PLAY(b, FILL("/f", 300 * K, 2), DELE("/f"));
}

static void rename_onto(struct peer *b)
{
    PLAY(b, FILL("/g", 300 * K, 2), RNTO("/g", "/f"));
}

static void rename_away(struct peer *b)
{
    PLAY(b, FILL("/f", 300 * K, 2), RNTO("/f", "/g"));
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

/* While one session uploads, another session stores, deletes or renames a file
 * with this name. The upload can still become the file, but it can't be resumed
 * after a cut. */
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
            PLAY(&a, ROW("%s: ", name), COMMIT(300 * K),
                 IS(a.stored, 300 * K, 1));
            cr_expect_not(disk_has_attribute(&a, a.stored, OVERTAKEN));
        }
        peer_leave(&a);
        unlink(disk_path(&b, "/f")); /* SIZE mustn't find it */
        const bool goes_on = !ends && !verbs[i / 2].overtakes;
        PLAY(&b, ROW("%s: ", name), SIZE("/f", goes_on ? 256 * K : 0),
             PARTIALS("/", goes_on));
        peer_stop(&b);
    }
}

/* A disk that gives new files another owner (cifs with uid=, NFS with
 * all_squash) takes no upload: no partial is left, and the log says why. */
PeerTest(commit, a_disk_that_gives_another_owner, peer_init(p))
{
    disk_owner = PEER_UID + 9;
    peer_run(p);
    for (int i = 0; i < 2; i++)
        PLAY(p, OPENS(STORE, "/f", 0, 0, DENIED), EVENT(TROUBLE),
             PARTIALS("/", 0));
}

/* The timer removes an overtaken partial an hour after its process was killed,
 * but no partial that is being written. */
PeerTest(commit, an_overtaken_one_is_swept, peer_start(p))
{
    struct peer a;

    peer_join(&a, p, false);
    begin(&a, "/f", WRITE_STORE, 0, 300 * K, 1);
    ask_store(p, "/f", 300 * K, 1);
    cr_expect_eq(disk_sweep(p, HOUR), 0, "it is being written");
    peer_kill(&a);
    PLAY(p, PARTIALS("/", 1), SWEEPS(0, 0), SWEEPS(HOUR, 1), PARTIALS("/", 0));
}

/* An attacker who controls a session can send the requests in another order.
 * The file that becomes visible still has the length of the last request, and
 * no attribute of a partial. */
PeerTest(commit, prepared_in_another_order, peer_start(p))
{
    int fd;

    DONE(ask_write(p, "/f", WRITE_STORE, 0, 0, &fd));
    put_pattern(fd, 0, 200 * K, 1);
    PLAY(p, PREPARE(100 * K, INCOMPLETE), PREPARE(200 * K), PREPARE(200 * K),
         SYNC(), COMMIT(200 * K));
    close(fd);
    cr_expect_not(disk_has_attribute(p, "/f", "user.sallyport.confirmed"));
    cr_expect_not(disk_has_attribute(p, "/f", "user.sallyport.name"));
    DONE(ask_write(p, "/g", WRITE_STORE, 0, 0, &fd));
    put_pattern(fd, 0, 200 * K, 1);
    GETS(OK, ask_prepare(p, 200 * K));
    put_pattern(fd, 200 * K, 300 * K, 1);
    close(fd);
    PLAY(p, COMMIT(200 * K, INCOMPLETE), GONE("/g"));
}

/* An upload onto a finished file works on a copy. A cut deletes the copy, since
 * the finished file can be resumed again. */
PeerTest(commit, a_copy_is_not_kept, peer_start(p))
{
    ask_store(p, "/f", 300 * K, 1);
    begin(p, "/f", WRITE_APPEND, 0, 400 * K, 1);
    DONE(ask_abort(p));
    begin(p, "/f", WRITE_STORE, 200 * K, 400 * K, 1);
    PLAY(p, ABORT(), PARTIALS("/", 0), UNLINK("/f"));
    expect_nothing_of(p, "/f");
    /* Until the copy becomes the file, it leaves the partial of another upload
     * alone, too. */
    PLAY(p, STOR("/f", 300 * K, 1), CUTS("/f", 200 * K, 2));
    begin(p, "/f", WRITE_APPEND, 0, 400 * K, 1);
    PLAY(p, ABORT(), IS(disk_partial(p, "/"), 192 * K, 2),
         APPE("/f", 400 * K, 1), PARTIALS("/", 0), IS("/f", 400 * K, 1));
}

/* The commit is refused if the directory was renamed, so that no reply names a
 * path without a file. Here no other directory gets the old name. */
PeerTest(commit, folder_that_is_renamed_alone, peer_init(p))
{
    PLAY(p, DIRECTORY("/d"), DIRECTORY("/d/e"), RUN(),
         OPENS(STORE, "/d/e/f", 0, 0), MOVE("/d", "/x"), COMMIT(0, MOVED),
         PUT("/d", "x"), OPENS(STORE, "/x/e/f", 0, 0), MOVE("/x/e", "/y"),
         PUT("/x/e", "x"));
    cr_expect_eq(ask_commit(p, 0), OUTCOME_MOVED, "a file has its name");
}

PeerTest(commit, folder_that_is_renamed, peer_init(p))
{
    struct peer b;

    PLAY(p, DIRECTORY("/a"), RUN());
    peer_join(&b, p, false);
    begin(p, "/a/x", WRITE_STORE, 0, 200 * K, 1);
    PLAY(&b, RNTO("/a", "/b"), MKD("/a"));
    PLAY(p, COMMIT(200 * K, MOVED), GONE("/a/x"), GONE("/b/x"));
    cr_expect_eq(ask_size(&b, "/b/x"), 192 * K);
    /* The commit is also refused if no other directory gets the name. */
    begin(p, "/a/x", WRITE_STORE, 0, 200 * K, 1);
    DONE(ask_rename(&b, "/a", "/c"));
    GETS(MOVED, ask_commit(p, 200 * K));
    cr_expect_eq(ask_size(&b, "/c/x"), 192 * K);
    /* The commit succeeds if the directory was moved away and back. */
    begin(p, "/b/x", WRITE_STORE, 0, 200 * K, 1);
    PLAY(&b, RNTO("/b", "/d"), RNTO("/d", "/b"));
    PLAY(p, COMMIT(200 * K), IS("/b/x", 200 * K, 1));
    peer_leave(&b);
}
