/* The report about homes and shares before anybody logs in. */
#include <sys/mount.h>

#include "check/check.h"
#include "sallyport/base/fd.h"
#include "sallyport/conf/conf.h"
#include "sallyport/userparse/userparse.h"
#include "support/files.h"
#include "support/scratch.h"
#include "support/test.h"

#define HASH "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"

static struct {
    struct check check;
    char users[4096];
    struct buf said;
    size_t passing; /* reports of the last look that are no mistakes */
} world;

static void begin(void)
{
    scratch_make();
    cr_assert_eq(chmod(scratch, 0755), 0);
    conf_default(&world.check.settings);
    world.check.root = geteuid() == 0;
    world.check.unit = (struct unit)UNIT_UNKNOWN;
    snprintf(world.check.settings.homes, sizeof(world.check.settings.homes),
             "%s", scratch);
    snprintf(world.check.settings.users, sizeof(world.check.settings.users),
             "users");
    buf_init(&world.said, 1 << 16);
}

static void end(void)
{
    fd_close(&world.check.unit.root);
    scratch_remove();
    buf_release(&world.said);
}

/* The service has an empty root directory. */
static void hide_all(void)
{
    cr_assert_eq(mkdir(in_scratch("root"), 0700), 0);
    world.check.unit.root = open(in_scratch("root"), O_PATH | O_DIRECTORY);
}

TestSuite(homes, .init = begin, .fini = end);

static void make(const char *name, mode_t mode, uid_t owner)
{
    cr_assert_eq(mkdir(in_scratch(name), 0700), 0, "%s: %m", in_scratch(name));
    cr_assert_eq(chmod(in_scratch(name), mode), 0);
    if (world.check.root)
        cr_assert_eq(chown(in_scratch(name), owner, owner), 0);
}

/* Adds a row to the users file; HOME is in the test's directory. */
static void add(const char *name, unsigned uid, const char *home, bool locked)
{
    size_t len = strlen(world.users);

    snprintf(world.users + len, sizeof(world.users) - len,
             "%s:%s" HASH ":%u:%u::%s::\n", name, locked ? "!" : "", uid, uid,
             home[0] == '/' ? home : in_scratch(home));
}

/* Adds a line of a share, or of a member of it. */
static void add_share(const char *name, unsigned gid, const char *path)
{
    size_t len = strlen(world.users);

    snprintf(world.users + len, sizeof(world.users) - len, "@share:%s:%u:%s:\n",
             name, gid, in_scratch(path));
}

static void add_member(const char *name, unsigned uid, const char *shares)
{
    size_t len;

    add(name, uid, name, false);
    len = strlen(world.users) - 1; /* without the line end */
    snprintf(world.users + len, sizeof(world.users) - len, "shares=%s\n",
             shares);
}

static void make_share(const char *name, mode_t mode, gid_t gid)
{
    make(name, 0700, 0);
    if (world.check.root)
        cr_assert_eq(chown(in_scratch(name), 0, gid), 0);
    cr_assert_eq(chmod(in_scratch(name), mode), 0);
}

static void hear(void *owner, const char *mistake)
{
    size_t *n = owner;

    ++*n;
    buf_add_format(&world.said, "%s\n", mistake);
}

static size_t look(void)
{
    struct complaint c = { "" };
    int fd = fd_sealed("users", slice_from(world.users));
    size_t n = 0;
    struct look look = { &world.check, hear, &n, false, &world.passing };

    world.passing = 0;
    cr_assert_eq(users_read(&world.check.users, fd, "users", &c), 0, "%s",
                 c.text);
    check_lost(&look);
    check_users(&look);
    check_shares(&look);
    check_places(&look);
    buf_add(&world.said, "", 1);
    users_release(&world.check.users);
    fd_close(&fd);
    return n;
}

#define EXPECT(words)                                                          \
    cr_expect(strstr(world.said.data, words), "no \"%s\" in:\n%s", words,      \
              world.said.data)

