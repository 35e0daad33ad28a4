/* Uploads that wait for inspection: no client sees them until sallyportctl
 * releases them, and sallyportctl can also reject them. */
#include <linux/magic.h>

#include "peer.h"
#include "support/nth.h"
#include "syncs.h"

#define K       1024u
#define INSPECT (RIGHT_ALL | RIGHT_INSPECT)
#define ID      "0123456789abcdef"
#define OLD     "/in/a.b"
#define SECOND  "/in/a (2).b"
#define WAITS   ".sallyport-" ID ".held-o-f"

Test(held, names)
{
    static const char *const wrong[] = {
        "",
        "f",
        ".sallyport-",
        ".sallyport-" ID ".held-o-",
        ".sallyport-" ID ".held-O-f",
        ".sallyport-" ID ".held-q-f",
        ".sallyport-" ID ".held-o_f",
        ".sallyport-" ID ".held-",
        ".sallyport-" ID ".held-o-.sallyport-f",
        ".sallyport-" ID ".held-o-..",
        ".sallyport-0" ID ".held-o-f",
        ".sallyport-0123456789abcdeF.held-o-f",
        ".sallyport-" ID ID ".part",
    };
    char id[HELD_DIGITS + 1], again[HELD_DIGITS + 1], text[NAME_MAX + 1];
    char longest[HELD_NAME_MAX + 1];
    enum conflict conflict;
    const char *name;

    memset(longest, 'x', HELD_NAME_MAX);
    longest[HELD_NAME_MAX] = '\0';
    for (enum conflict c = 0; c < CONFLICT_COUNT; c++) {
        held_name(longest, c, id, text);
        cr_expect_eq(strlen(text), NAME_MAX);
        cr_assert(held_parse(text, again, &conflict, &name));
        cr_expect_str_eq(id, again);
        cr_expect_str_eq(name, longest);
        cr_expect_eq(conflict, c);
        cr_expect_not(path_name_ok(slice_from(text)), "no client can say it");
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_expect_not(held_parse(wrong[i], id, &conflict, &name), "%s",
                      wrong[i]);
}

/* The answers to an order: their number, and a copy of the last one. */
struct held {
    size_t count;
    char id[32], path[512];
    enum outcome outcome;
    uint64_t bytes, uid;
};

static void send_order(struct peer *p, enum held_order what, const char *id)
{
    REQUEST(&p->session, held_find, .order = what, .id = slice_from(id));
}

static struct held take_answers(struct peer *p)
{
    struct held h = { 0 };

    while (cast_hear(&p->session) == MSG_held) {
        h.count++;
        slice_copy(heard.held.id, h.id, sizeof(h.id));
        slice_copy(heard.held.path, h.path, sizeof(h.path));
        h.outcome = (enum outcome)heard.held.outcome;
        h.bytes = heard.held.bytes;
        h.uid = heard.held.uid;
    }
    cr_assert_eq(heard.kind, MSG_partials_end);
    cr_expect_eq(heard.partials_end.unread, 0);
    return h;
}

/* Runs a process of sallyportctl that carries out the order while the session's
 * process runs. Returns its answers. */
static struct held order_once(const struct peer *p, enum held_order what,
                              const char *id)
{
    struct peer b;
    struct held h;

    peer_join(&b, p, true);
    send_order(&b, what, id);
    h = take_answers(&b);
    peer_leave(&b);
    return h;
}

/* Does the same as order_once(), and expects one upload with this outcome. */
static struct held expect_order(const struct peer *p, enum held_order what,
                                const char *id, enum outcome outcome)
{
    const struct held h = order_once(p, what, id);

    cr_expect(h.count == 1 && h.outcome == outcome, "%zu, %d, not %d", h.count,
              h.outcome, outcome);
    return h;
}

/* Plays an upload to PATH, which must succeed and wait. Returns its id, valid
 * until the fourth call after this one. */
static const char *hold(struct peer *p, const char *path, enum write_mode mode,
                        size_t len, unsigned seed)
{
    static char id[4][32];
    static int turn;

    turn = (turn + 1) % 4;
    cr_assert_eq(ask_put(p, path, mode, 0, len, seed), OUTCOME_OK, "%s", path);
    cr_expect_eq(strlen(p->held), HELD_DIGITS);
    return strcpy(id[turn], p->held);
}

/* Returns the path on disk of the waiting upload of /in/a, valid until the next
 * call. */
static const char *held_at(const char *id)
{
    static char path[256];

    snprintf(path, sizeof(path), "/in/.sallyport-%s.held-o-a", id);
    return path;
}

static void init(struct peer *p)
{
    peer_init(p);
    PLAY(p, DIRECTORY("/in"), p->start.rights = INSPECT);
}

static void begin(struct peer *p)
{
    init(p);
    peer_run(p);
}

/* Uploads to /in/a from FROM up to 100 KiB. Returns the handle, still open. */
static int open_upload(struct peer *p, uint64_t from)
{
    int fd;

    DONE(ask_write(p, "/in/a", WRITE_STORE, from, 0, &fd));
    put_pattern(fd, p->first, 100 * K, 1);
    return fd;
}

/* A subverted session keeps a handle, even of a cut upload, so that it could
 * change the file after the inspection. Until the handle is closed, files
 * refuses the upload as busy. */
PeerTest(held, a_handle_that_stays_open, begin(p))
{
    int first, second, again;

    first = open_upload(p, 0);
    GETS(BUSY, ask_commit(p, 100 * K));
    second = open_upload(p, ask_size(p, "/in/a"));
    close(second);
    PLAY(p, PREPARE(100 * K, BUSY), ABORT());
    close(first);
    second = open_upload(p, ask_size(p, "/in/a"));
    close(second);
    DONE(ask_prepare(p, 100 * K));
    DONE(ASK(p, file_go_on));
    again = fd_take(&heard.file_again.file);
    GETS(BUSY, ask_commit(p, 100 * K));
    close(again);
    second = open_upload(p, ask_size(p, "/in/a"));
    close(second);
    PLAY(p, PREPARE(100 * K), COMMIT(100 * K));
}

/* An upload at rest has no handle, so another session can complete it. */
PeerTest(held, an_upload_at_rest, begin(p))
{
    struct peer q;

    close(open_upload(p, 0));
    DONE(ASK(p, file_rest));
    peer_join(&q, p, false);
    close(open_upload(&q, ask_size(&q, "/in/a")));
    DONE(ask_commit(&q, 100 * K));
    GETS(PARTIAL_TAKEN, ASK(p, file_go_on));
    peer_leave(&q);
}

/* If the disk has no leases, or its server grants them (NFS, SMB), files can't
 * see whether a handle is open, and accepts the upload. */
Test(held, a_disk_without_leases)
{
    static const struct {
        int error;
        long type;
        int outcome;
    } rows[] = {
        { EINVAL, 0, OUTCOME_OK },
        { EAGAIN, NFS_SUPER_MAGIC, OUTCOME_OK },
        { EAGAIN, SMB2_SUPER_MAGIC, OUTCOME_OK },
        { EAGAIN, EXT4_SUPER_MAGIC, OUTCOME_BUSY },
        { ENOMEM, 0, OUTCOME_IO },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer p;

        lease_error = rows[i].error;
        disk_type = rows[i].type;
        begin(&p);
        close(open_upload(&p, 0));
        cr_expect_eq(ask_commit(&p, 100 * K), rows[i].outcome, "row %zu", i);
        peer_stop(&p);
    }
}

/* Expects that no request finds PATH, and that MLST, RNFR and MFMT get the
 * outcome ANY. */
static void is_unseen(struct peer *p, const char *directory, const char *path,
                      enum outcome any)
{
    cr_expect_eq(ask_list(p, directory, LIST_LONG, ""), 0);
    cr_expect_eq(p->entries, 0, "%s", p->text);
    for (enum facts_for what = 0; what < FACTS_FOR_COUNT; what++)
        cr_expect_eq(ask_facts(p, path, what),
                     what == FACTS_FOR_ANY || what == FACTS_FOR_RENAME
                         ? (int)any
                         : OUTCOME_NOT_FOUND,
                     "%s", path);
    PLAY(p, RETR(path, NOT_FOUND), DELE(path, NOT_FOUND));
    cr_expect_eq(ask_times(p, path, 5, 5), (int)any, "%s", path);
}

PeerTest(held, unseen_until_the_release, begin(p))
{
    const char *stands;
    struct held h;

    const char *id = hold(p, "/in/a", WRITE_STORE, 200 * K, 1);
    stands = held_at(id);
    cr_expect(disk_is(p, stands, 200 * K, 1), "%s", stands);
    cr_expect_eq(disk_partials(p, "/in"), 1, "no partial beside it");
    is_unseen(p, "/in", "/in/a", OUTCOME_WAITS);
    is_unseen(p, "/in", stands, OUTCOME_NOT_FOUND);
    PLAY(p, RNTO("/in/a", "/in/b", NOT_FOUND), RNTO(stands, "/in/b", NOT_FOUND),
         SENDS(STORE, stands, 0, 1, 1, BAD_NAME));
    h = order_once(p, HELD_LIST, "");
    cr_expect(h.count == 1 && h.bytes == 200 * K && h.outcome == OUTCOME_OK);
    cr_expect_str_eq(h.path, "/in/a");
    cr_expect_str_eq(h.id, id);
    cr_expect_eq(h.uid, disk_stat(p, stands).st_uid);
    cr_expect_eq(order_once(p, HELD_RELEASE, ID).count, 0, "another id");
    h = expect_order(p, HELD_RELEASE, id, OUTCOME_OK);
    cr_expect_str_eq(h.path, "/in/a");
    cr_expect(disk_is(p, "/in/a", 200 * K, 1));
    cr_expect_eq(order_once(p, HELD_RELEASE, id).count, 0, "it is released");
    cr_expect_eq(order_once(p, HELD_REJECT, id).count, 0);
    cr_expect(disk_has(p, "/in/a"));
}

/* RNFR means the upload that waits, not the older file that has its name. */
PeerTest(held, with_an_older_file, begin(p))
{
    ask_store(p, "/in/b", 20, 2);
    expect_order(p, HELD_RELEASE, p->held, OUTCOME_OK);
    PLAY(p, RNFR("/in/b"));
    const char *id = hold(p, "/in/b", WRITE_STORE, 10, 1);
    PLAY(p, RNFR("/in/b", WAITS), MFMT("/in/b", WAITS), MLST("/in/b"));
    order_once(p, HELD_REJECT, id);
    PLAY(p, RNFR("/in/b"), RNTO("/in/b", "/in/c"), IS("/in/c", 20, 2));
}

/* Runs a process of the same user for which uploads don't wait for
 * inspection. */
static void join(struct peer *other, const struct peer *p)
{
    *other = *p;
    other->start.rights = RIGHT_ALL;
    peer_run(other);
}

/* Waits until the clock of files has gone on. */
static void tick(struct peer *p)
{
    struct stat first, now;

    disk_put(p, "/tick", "", 0);
    first = disk_stat(p, "/tick");
    do {
        disk_put(p, "/tick", "x", 1);
        now = disk_stat(p, "/tick");
    } while (now.st_mtim.tv_sec == first.st_mtim.tv_sec &&
             now.st_mtim.tv_nsec == first.st_mtim.tv_nsec);
}

/* The ways in which a file gets the name of an upload that waits. */
enum arrival {
    BY_RELEASE,
    AS_UPLOADED,
    WITH_AN_OLD_TIME, /* MFMT, as many clients send it after each upload */
    BY_RENAME,        /* of a file that is older than the waiting upload */
    BY_RENAME_OF_RELEASED,
    RELEASED_AND_CHANGED,
    ARRIVALS
};

/* Gives /in/a to a file, in the way HOW. NEWER: the id of the newer upload that
 * waits. /in/b was released before the older upload was sent. */
static void arrive(struct peer *p, struct peer *other, enum arrival how,
                   const char *newer)
{
    if (how == BY_RELEASE || how == RELEASED_AND_CHANGED)
        expect_order(p, HELD_RELEASE, newer, OUTCOME_OK);
    else
        order_once(p, HELD_REJECT, newer);
    if (how == AS_UPLOADED || how == WITH_AN_OLD_TIME)
        ask_store(other, "/in/a", 20, 2);
    if (how == WITH_AN_OLD_TIME)
        DONE(ask_times(other, "/in/a", 5, 5));
    if (how == BY_RENAME)
        DONE(ask_rename(other, "/in/c", "/in/a"));
    if (how == BY_RENAME_OF_RELEASED)
        DONE(ask_rename(other, "/in/b", "/in/a"));
    if (how == RELEASED_AND_CHANGED)
        disk_fill(p, "/in/a", 20, 2);
}

static void release_after(enum arrival how)
{
    struct peer p, other;

    init(&p);
    peer_run(&p);
    join(&other, &p);
    const char *earlier = hold(&p, "/in/b", WRITE_STORE, 20, 2);
    expect_order(&p, HELD_RELEASE, earlier, OUTCOME_OK);
    ask_store(&other, "/in/c", 20, 2);
    const char *old = hold(&p, "/in/a", WRITE_STORE, 10, 1);
    tick(&p);
    const char *newer = hold(&p, "/in/a", WRITE_STORE, 20, 2);
    arrive(&p, &other, how, newer);
    expect_order(&p, HELD_RELEASE, old, OUTCOME_EXISTS);
    cr_expect(disk_is(&p, "/in/a", 20, 2), "%d", (int)how);
    expect_order(&p, HELD_REPLACE, old, OUTCOME_OK);
    cr_expect(disk_is(&p, "/in/a", 10, 1), "%d", (int)how);
    peer_leave(&other);
    peer_stop(&p);
}

/* The older upload replaces a newer file only by the order HELD_REPLACE. */
Test(held, released_after_a_newer_one)
{
    for (enum arrival how = 0; how < ARRIVALS; how++)
        release_after(how);
}

/* Two uploads wait, and are released in their order. Neither a release nor a
 * time from the client makes a file count as newer. */
PeerTest(held, released_in_order, begin(p))
{
    struct peer other;

    join(&other, p);
    ask_store(&other, "/in/b", 20, 2);
    DONE(ask_times(&other, "/in/b", 5, 4102444800));
    tick(p);
    const char *first = hold(p, "/in/b", WRITE_STORE, 10, 1);
    expect_order(p, HELD_RELEASE, first, OUTCOME_OK);
    first = hold(p, "/in/a", WRITE_STORE, 10, 1);
    const char *second = hold(p, "/in/a", WRITE_STORE, 20, 2);
    tick(p);
    expect_order(p, HELD_RELEASE, first, OUTCOME_OK);
    expect_order(p, HELD_RELEASE, second, OUTCOME_OK);
    cr_expect(disk_is(p, "/in/a", 20, 2));
    peer_leave(&other);
}

/* If a release can't leave its attribute, the released file counts as newer:
 * the later upload keeps waiting. */
PeerTest(held, released_without_attributes, (marks_fail = true, begin(p)))
{
    const char *first = hold(p, "/in/a", WRITE_STORE, 10, 1);
    const char *second = hold(p, "/in/a", WRITE_STORE, 20, 2);
    tick(p);
    expect_order(p, HELD_RELEASE, first, OUTCOME_OK);
    expect_order(p, HELD_RELEASE, second, OUTCOME_EXISTS);
    expect_order(p, HELD_REPLACE, second, OUTCOME_OK);
}

/* If files can't see which of the two is older, the visible file is kept. */
PeerTest(held, released_without_a_look, begin(p))
{
    const char *id = hold(p, "/in/a", WRITE_STORE, 10, 1);
    PLAY(p, FILL("/in/a", 20, 2), look_fails = "a");
    expect_order(p, HELD_RELEASE, id, OUTCOME_IO);
    PLAY(p, look_fails = NULL, IS("/in/a", 20, 2));
    cr_expect_eq(order_once(p, HELD_LIST, "").count, 1);
}

/* If the directory can't be synced, the upload waits all the same, so the
 * client gets its id. */
PeerTest(held, a_directory_that_is_not_synced, init(p))
{
    PLAY(p, p->start.rules.fsync = true, sync_directories_fail = true, RUN(),
         sync_directories_fail = false, STOR("/in/a", 10, 1));
    cr_expect(p->unsafe);
    cr_expect_eq(strlen(p->held), HELD_DIGITS);
    cr_expect_eq(order_once(p, HELD_LIST, "").count, 1);
}

/* The order HELD_READ fails if the file can't be read. */
PeerTest(held, one_that_cannot_be_read, begin(p))
{
    const char *id = hold(p, "/in/a", WRITE_STORE, 10, 1);
    cr_assert_eq(chmod(disk_path(p, held_at(id)), 0), 0);
    expect_order(p, HELD_READ, id, OUTCOME_DENIED);
}

/* No file gets into a share without inspection, neither by a rename nor through
 * a link. */
PeerTest(held, no_other_way, peer_init(p))
{
    PLAY(p, SHARES("/contracts", INSPECT), FILL("/f", 10, 1), DIRECTORY("/d"),
         RUN(), RNTO("/f", "/contracts/f", BETWEEN_MOUNTS),
         LINK("../f", SHARE "/" WAITS), MLST("/contracts/f", NOT_FOUND),
         RNTO("/d", "/contracts/d", BETWEEN_MOUNTS),
         RNTO("/contracts", "/out", MOUNT), LINK("/contracts", "/link"),
         SENDS(STORE, "/link/f", 0, 1, 1, NOT_FOUND));
}

PeerTest(held, in_a_directory_that_is_renamed, begin(p))
{
    PLAY(p, MKD("/in/sub"));
    disk_directory(p, "/closed"); /* an order that finds its file ignores it */
    cr_assert_eq(chmod(disk_path(p, "/closed"), 0), 0);
    const char *id = hold(p, "/in/sub/f", WRITE_STORE, 10, 2);
    is_unseen(p, "/in/sub", "/in/sub/f", OUTCOME_WAITS);
    PLAY(p, RMD("/in/sub", NOT_EMPTY), RNTO("/in/sub", "/in/new"));
    cr_expect_str_eq(order_once(p, HELD_RELEASE, id).path, "/in/new/f");
    cr_expect(disk_is(p, "/in/new/f", 10, 2));
}

/* An upload that waits since 1.x has the letter of "version": it gets another
 * name if its own one is taken. */
PeerTest(held, one_of_an_older_version, begin(p))
{
    const char *id = hold(p, "/in/a", WRITE_STORE, 10, 1);
    char stands[256];

    snprintf(stands, sizeof(stands), "/in/.sallyport-%s.held-v-a", id);
    PLAY(p, MOVE(held_at(id), stands), FILL("/in/a", 20, 2));
    cr_expect_eq(order_once(p, HELD_LIST, "").count, 1);
    cr_expect_str_eq(expect_order(p, HELD_RELEASE, id, OUTCOME_OK).path,
                     "/in/a (2)");
    PLAY(p, IS("/in/a", 20, 2), IS("/in/a (2)", 10, 1));
}

/* The name is free at the upload, but taken at the release. */
Test(held, a_name_that_is_taken)
{
    static const struct {
        enum conflict conflict;
        enum write_mode mode;
        unsigned without;       /* the right that the user lacks */
        const char *path, *old; /* the paths of the new and the old file after
                                   the release; PATH NULL: the name is taken */
    } rows[] = {
        { CONFLICT_OVERWRITE, WRITE_STORE, 0, OLD, NULL },
        { CONFLICT_RENAME, WRITE_STORE, 0, SECOND, OLD },
        { CONFLICT_REJECT, WRITE_STORE, 0, NULL, OLD },
        { CONFLICT_OVERWRITE, WRITE_STORE, RIGHT_REPLACE, SECOND, OLD },
        { CONFLICT_OVERWRITE, WRITE_APPEND, 0, SECOND, OLD },
        { CONFLICT_OVERWRITE, WRITE_UNIQUE, 0, SECOND, OLD },
        { CONFLICT_REJECT, WRITE_UNIQUE, 0, SECOND, OLD },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct held h;
        struct peer *p = peer_new();

        PLAY(p, DIRECTORY("/in"), p->start.rights = INSPECT & ~rows[i].without,
             p->start.rules.on_conflict = rows[i].conflict,
             p->start.rules.fsync = true, RUN());
        const char *earlier = hold(p, "/in/a.b", WRITE_STORE, 20, 2);
        const char *id = hold(p, "/in/a.b", rows[i].mode, 10, 1);
        expect_order(p, HELD_RELEASE, earlier, OUTCOME_OK);
        p->start.rules.on_conflict = CONFLICT_OVERWRITE; /* of sallyportctl */
        h = order_once(p, HELD_RELEASE, id);
        cr_assert_eq(h.count, 1);
        cr_expect_eq(h.outcome, rows[i].path ? OUTCOME_OK : OUTCOME_NAME_TAKEN,
                     "row %zu: %d", i, h.outcome);
        if (rows[i].path) {
            cr_expect_str_eq(h.path, rows[i].path, "row %zu: %s", i, h.path);
            cr_expect(disk_is(p, rows[i].path, 10, 1), "row %zu", i);
        }
        cr_expect_eq(order_once(p, HELD_LIST, "").count, rows[i].path ? 0 : 1);
        cr_expect(!rows[i].old || disk_is(p, rows[i].old, 20, 2), "row %zu", i);
        peer_stop(p);
    }
}

/* A cut upload is resumed. A rest never waits without its beginning: after the
 * release it is refused. */
PeerTest(held, rest_and_append, begin(p))
{
    PLAY(p, CUTS("/in/a", 200 * K, 1), SIZE("/in/a", 192 * K));
    const char *id = hold(p, "/in/a", WRITE_APPEND, 300 * K, 1);
    order_once(p, HELD_RELEASE, id);
    PLAY(p, IS("/in/a", 300 * K, 1),
         SENDS(APPEND, "/in/a", 0, 400 * K, 1, SEND_WHOLE),
         SENDS(STORE, "/in/a", 300 * K, 400 * K, 1, SEND_WHOLE));
    id = hold(p, "/in/a", WRITE_STORE, 400 * K, 2);
    cr_expect(disk_is(p, "/in/a", 300 * K, 1), "until the release");
    order_once(p, HELD_RELEASE, id);
    cr_expect(disk_is(p, "/in/a", 400 * K, 2));
}

/* In a drop the 226 has the name that the file gets at its release. */
PeerTest(held, in_a_drop, peer_init(p))
{
    char name[NAME_MAX + 1];

    PLAY(p, p->start.rights = RIGHT_WRITE | RIGHT_INSPECT, RUN(),
         STOR("/a.pdf", 10, 1));
    cr_expect_eq(strlen(p->stored), strlen("/a.01234567.pdf"), "%s", p->stored);
    PLAY(p, MLST("/a.pdf", WAITS), RNFR("/a.pdf", WAITS), MFMT("/a.pdf", WAITS),
         LISTS(NAMES, "/", 0));
    cr_expect_str_eq(order_once(p, HELD_RELEASE, p->held).path, p->stored);
    cr_expect(disk_is(p, p->stored, 10, 1));
    memset(name, 'x', sizeof(name));
    name[0] = '/';
    name[1 + HELD_NAME_MAX] = '\0';
    const char *id = hold(p, name, WRITE_STORE, 10, 1);
    expect_order(p, HELD_RELEASE, id, OUTCOME_OK);
    name[1 + HELD_NAME_MAX] = 'x';
    name[1 + HELD_NAME_MAX + 1] = '\0';
    GETS(BAD_NAME, ask_upload(p, name, WRITE_STORE, 0, 1, 1));
    GETS(WAITS, ask_rename(p, "/a.pdf", "/b")); /* also when released */
}

/* Uploads of one member wait, and uploads of others don't. No other member sees
 * an upload that waits. The process that releases it has only the share's own
 * uid and gid. */
PeerTest(held, in_a_share, (skip_without_root(), peer_init(p)))
{
    struct peer b, c, ctl;
    struct held h;

    PLAY(p, SHARES("/contracts", INSPECT), RUN());
    peer_member(&b, p, "bert", RIGHT_ALL);
    const char *id = hold(p, "/contracts/a", WRITE_STORE, 10, 1);
    is_unseen(p, "/contracts", "/contracts/a", OUTCOME_WAITS);
    is_unseen(&b, "/contracts", "/contracts/a", OUTCOME_NOT_FOUND);
    peer_member(&c, p, "carl", INSPECT);
    is_unseen(&c, "/contracts", "/contracts/a", OUTCOME_NOT_FOUND);
    peer_leave(&c);
    ctl = peer_of_share(p);
    h = order_once(&ctl, HELD_LIST, "");
    cr_expect(h.count == 1 && h.uid == PEER_UID);
    ask_store(&b, "/contracts/a", 20, 2);
    cr_expect(disk_is(p, SHARE "/a", 20, 2), "at once");
    expect_order(&ctl, HELD_RELEASE, id, OUTCOME_EXISTS);
    expect_order(&ctl, HELD_REPLACE, id, OUTCOME_OK);
    cr_expect(disk_is(p, SHARE "/a", 10, 1));
    peer_leave(&b);
}

/* If the server runs without root, each member with the right "i" can be the
 * sender of an upload that waits. */
PeerTest(held, in_a_share_with_one_uid, (skip_without_root(), peer_init(p)))
{
    PLAY(p, SHARES("/contracts", INSPECT), p->start.uid_is_shared = true,
         RUN());
    hold(p, "/contracts/a", WRITE_STORE, 10, 1);
    is_unseen(p, "/contracts", "/contracts/a", OUTCOME_WAITS);
}

/* If two processes get the same order, only one of them finds the file. */
PeerTest(held, two_at_once, begin(p))
{
    struct peer ctl[2];

    for (int n = 0; n < 2; n++)
        peer_join(&ctl[n], p, true);
    const char *id = hold(p, "/in/a", WRITE_STORE, 10, 1);
    for (int n = 1; n >= 0; n--)
        send_order(&ctl[n], HELD_RELEASE, id);
    cr_expect_eq(take_answers(&ctl[0]).count + take_answers(&ctl[1]).count, 1);
    PLAY(p, IS("/in/a", 10, 1), GONE("/in/a (2)"));
    peer_leave(&ctl[0]);
    peer_leave(&ctl[1]);
}

/* An order without an id finds no upload. */
PeerTest(held, what_is_refused, peer_start_for_ctl(p))
{
    disk_fill(p, "/" WAITS, 10, 1);
    send_order(p, HELD_REJECT, "");
    cr_expect_eq(take_answers(p).count, 0);
    cr_expect(disk_has(p, "/" WAITS));
}

/* A release holds the lock of its directory only for the rename, not for the
 * sync. */
PeerTest(held, no_sync_under_a_lock, begin(p))
{
    struct held h;
    struct peer b;

    disk_put(p, "/in/old", "x", 1);
    const char *id = hold(p, "/in/a", WRITE_STORE, 10, 1);
    p->start.rules.fsync = true;
    sync_directories_wait();
    peer_join(&b, p, true);
    send_order(&b, HELD_RELEASE, id);
    sync_directories_expect();
    PLAY(p, IS("/in/a", 10, 1), DELE("/in/old"));
    sync_directories_go_on();
    h = take_answers(&b);
    cr_expect(h.count == 1 && h.outcome == OUTCOME_OK);
    peer_leave(&b);
}

/* If a look fails, MLST doesn't say that the upload isn't there: a
 * client that mirrors would remove its copy. */
Test(held, a_look_that_fails)
{
    struct nth *nth = nth_new();
    struct peer one, *p = &one;
    bool met = nth != NULL;

    if (!nth)
        cr_skip_test(NTH_MISSING);
    init(p);
    PLAY(p, p->nth = nth, RUN());
    hold(p, "/in/a", WRITE_STORE, 10, 1);
    for (unsigned n = 1; met; n++) {
        nth_arm(nth, n, EIO, NULL);
        int o = ask_facts(p, "/in/a", FACTS_FOR_ANY);
        met = nth_disarm(nth);
        cr_expect(o == OUTCOME_WAITS || (met && o == OUTCOME_IO),
                  "call %u, %s: %d", n, nth_call(nth), o);
    }
    peer_stop(p);
    nth_free(nth);
}
