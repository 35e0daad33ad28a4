/* Files that have expired, found and removed for "sallyportctl retention": what
 * counts as old, and what a user can put in the way. */
#include <linux/magic.h>
#include <sys/mount.h>

#include "files/files.h"
#include "peer.h"
#include "sallyport/quota/quota.h"
#include "support/btrfs.h"
#include "syncs.h"

#define K    1024u
#define SOME ".sallyport-0123456789abcdef0123456789abcdef.part"

static void begin(struct peer *p)
{
    peer_init(p);
    p->start.for_ctl = true;
    disk_fill(p, "/f", 10, 1);
    disk_directory(p, "/in");
    disk_fill(p, "/in/g", 10, 1);
    disk_directory(p, "/in/deep");
    disk_fill(p, "/in/deep/h", 10, 1);
}

/* The number of what was found in PATH; *states has a bit for each state. */
static size_t find(struct peer *p, const char *path, bool remove, uint64_t age,
                   unsigned *states)
{
    struct message m;
    size_t n = 0;

    *states = 0;
    cr_assert_eq(SEND(&p->session, find, NEXT(p), .what = FIND_EXPIRED,
                      .remove = remove, .share = false, .age = age,
                      .path = slice_from(path)),
                 0);
    for (;;) {
        cr_assert_eq(peer_answers(p, &m), 1);
        if (m.kind == MSG_partials_end)
            break;
        cr_assert_eq(m.kind, MSG_partial);
        *states |= 1u << m.partial.state;
        n++;
    }
    cr_expect_eq(m.partials_end.unread, 0);
    cr_expect_eq(m.partials_end.error, strcmp(path, "/missing") == 0 ? ENOENT
                                       : strcmp(path, "/f") == 0
                                           ? ENOTDIR
                                           : m.partials_end.error);
    return n;
}

/* Each process serves one request. */
static size_t find_once(struct peer *p, const char *path, bool remove,
                        uint64_t age, unsigned *states)
{
    size_t n;

    peer_run(p);
    n = find(p, path, remove, age, states);
    peer_leave(p);
    return n;
}

static void stop(struct peer *p)
{
    peer_run(p);
    peer_stop(p);
}

Test(expired, only_in_the_directory)
{
    unsigned states;
    struct peer p;

    begin(&p);
    cr_expect_eq(find_once(&p, "/in", false, 0, &states), 2);
    cr_expect_eq(states, 1u << PARTIAL_RESTS);
    cr_expect(disk_has(&p, "/in/g"), "only listed");
    cr_expect_eq(find_once(&p, "/missing", true, 0, &states), 0);
    cr_expect_eq(find_once(&p, "/f", true, 0, &states), 0, "no directory");
    cr_expect_eq(find_once(&p, "/in", true, 0, &states), 2);
    cr_expect_eq(states, 1u << PARTIAL_REMOVED);
    cr_expect(disk_has(&p, "/f") && disk_has(&p, "/in/deep"));
    cr_expect_not(disk_has(&p, "/in/g") || disk_has(&p, "/in/deep/h"));
    cr_expect_eq(find_once(&p, "/", true, 0, &states), 1);
    stop(&p);
}

/* A session may hold the lock of the count of files. */
Test(expired, not_the_lock_of_the_count)
{
    unsigned states;
    struct peer p;

    begin(&p);
    disk_fill(&p, "/" LOCK_FILE, 0, 1);
    cr_expect_eq(find_once(&p, "/", true, 0, &states), 3);
    cr_expect(disk_has(&p, "/" LOCK_FILE));
    stop(&p);
}

/* The members of a share must be able to lock it afterwards. */
Test(expired, the_lock_of_a_share_on_a_network_disk)
{
    unsigned states;
    struct peer p;
    struct stat st;

    disk_type = FUSE_SUPER_MAGIC;
    begin(&p);
    cr_expect_eq(find_once(&p, "/in", true, 0, &states), 2);
    cr_assert_eq(stat(disk_path(&p, "/in/" LOCK_FILE), &st), 0);
    cr_expect_eq(st.st_mode & 07777, 0660);
    stop(&p);
}

/* MFMT sets the mtime, into the past or the future. */
Test(expired, no_time_of_a_client_counts)
{
    const struct timespec times[2] = { { .tv_sec = 4102444800 },
                                       { .tv_sec = 4102444800 } };
    unsigned states;
    struct peer p;
    struct stat st;

    begin(&p);
    disk_age(&p, "/f", 100);
    cr_expect_eq(find_once(&p, "/", true, 3600, &states), 0, "changed now");
    cr_assert_eq(utimensat(AT_FDCWD, disk_path(&p, "/in/g"), times, 0), 0);
    cr_assert_eq(stat(disk_path(&p, "/in/g"), &st), 0);
    while (time(NULL) <= st.st_ctime)
        poll(NULL, 0, 10);
    cr_expect_eq(find_once(&p, "/in", true, 1, &states), 2, "in 2100");
    stop(&p);
}

/* Links lead nowhere, and of a hard link only this name goes. */
Test(expired, links)
{
    unsigned states;
    struct peer p;
    char outside[128];

    begin(&p);
    snprintf(outside, sizeof(outside), "%s/outside", p.base);
    cr_assert_eq(mkdir(outside, 0777), 0);
    cr_assert_eq(chmod(outside, 0777), 0);
    disk_put(&p, "/../../outside/victim", "x", 1);
    disk_link(&p, outside, "/in/away");
    disk_link(&p, "../../outside/victim", "/in/file");
    disk_link(&p, "/in", "/there");
    cr_assert_eq(
        link(disk_path(&p, "/../../outside/victim"), disk_path(&p, "/in/hard")),
        0);
    cr_expect_eq(find_once(&p, "/there", true, 0, &states), 0, "a link");
    cr_expect_eq(find_once(&p, "/in/away", true, 0, &states), 0, "a link");
    cr_expect_eq(find_once(&p, "/in", true, 0, &states), 3);
    cr_expect(disk_has(&p, "/../../outside/victim"));
    cr_expect(disk_has(&p, "/in/file") && disk_has(&p, "/in/away"));
    cr_expect_not(disk_has(&p, "/in/hard"));
    stop(&p);
}

