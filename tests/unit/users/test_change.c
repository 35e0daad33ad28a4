/* A change of some rows: it is put into the table that it fits, and of a reader
 * that writes something else nothing is believed. (tests/unit/userparse has
 * random changes.) */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/users/change.h"
#include "support/users_table.h"

#define HASH "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define ROW(name, uid, rest)                                                   \
    name ":" HASH ":" uid ":70000::/home/" name "::" rest "\n"
#define GROUPS                                                                 \
    "@share:offers:80001:/srv/s/offers:\n"                                     \
    "@share:contracts:80000:/srv/s/contracts:\n"                               \
    "@team:sales:max_sessions=7\n"
#define ANNA ROW("anna", "1", "")
#define BERT ROW("bert", "2", "shares=offers teams=sales rights./in=drop")
#define CARL ROW("carl", "3", "")

static struct users users;

static void take(const char *text)
{
    FD_CLEANUP int table = users_table(text);
    struct complaint c = { "" };

    cr_assert_eq(users_take(&users, table, &c), 0, "%s", c.text);
}

static void set_up(void)
{
    take(GROUPS ANNA BERT CARL);
}

static void tear_down(void)
{
    users_release(&users);
}

TestSuite(change, .init = set_up, .fini = tear_down);

/* Are these the users of TEXT? */
static bool are_those_of(const char *text)
{
    FD_CLEANUP int table = users_table(text);
    struct complaint c = { "" };
    struct users whole;
    bool same;

    cr_assert_eq(users_take(&whole, table, &c), 0, "%s", c.text);
    same = users_same(&users, &whole) && users_same(&whole, &users);
    users_release(&whole);
    return same;
}

static int put(int fd)
{
    struct complaint c = { "" };
    struct users_change change;
    int r;

    cr_assert(users_is_change(fd));
    r = users_change_take(&change, &users, fd, &c);
    cr_assert(r < 0 ? c.text[0] != '\0' : c.text[0] == '\0');
    if (r == 0)
        users_change_put(&change, &users);
    else
        users_change_release(&change);
    return r;
}

static int put_once(const char *before, const char *now)
{
    FD_CLEANUP int fd = users_table_change(before, now);

    return put(fd);
}

Test(change, each_kind)
{
    static const char *const texts[] = {
        GROUPS ANNA BERT CARL,
        GROUPS ROW("anna", "1", "must_change=yes") BERT CARL,
        GROUPS ANNA CARL,
        GROUPS ANNA CARL BERT ROW("dora", "4", "shares=contracts:read"),
        GROUPS ROW("anna", "3", "") ROW("carl", "1", "") BERT,
        GROUPS "# nobody\n",
        GROUPS "# nobody at all\n",
        GROUPS BERT,
    };

    for (size_t i = 1; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cr_assert_eq(put_once(texts[i - 1], texts[i]), 0, "%zu", i);
        cr_expect(are_those_of(texts[i]), "%zu", i);
    }
}

/* A row that came points to the shares and the team of the table. */
Test(change, what_a_row_has)
{
    const struct user *bert;

    cr_assert_eq(put_once(GROUPS ANNA BERT CARL, GROUPS CARL), 0);
    cr_expect_null(users_find(&users, SLICE("bert")));
    cr_assert_eq(put_once(GROUPS CARL, GROUPS CARL BERT), 0);
    bert = users_find(&users, SLICE("bert"));
    cr_assert(bert && bert->share == users.share);
    cr_assert(bert->grants == 1 && bert->grant[0].share == 0);
    cr_expect(bert->team[0] == users.team && !bert->team[1]);
    cr_assert_eq(bert->directories, 1);
    cr_expect_str_eq(bert->directory[0].path, "/in");
}

