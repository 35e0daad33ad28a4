/* Accounts, and the empty directory. */
#include "check/check.h"
#include "sallyport/settings/prepared.h"
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

static char directory[] = "/tmp/sallyport-empty-XXXXXX";

static int open_below(const char *name, struct complaint *c)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return account_empty_directory(path, true, c);
}

static void make_below(const char *name, mode_t mode)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    cr_assert(mkdir(path, 0700) == 0 && chmod(path, mode) == 0);
}

/* --check makes no directory. */
static void expect_not_made(const char *name)
{
    struct complaint c = { "" };
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    cr_assert_eq(account_empty_directory(path, false, &c), -ENOENT);
    cr_assert_str_eq(c.text, "");
    *strrchr(path, '/') = '\0';
    cr_assert_neq(access(path, F_OK), 0, "%s was made", path);
    cr_assert_eq(account_empty_directory("/dev/null/x", false, &c), -EINVAL);
    cr_assert(strstr(c.text, "/dev/null/x: "), "%s", c.text);
}

/* Only for root: a server without root doesn't check it. */
Test(account, empty_folder)
{
    struct complaint c = { "" };
    char link[128];

    if (geteuid() != 0)
        return;
    cr_assert(mkdtemp(directory));
    umask(077);
    expect_not_made("a/b");
    cr_assert_eq(open_below("a/b", &c), 0, "%s", c.text); /* made */
    cr_assert_eq(open_below("a/b", &c), 0, "%s", c.text); /* it exists now */
    cr_assert_eq(open_below("a", &c), -EINVAL);           /* not empty */
    cr_assert(strstr(c.text, "not empty"), "%s", c.text);
    make_below("wide", 0777);
    c.text[0] = '\0';
    cr_assert_eq(open_below("wide", &c), -EINVAL);
    cr_assert(strstr(c.text, "chmod"), "%s", c.text);
    snprintf(link, sizeof(link), "%s/link", directory);
    cr_assert_eq(symlink("a/b", link), 0);
    c.text[0] = '\0';
    cr_assert_eq(open_below("link", &c), -EINVAL);
    cr_assert(strstr(c.text, "/link: is a symbolic link"), "%s", c.text);
    cr_assert_eq(unlink(link), 0);
    cr_assert_eq(account_empty_directory("relative", true, &c), -EINVAL);
    cr_assert_eq(account_empty_directory("/dev/null/x", true, &c), -EINVAL);
    for (const char *const *name =
             (const char *const[]){ "wide", "a/b", "a", "", NULL };
         *name; name++) {
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", directory, *name);
        cr_assert_eq(rmdir(path), 0, "%s", path);
    }
}