Test(homes, good_ones)
{
    make("anna", 0700, 70000);
    make("bert", 0770, 70001);
    add("anna", 70000, "anna", false);
    add("bert", 70001, "bert", false);
    add("away", 70002, "missing", true); /* locked */
    cr_expect_eq(look(), 0, "%s", world.said.data);
}

Test(homes, what_anybody_sees)
{
    make("anna", 0700, 70000);
    cr_assert_eq(close(creat(in_scratch("file"), 0600)), 0);
    add("anna", 70000, "anna", false);
    add("bert", 70001, "missing", false);
    add("carl", 70002, "file", false);
    cr_expect_eq(look(), 2, "%s", world.said.data);
    EXPECT("users:2: user bert: the home ");
    EXPECT("/missing is missing; if its disk is mounted, run: install -d -m ");
    EXPECT("users:3: user carl: the home ");
    EXPECT("/file: Not a directory");
}

/* If most homes in `homes` are missing, one line replaces the commands for the
 * missing homes and shares. A single home can as well be missing itself. */
Test(homes, a_disk_that_is_not_mounted)
{
    add("anna", 70000, "missing/a", false);
    cr_expect_eq(look(), 1);
    EXPECT("the home ");
    buf_clear(&world.said);
    make("bert", 0700, 70001);
    add("bert", 70001, "bert", false);
    add("carl", 70002, "missing/c", false);
    add_share("s", 80002, "missing/s");
    cr_expect_eq(look(), 1, "%s", world.said.data);
    EXPECT("2 of 3 homes in ");
    EXPECT(" are missing; is a disk not mounted (mount -a)");
    cr_expect_not(strstr(world.said.data, "install"));
    buf_clear(&world.said);
    make("missing", 0711, 0);
    make("missing/c", 0700, 70002);
    cr_expect_eq(look(), 2, "%s", world.said.data);
    EXPECT("/missing/a is missing; if its disk is mounted, run: install -d ");
}

