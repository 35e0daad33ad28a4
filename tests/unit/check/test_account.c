/* Accounts, and the empty directory. */
#include "check/check.h"
#include "sallyport/settings/prepared.h"
#include "support/scratch.h"
#include "support/test.h"

static const struct {
    const char *account;
    int r;
} accounts[] = {
    { "daemon", 0 },
    { "root", -EINVAL },
    { "nobody", -EINVAL }, /* 65534 */
    { "no-such-account-here", -ENOENT },
    { "1", -ENOENT },
    { "", -ENOENT },
};

Test(account, identities)
{
    for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++) {
        struct complaint c = { "" };
        struct account_ids id = { 0, 0 };

        cr_assert_eq(account_find(accounts[i].account, &id, &c), accounts[i].r,
                     "'%s': %s", accounts[i].account, c.text);
        cr_expect_eq(c.text[0] != '\0', accounts[i].r == -EINVAL);
        cr_expect_eq(id.uid != 0, accounts[i].r == 0);
    }
}

TestSuite(account, .init = scratch_make, .fini = scratch_remove);

static int empty_directory(const char *path, bool make, struct complaint *c)
{
    c->text[0] = '\0';
    return account_empty_directory(path, make, c);
}

/* Only for root: a server without root doesn't check it. */
Test(account, empty_folder)
{
    struct complaint c;

    if (geteuid() != 0)
        return;
    umask(077);
    /* --check makes no directory. */
    cr_assert_eq(empty_directory(in_scratch("a/b"), false, &c), -ENOENT);
    cr_assert_str_eq(c.text, "");
    cr_assert_neq(access(in_scratch("a"), F_OK), 0, "it was made");
    cr_assert_eq(empty_directory("/dev/null/x", false, &c), -EINVAL);
    cr_assert(strstr(c.text, "/dev/null/x: "), "%s", c.text);
    for (int i = 0; i < 2; i++) /* made, and then it exists */
        cr_assert_eq(empty_directory(in_scratch("a/b"), true, &c), 0, "%s",
                     c.text);
    cr_assert_eq(empty_directory(in_scratch("a"), true, &c), -EINVAL);
    cr_assert(strstr(c.text, "not empty"), "%s", c.text);
    cr_assert_eq(mkdir(in_scratch("wide"), 0700), 0);
    cr_assert_eq(chmod(in_scratch("wide"), 0777), 0);
    cr_assert_eq(empty_directory(in_scratch("wide"), true, &c), -EINVAL);
    cr_assert(strstr(c.text, "chmod"), "%s", c.text);
    cr_assert_eq(symlink("a/b", in_scratch("link")), 0);
    cr_assert_eq(empty_directory(in_scratch("link"), true, &c), -EINVAL);
    cr_assert(strstr(c.text, "/link: is a symbolic link"), "%s", c.text);
    cr_assert_eq(empty_directory("relative", true, &c), -EINVAL);
    cr_assert_eq(empty_directory("/dev/null/x", true, &c), -EINVAL);
    for (size_t i = 0; i < 3; i++) {
        const char *name = (const char *const[]){ "wide", "a/b", "a" }[i];

        cr_assert_eq(rmdir(in_scratch(name)), 0, "%s has more in it", name);
    }
}
