/* The report about the users' rows before anybody logs in. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/check.h"
#include "sallyport/base/fd.h"
#include "sallyport/conf/conf.h"
#include "sallyport/usersfile/usersfile.h"
#include "support/scratch.h"

#define HASH "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"

static struct {
    struct check check;
    char users[4096];
    struct buf said;
} world;

static void begin(void)
{
    scratch_make();
    cr_assert_eq(chmod(scratch, 0755), 0);
    conf_default(&world.check.settings);
    world.check.root = geteuid() == 0;
    snprintf(world.check.settings.homes, sizeof(world.check.settings.homes),
             "%s", scratch);
    snprintf(world.check.settings.users, sizeof(world.check.settings.users),
             "users");
    buf_init(&world.said, 1 << 16);
}

static void end(void)
{
    scratch_remove();
    buf_release(&world.said);
}

TestSuite(inspect, .init = begin, .fini = end);

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

static void hear(void *owner, const char *mistake)
{
    (void)owner;
    buf_add_format(&world.said, "%s\n", mistake);
}

static size_t look(const struct unit *unit)
{
    struct complaint c = { "" };
    int fd = fd_sealed("users", slice_from(world.users));
    size_t n;

    cr_assert_eq(users_read(&world.check.users, fd, "users", &c), 0, "%s",
                 c.text);
    n = inspect_users(&world.check, unit, hear, NULL);
    buf_add(&world.said, "", 1);
    users_release(&world.check.users);
    fd_close(&fd);
    return n;
}

#define EXPECT(words)                                                          \
    cr_expect(strstr(world.said.data, words), "no \"%s\" in:\n%s", words,      \
              world.said.data)

Test(inspect, good_ones)
{
    make("anna", 0700, 70000);
    make("bert", 0770, 70001);
    add("anna", 70000, "anna", false);
    add("bert", 70001, "bert", false);
    add("away", 70002, "missing", true); /* locked */
    cr_expect_eq(look(NULL), 0, "%s", world.said.data);
}

Test(inspect, what_anybody_sees)
{
    make("anna", 0700, 70000);
    cr_assert_eq(close(creat(in_scratch("file"), 0600)), 0);
    add("anna", 70000, "anna", false);
    add("bert", 70001, "missing", false);
    add("carl", 70002, "file", false);
    cr_expect_eq(look(NULL), 2, "%s", world.said.data);
    EXPECT("users:2: user bert: the home ");
    EXPECT("/missing is missing; run: install -d -m 0700 ");
    EXPECT("users:3: user carl: the home ");
    EXPECT("/file: Not a directory");
}

Test(inspect, what_root_sees)
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
    cr_expect_eq(look(NULL), 4, "%s", world.said.data);
    EXPECT("users:2: user bert: the home ");
    EXPECT("uid 70001 can't enter ");
    EXPECT("/closed; run: chmod o+x ");
    EXPECT("users:3: user carl: the home ");
    EXPECT("/carl belongs to uid 12345, not to uid 70002; run: chown 70002 ");
    EXPECT("users:4: user dora: the home ");
    EXPECT("/dora can't be entered; run: chmod u+rwx ");
    EXPECT("users:5: user low: uid 1000 is not in 70000-79999 (uid_first, "
           "uid_last); run: sallyportctl user change low --uid N, then chown");
}

/* Two paths lead to the same home. */
Test(inspect, one_home_for_two)
{
    make("anna", 0700, 70000);
    cr_assert_eq(symlink("anna", in_scratch("link")), 0);
    if (world.check.root)
        world.check.settings.uid_first = 1;
    add("anna", 70000, "anna", false);
    add("bert", 70001, "link", false);
    look(NULL);
    EXPECT("users:2: user bert: the home ");
    EXPECT("/link is also that of user anna, line 1");
}

Test(inspect, what_the_unit_forbids)
{
    struct unit unit = { .strict = true };

    make("anna", 0700, 70000);
    add("anna", 70000, "anna", false);
    cr_expect_eq(look(&unit), 1, "%s", world.said.data);
    EXPECT("users:1: user anna: systemd makes the home ");
}
