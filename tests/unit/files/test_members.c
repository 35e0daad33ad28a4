/* A share and its members: modes and groups; files and partials of other
 * members; local programs of the group; and what the kernel refuses to each
 * member even if an attacker controls the process. */
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "sallyport/base/complain.h"
#include "steps.h"
#include "syncs.h"

#define K    1024u
#define READ (RIGHT_LIST | RIGHT_READ)

/* A partial is only for its user. It gets the file_mode of its mount when it is
 * complete, before its sync, and gets 0600 again if it doesn't become a
 * file. */
PeerTest(modes, of_files_and_directories, peer_init(p))
{
    PLAY(p, SHARES("/contracts", RIGHT_ALL), DIRECTORY("/in"),
         RIGHTS("/in", RIGHT_ALL), p->mounts[1].file_mode = 0640,
         p->mounts[1].dir_mode = 0750, RUN(), STOR("/f", 10, 1),
         STOR("/contracts/f", 10, 1), STOR("/in/f", 10, 1), MODE("/f", 0600),
         MODE(SHARE "/f", 0660), MODE("/in/f", 0640), MKD("/d"), MKD("/in/d"),
         MKD("/contracts/d"), MKD("/contracts/d/e"), MODE("/d", 0700),
         MODE("/in/d", 0750), MODE(SHARE "/d", 02770),
         MODE(SHARE "/d/e", 02770), STOR("/contracts/d/e/f", 10, 1));
    cr_expect_eq(disk_stat(p, SHARE "/d/e/f").st_gid,
                 disk_stat(p, SHARE).st_gid);
}

PeerTest(modes, of_a_partial, peer_init(p))
{
    const char *path;

    PLAY(p, SHARES("/contracts", RIGHT_ALL), p->start.rules.fsync = true, RUN(),
         SENDS(STORE, "/contracts/f", 0, 200 * K, 1));
    path = disk_partial(p, SHARE);
    PLAY(p, MODE(path, 0600), PREPARE(200 * K), MODE(path, 0660), ABORT());
    cr_expect_eq(disk_mode(p, path), 0600, "it is kept");
    cr_expect_gt(ask_size(p, "/contracts/f"), 0);
}

#define ACL_DEFAULT "system.posix_acl_default"
#define ACL_ACCESS  "system.posix_acl_access"
#define ACL_USER    12345

struct acl_entry {
    uint16_t tag, perm;
    uint32_t id;
};

/* The form of an ACL in an extended attribute: acl(5),
 * <linux/posix_acl_xattr.h>. */
struct acl {
    uint32_t version;
    struct acl_entry entry[5];
};

/* The directory's default ACL decides who else can read a new file or
 * directory; file_mode and dir_mode limit this. */
PeerTest(modes, default_acls_count, peer_init(p))
{
    const struct acl wanted = { 2,
                                { { 0x01, 7, UINT32_MAX },
                                  { 0x02, 6, ACL_USER },
                                  { 0x04, 5, UINT32_MAX },
                                  { 0x10, 7, UINT32_MAX },
                                  { 0x20, 0, UINT32_MAX } } };
    struct acl got = { 0 };

    disk_directory(p, "/in");
    if (setxattr(disk_path(p, "/in"), ACL_DEFAULT, &wanted, sizeof(wanted), 0) <
        0) {
        peer_remove(p);
        cr_skip_test("this file system has no ACLs");
    }
    PLAY(p, p->start.rules.file_mode = 0660, p->start.rules.dir_mode = 0770,
         RUN(), STOR("/in/f", 10, 1), MKD("/in/d"));
    for (int i = 0; i < 2; i++) {
        const char *path = disk_path(p, i ? "/in/d" : "/in/f");

        cr_assert_eq(getxattr(path, ACL_ACCESS, &got, sizeof(got)), sizeof(got),
                     "%s", path);
        cr_expect_eq(got.entry[1].id, ACL_USER);
        cr_expect_eq(got.entry[1].perm, 6);
        cr_expect_eq(got.entry[3].perm, i ? 7 : 6, "the mask lets it through");
    }
    cr_expect_eq(
        getxattr(disk_path(p, "/in/d"), ACL_DEFAULT, &got, sizeof(got)),
        sizeof(got));
}

/* Gives anna two files, a directory and a partial in the share. */
static void furnish(struct peer *p)
{
    peer_init(p);
    PLAY(p, SHARES("/contracts", RIGHT_ALL), RUN(), STOR("/contracts/f", 10, 1),
         STOR("/contracts/g", 10, 1), MKD("/contracts/d"),
         CUTS("/contracts/d/cut", 200 * K, 1));
}

/* Rights decide what a member can do with another member's file; only the owner
 * can set the file's times. */
