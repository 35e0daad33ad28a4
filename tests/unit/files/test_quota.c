/* The kernel's quotas, on a real btrfs, and min_free. */
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "peer.h"
#include "support/btrfs.h"
#include "support/scratch.h"
#include "syncs.h"

#define K     1024u
#define MIB   (UINT64_C(1) << 20)
#define SMALL "size=64m,mode=0700"

static void use_quota_of(const char *path, uint64_t limit)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    cr_assert_eq(quota_set(fd, QUOTA_USER, PEER_UID, limit, 0), 0);
    close(fd);
}

/* Starts a process with a home that is a subvolume with a quota of 8 MiB. */
static void begin(struct peer *p)
{
    peer_init_on_btrfs(p);
    use_quota_of(p->home, 8 * MIB);
    peer_run(p);
}

/* Starts a process with the share /contracts, a subvolume with a quota of 8
 * MiB. */
static void begin_share(struct peer *p, unsigned rights)
{
    const struct files_mount *m;

    peer_init(p);
    peer_mount_btrfs(p, p->shares);
    m = peer_share(p, "/contracts", rights);
    cr_assert_eq(rmdir(m->path), 0);
    peer_make_subvolume(p->shares, "contracts");
    cr_assert_eq(chown(m->path, 0, m->gid), 0);
    cr_assert_eq(chmod(m->path, 02770), 0);
    use_quota_of(m->path, 8 * MIB);
    peer_run(p);
}

static int write_until_full(int fd)
{
    char *block = calloc(1, 64 * K);
    ssize_t n;

    cr_assert(block);
    do
        n = write(fd, block, 64 * K);
    while (n > 0);
    free(block);
    return n < 0 ? errno : 0;
}

/* Each subvolume has its own quota, and a reply about a share has the limit of
 * the share. */
PeerTest(quota, a_share, begin_share(p, RIGHT_ALL))
{
    int fd;

    DONE(ask_space(p, "/contracts", 0));
    cr_expect_eq(p->space.limit, 8 * MIB);
    cr_expect_leq(p->space.bytes, 8 * MIB);
    DONE(ask_space(p, "/", 0));
    cr_expect_eq(p->space.limit, 0);
    GETS(OVER_QUOTA,
         ask_write(p, "/contracts/file", WRITE_STORE, 0, 9 * MIB, NULL));
    cr_expect_eq(p->why.limit, 8 * MIB);
    DONE(ask_write(p, "/contracts/file", WRITE_STORE, 0, 0, &fd));
    cr_expect_eq(write_until_full(fd), EDQUOT);
    close(fd);
    GETS(OVER_QUOTA, ask_full(p, false));
    cr_expect_eq(p->why.limit, 8 * MIB);
    cr_expect_gt(p->why.used, 7 * MIB);
    DONE(ask_abort(p));
}

/* In a drop the replies say nothing about the uploads of others, until a write
 * fails. */
PeerTest(quota, a_drop, begin_share(p, RIGHT_WRITE))
{
    int fd;

    DONE(ask_space(p, "/contracts", 0));
    cr_expect_eq(p->space.limit, 0);
    cr_expect_eq(p->space.used, 0);
    cr_expect_gt(p->space.bytes, 10 * MIB);
    DONE(ask_write(p, "/contracts/file", WRITE_STORE, 0, 500 * MIB, NULL));
    DONE(ask_abort(p));
    DONE(ask_write(p, "/contracts/file", WRITE_STORE, 0, 9 * MIB, &fd));
    GETS(OVER_QUOTA, ask_full(p, true));
    cr_expect_eq(p->why.limit, 0, "it isn't full");
    DONE(ask_abort(p));
    DONE(ask_write(p, "/contracts/file", WRITE_STORE, 0, 9 * MIB, &fd));
    cr_expect_eq(write_until_full(fd), EDQUOT);
    close(fd);
    use_quota_of(p->mounts[0].path, 4 * MIB);
    GETS(OVER_QUOTA, ask_full(p, false));
    cr_expect_eq(p->why.limit, 4 * MIB);
    DONE(ask_abort(p));
}

