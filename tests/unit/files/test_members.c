/* A share and its members: modes and groups; files and partials of other
 * members; local programs of the group; and what the kernel refuses to each
 * member even if an attacker controls the process. */
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "sallyport/base/complain.h"
#include "steps.h"
#include "support/long.h"
#include "syncs.h"

#define K     1024u
#define READ  (RIGHT_LIST | RIGHT_READ)
#define OTHER "/../../shares/other"

/* A partial is only for its user. It gets the file_mode of its mount when it is
 * complete, before its sync, and gets 0600 again if it doesn't become a
 * file. */
PeerTest(modes, of_files_and_directories, peer_init(p))
{
    PLAY(p, SHARES("/contracts", RIGHT_ALL), SHARES("/other", RIGHT_ALL),
         p->mounts[1].file_mode = 0640, p->mounts[1].dir_mode = 0750, RUN(),
         STOR("/f", 10, 1), STOR("/contracts/f", 10, 1),
         STOR("/other/f", 10, 1), MODE("/f", 0600), MODE(SHARE "/f", 0660),
         MODE(OTHER "/f", 0640), MKD("/d"), MKD("/other/d"),
         MKD("/contracts/d"), MKD("/contracts/d/e"), MODE("/d", 0700),
         MODE(OTHER "/d", 02750), MODE(SHARE "/d", 02770),
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
 * the last check and the rename. The reply says so in a share only, also after
 * an upload that waits for inspection. */
Test(members, a_swapped_partial_is_noticed)
{
    for (int in_share = 0; in_share < 2; in_share++) {
        const char *where = in_share ? SHARE : "/in", *partial;
        struct steps *s;
        struct peer *p = peer_new();

        PLAY(p, SHARES("/contracts", RIGHT_ALL),
             SHARES("/other", RIGHT_ALL | RIGHT_INSPECT), DIRECTORY("/in"));
        s = steps_for_next();
        PLAY(p, RUN(), STOR("/other/f", 10, 1),
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

/* Attempts of a process files in its sandbox that leave out the server's own
 * checks: each calls the kernel. */

static int result(int r)
{
    return r < 0 ? -errno : 0;
}

static int opens(int in, const char *name, int flags)
{
    int fd = resolve_in(in, name, flags, flags & O_CREAT ? 0666 : 0);

    return fd < 0 ? fd : close(fd);
}

static int reads(int in)
{
    return opens(in, "f", O_RDONLY);
}

static int lists(int in)
{
    return opens(in, ".", O_RDONLY | O_DIRECTORY);
}

static int writes(int in)
{
    return opens(in, "f", O_WRONLY);
}

static int cuts(int in)
{
    return opens(in, "f", O_WRONLY | O_TRUNC);
}

static int makes(int in)
{
    return opens(in, "made", O_WRONLY | O_CREAT | O_EXCL);
}

static int links(int in)
{
    return result(linkat(in, "f", in, "linked", 0));
}

static int removes(int in)
{
    return result(unlinkat(in, "removed", 0));
}

static int renames(int in)
{
    return result(renameat(in, "old", in, "new"));
}

static int renames_a_directory(int in)
{
    return result(renameat(in, "d", in, "e"));
}

static int moves(int in)
{
    int r = result(renameat(in, "moved", in, "to/moved"));

    return r == -EXDEV ? -EACCES : r;
}

static int makes_a_directory(int in)
{
    return result(mkdirat(in, "mkd", 0700));
}

static int removes_a_directory(int in)
{
    return result(unlinkat(in, "rmd", AT_REMOVEDIR));
}

/* The kernel permits the attempt to a user who has all letters of one of the
 * words. Landlock can't tell a file from the one that a rename puts in its
 * place, MKD from the rename of a directory, nor a listing from a lock: in
 * these the server alone refuses. So it does for other users' files ("u"),
 * names in a drop, and files without "o". */
static const struct attempt {
    const char *what;
    int (*attempt)(int in);
    const char *words[6];
} attempts[] = {
    { "read", reads, { "r", "wo" } },
    { "list", lists, { "l", "w", "d", "n", "m" } },
    { "write", writes, { "w" } },
    { "cut", cuts, { "w" } },
    { "make", makes, { "w" } },
    { "link", links, { "w", "n" } },
    { "remove", removes, { "w", "d", "n" } },
    { "rename", renames, { "w", "n" } },
    { "rename a directory", renames_a_directory, { "n", "m" } },
    { "move", moves, { "n" } },
    { "mkdir", makes_a_directory, { "n", "m" } },
    { "rmdir", removes_a_directory, { "n", "m" } },
};
#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

static bool permits(const struct attempt *a, unsigned rights)
{
    unsigned word;
    bool any = false;

    for (size_t i = 0; a->words[i]; i++) {
        cr_assert_eq(rights_parse(slice_from(a->words[i]), &word), 0);
        any |= (rights & word) == word;
    }
    return any;
}

/* Makes the directory IN, with all that the attempts need, open to everybody.
 */
static void furnish_attempts(const char *in)
{
    static const char *const files[] = { "f", "removed", "old", "moved" },
                             *const directories[] = { "d", "to", "rmd" };
    int fd;

    umask(0);
    cr_assert_eq(mkdir(in, 0777), 0);
    fd = open(in, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(opens(fd, files[i], O_WRONLY | O_CREAT), 0);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(mkdirat(fd, directories[i], 0777), 0);
    close(fd);
}

/* Becomes the process files of P in its sandbox, and makes the attempts in IN.
 * Exits with 0 if the kernel has permitted what RIGHTS permit, and only that;
 * otherwise with the number of the attempt, from 1 on. */
static noreturn void attempt_all(const struct peer *p, const char *in,
                                 unsigned rights)
{
    const bool root = geteuid() == 0;
    struct complaint c;
    struct files f = { .user = "anna",
                       .uid = root ? PEER_UID : geteuid(),
                       .gid = root ? PEER_UID : getegid(),
                       .groups = { p->mounts[0].gid },
                       .group_count = root };
    const int fd = open(in, O_PATH | O_DIRECTORY | O_CLOEXEC);

    event_sender_init(&f.log, -1, PROCESS_FILES);
    mount_init(&f, &p->start);
    if (mount_open_home(&f, &p->start) < 0)
        _exit(100);
    mount_open_others(&f, &p->start);
    if (f.mount[1].fd < 0 || files_enter(&f, &p->start, &c) < 0)
        _exit(101);
    for (size_t i = 0; i < ATTEMPTS; i++)
        if (attempts[i].attempt(fd) !=
            (permits(&attempts[i], rights) ? 0 : -EACCES))
            _exit((int)i + 1);
    _exit(0);
}

/* The kernel enforces the letters in the home and in a share, although the
 * modes would permit each step, and the other place has all letters. */
Test(members, the_kernel_knows_the_rights)
{
    const unsigned others[] = { 0, RIGHT_MINE, RIGHT_INSPECT };
    char in[160], text[16];
    int status;

    for (int in_share = 0; in_share < 2; in_share++) {
        struct peer *p = peer_new();

        peer_share(p, "/contracts", RIGHT_ALL);
        p->start.mounts = p->mounts;
        unsigned *place = in_share ? &p->mounts[0].rights : &p->start.rights;
        for (unsigned rights = 1; rights <= RIGHT_ALL; rights++) {
            const bool drop = rights_drop(rights);
            const int letters = __builtin_popcount(rights);

            if (!is_long() && letters > 2 && letters < 6)
                continue;
            *place = rights | others[rights % 3];
            snprintf(in, sizeof(in), "%s/%u", in_share ? p->paths[0] : p->home,
                     rights);
            furnish_attempts(in);
            pid_t child = fork();
            if (child == 0)
                attempt_all(p, in, drop ? RIGHT_WRITE : rights);
            cr_assert_eq(waitpid(child, &status, 0), child);
            cr_expect_eq(status, 0, "%s, %s: %s", in_share ? "share" : "home",
                         rights_text(rights, text),
                         WIFEXITED(status) && WEXITSTATUS(status) > 0 &&
                                 (size_t)WEXITSTATUS(status) <= ATTEMPTS
                             ? attempts[WEXITSTATUS(status) - 1].what
                             : "no sandbox");
        }
        peer_remove(p);
    }
}