/* Reader doesn't see the rows that stay, so these come from good readers. */
Test(change, that_does_not_fit)
{
    static const struct {
        const char *before, *now, *what;
    } table[] = {
        { GROUPS ROW("dora", "4", ""), GROUPS, "one goes who isn't there" },
        { GROUPS, GROUPS ROW("anna", "4", ""), "a name that is there" },
        { GROUPS, GROUPS ROW("dora", "2", ""), "a uid that is there" },
        { GROUPS ANNA, GROUPS ROW("anna", "2", ""), "of a changed row" },
        { GROUPS ANNA, GROUPS ROW("bert", "1", ""), "a name in its place" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        cr_expect_eq(put_once(table[i].before, table[i].now), -ESTALE, "%s",
                     table[i].what);
        cr_assert(are_those_of(GROUPS ANNA BERT CARL), "%s", table[i].what);
    }
}

/* One row for each in another table, so that the last one that fits is taken.
 */
Test(change, that_is_too_much)
{
    const size_t grants = users.row[1].grants;

    users.row[1].grants = GRANTS_MAX;
    cr_expect_eq(
        put_once(GROUPS CARL, GROUPS ROW("carl", "3", "shares=offers")),
        -ESTALE);
    cr_expect_eq(put_once(GROUPS CARL, GROUPS ROW("carl", "3", "quota=1T")), 0);
    users.row[1].grants = grants;
    users.row[0].directories = DIRECTORIES_MAX;
    cr_expect_eq(put_once(GROUPS, GROUPS ROW("dora", "4", "")), -ESTALE);
    users.row[0].directories = 0;
    users.room = users.count;
    cr_expect_eq(put_once(GROUPS, GROUPS ROW("dora", "4", "")), -ESTALE);
    users.room++;
    cr_expect_eq(put_once(GROUPS, GROUPS ROW("dora", "4", "")), 0);
}

/* --- a reader that lies --------------------------------------------------- */

static struct buf image;

static struct users_head *head(void)
{
    return (struct users_head *)(void *)image.data;
}

static struct users_row *row(size_t i)
{
    return (struct users_row *)(void *)(head() + 1) + i;
}

static struct grant *grant(void)
{
    return (struct grant *)(void *)row(head()->users);
}

static struct users_gone *gone(size_t i)
{
    return (struct users_gone *)(void *)(image.data + sizeof(*head()) +
                                         head()->users * sizeof(*row(0)) +
                                         head()->grants * sizeof(*grant()) +
                                         head()->directories *
                                             sizeof(struct users_directory)) +
           i;
}

/* clang-format off */
static void another_build(void) { head()->build[0]++; }
static void a_share(void) { head()->shares = 1; }
static void a_team(void) { head()->teams = 1; }
static void an_unknown_share(void) { grant()->share = 2; }
static void an_unknown_team(void) { row(1)->team_1.number = 2; }
static void more_rows_than_bytes(void) { head()->users = USERS_CHANGED_MAX; }
static void too_many_rows(void) { head()->users = USERS_CHANGED_MAX + 1; }
static void too_many_go(void) { head()->gone = USERS_CHANGED_MAX + 1; }
static void all_bytes_go(void) { image.len = (size_t)((char *)gone(1) - image.data); }
static void a_grant_more(void) { head()->grants++; }
static void a_bad_name(void) { row(0)->name.len--; }
static void all_uids(void) { row(0)->uid.number = UINT32_MAX; }
static void nobody_goes(void) { memset(gone(0), 0, sizeof(*gone(0))); }
static void an_endless_name_goes(void) { memset(gone(0), 'a', sizeof(*gone(0))); }
static void one_goes_twice(void) { *gone(0) = *gone(1); }
static void another_goes(void) { *gone(0) = (struct users_gone){ "carl" }; }
static void a_name_twice(void) { row(0)->name = row(1)->name; }
static void a_uid_twice(void) { row(0)->uid = row(1)->uid; }
/* clang-format on */

#define LIE(function, result) { function, #function, result }
static const struct {
    void (*tell)(void);
    const char *name;
    int result;
} lies[] = {
    LIE(another_build, -EBADMSG),   LIE(a_share, -EBADMSG),
    LIE(a_team, -EBADMSG),          LIE(an_unknown_share, -EBADMSG),
    LIE(an_unknown_team, -EBADMSG), LIE(more_rows_than_bytes, -EBADMSG),
    LIE(too_many_rows, -EBADMSG),   LIE(too_many_go, -EBADMSG),
    LIE(all_bytes_go, -EBADMSG),    LIE(a_grant_more, -EBADMSG),
    LIE(a_bad_name, -EBADMSG),      LIE(all_uids, -EBADMSG),
    LIE(nobody_goes, -ESTALE),      LIE(an_endless_name_goes, -ESTALE),
    LIE(one_goes_twice, -ESTALE),   LIE(another_goes, -ESTALE),
    LIE(a_name_twice, -ESTALE),     LIE(a_uid_twice, -ESTALE),
};

static void read_image(void)
{
    FD_CLEANUP int fd = users_table_change(
        GROUPS ANNA BERT CARL,
        GROUPS ROW("anna", "11", "")
            ROW("bert", "12", "shares=offers teams=sales") CARL);

    buf_init(&image, USERS_IMAGE_MAX);
    cr_assert_eq(fd_read_file(fd, &image), 0);
    cr_assert_str_eq(gone(0)->name, "anna");
    cr_assert_str_eq(gone(1)->name, "bert");
}

static int put_image(void)
{
    FD_CLEANUP int fd = fd_sealed("answer", buf_slice(&image));

    return put(fd);
}

Test(change, lies)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        read_image();
        lies[i].tell();
        cr_expect_eq(put_image(), lies[i].result, "%s", lies[i].name);
        cr_assert(are_those_of(GROUPS ANNA BERT CARL), "%s", lies[i].name);
        buf_release(&image);
    }
    read_image();
    cr_expect_eq(put_image(), 0, "the truth");
    buf_release(&image);
}