/* A quota that the kernel doesn't show, as on NFS: the sync fails, and the
 * reply has no limit. */
PeerTest(quota, one_that_cant_be_read, peer_init(p))
{
    PLAY(p, p->start.rules.fsync = true, sync_error = EDQUOT, sync_fails_at = 1,
         RUN(), SENDS(STORE, "/x", 0, 64 * K, 1), PREPARE(64 * K, OVER_QUOTA));
    cr_expect_eq(p->why.limit, 0);
    PLAY(p, ABORT(), PARTIALS("/", 0));
}

/* An upload is refused before its first byte if ALLO has announced more bytes
 * than the quota leaves. */
PeerTest(quota, an_announced_length, begin(p))
{
    GETS(OVER_QUOTA, ask_write(p, "/file", WRITE_STORE, 0, 9 * MIB, NULL));
    cr_expect_eq(p->why.limit, 8 * MIB);
    cr_expect_lt(p->why.used, MIB);
    PLAY(p, OPENS(STORE, "/file", 0, 7 * MIB), ABORT());
}

/* btrfs counts the bytes of a removed partial as free some seconds later. Still
 * no more partials are removed than needed. */
PeerTest(quota, no_more_is_removed_than_needed, begin(p))
{
    PLAY(p, CUTS("/a", 3 * MIB, 1), CUTS("/b", 3 * MIB, 1));
    btrfs_sync(p->homes);
    PLAY(p, time_ahead = 3601, AGAIN(), OPENS(STORE, "/x", 0, 4 * MIB));
    cr_expect_eq(disk_partials(p, "/"), 2, "the new one, and an old one");
    PLAY(p, ABORT(), EVENT(SERVICE));
}

/* The reply says how many bytes the quota leaves, also after the limit has
 * changed during the session. */
PeerTest(quota, what_is_left, begin(p))
{
    uint64_t before;

    DONE(ask_space(p, "/", 0));
    before = p->space.bytes;
    cr_expect_leq(before, 8 * MIB);
    cr_expect_gt(before, 7 * MIB);
    cr_expect_eq(p->space.limit, 8 * MIB);
    cr_expect_eq(p->space.limit - p->space.used, before);
    cr_expect_eq(p->space.files_limit, 0);
    /* An unfinished upload counts. */
    ask_cut(p, "/file", 2 * MIB, 1);
    DONE(ask_space(p, "/", 0));
    cr_expect_leq(p->space.bytes, before - 2 * MIB + 256 * K);
    use_quota_of(p->home, 0);
    DONE(ask_space(p, "/", 0));
    cr_expect_gt(p->space.bytes, 10 * MIB);
    cr_expect_eq(p->space.limit, 0);
}

/* The disk is full before the quota is: the reply names the disk. */
PeerTest(quota, a_full_disk, begin(p))
{
    use_quota_of(p->home, 1024 * MIB);
    GETS(NO_SPACE, ask_write(p, "/file", WRITE_STORE, 0, 2048 * MIB, NULL));
    cr_expect_eq(p->why.limit, 0);
    PLAY(p, OPENS(STORE, "/file", 0, 0), ABORT());
}

/* Makes the home a tmpfs with these options. */
static void begin_on_small_disk(struct peer *p, const char *options)
{
    peer_init(p);
    if (!mounts_own() || mount("tmpfs", p->home, "tmpfs", 0, options)) {
        peer_remove(p);
        cr_skip_test("needs root and mounts");
    }
    p->mounted = p->home;
    cr_assert_eq(chown(p->home, PEER_UID, PEER_UID), 0);
}

PeerTest(min_free, an_announced_length, begin_on_small_disk(p, SMALL))
{
    PLAY(p, p->start.rules.min_free.bytes = 60 * MIB, RUN(),
         OPENS(STORE, "/x", 0, 5 * MIB, KEPT_FREE),
         OPENS(STORE, "/x", 0, 65 * MIB, KEPT_FREE));
    DONE(ask_space(p, "/", UINT64_MAX));
    cr_expect_leq(p->space.bytes, 4 * MIB);
    cr_expect_gt(p->space.bytes, 3 * MIB);
    PLAY(p, OPENS(STORE, "/x", 0, 3 * MIB), ABORT());
}