/* The file system of a mount has ended, so each call gets ENOTCONN. */
static void mount_dead(const char *name)
{
    FD_CLEANUP int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    char options[96];

    snprintf(options, sizeof(options),
             "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse);
    cr_assert_eq(mount("none", in_scratch(name), "fuse", 0, options), 0, "%m");
}

/* Each row with a disk that is away is reported, and is no mistake. */
Test(homes, on_a_disk_that_is_away)
{
    static const char *const dead[] = { "anna", "team" };

    if (!world.check.root || !mounts_own() || access("/dev/fuse", W_OK) < 0)
        cr_skip_test("root's part");
    make("anna", 0700, 70000);
    make("bert", 0700, 12345);
    make_share("team", 02770, 80000);
    for (size_t i = 0; i < 2; i++)
        mount_dead(dead[i]);
    add_share("team", 80000, "team");
    add("anna", 70000, "anna", false);
    add("bert", 70001, "bert", false);
    cr_expect_eq(look(), 3, "%s", world.said.data);
    cr_expect_eq(world.passing, 2);
    EXPECT("share team: the directory ");
    EXPECT("/team: Transport endpoint is not connected");
    EXPECT("/anna: Transport endpoint is not connected");
    for (size_t i = 0; i < 2; i++)
        umount2(in_scratch(dead[i]), MNT_DETACH);
}

/* check can make a file, but write nothing into it. */
Test(homes, on_a_full_disk)
{
    static const char zeros[4096];
    struct complaint c = { "" };
    char fill[SETTINGS_PATH_MAX];
    size_t passing = 0;
    int users, fd;

    if (!world.check.root || !mounts_own())
        cr_skip_test("root's part");
    make("anna", 0700, 70000);
    cr_assert_eq(
        mount("none", in_scratch("anna"), "tmpfs", 0, "size=64k,uid=70000"), 0);
    snprintf(fill, sizeof(fill), "%s/fill", in_scratch("anna"));
    fd = creat(fill, 0600);
    while (write(fd, zeros, sizeof(zeros)) > 0)
        ;
    cr_assert_eq(errno, ENOSPC);
    close(fd);
    add("anna", 70000, "anna", false);
    snprintf(world.check.settings.users, sizeof(world.check.settings.users),
             "%s", in_scratch("users"));
    users = fd_sealed("users", slice_from(world.users));
    cr_assert_eq(users_read(&world.check.users, users, "users", &c), 0);
    cr_expect_not(check_mounts(&world.check, &passing));
    cr_expect_eq(passing, 0, "a full disk is a warning");
    users_release(&world.check.users);
    close(users);
    umount2(in_scratch("anna"), MNT_DETACH);
}

/* The count of uploads= and upload_bytes= needs extended attributes, which
 * ramfs lacks. */
Test(homes, a_home_without_attributes)
{
    char *end_of_row;

    make("anna", 0700, 70000);
    if (!mounts_own() ||
        mount("none", in_scratch("anna"), "ramfs", 0, NULL) < 0) {
        end();
        cr_skip_test("nothing can be mounted here");
    }
    cr_assert_eq(chown(in_scratch("anna"), 70000, 70000), 0);
    add("anna", 70000, "anna", false);
    cr_expect_eq(look(), 0, "%s", world.said.data);
    end_of_row = world.users + strlen(world.users) - 1;
    for (size_t i = 0; i < 2; i++) {
        snprintf(end_of_row, 16, "%s",
                 i == 0 ? "uploads=2\n" : "upload_bytes=2\n");
        buf_clear(&world.said);
        cr_expect_eq(look(), 1, "%s", world.said.data);
        EXPECT(
            "users:1: user anna: uploads= or upload_bytes=: the file system ");
    }
    cr_assert_eq(umount(in_scratch("anna")), 0);
}

/* If the caller isn't root, the owner of a file says nothing. */
Test(homes, mine_without_root)
{
    world.check.root = false;
    make("anna", 0700, geteuid());
    add("anna", 70000, "anna", false);
    snprintf(world.users + strlen(world.users) - 1, 32, "rights=lru\n");
    cr_expect_eq(look(), 1, "%s", world.said.data);
    EXPECT("users:1: user anna: mine (u) works only if root runs the server");
}

Test(homes, what_root_sees)
{
    if (!world.check.root)
        cr_skip_test("root's part");
    make("anna", 0700, 70000);
    make("closed", 0700, 0);
    make("closed/bert", 0700, 70001);
    make("carl", 0700, 12345);
    make("dora", 0400, 70003);
    cr_assert_eq(symlink("anna", in_scratch("other")), 0);
    add("anna", 70000, "anna", false);
    add("bert", 70001, "closed/bert", false);
    add("carl", 70002, "carl", false);
    add("dora", 70003, "dora", false);
    add("low", 1000, "anna", false);
    cr_expect_eq(look(), 5, "%s", world.said.data);
    EXPECT("users:2: user bert: the home ");
    EXPECT("uid 70001 can't enter ");
    EXPECT("/closed; run: chmod o+x ");
    EXPECT("users:3: user carl: the home ");
    EXPECT("/carl belongs to uid 12345, not to uid 70002; run: chown 70002 ");
    EXPECT("users:4: user dora: the home ");
    EXPECT("/dora can't be entered; run: chmod u+rwx ");
    EXPECT("users:5: user low: uid 1000 is not in 70000-79999 (uid_first, "
           "uid_last); give it and its files another one; run: sallyportctl "
           "user edit");
}

/* A read-only home is a mistake only if the user may change something there. */
Test(homes, read_only_ones)
{
    static const char *const rights[] = { "read", "lr",  "lru", "lrw", "lrd",
                                          "lrn",  "lrm", "w",   "mine" };
    const size_t harmless = 3, n = sizeof(rights) / sizeof(rights[0]);
    char line[32], name[8];

    if (!world.check.root || !mounts_own())
        cr_skip_test("root's part");
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "u%zu", i);
        make(name, 0700, 70000 + (uid_t)i);
        cr_assert_eq(
            mount(in_scratch(name), in_scratch(name), NULL, MS_BIND, NULL), 0,
            "%m");
        cr_assert_eq(mount(NULL, in_scratch(name), NULL,
                           MS_REMOUNT | MS_BIND | MS_RDONLY, NULL),
                     0, "%m");
        add(name, 70000 + (unsigned)i, name, false);
        snprintf(world.users + strlen(world.users) - 1, 32, "rights=%s\n",
                 rights[i]);
    }
    cr_expect_eq(look(), n - harmless, "%s", world.said.data);
    for (size_t i = 0; i < n; i++) {
        snprintf(line, sizeof(line), "users:%zu: ", i + 1);
        cr_expect_eq(!!strstr(world.said.data, line), i >= harmless, "%s in %s",
                     rights[i], world.said.data);
    }
    EXPECT("is on a read-only file system");
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "u%zu", i);
        umount2(in_scratch(name), MNT_DETACH);
    }
}