/* The largest change that reader can write has this size. Master and auth keep
 * many, so they take none that is larger. */
Test(change, of_the_largest_size)
{
    static char zeros[USERS_CHANGE_MAX];
    size_t rest;

    read_image();
    rest = USERS_CHANGE_MAX - image.len;
    cr_assert_eq(buf_add(&image, zeros, rest), 0);
    cr_assert_eq(buf_add(&image, zeros, 1), 0);
    cr_expect_eq(put_image(), -EBADMSG);
    cr_assert(are_those_of(GROUPS ANNA BERT CARL));
    image.len--;
    cr_expect_eq(put_image(), 0);
    buf_release(&image);
}

/* Nobody takes a table for a change, or a change for a table. */
Test(change, of_another_kind)
{
    FD_CLEANUP int table = users_table(ANNA);
    FD_CLEANUP int fd = users_table_change(GROUPS ANNA, GROUPS BERT);
    FD_CLEANUP int empty = fd_sealed("answer", SLICE(""));
    struct complaint c = { "" };
    struct users_change change;
    struct users other;

    cr_expect(users_is_change(fd));
    cr_expect(!users_is_change(table) && !users_is_change(empty) &&
              !users_is_change(-1));
    cr_expect_eq(users_take(&other, fd, &c), -EBADMSG);
    cr_expect_eq(users_take_groups(&other, fd, &c), -EBADMSG);
    cr_expect_eq(users_change_take(&change, &users, table, &c), -EBADMSG);
    users_change_release(&change);
    cr_expect(are_those_of(GROUPS ANNA BERT CARL));
}

/* --- are two tables the same? --------------------------------------------- */

Test(change, same)
{
    static const char *const others[] = {
        GROUPS ANNA BERT,
        GROUPS ANNA BERT CARL ROW("dora", "4", ""),
        GROUPS ANNA BERT ROW("dora", "3", ""),
        GROUPS ROW("anna", "4", "") BERT CARL,
        GROUPS ROW("anna", "1", "must_change=yes") BERT CARL,
        GROUPS ROW("anna", "1", "hours=mon") BERT CARL,
        GROUPS ROW("anna", "1", "teams=sales") BERT CARL,
        GROUPS ROW("anna", "1", "quota=1T") BERT CARL,
        GROUPS "anna:!:1:70000::/home/anna::\n" BERT CARL,
        GROUPS ANNA CARL ROW("bert", "2",
                             "shares=contracts teams=sales rights./in=drop"),
        GROUPS ANNA CARL ROW("bert", "2",
                             "shares=offers:read teams=sales rights./in=drop"),
        GROUPS ANNA CARL ROW("bert", "2",
                             "shares=offers teams=sales rights./on=drop"),
        GROUPS ANNA CARL ROW("bert", "2",
                             "shares=offers teams=sales rights./in=full"),
        GROUPS "@share:more:80002:/srv/s/more:\n" ANNA BERT CARL,
        GROUPS "@team:more:\n" ANNA BERT CARL,
        "@share:offers:80001:/srv/s/offered:\n"
        "@share:contracts:80000:/srv/s/contracts:\n"
        "@team:sales:max_sessions=7\n" ANNA BERT CARL,
        "@share:offers:80001:/srv/s/offers:\n"
        "@share:contracts:80000:/srv/s/contracts:\n"
        "@team:sales:max_sessions=8\n" ANNA BERT CARL,
    };

    cr_expect(are_those_of(GROUPS ANNA BERT CARL));
    cr_expect(are_those_of("# other lines\n" GROUPS CARL "\n" BERT ANNA));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        cr_expect_not(are_those_of(others[i]), "%zu", i);
}
