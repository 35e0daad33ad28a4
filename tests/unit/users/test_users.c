/* The facts of a row: which users can have a process of their own, which rights
 * and limits they have; and the paths of rows. */
#include "sallyport/domain/rights.h"
#include "sallyport/settings/settings.h"
#include "sallyport/users/users.h"
#include "support/test.h"

static struct settings settings;

static void begin(void)
{
    strcpy(settings.homes, "/srv/homes");
    strcpy(settings.shares, "/srv/shares");
    settings.uid_first = 1000;
    settings.uid_last = 2000;
}

TestSuite(users, .init = begin);

static struct user anna(char *home)
{
    return (struct user){
        .name = "anna", .home = home, .uid = 1000, .gid = 1, .rights = RIGHT_ALL
    };
}

static void expect_permitted(const struct user *user, bool root,
                             const char *word)
{
    struct complaint c = { "" };
    int r = user_permitted(user, &settings, root, &c);

    cr_expect_eq(r == 0, word == NULL, "%s: %s", user->home, c.text);
    if (word)
        cr_expect(strstr(c.text, word), "instead of %s: %s", word, c.text);
}

Test(users, permitted_with_root)
{
    char home[] = "/anywhere/../x", relative[] = "x";
    struct user user = anna(home);

    expect_permitted(&user, true, NULL);
    user.uid = 2000;
    expect_permitted(&user, true, NULL);
    user.uid = 2001;
    expect_permitted(&user, true, "uid 2001 is not in 1000-2000");
    user.uid = 999;
    expect_permitted(&user, true, "uid 999");
    user = anna(home), user.gid = 0;
    expect_permitted(&user, true, "gid 0");
    user = anna(home), user.rights = RIGHT_WRITE | RIGHT_MINE;
    expect_permitted(&user, true, NULL);
    user = anna(relative);
    expect_permitted(&user, true, "not absolute");
}

Test(users, permitted_without_root)
{
    char home[] = "/srv/homes/a", out[] = "/srv/homes/../a";
    char beside[] = "/srv/homesX/a", itself[] = "/srv/homes";
    struct user user = anna(home);

    user.uid = 5, user.gid = 0;
    expect_permitted(&user, false, NULL);
    user = anna(out);
    expect_permitted(&user, false, "must be below /srv/homes");
    user = anna(beside);
    expect_permitted(&user, false, "must be below /srv/homes");
    user = anna(itself);
    expect_permitted(&user, false, "must be below /srv/homes");
    user = anna(home), user.rights = RIGHT_WRITE | RIGHT_MINE;
    expect_permitted(&user, false, "mine (u)");
}

/* Each share counts, and mine in one of them. */
Test(users, permitted_with_shares)
{
    struct share shares[] = { { .name = "a", .path = "/srv/shares/a" },
                              { .name = "b", .path = "/srv/b" },
                              { .name = "c", .path = "/srv/shares/c" } };
    struct grant grants[] = { { .share = 0, .rights = RIGHT_ALL },
                              { .share = 2, .rights = RIGHT_ALL } };
    char home[] = "/srv/homes/a";
    struct user user = anna(home);

    user.share = shares;
    user.grant = grants;
    user.grants = 2;
    expect_permitted(&user, false, NULL);
    grants[1].share = 1;
    expect_permitted(&user, false, "share b");
    expect_permitted(&user, true, NULL);
    grants[0].share = 1, grants[1].share = 2;
    expect_permitted(&user, false, "share b");
    grants[0].share = 0, grants[1].rights = RIGHT_READ | RIGHT_MINE;
    expect_permitted(&user, false, "mine (u)");
}

Test(users, rights_somewhere_and_everywhere)
{
    struct grant grants[] = { { .rights = RIGHT_READ | RIGHT_WRITE } };
    struct user user = { .rights = RIGHT_WRITE | RIGHT_DELETE };
    unsigned somewhere, everywhere;

    user_rights(&user, &somewhere, &everywhere);
    cr_expect_eq(somewhere, RIGHT_ALL, "a drop: files knows the path");
    cr_expect_eq(everywhere, RIGHT_WRITE | RIGHT_DELETE);
    user.grant = grants, user.grants = 1;
    user_rights(&user, &somewhere, &everywhere);
    cr_expect_eq(somewhere, RIGHT_ALL);
    cr_expect_eq(everywhere, RIGHT_WRITE);
    grants[0].rights = RIGHT_WRITE | RIGHT_LIST;
    user_rights(&user, &somewhere, &everywhere);
    cr_expect_eq(somewhere, RIGHT_ALL);
    cr_expect_eq(everywhere, RIGHT_WRITE);
    user.rights = RIGHT_WRITE | RIGHT_READ;
    user_rights(&user, &somewhere, &everywhere);
    cr_expect_eq(somewhere, RIGHT_READ | RIGHT_LIST | RIGHT_WRITE, "no drop");
}