/* Two paths lead to the same home. */
Test(homes, one_home_for_two)
{
    make("anna", 0700, 70000);
    cr_assert_eq(symlink("anna", in_scratch("link")), 0);
    if (world.check.root)
        world.check.settings.uid_first = 1;
    add("anna", 70000, "anna", false);
    add("bert", 70001, "link", false);
    look();
    EXPECT("users:2: user bert: the home ");
    EXPECT("/link is, contains or lies in the home of user anna, line 1");
}

Test(homes, what_the_unit_forbids)
{
    hide_all();
    make("anna", 0700, 70000);
    add("anna", 70000, "anna", false);
    cr_expect_eq(look(), 1, "%s", world.said.data);
    EXPECT("users:1: user anna: systemd hides the home ");
}

/* Makes a directory below scratch, and returns the path of "h" in it, which is
 * as long as a home's can be. */
static const char *longest(const char *name)
{
    static char path[8][USER_HOME_MAX + 1];
    static unsigned turn;
    char *at = path[turn++ % 8];
    size_t len = strlen(strcpy(at, in_scratch(name)));

    cr_assert_eq(mkdir(at, 0755), 0);
    while (len < USER_HOME_MAX - 2) {
        const size_t left = USER_HOME_MAX - 3 - len,
                     n = left > 202 ? 200 : left;

        at[len++] = '/';
        memset(at + len, 'd', n);
        at[len += n] = '\0';
        cr_assert_eq(mkdir(at, 0755), 0, "%s: %m", at);
    }
    return strcpy(at + len, "/h") - len;
}

/* Returns the remark about the directory of the users file, or NULL. */
static const char *said_of_users(const char *path, bool change)
{
    struct settings *s = &world.check.settings;
    size_t n = 0;

    buf_clear(&world.said);
    s->password_change = change;
    snprintf(s->users, sizeof(s->users), "%s", path);
    check_users_file(&(struct look){ &world.check, hear, &n, false, NULL });
    buf_add(&world.said, "", 1);
    return world.said.len > 1 ? world.said.data : NULL;
}

static void expect_said(const char *path, bool change, const char *words)
{
    const char *said = said_of_users(path, change);

    cr_expect(said && strstr(said, words), "no \"%s\" in: %s", words, said);
}

/* Only if the server shall write there. */
Test(homes, where_new_hashes_go)
{
    struct user must = { .must_change = true, .line = 1 };

    cr_expect_null(said_of_users("/nowhere/users", false));
    expect_said("/nowhere/users", true, "password_change");
    expect_said("/nowhere/users", true, "/nowhere: No");
    cr_expect_null(said_of_users(in_scratch("users"), true));
    hide_all();
    expect_said(in_scratch("users"), true, "systemd hides the directory ");
    cr_expect_null(strstr(world.said.data, "/users "));
    fd_close(&world.check.unit.root);
    world.check.users = (struct users){ .row = &must, .count = 1 };
    expect_said("/nowhere/users", false,
                "/nowhere/users:1: must_change: the server can't replace the "
                "users file: /nowhere: No");
}