/* Two uploads begin while there is space for each, but not for both: one of
 * them is refused at its commit. */
PeerTest(min_free, uploads_at_the_same_time, begin_on_small_disk(p, SMALL))
{
    struct peer other;

    PLAY(p, p->start.rules.min_free.bytes = 32 * MIB, RUN());
    peer_join(&other, p, false);
    DONE(ask_upload(p, "/x", WRITE_STORE, 0, 20 * MIB, 1));
    DONE(ask_upload(&other, "/y", WRITE_STORE, 0, 20 * MIB, 1));
    GETS(KEPT_FREE, ask_commit(p, 20 * MIB));
    GETS(OK, ask_commit(&other, 20 * MIB));
    cr_expect_eq(disk_partials(p, "/"), 0);
    peer_leave(&other);
}

/* If ALLO hasn't announced the length, min_free is checked at the beginning and
 * at each sync. */
PeerTest(min_free, an_unknown_length, begin_on_small_disk(p, SMALL))
{
    PLAY(p, p->start.rules.min_free.percent = 50, RUN(),
         SENDS(STORE, "/x", 0, 30 * MIB, 1), SYNC(), FILL("/local", 4 * MIB, 1),
         SYNC(KEPT_FREE), ABORT(), PARTIALS("/", 0),
         FILL("/local", 33 * MIB, 1), OPENS(STORE, "/x", 0, 0, KEPT_FREE));
}

/* Idle partials are removed only if their bytes are enough. */
PeerTest(min_free, idle_partials, begin_on_small_disk(p, SMALL))
{
    PLAY(p, p->start.rules.min_free.bytes = 32 * MIB, RUN(),
         CUTS("/old", 4 * MIB, 1), PARTIALS("/", 1), time_ahead = 3601, AGAIN(),
         FILL("/local", 40 * MIB, 1), OPENS(STORE, "/x", 0, 0, KEPT_FREE),
         PARTIALS("/", 1));
    cr_assert_eq(truncate(disk_path(p, "/local"), 30 * MIB), 0);
    DONE(ask_write(p, "/x", WRITE_STORE, 0, 0, NULL));
    cr_expect_eq(disk_partials(p, "/"), 1, "the one that is written");
    PLAY(p, ABORT(), PARTIALS("/", 0), EVENT(SERVICE));
}

/* A disk that can't have more files is full, although it has enough bytes. */
PeerTest(min_free, too_many_files, begin_on_small_disk(p, SMALL ",nr_inodes=8"))
{
    char name[16];
    int o = OUTCOME_OK;

    PLAY(p, p->start.rules.min_free.bytes = MIB, RUN());
    for (int i = 0; i < 8 && o == OUTCOME_OK; i++) {
        snprintf(name, sizeof(name), "/d%d", i);
        o = ask_path(p, MSG_directory_make, name);
    }
    cr_expect_eq(o, OUTCOME_NO_SPACE);
}

Test(min_free, bounds)
{
    const struct statvfs disk = { .f_frsize = 4096,
                                  .f_blocks = 1000,
                                  .f_bavail = 300 };
    const struct statvfs strange = { .f_frsize = 4096, .f_blocks = UINT64_MAX };
    const struct statvfs silent = { .f_frsize = 4096, .f_bavail = 300 };
    struct files f = { 0 };

    cr_expect_eq(space_floor(&f, &disk), 0);
    cr_expect_eq(space_usable(&f, &disk), 300 * 4096);
    f.rules.min_free.percent = 20;
    cr_expect_eq(space_floor(&f, &disk), 200 * 4096);
    cr_expect_eq(space_usable(&f, &disk), 100 * 4096);
    cr_expect_eq(space_floor(&f, &strange), INT64_MAX);
    f.rules.min_free = (struct min_free){ .bytes = 301 * 4096 };
    cr_expect_eq(space_floor(&f, &silent), 0);
    cr_expect_eq(space_usable(&f, &disk), 0);
}