/* A partial that an upload is writing stays, an older one goes. */
PeerTest(expired, partials, begin(p))
{
    unsigned states;
    struct peer b;

    disk_fill(p, "/in/" SOME, 10, 1);
    p->start.for_ctl = false;
    peer_run(p);
    DONE(ask_upload(p, "/in/new", WRITE_STORE, 0, 200 * K, 1));
    b = *p;
    b.start.mounts = b.mounts;
    b.start.for_ctl = true;
    cr_expect_eq(find_once(&b, "/in", false, 0, &states), 4);
    cr_expect_eq(states, 1u << PARTIAL_RESTS | 1u << PARTIAL_IN_USE);
    cr_expect_eq(find_once(&b, "/in", true, 0, &states), 4);
    cr_expect_eq(states, 1u << PARTIAL_REMOVED | 1u << PARTIAL_IN_USE);
    cr_expect_not(disk_has(p, "/in/" SOME));
    cr_expect_eq(ask_commit(p, 200 * K), OUTCOME_OK);
    cr_expect(disk_is(p, "/in/new", 200 * K, 1));
}

Test(expired, uploads_that_wait_for_inspection)
{
    unsigned states;
    struct peer p;

    begin(&p);
    disk_fill(&p, "/in/.sallyport-0123456789abcdef.held-o-a", 10, 1);
    cr_expect_eq(find_once(&p, "/in", true, 3600, &states), 0);
    cr_expect_eq(find_once(&p, "/in", true, 0, &states), 3);
    cr_expect_not(disk_has(&p, "/in/.sallyport-0123456789abcdef.held-o-a"));
    stop(&p);
}

/* In a share, by a process that has the gid alone. */
Test(expired, in_a_share)
{
    struct peer p, b;
    unsigned states;

    if (geteuid() != 0)
        cr_skip_test("without root there is one user");
    peer_init(&p);
    peer_share(&p, "/contracts", RIGHT_ALL);
    peer_run(&p);
    DONE(ask_path(&p, MSG_directory_make, "/contracts/d"));
    for (int i = 0; i < 2; i++) {
        ask_store(&p, i ? "/contracts/d/f" : "/contracts/f", 10, 1);
    }
    ask_cut(&p, "/contracts/cut", 200 * K, 1);
    b = p;
    b.start.for_ctl = true;
    b.start.mount_count = 0;
    b.start.home = p.mounts[0].path;
    b.start.uid = b.start.gid = p.mounts[0].gid;
    cr_expect_eq(find_once(&b, "/", true, 3600, &states), 0);
    cr_expect_eq(find_once(&b, "/", true, 0, &states), 3);
    cr_expect_eq(states, 1u << PARTIAL_REMOVED);
    cr_expect_not(disk_has(&p, SHARE "/d/f"));
    cr_expect(disk_has(&p, SHARE "/d"));
    peer_stop(&p);
}

/* A mount in the home isn't the user's to lose. */
Test(expired, mounts_are_left_out)
{
    unsigned states;
    struct peer p;

    begin(&p);
    if (mount(disk_path(&p, "/in"), disk_path(&p, "/in/deep"), NULL, MS_BIND,
              NULL) < 0) {
        p.session.fd = p.master.fd = p.log.fd = -1;
        peer_remove(&p);
        cr_skip_test("nothing can be mounted here");
    }
    cr_expect_eq(find_once(&p, "/", false, 0, &states), 2);
    cr_assert_eq(umount(disk_path(&p, "/in/deep")), 0);
    stop(&p);
}

/* Nothing is mounted on a snapshot or a subvolume of btrfs, and removals there
 * would fail, or free nothing. */
Test(expired, snapshots_are_left_out)
{
    unsigned states;
    struct peer p;
    int homes;

    peer_init(&p);
    p.start.for_ctl = true;
    cr_assert_eq(rmdir(p.home), 0);
    if (!btrfs_mount(p.homes)) {
        peer_remove(&p);
        cr_skip_test("needs root and mounts");
    }
    btrfs_enable_quotas(p.homes);
    cr_assert_eq(chmod(p.homes, 0711), 0);
    homes = open(p.homes, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(quota_make_subvolume(homes, "anna"), 0);
    close(homes);
    homes = open(p.home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(quota_make_subvolume(homes, "snapshot"), 0);
    close(homes);
    cr_assert_eq(chown(p.home, PEER_UID, PEER_UID), 0);
    cr_assert_eq(chmod(p.home, 0700), 0);
    cr_assert_eq(chown(disk_path(&p, "/snapshot"), PEER_UID, PEER_UID), 0);
    disk_fill(&p, "/f", 10, 1);
    disk_fill(&p, "/snapshot/f", 10, 1);
    cr_expect_eq(find_once(&p, "/", true, 0, &states), 1);
    cr_expect(disk_has(&p, "/snapshot/f"));
    cr_expect_eq(find_once(&p, "/snapshot", true, 0, &states), 1);
    peer_run(&p);
    channel_close(&p.session);
    channel_close(&p.master);
    cr_expect_eq(peer_wait(&p), 0);
    btrfs_unmount(p.homes);
    peer_remove(&p);
}