PeerTest(members, change_each_others_files, (skip_without_root(), furnish(p)))
{
    struct peer b;

    peer_member(&b, p, "bert", RIGHT_ALL);
    PLAY(&b, RETR("/contracts/f"), MFMT("/contracts/f", NOT_OWNER));
    GETS(OK, ask_times(p, "/contracts/f", 5, 5));
    GETS(SHARE_MODE, ask_mode(&b, "/contracts/f", 0600));
    GETS(SHARE_MODE, ask_mode(p, "/contracts/f", 0600));
    ask_store(&b, "/contracts/f", 20, 2);
    cr_expect(disk_is(p, SHARE "/f", 20, 2));
    cr_expect_eq(disk_stat(p, SHARE "/f").st_uid, PEER_UID + 1);
    PLAY(p, SENDS(APPEND, "/contracts/f", 0, 30, 2), COMMIT(30));
    cr_expect(disk_is(p, SHARE "/f", 30, 2), "APPE onto another's file");
    cr_expect_eq(disk_mode(p, SHARE "/f"), 0660);
    PLAY(&b, RNTO("/contracts/g", "/contracts/d/g"), DELE("/contracts/d/g"),
         LEAVE());
}

/* A local program of the group puts another file in the partial's place between
 * the last check and the rename. The reply says so in a share only. */
Test(members, a_swapped_partial_is_noticed)
{
    for (int in_share = 0; in_share < 2; in_share++) {
        const char *where = in_share ? SHARE : "/in", *partial;
        struct steps *s;
        struct peer *p = peer_new();

        PLAY(p, SHARES("/contracts", RIGHT_ALL), DIRECTORY("/in"));
        s = steps_for_next();
        PLAY(p, RUN(),
             SENDS(STORE, in_share ? "/contracts/f" : "/in/f", 0, 200 * K, 1));
        partial = disk_partial(p, where);
        steps_hold(s);
        send_commit(p, 200 * K);
        cr_assert_eq(steps_next(s, p), STEPPED_HELD);
        PLAY(p, UNLINK(partial), PUT(partial, "forged"));
        steps_free(s);
        cr_expect_eq(ask_answer(p), in_share ? OUTCOME_NAME_LOST : OUTCOME_OK);
        peer_stop(p);
        steps_end(s);
    }
}

/* A member can't lock another member's partial, so only its age shows whether
 * somebody still writes it. */
PeerTest(members, partials_of_others_in_a_directory,
         (skip_without_root(), furnish(p)))
{
    struct peer b;

    peer_member(&b, p, "bert", RIGHT_ALL);
    PLAY(&b, CUTS("/contracts/d/own", 200 * K, 1),
         RMD("/contracts/d", OTHERS_PARTIALS));
    cr_expect_eq(disk_partials(p, SHARE "/d"), 2, "nothing was removed");
    PLAY(&b, LEAVE(), time_ahead += 3300, RUN(),
         RMD("/contracts/d", OTHERS_PARTIALS), LEAVE(), time_ahead += 310,
         RUN(), RMD("/contracts/d"));
    cr_expect_not(disk_has(p, SHARE "/d"));
    peer_leave(&b);
}

/* An account that is removed and made again has another uid, but the same names
 * of partials. The partials of the old account don't stop the new one from
 * storing these files. */
PeerTest(members, an_account_that_was_made_again,
         (skip_without_root(), furnish(p)))
{
    struct peer b;

    peer_member(&b, p, "bert", RIGHT_ALL);
    PLAY(&b, CUTS("/contracts/d/again", 200 * K, 1), LEAVE());
    cr_assert_eq(chown(b.home, PEER_UID + 2, PEER_UID + 2), 0);
    b.start.uid = b.start.gid = PEER_UID + 2;
    PLAY(&b, RUN(), SIZE("/contracts/d/again", 0),
         DELE("/contracts/d/again", NOT_FOUND));
    for (int i = 0; i < 2; i++) {
        DONE(ask_write(&b, "/contracts/d/again", i ? WRITE_APPEND : WRITE_STORE,
                       0, 0, NULL));
        GETS(OK, ask_commit(&b, 0));
    }
    PLAY(&b, DELE("/contracts/d/again"), LEAVE());
}

/* All users have one uid if the server runs without root. */
PeerTest(members, partials_of_others_with_the_same_uid, peer_init(p))
{
    struct peer b;

    PLAY(p, SHARES("/contracts", RIGHT_ALL), DIRECTORY(SHARE "/d"), RUN(),
         CUTS("/contracts/d/f", 200 * K, 1));
    b = *p;
    b.start.name = "bert";
    for (int hours = 0; hours < 2; hours++) {
        peer_run(&b);
        cr_expect_eq(ask_path(&b, MSG_directory_remove, "/contracts/d"),
                     hours ? OUTCOME_OK : OUTCOME_OTHERS_PARTIALS);
        PLAY(&b, LEAVE(), time_ahead += HOUR);
    }
}

/* Expired partials of a member who has left are removed. The share's process
 * can't open them, so only their age shows that nobody writes them. */
