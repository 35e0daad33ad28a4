/* A watcher, which is another process, looks at a name without a pause while
 * uploads replace the file. The name must never be missing, and never be a part
 * of a file. One disk is local; the other one is a disk of FUSE that moves an
 * open file aside before it replaces the file, as NFS does, and there the
 * watcher is as on another machine. With SALLYPORT_DISKS in the environment the
 * disks are xfs and btrfs instead. Root mounts these disks in a mount namespace
 * that ends with this test. */
#include <sys/mount.h>

#include "blockdev.h"
#include "fault.h"
#include "fuse.h"
#include "support/scratch.h"
#include "support/test.h"
#include "support/wait.h"

#define ROUNDS  20
#define SMALL   1000
#define LARGE   2000
#define TAIL    7
#define IS_GONE "the name was missing %lu times in %lu looks"

struct looks {
    unsigned long all, missing, parts;
};

struct watched {
    struct server server;
    struct session s;
    const char *user;
    char disk[SERVER_PATH_MAX]; /* the home, as the watcher sees it */
    pid_t fuse;                 /* 0: no disk of FUSE */
    struct blockdev device;     /* mib 0: no disk of its own */
    pid_t watcher;
    volatile struct looks *looks;
};

/* Each test has a user. All have the server's mount namespace, in which a test
 * mounts its disk. */
ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    (void)set;
    if (mounts_own())
        server_share(PLAN(USERS(
            { .name = "overwrites" }, { .name = "onto" }, { .name = "appends" },
            { .name = "new", .keys = "on_conflict=reject" })));
}

static void need_root(void)
{
    if (geteuid() != 0)
        cr_skip_test("needs root");
}

TestSuite(watched, .init = need_root);

static void watch(const char *disk, volatile struct looks *looks)
{
    char name[SERVER_PATH_MAX + 8];
    struct stat st;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(name, sizeof(name), "%s/name", disk);
    for (;;) {
        if (stat(name, &st) < 0)
            looks->missing++;
        else if (st.st_size != SMALL && st.st_size != LARGE &&
                 st.st_size != SMALL + TAIL)
            looks->parts++;
        looks->all++;
    }
}

/* DISK: "local", "fuse", or the file system of a disk of its own. */
static void begin(struct watched *w, const char *disk, const char *user)
{
    static char bytes[SMALL];

    *w = (struct watched){ .user = user };
    server_shared(&w->server);
    const char *home = server_home(&w->server, user);
    snprintf(w->disk, sizeof(w->disk), "%s", home);
    if (strcmp(disk, "fuse") == 0) {
        snprintf(w->disk, sizeof(w->disk), "%.400s/other-%s", w->server.homes,
                 user);
        cr_assert_eq(mkdir(w->disk, 0755), 0);
        w->fuse = fuse_mount_twice(home, w->disk);
    } else if (strcmp(disk, "local") != 0) {
        blockdev_make(&w->device, &w->server, user, disk, 320);
    }
    session_enter(&w->s, &w->server, user);
    session_store(&w->s, "STOR", "name", bytes, SMALL);
    w->looks = mmap(NULL, sizeof(*w->looks), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(w->looks, MAP_FAILED);
    w->watcher = fork();
    if (w->watcher == 0)
        watch(w->disk, w->looks);
}

static void end(struct watched *w)
{
    kill(w->watcher, SIGKILL);
    waitpid(w->watcher, NULL, 0);
    cr_expect_gt(w->looks->all, ROUNDS);
    cr_expect_eq(w->looks->missing, 0, IS_GONE, w->looks->missing,
                 w->looks->all);
    cr_expect_eq(w->looks->parts, 0, "%lu looks saw a part", w->looks->parts);
    session_close(&w->s);
    fault_wait_gone(&w->server, w->user);
    if (w->fuse > 0) {
        umount2(w->disk, MNT_DETACH);
        fuse_unmount(server_home(&w->server, w->user), w->fuse);
    }
    if (w->device.mib > 0)
        blockdev_remove(&w->device);
}

static void store(struct watched *w)
{
    static char bytes[LARGE];

    for (int i = 0; i < ROUNDS; i++)
        session_store(&w->s, "STOR", "name", bytes, i % 2 ? SMALL : LARGE);
}

static void rename_onto(struct watched *w)
{
    static char bytes[LARGE];

    for (int i = 0; i < ROUNDS; i++) {
        session_store(&w->s, "STOR", "new", bytes, LARGE);
        session_do(&w->s, "350 {*}", "RNFR new");
        session_do(&w->s, "250 {*}", "RNTO name");
    }
}

/* APPE keeps the old file open until the commit. */
static void append(struct watched *w)
{
    static char bytes[SMALL];

    for (int i = 0; i < ROUNDS; i++) {
        session_store(&w->s, "APPE", "name", "7 bytes", TAIL);
        session_store(&w->s, "STOR", "name", bytes, SMALL);
    }
}

static void play(void (*what)(struct watched *w), const char *user)
{
    static const char *const disks[][2] = { { "local", "fuse" },
                                            { "xfs", "btrfs" } };

    for (int i = 0; i < 2; i++) {
        struct watched w;

        begin(&w, disks[getenv("SALLYPORT_DISKS") != NULL][i], user);
        what(&w);
        end(&w);
    }
}

Test(watched, overwrites, .timeout = 120)
{
    play(store, "overwrites");
}

Test(watched, renames_onto_it, .timeout = 120)
{
    play(rename_onto, "onto");
}

Test(watched, appends, .timeout = 120)
{
    play(append, "appends");
}

static bool has_looked(void *watched)
{
    return ((struct watched *)watched)->looks->all > ROUNDS;
}

/* The server gives the partial its final name by a link, and closes the partial
 * before it removes the old name, so that no other name is left. */
Test(watched, nothing_is_left, .timeout = 120)
{
    char command[SERVER_PATH_MAX + 32];
    struct watched w;

    begin(&w, "fuse", "new");
    session_store(&w.s, "STOR", "new", "bytes", 5);
    snprintf(command, sizeof(command), "! ls -A %s | grep -q hidden", w.disk);
    cr_expect_eq(system(command), 0);
    cr_assert(wait_until(has_looked, &w, WAIT_MS)); /* one upload is quick */
    end(&w);
}
