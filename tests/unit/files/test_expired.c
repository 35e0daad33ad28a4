/* Files that have expired, found and removed for "sallyportctl retention": what
 * counts as old, and what a user can put in the way. */
#include <linux/magic.h>
#include <sys/mount.h>

#include "files/files.h"
#include "peer.h"
#include "syncs.h"

#define K    1024u
#define SOME ".sallyport-0123456789abcdef0123456789abcdef.part"

static void begin(struct peer *p)
{
    peer_init(p);
    disk_fill(p, "/f", 10, 1);
    disk_directory(p, "/in");
    disk_fill(p, "/in/g", 10, 1);
    disk_directory(p, "/in/deep");
    disk_fill(p, "/in/deep/h", 10, 1);
    peer_run(p);
}

#define RESTS   (1u << PARTIAL_RESTS)
#define REMOVED (1u << PARTIAL_REMOVED)
#define IN_USE  (1u << PARTIAL_IN_USE)

/* A process of sallyportctl searches PATH: the number of what it found;
 * *states has a bit for each state. */
static size_t find(struct peer *p, const char *path, bool remove, uint64_t age,
                   unsigned *states)
{
    struct message m = { 0 };
    struct peer ctl;
    size_t n = 0;

    peer_join_ctl(&ctl, p);
    *states = 0;
    cr_assert_eq(SEND(&ctl.session, find, NEXT(&ctl), .what = FIND_EXPIRED,
                      .remove = remove, .share = false, .age = age,
                      .path = slice_from(path)),
                 0);
    for (; m.kind != MSG_partials_end; n += m.kind == MSG_partial) {
        cr_assert_eq(peer_answers(&ctl, &m), 1);
        if (m.kind == MSG_partial)
            *states |= 1u << m.partial.state;
    }
    cr_expect_eq(m.partials_end.unread, 0);
    cr_expect_eq(m.partials_end.error, strcmp(path, "/missing") == 0 ? ENOENT
                                       : strcmp(path, "/f") == 0
                                           ? ENOTDIR
                                           : m.partials_end.error);
    peer_leave(&ctl);
    return n;
}

PeerTest(expired, only_in_the_directory, begin(p))
{
    unsigned states;

    cr_expect_eq(find(p, "/in", false, 0, &states), 2);
    cr_expect_eq(states, RESTS);
    cr_expect(disk_has(p, "/in/g"), "only listed");
    cr_expect_eq(find(p, "/missing", true, 0, &states), 0);
    cr_expect_eq(find(p, "/f", true, 0, &states), 0, "no directory");
    cr_expect_eq(find(p, "/in", true, 0, &states), 2);
    cr_expect_eq(states, REMOVED);
    cr_expect(disk_has(p, "/f") && disk_has(p, "/in/deep"));
    cr_expect_not(disk_has(p, "/in/g") || disk_has(p, "/in/deep/h"));
    disk_fill(p, "/" LOCK_FILE, 0, 1); /* a session may hold this lock */
    cr_expect_eq(find(p, "/", true, 0, &states), 1);
    cr_expect(disk_has(p, "/" LOCK_FILE));
}

/* The members of a share must be able to lock it afterwards. */
PeerTest(expired, the_lock_of_a_share_on_a_network_disk, begin(p))
{
    unsigned states;

    disk_type = FUSE_SUPER_MAGIC;
    cr_expect_eq(find(p, "/in", true, 0, &states), 2);
    cr_expect_eq(disk_mode(p, "/in/" LOCK_FILE), 0660);
}

/* MFMT sets the mtime, into the past or the future. */
PeerTest(expired, no_time_of_a_client_counts, begin(p))
{
    const struct timespec times[2] = { { .tv_sec = 4102444800 },
                                       { .tv_sec = 4102444800 } };
    unsigned states;

    disk_age(p, "/f", 100);
    cr_expect_eq(find(p, "/", true, 3600, &states), 0, "changed now");
    cr_assert_eq(utimensat(AT_FDCWD, disk_path(p, "/in/g"), times, 0), 0);
    while (time(NULL) <= disk_stat(p, "/in/g").st_ctime)
        poll(NULL, 0, 10);
    cr_expect_eq(find(p, "/in", true, 1, &states), 2, "in 2100");
}