PeerTest(members, expired_partials_of_others_are_swept,
         (skip_without_root(), furnish(p)))
{
    struct peer b;

    peer_member(&b, p, "bert", READ | RIGHT_DELETE);
    for (int hours = 0; hours < 2; hours++)
        for (int days = 6; days < 9; days += 2) {
            disk_age(p, disk_partial(p, SHARE "/d"), days);
            cr_expect_eq(disk_sweep_share(p, hours * HOUR),
                         hours == 1 && days == 8, "%d h, %d days", hours, days);
        }
    cr_expect_eq(disk_partials(p, SHARE "/d"), 0);
    peer_leave(&b);
}

/* A partial with a random name can't be resumed, so it is removed a day after
 * its last change. */
PeerTest(members, what_a_killed_process_left, (skip_without_root(), furnish(p)))
{
    disk_put(p, SHARE "/" LEFT, "x", 1);
    cr_expect_eq(disk_sweep_share(p, 86000), 0);
    cr_expect_eq(disk_sweep_share(p, 86500), 1);
    cr_expect_eq(disk_partials(p, SHARE "/d"), 1);
}

/* Becomes the process files of P in its sandbox, with a member's RIGHTS, and
 * tries what the kernel permits. Returns BODY's result: the line that has
 * failed, or 0. */
static int inside(struct peer *p, unsigned rights, int (*body)(int share))
{
    const bool root = geteuid() == 0;
    pid_t child;
    int status;

    p->mounts[0].rights = rights;
    p->start.mounts = p->mounts;
    child = fork();
    if (child == 0) {
        struct complaint c;
        struct files f = { .user = "anna",
                           .uid = root ? PEER_UID : geteuid(),
                           .gid = root ? PEER_UID : getegid(),
                           .groups = { p->mounts[0].gid },
                           .group_count = root };

        event_sender_init(&f.log, -1, PROCESS_FILES);
        mount_init(&f, &p->start);
        if (mount_open_home(&f, &p->start) < 0 ||
            mount_open_others(&f, &p->start) < 0 || f.mount[1].fd < 0 ||
            files_enter(&f, &p->start, &c) < 0)
            _exit(1);
        _exit(body(f.mount[1].fd));
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            return __LINE__ % 256;                                             \
    } while (0)

static int try_open(int share, const char *name, int flags)
{
    int fd = resolve_in(share, name, flags, flags & O_CREAT ? 0600 : 0);

    return fd < 0 ? fd : close(fd);
}

static int result(int r)
{
    return r < 0 ? -errno : 0;
}

static int refuses_changes(int share)
{
    HOLDS(try_open(share, "f", O_WRONLY) == -EACCES);
    HOLDS(try_open(share, "f", O_RDWR | O_TRUNC) == -EACCES);
    HOLDS(try_open(share, "new", O_WRONLY | O_CREAT) == -EACCES);
    HOLDS(result(mkdirat(share, "new", 0700)) == -EACCES);
    HOLDS(result(renameat(share, "f", share, "g")) == -EACCES);
    return 0;
}

static int as_reader(int share)
{
    HOLDS(try_open(share, "f", O_RDONLY) == 0);
    HOLDS(try_open(share, ".", O_RDONLY | O_DIRECTORY) == 0);
    HOLDS(result(unlinkat(share, "f", 0)) == -EACCES);
    return refuses_changes(share);
}

static int as_collector(int share)
{
    int r = refuses_changes(share);

    HOLDS(try_open(share, "f", O_RDONLY) == 0);
    HOLDS(result(unlinkat(share, "f", 0)) == 0);
    return r;
}

static int as_dropper(int share)
{
    HOLDS(try_open(share, "f", O_RDONLY) == -EACCES);
    HOLDS(try_open(share, "f", O_RDWR) == -EACCES);
    HOLDS(try_open(share, "new", O_WRONLY | O_CREAT | O_EXCL) == 0);
    HOLDS(try_open(share, "new", O_RDONLY) == -EACCES);
    HOLDS(result(renameat(share, "new", share, "name")) == 0);
    HOLDS(result(mkdirat(share, "d", 0700)) == -EACCES);
    return 0;
}

/* The kernel enforces a member's rights, although the modes would permit each
 * step. */
Test(members, the_kernel_knows_the_rights)
{
    static const struct {
        unsigned rights;
        int (*body)(int share);
    } rows[] = {
        { READ, as_reader },
        { READ | RIGHT_DELETE, as_collector },
        { RIGHT_WRITE, as_dropper },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *p = peer_new();

        PLAY(p, SHARES("/contracts", 0), PUT(SHARE "/f", "x"),
             BITS(SHARE "/f", 0666));
        cr_expect_eq(inside(p, rows[i].rights, rows[i].body), 0, "row %zu", i);
        peer_remove(p);
    }
}