Test(users, expired)
{
    struct user user = { .expires = 0 };

    cr_expect_not(user_expired(&user, INT64_MAX), "never");
    user.expires = 1;
    cr_expect_not(user_expired(&user, 0));
    cr_expect(user_expired(&user, 1));
    cr_expect(user_expired(&user, 2));
}

Test(users, a_choice_or_the_setting)
{
    struct user user = { .choice = { 0 } };

    cr_expect_eq(user_choice(&user, 0, 7), 7);
    user.choice[0] = 1;
    cr_expect_eq(user_choice(&user, 0, 7), 0);
    user.choice[0] = 3;
    cr_expect_eq(user_choice(&user, 0, 7), 2);
}

/* The least of the user's and the teams' limits; 0: none. */
Test(users, size_of_a_file)
{
    struct team teams[2] = { { .limits = { .number = { 0 } } } };
    struct user user = { .team = { &teams[0], &teams[1] } };

    cr_expect_eq(user_limit(&user, ROW_FILE_SIZE, 0), 0);
    cr_expect_eq(user_limit(&user, ROW_FILE_SIZE, 50), 50);
    teams[1].limits.number[ROW_FILE_SIZE] = 1 + 40;
    cr_expect_eq(user_limit(&user, ROW_FILE_SIZE, 50), 40);
    cr_expect_eq(user_limit(&user, ROW_FILE_SIZE, 0), 40);
    teams[0].limits.number[ROW_FILE_SIZE] = 1 + 45;
    cr_expect_eq(user_limit(&user, ROW_FILE_SIZE, 50), 40);
    user.limits.number[ROW_FILE_SIZE] =
        1; /* no limit, instead of the setting */
    cr_expect_eq(user_limit(&user, ROW_FILE_SIZE, 30), 40);
}

static const struct {
    const char *path;
    bool ok;
} paths[] = {
    { "/a", true },      { "/a/b.c/..d", true }, { "/a b/\xc3\xa4", true },
    { "", false },       { "/", false },         { "a", false },
    { "a/b", false },    { "//a", false },       { "/a//b", false },
    { "/a/", false },    { "/.", false },        { "/a/..", false },
    { "/a/./b", false }, { "/a\n", false },      { "/a\x1f", false },
    { "/a\x7f", false },
};

Test(users, path_ok)
{
    char longest[USER_HOME_MAX + 2];

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        cr_expect_eq(user_path_ok(slice_from(paths[i].path)), paths[i].ok, "%s",
                     paths[i].path);
    memset(longest, 'x', sizeof(longest));
    longest[0] = '/';
    cr_expect(user_path_ok((struct slice){ longest, USER_HOME_MAX }));
    cr_expect_not(user_path_ok((struct slice){ longest, USER_HOME_MAX + 1 }));
}

static const struct {
    const char *path, *directory;
    bool beneath, within;
} pairs[] = {
    { "/a/b", "/a", true, true },  { "/a/b/c", "/a/", true, true },
    { "/a", "/a", false, true },   { "/a", "/a/", false, true },
    { "/ab", "/a", false, false }, { "/b/a", "/a", false, false },
    { "/", "/a", false, false },   { "/a", "/a/b", false, false },
};

Test(users, path_within)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        cr_expect_eq(user_path_beneath(pairs[i].path, pairs[i].directory),
                     pairs[i].beneath, "%s in %s", pairs[i].path,
                     pairs[i].directory);
        cr_expect_eq(user_path_within(pairs[i].path, pairs[i].directory),
                     pairs[i].within, "%s within %s", pairs[i].path,
                     pairs[i].directory);
    }
    cr_expect(user_path_within("/a", "/"));
}

Test(users, path_order)
{
    static const char *const sorted[] = { "/a",   "/a/b", "/a/b/c", "/a/c",
                                          "/a.b", "/aa",  "/b" };
    const int n = sizeof(sorted) / sizeof(sorted[0]);

    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            int r = user_path_order(sorted[i], sorted[j]);

            cr_expect_eq((r > 0) - (r < 0), (i > j) - (i < j), "%s, %s",
                         sorted[i], sorted[j]);
        }
}