/* Links lead nowhere, and of a hard link only this name goes. */
PeerTest(expired, links, begin(p))
{
    unsigned states;
    char outside[128];

    snprintf(outside, sizeof(outside), "%s/outside", p->base);
    cr_assert_eq(mkdir(outside, 0777), 0);
    cr_assert_eq(chmod(outside, 0777), 0);
    disk_put(p, "/../../outside/victim", "x", 1);
    disk_link(p, outside, "/in/away");
    disk_link(p, "../../outside/victim", "/in/file");
    disk_link(p, "/in", "/there");
    disk_hard_link(p, "/../../outside/victim", "/in/hard");
    cr_expect_eq(find(p, "/there", true, 0, &states), 0, "a link");
    cr_expect_eq(find(p, "/in/away", true, 0, &states), 0, "a link");
    cr_expect_eq(find(p, "/in", true, 0, &states), 3);
    cr_expect(disk_has(p, "/../../outside/victim"));
    cr_expect(disk_has(p, "/in/file") && disk_has(p, "/in/away"));
    cr_expect_not(disk_has(p, "/in/hard"));
}

/* A partial that an upload is writing stays, an older one goes, and so does an
 * upload that waits for inspection. */
PeerTest(expired, partials, begin(p))
{
    static const char waits[] = "/in/.sallyport-0123456789abcdef.held-o-a";
    unsigned states;

    disk_fill(p, "/in/" SOME, 10, 1);
    disk_fill(p, waits, 10, 1);
    DONE(ask_upload(p, "/in/new", WRITE_STORE, 0, 200 * K, 1));
    cr_expect_eq(find(p, "/in", true, 3600, &states), 0);
    cr_expect_eq(find(p, "/in", false, 0, &states), 5);
    cr_expect_eq(states, RESTS | IN_USE);
    cr_expect_eq(find(p, "/in", true, 0, &states), 5);
    cr_expect_eq(states, REMOVED | IN_USE);
    cr_expect_not(disk_has(p, "/in/" SOME) || disk_has(p, waits));
    GETS(OK, ask_commit(p, 200 * K));
    cr_expect(disk_is(p, "/in/new", 200 * K, 1));
}

/* In a share, by a process that has the gid alone. */
PeerTest(expired, in_a_share, (skip_without_root(), peer_init(p)))
{
    unsigned states;
    struct peer b;

    peer_share(p, "/contracts", RIGHT_ALL);
    peer_run(p);
    DONE(ask_path(p, MSG_directory_make, "/contracts/d"));
    ask_store(p, "/contracts/f", 10, 1);
    ask_store(p, "/contracts/d/f", 10, 1);
    ask_cut(p, "/contracts/cut", 200 * K, 1);
    b = *p;
    b.start.mount_count = 0;
    b.start.home = p->mounts[0].path;
    b.start.uid = b.start.gid = p->mounts[0].gid;
    cr_expect_eq(find(&b, "/", true, 3600, &states), 0);
    cr_expect_eq(find(&b, "/", true, 0, &states), 3);
    cr_expect_eq(states, REMOVED);
    cr_expect_not(disk_has(p, SHARE "/d/f"));
    cr_expect(disk_has(p, SHARE "/d"));
}

/* A mount in the home isn't the user's to lose. */
PeerTest(expired, mounts_are_left_out, begin(p))
{
    unsigned states;

    if (mount(disk_path(p, "/in"), disk_path(p, "/in/deep"), NULL, MS_BIND,
              NULL) < 0) {
        peer_stop(p);
        cr_skip_test("nothing can be mounted here");
    }
    cr_expect_eq(find(p, "/", false, 0, &states), 2);
    cr_assert_eq(umount(disk_path(p, "/in/deep")), 0);
}

/* Nothing is mounted on a snapshot or a subvolume of btrfs, and removals there
 * would fail, or free nothing. */
PeerTest(expired, snapshots_are_left_out, peer_init_on_btrfs(p))
{
    unsigned states;

    peer_make_subvolume(p->home, "snapshot");
    cr_assert_eq(chown(disk_path(p, "/snapshot"), PEER_UID, PEER_UID), 0);
    disk_fill(p, "/f", 10, 1);
    disk_fill(p, "/snapshot/f", 10, 1);
    peer_run(p);
    cr_expect_eq(find(p, "/", true, 0, &states), 1);
    cr_expect(disk_has(p, "/snapshot/f"));
    cr_expect_eq(find(p, "/snapshot", true, 0, &states), 1);
}