/* A file that the server couldn't replace as it is: it belongs to another
 * group, has a hard link, or is reached by a symbolic link. */
Test(homes, the_users_file_itself)
{
    char path[128], link_path[256], other[140];

    snprintf(path, sizeof(path), "%s", in_scratch("users"));
    files_write(path, "", 0, 0600);
    cr_expect_null(said_of_users(path, true));
    snprintf(other, sizeof(other), "%s.copy", path);
    cr_assert_eq(link(path, other), 0);
    expect_said(path, true, "has 2 names");
    cr_assert_eq(unlink(other), 0);
    cr_assert_eq(mkdir(other, 0700), 0);
    snprintf(link_path, sizeof(link_path), "%s/users", other);
    cr_assert_eq(symlink(path, link_path), 0);
    hide_all();
    expect_said(link_path, true, "systemd hides the directory ");
    cr_expect_null(strstr(world.said.data, ".copy"), "the link's directory");
    fd_close(&world.check.unit.root);
    if (geteuid() != 0)
        return;
    cr_assert_eq(chown(path, 0, 12345), 0);
    expect_said(path, true, "belongs to 0:12345");
    expect_said(path, true, "chown 0:0 ");
}

static void begin_shares(void)
{
    begin();
    snprintf(world.check.settings.shares, sizeof(world.check.settings.shares),
             "%s", scratch);
    make("anna", 0700, 70000);
}

TestSuite(shares, .init = begin_shares, .fini = end);

Test(shares, good_ones)
{
    make_share("a", 02770, 80000);
    make_share("anna2", 02770, 80001);
    add_share("a", 80000, "a");
    add_share("b", 80001, "anna2");
    add_member("anna", 70000, "a,b");
    cr_expect_eq(look(), 0, "%s", world.said.data);
}

Test(shares, what_anybody_sees)
{
    make_share("a", 02750, 80001);
    cr_assert_eq(close(creat(in_scratch("file"), 0600)), 0);
    add_member("anna", 70000, "a,missing");
    add_share("a", 80001, "a");
    add_share("missing", 80002, "none");
    add_share("file", 80003, "file");
    /* The server owns all files without root, and share add makes 0700. */
    const bool root = geteuid() == 0;
    cr_expect_eq(look(), root ? 3 : 2, "%s", world.said.data);
    if (root) {
        EXPECT("users:2: share a: the directory ");
        EXPECT("/a has mode 2750, not 2770; run: chmod 2770 ");
    }
    EXPECT("users:3: share missing: the directory ");
    EXPECT(root ? "/none is missing; if its disk is mounted, run: install -d "
                  "-m 2770 "
                : "/none is missing; if its disk is mounted, run: install -d "
                  "-m 0700 ");
    EXPECT("users:4: share file: the directory ");
    EXPECT("/file: Not a directory");
}

Test(shares, what_root_sees)
{
    if (!world.check.root)
        cr_skip_test("root's part");
    make("closed", 0700, 0);
    make_share("closed/a", 02770, 80000);
    make_share("b", 02770, 80009);
    make_share("c", 02770, 80002);
    cr_assert_eq(chown(in_scratch("c"), 70000, 80002), 0);
    cr_assert_eq(chmod(in_scratch("c"), 02770), 0);
    make("bert", 0700, 70001);
    add_share("a", 80000, "closed/a");
    add_share("b", 80001, "b");
    add_share("c", 80002, "c");
    add_member("anna", 70000, "a,b,c");
    cr_expect_eq(look(), 3, "%s", world.said.data);
    EXPECT("users:1: share a: user anna can't reach the directory ");
    EXPECT("/closed/a: Permission denied; check the modes of the directories");
    EXPECT("/b has gid 80009, not gid 80001; run: chgrp -R 80001 ");
    EXPECT("/c belongs to uid 70000, not to uid 0; run: chown 0 ");
}

