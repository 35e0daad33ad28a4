/* Accounts, the empty directory, and which rows may have a process. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master/sessions/home.h"
#include "master/start/account.h"
#include "master/start/parts.h"
#include "master/start/prepare.h"
#include "sallyport/conf/conf.h"

static const struct {
    const char *account;
    int r;
} accounts[] = {
    { "69990", 0 },
    { "0", -EINVAL },
    { "root", -EINVAL },
    { "nobody", 0 },
    { "no-such-account-here", -EINVAL },
    { "-1", -EINVAL },
    { "4294967295", -EINVAL }, /* (uid_t)-1 */
    { "", -EINVAL },
};

Test(account, identities)
{
    for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++) {
        struct complaint c = { "" };
        struct identity id = { 1, 1 };

        cr_assert_eq(account_find(accounts[i].account, &id, &c), accounts[i].r,
                     "'%s': %s", accounts[i].account, c.text);
        if (accounts[i].r < 0)
            cr_assert(c.text == strstr(c.text, accounts[i].account), "%s",
                      c.text);
    }
}

Test(account, a_missing_one_says_what_makes_it)
{
    struct complaint c = { "" };
    struct identity id;

    cr_assert_eq(account_find("no-such-account-here", &id, &c), -EINVAL);
    cr_expect(strstr(c.text, "run: systemd-sysusers"), "%s", c.text);
}

static const struct {
    const char *gate, *auth, *log;
    const char *word; /* of the complaint; NULL: fine */
} trios[] = {
    { "101", "102", "103", NULL },
    { "101", "101", "103", "uid.auth" },
    { "101", "102", "102", "must not be the account of uid.auth" },
    { "75000", "102", "103", ": uid 75000 is within uid_first to uid_last" },
};

Test(account, apart_from_each_other)
{
    for (size_t i = 0; i < sizeof(trios) / sizeof(trios[0]); i++) {
        struct complaint c = { "" };
        struct master m;
        int r;

        master_init(&m);
        conf_default(&m.settings);
        m.root = true;
        strcpy(m.settings.uid_gate, trios[i].gate);
        strcpy(m.settings.uid_auth, trios[i].auth);
        strcpy(m.settings.uid_log, trios[i].log);
        strcpy(m.settings.uid_keys, "104");
        r = prepare_identities(&m, &c);
        cr_assert_eq(r == 0, trios[i].word == NULL, "row %zu: %s", i, c.text);
        if (trios[i].word)
            cr_assert(strstr(c.text, trios[i].word), "%s", c.text);
        m.root = false; /* then nobody changes its ids */
        cr_assert_eq(prepare_identities(&m, &c), 0);
    }
}

static char folder[] = "/tmp/sallyport-empty-XXXXXX";

static int open_below(const char *name, struct complaint *c)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = account_empty_folder(path, true, c);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : 0;
}

static void make_below(const char *name, mode_t mode)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    cr_assert(mkdir(path, 0700) == 0 && chmod(path, mode) == 0);
}

/* For --check. */
static void expect_not_made(const char *name)
{
    struct complaint c = { "" };
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    cr_assert_eq(account_empty_folder(path, false, &c), -ENOENT);
    cr_assert_str_eq(c.text, "");
    *strrchr(path, '/') = '\0';
    cr_assert_neq(access(path, F_OK), 0, "%s was made", path);
    cr_assert_eq(account_empty_folder("/dev/null/x", false, &c), -EINVAL);
    cr_assert(strstr(c.text, "/dev/null/x: "), "%s", c.text);
}

/* For root only: without root nobody looks at it. */
Test(account, empty_folder)
{
    struct complaint c = { "" };
    char link[128];

    if (geteuid() != 0)
        return;
    cr_assert(mkdtemp(folder));
    umask(077);
    expect_not_made("a/b");
    cr_assert_eq(open_below("a/b", &c), 0, "%s", c.text); /* made */
    cr_assert_eq(open_below("a/b", &c), 0, "%s", c.text); /* there */
    cr_assert_eq(open_below("a", &c), -EINVAL);           /* not empty */
    cr_assert(strstr(c.text, "not empty"), "%s", c.text);
    make_below("wide", 0777);
    c.text[0] = '\0';
    cr_assert_eq(open_below("wide", &c), -EINVAL);
    cr_assert(strstr(c.text, "chmod"), "%s", c.text);
    snprintf(link, sizeof(link), "%s/link", folder);
    cr_assert_eq(symlink("a/b", link), 0);
    c.text[0] = '\0';
    cr_assert_eq(open_below("link", &c), -EINVAL);
    cr_assert(strstr(c.text, "/link: is a symbolic link"), "%s", c.text);
    cr_assert_eq(unlink(link), 0);
    cr_assert_eq(account_empty_folder("relative", true, &c), -EINVAL);
    cr_assert_eq(account_empty_folder("/dev/null/x", true, &c), -EINVAL);
    for (const char *const *name =
             (const char *const[]){ "wide", "a/b", "a", "", NULL };
         *name; name++) {
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", folder, *name);
        cr_assert_eq(rmdir(path), 0, "%s", path);
    }
}

static const struct {
    const char *home;
    uid_t uid;
    gid_t gid;
    bool root, permitted;
} homes[] = {
    { "/srv/sallyport/anna", 70000, 70000, true, true },
    { "/anywhere", 79999, 100, true, true },
    { "/anywhere", 69999, 100, true, false },
    { "/anywhere", 80000, 100, true, false },
    { "/anywhere", 0, 70000, true, false },
    { "/anywhere", 70000, 0, true, false },
    { "anywhere", 70000, 70000, true, false },
    { "", 70000, 70000, true, false },
    /* Without root: where, not who. */
    { "/srv/sallyport/anna", 0, 0, false, true },
    { "/srv/sallyport/a/b", 1, 1, false, true },
    { "/srv/sallyport", 70000, 70000, false, false },
    { "/srv/sallyportal/anna", 70000, 70000, false, false },
    { "/srv/sallyport/../other", 70000, 70000, false, false },
    { "/srv/sallyport/a/..", 70000, 70000, false, false },
    { "/srv/sallyport/..a", 70000, 70000, false, true },
    { "/srv", 70000, 70000, false, false },
};

Test(account, homes)
{
    for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
        struct user user = { .name = (char[]){ "anna" },
                             .uid = homes[i].uid,
                             .gid = homes[i].gid };
        struct complaint c = { "" };
        struct master m;
        int r;

        user.home = strdup(homes[i].home);
        master_init(&m);
        conf_default(&m.settings);
        m.root = homes[i].root;
        r = home_permitted(&m, &user, &c);
        cr_assert_eq(r == 0, homes[i].permitted, "row %zu: %s", i, c.text);
        cr_assert(r == 0 || strstr(c.text, "user anna"));
        free(user.home);
    }
}

/* The limit of descriptors is raised, or the complaint has the numbers. */
Test(account, limits)
{
    struct complaint c = { "" };
    struct master m;
    char number[32];

    master_init(&m);
    conf_default(&m.settings);
    m.settings.max_sessions = 20000;
    cr_assert(prepare_descriptors(&m) > 80000);
    m.settings.max_sessions = UINT32_MAX; /* over fs.nr_open */
    cr_assert_eq(prepare_limits(&m, &c), -EINVAL);
    snprintf(number, sizeof(number), "%llu", prepare_descriptors(&m));
    cr_assert(strstr(c.text, number), "%s", c.text);
    m.settings.max_sessions = 1;
    cr_assert_eq(prepare_limits(&m, &c), 0);
}
