/* Expired files that "sallyportctl retention" finds and removes: which files
 * count as old, and which obstacles a user can make. */
#include <linux/magic.h>
#include <sys/mount.h>

#include "peer.h"
#include "syncs.h"

#define K    1024u
#define SOME ".sallyport-0123456789abcdef0123456789abcdef.part"

static void begin(struct peer *p)
{
    peer_init(p);
    PLAY(p, FILL("/f", 10, 1), DIRECTORY("/in"), FILL("/in/g", 10, 1),
         DIRECTORY("/in/deep"), FILL("/in/deep/h", 10, 1), RUN());
}

/* Searches PATH, and expects as many files with the states RESTS, IN_USE and
 * REMOVED as WANTED says. */
static void find(struct peer *p, const char *path, bool remove, uint64_t age,
                 const unsigned wanted[3])
{
    unsigned count[PARTIAL_STATE_COUNT];
    const struct msg_partials_end end =
        peer_find(p,
                  &(struct msg_find){ .what = FIND_EXPIRED,
                                      .remove = remove,
                                      .age = age,
                                      .path = slice_from(path) },
                  count);

    cr_expect_eq(end.unread, 0);
    cr_expect_eq(end.error, strcmp(path, "/missing") == 0 ? ENOENT
                            : strcmp(path, "/f") == 0     ? ENOTDIR
                                                          : end.error);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(count[i], wanted[i], "%s: %u of state %d", path, count[i],
                     i);
    cr_expect_eq(count[PARTIAL_STAYS], 0);
}
#define FIND(p, path, remove, age, rests, in_use, removed)                     \
    find(p, path, remove, age, (const unsigned[]){ rests, in_use, removed })

PeerTest(expired, only_in_the_directory, begin(p))
{
    FIND(p, "/in", false, 0, 2, 0, 0);
    cr_expect(disk_has(p, "/in/g"), "only listed");
    FIND(p, "/missing", true, 0, 0, 0, 0);
    FIND(p, "/f", true, 0, 0, 0, 0); /* isn't a directory */
    FIND(p, "/in", true, 0, 0, 0, 2);
    cr_expect(disk_has(p, "/f") && disk_has(p, "/in/deep"));
    cr_expect_not(disk_has(p, "/in/g") || disk_has(p, "/in/deep/h"));
    disk_fill(p, "/" LOCK_FILE, 0, 1); /* a session can hold this lock */
    FIND(p, "/", true, 0, 0, 0, 1);
    cr_expect(disk_has(p, "/" LOCK_FILE));
}

/* The members of a share must be able to lock the directory after retention has
 * made the lock file. */
PeerTest(expired, the_lock_of_a_share_on_a_network_disk, begin(p))
{
    disk_type = FUSE_SUPER_MAGIC;
    FIND(p, "/in", true, 0, 0, 0, 2);
    cr_expect_eq(disk_mode(p, "/in/" LOCK_FILE), 0660);
}

/* A client can set the mtime to the past or the future (MFMT), so it doesn't
 * count. */
PeerTest(expired, no_time_of_a_client_counts, begin(p))
{
    const struct timespec times[2] = { { .tv_sec = 4102444800 },
                                       { .tv_sec = 4102444800 } };
    disk_age(p, "/f", 100);
    FIND(p, "/", true, 3600, 0, 0, 0); /* has just changed */
    cr_assert_eq(utimensat(AT_FDCWD, disk_path(p, "/in/g"), times, 0), 0);
    while (time(NULL) <= disk_stat(p, "/in/g").st_ctime)
        poll(NULL, 0, 10);
    FIND(p, "/in", true, 1, 0, 0, 2); /* its mtime is in 2100 */
}

/* Links aren't followed. If a file has several names, only the name in the
 * directory is removed. */
PeerTest(expired, links, begin(p))
{
    char outside[128];

    snprintf(outside, sizeof(outside), "%s/outside", p->base);
    cr_assert_eq(mkdir(outside, 0777), 0);
    cr_assert_eq(chmod(outside, 0777), 0);
    PLAY(p, PUT("/../../outside/victim", "x"), LINK(outside, "/in/away"),
         LINK("../../outside/victim", "/in/file"), LINK("/in", "/there"));
    disk_hard_link(p, "/../../outside/victim", "/in/hard");
    FIND(p, "/there", true, 0, 0, 0, 0);
    FIND(p, "/in/away", true, 0, 0, 0, 0);
    FIND(p, "/in", true, 0, 0, 0, 3);
    cr_expect(disk_has(p, "/../../outside/victim"));
    cr_expect(disk_has(p, "/in/file") && disk_has(p, "/in/away"));
    cr_expect_not(disk_has(p, "/in/hard"));
}

/* A partial that an upload is writing is kept. An older partial is removed, and
 * so is an upload that waits for inspection. */
PeerTest(expired, partials, begin(p))
{
    static const char waits[] = "/in/.sallyport-0123456789abcdef.held-o-a";
    PLAY(p, FILL("/in/" SOME, 10, 1), FILL(waits, 10, 1),
         SENDS(STORE, "/in/new", 0, 200 * K, 1));
    FIND(p, "/in", true, 3600, 0, 0, 0);
    FIND(p, "/in", false, 0, 4, 1, 0);
    FIND(p, "/in", true, 0, 0, 1, 4);
    cr_expect_not(disk_has(p, "/in/" SOME) || disk_has(p, waits));
    PLAY(p, COMMIT(200 * K), IS("/in/new", 200 * K, 1));
}

/* In a share, a process with only the share's own uid and gid removes the
 * files. */
PeerTest(expired, in_a_share, (skip_without_root(), peer_init(p)))
{
    struct peer b;

    PLAY(p, SHARES("/contracts", RIGHT_ALL), RUN(), MKD("/contracts/d"),
         STOR("/contracts/f", 10, 1), STOR("/contracts/d/f", 10, 1),
         CUTS("/contracts/cut", 200 * K, 1));
    b = peer_of_share(p);
    FIND(&b, "/", true, 3600, 0, 0, 0);
    FIND(&b, "/", true, 0, 0, 0, 3);
    PLAY(p, GONE(SHARE "/d/f"), HAS(SHARE "/d"));
}

/* A file system that is mounted in the home is left out, since it isn't the
 * user's. */
PeerTest(expired, mounts_are_left_out, begin(p))
{
    if (mount(disk_path(p, "/in"), disk_path(p, "/in/deep"), NULL, MS_BIND,
              NULL) < 0) {
        peer_stop(p);
        cr_skip_test("nothing can be mounted here");
    }
    FIND(p, "/", false, 0, 2, 0, 0);
    cr_assert_eq(umount(disk_path(p, "/in/deep")), 0);
}

/* Snapshots and subvolumes of btrfs are left out, although they aren't mounts:
 * removals there would fail, or free no space. */
PeerTest(expired, snapshots_are_left_out, peer_init_on_btrfs(p))
{
    peer_make_subvolume(p->home, "snapshot");
    cr_assert_eq(chown(disk_path(p, "/snapshot"), PEER_UID, PEER_UID), 0);
    PLAY(p, FILL("/f", 10, 1), FILL("/snapshot/f", 10, 1), RUN());
    FIND(p, "/", true, 0, 0, 0, 1);
    cr_expect(disk_has(p, "/snapshot/f"));
    FIND(p, "/snapshot", true, 0, 0, 0, 1);
}