Test(shares, in_homes_and_around_them)
{
    make_share("anna/in", 02770, 80000);
    make_share("around", 02770, 80001);
    make("around/bert", 0700, 70001);
    make_share("same", 02770, 80002);
    add_share("in", 80000, "anna/in");
    add_share("around", 80001, "around");
    add_share("same", 80002, "same");
    add("anna", 70000, "anna", false);
    add("bert", 70001, "around/bert", true);
    add("carl", 70002, "same", true);
    look();
    EXPECT("users:1: share in: the directory ");
    EXPECT("/anna/in overlaps the home of user anna, line ");
    EXPECT("users:2: share around: the directory ");
    EXPECT("/around overlaps the home of user bert, line ");
    EXPECT("users:3: share same: the directory ");
}

Test(shares, what_the_unit_forbids)
{
    hide_all();
    make_share("a", 02770, 80000);
    add_share("a", 80000, "a");
    cr_expect_eq(look(), 1, "%s", world.said.data);
    EXPECT("users:1: share a: systemd hides the share ");
}

/* Each command about the longest path ends with it. */
Test(shares, commands_with_the_longest_paths)
{
    static const struct {
        const char *says;
        bool share, root;
        mode_t above, mode; /* 0: it is missing */
        unsigned uid, gid;
    } rows[] = {
        { "run: install -d ", false, false, 0755, 0, 0, 0 },
        { "run: chmod o+x ", false, true, 0700, 0700, 70001, 70001 },
        { "run: chown 70001 ", false, true, 0755, 0700, 12345, 70001 },
        { "run: chmod u+rwx ", false, true, 0755, 0400, 70001, 70001 },
        { "run: install -d ", true, false, 0755, 0, 0, 0 },
        { "run: chown 0 ", true, true, 0755, 02770, 70000, 80000 },
        { "run: chgrp -R 80000 ", true, true, 0755, 02770, 0, 80009 },
        { "run: chmod 2770 ", true, true, 0755, 02750, 0, 80000 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[] = { (char)('a' + i), '\0' }, above[USER_HOME_MAX + 1];
        const char *path = longest(name), *end = path;

        if (rows[i].root && !world.check.root)
            continue;
        if (rows[i].mode) {
            cr_assert_eq(mkdir(path, 0700), 0);
            cr_assert_eq(chown(path, rows[i].uid, rows[i].gid), 0);
            cr_assert_eq(chmod(path, rows[i].mode), 0);
        }
        snprintf(above, sizeof(above), "%.*s", USER_HOME_MAX - 2, path);
        cr_assert_eq(chmod(above, rows[i].above), 0);
        if (rows[i].above == 0700)
            end = above;
        snprintf(world.users, sizeof(world.users),
                 rows[i].share ? "@share:s:80000:%s:\n"
                               : "long:" HASH ":70001:70001::%s::\n",
                 path);
        buf_clear(&world.said);
        cr_expect_eq(look(), 1, "row %zu: %s", i, world.said.data);
        world.said.data[world.said.len - 2] = '\0'; /* the line end */
        EXPECT(rows[i].says);
        cr_expect_str_eq(world.said.data + world.said.len - 2 - strlen(end),
                         end, "row %zu: %s", i, world.said.data);
    }
}

static bool is_hinted(const char *homes, size_t users)
{
    static struct user rows[] = { { .home = "/elsewhere/a" } };
    struct complaint c = { "" };

    snprintf(world.check.settings.homes, sizeof(world.check.settings.homes),
             "%s", in_scratch(homes));
    world.check.users.count = users;
    world.check.users.row = rows;
    return hint_homes(&world.check, &c) && strstr(c.text, "homes");
}

/* "user add" makes the directory, but none above it. */
Test(homes, homes_that_are_nowhere)
{
    make("homes", 0711, 0);
    cr_expect_not(is_hinted("homes", 0));
    cr_expect_not(is_hinted("homes/", 1));
    cr_expect_not(is_hinted("new", 0));
    cr_expect(is_hinted("new", 1));
    cr_expect(is_hinted("nope/homes", 0));
    cr_expect(is_hinted("nope/homes//", 0));
    world.check.users = (struct users){ 0 };
}
