/* Which names, homes, comments and keys are permitted. */
#include "sallyport/userparse/userparse.h"
#include "support/test.h"

Test(fields, names)
{
    static const struct {
        const char *name;
        bool ok;
    } table[] = {
        { "anna", true },
        { "a", true },
        { "0", true },
        { "_x", true },
        { "a.b-c_d9", true },
        { "abcdefghijklmnopqrstuvwxyz012345", true },
        { "abcdefghijklmnopqrstuvwxyz0123456", false },
        { "", false },
        { ".a", false },
        { "-a", false },
        { "Anna", true },
        { "a b", false },
        { "a:b", false },
        { "a/b", false },
        { "a\nb", false },
        { "\xc3\xa4", false },
        { "a@b", true },
        { "Anna.B@example.org", true },
        { "@anna", false },
        { "a%b", false },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        cr_expect_eq(user_name_ok(slice_from(table[i].name)), table[i].ok, "%s",
                     table[i].name);
    cr_expect_not(user_name_ok((struct slice){ "a\0b", 3 }));
    cr_expect(group_name_ok(SLICE("legal.2_x-y")));
    cr_expect_not(group_name_ok(SLICE("Legal")));
    cr_expect_not(group_name_ok(SLICE("a@b")));
    cr_expect_not(group_name_ok((struct slice){ "a\0b", 3 }));
}

Test(fields, homes)
{
    static const struct {
        const char *home;
        bool ok;
    } table[] = {
        { "/srv/sallyport/anna", true },
        { "/srv//x/", true },
        { "/...", true },
        { "/a b", true },
        { "/\xc3\xa4", true },
        { "", false },
        { "/", false },
        { "//", false },
        { "srv/x", false },
        { "/srv/../etc", false },
        { "/srv/..", false },
        { "/./srv", false },
        { "/srv\n", false },
        { "/srv:x", false },
    };
    char home[USER_HOME_MAX + 2];

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        cr_expect_eq(!user_home_wanted(slice_from(table[i].home)), table[i].ok,
                     "%s", table[i].home);
    snprintf(home, sizeof(home), "/%0*d", USER_HOME_MAX - 1, 0);
    cr_expect_null(user_home_wanted(slice_from(home)));
    snprintf(home, sizeof(home), "/%0*d", USER_HOME_MAX, 0);
    cr_expect_not_null(user_home_wanted(slice_from(home)));
}

Test(fields, comments)
{
    char comment[USER_COMMENT_MAX + 2];

    cr_expect(user_comment_ok(SLICE("")));
    cr_expect(user_comment_ok(SLICE("Anna \xc3\x85, accounts #2; x=y")));
    cr_expect_not(user_comment_ok(SLICE("a:b")));
    cr_expect_not(user_comment_ok(SLICE(":")));
    cr_expect_not(user_comment_ok(SLICE("a\tb")));
    cr_expect_not(user_comment_ok(SLICE("a\x7f")));
    snprintf(comment, sizeof(comment), "%0*d", USER_COMMENT_MAX, 0);
    cr_expect(user_comment_ok(slice_from(comment)));
    snprintf(comment, sizeof(comment), "%0*d", USER_COMMENT_MAX + 1, 0);
    cr_expect_not(user_comment_ok(slice_from(comment)));
}

Test(fields, expiry)
{
    static const struct {
        const char *text;
        int64_t expires; /* 0: refused */
    } table[] = {
        { "2027-01-31", 1801440000 },
        { "2027-01-31T12:00:00Z", 1801396800 },
        { "2028-02-29", 1835481600 },
        { "1970-01-01", 86400 },
        { "1970-01-01T00:00:01Z", 1 },
        { "9999-12-31", 253402300800 },
        { "1970-01-01T00:00:00Z", 0 }, /* would be: never */
        { "2027-02-29", 0 },
        { "2027-13-01", 0 },
        { "2027-01-31T24:00:00Z", 0 },
        { "2027-01-31T12:00:60Z", 0 },
        { "2027-01-31T12:00:00", 0 },
        { "2027-01-31T12:00Z", 0 },
        { "2027-01-31 12:00:00Z", 0 },
        { "2027-1-31", 0 },
        { "2027-01-31Z", 0 },
        { "+027-01-31", 0 },
        { "1969-12-31", 0 },
        { "0000-00-00", 0 },
        { "never", 0 },
        { "", 0 },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int64_t expires = 0;
        int r = user_expires_parse(slice_from(table[i].text), &expires);

        cr_expect_eq(r == 0, table[i].expires != 0, "%s", table[i].text);
        cr_expect_eq(expires, table[i].expires, "%s: %lld", table[i].text,
                     (long long)expires);
    }
}

Test(fields, durations)
{
    static const struct {
        const char *text;
        int64_t seconds; /* 0: refused */
    } table[] = {
        { "1s", 1 },        { "10min", 600 },  { "3h", 10800 },
        { "30d", 2592000 }, { "2w", 1209600 }, { "99999s", 99999 },
        { "100000s", 0 },   { "0d", 0 },       { "d", 0 },
        { "30", 0 },        { "30days", 0 },   { "-1d", 0 },
        { "1 d", 0 },       { "", 0 },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        cr_expect_eq(user_duration_parse(slice_from(table[i].text)),
                     table[i].seconds, "%s", table[i].text);
}

Test(fields, a_key_for_the_last_column)
{
    static const struct {
        const char *key, *value;
        const char *complaint; /* NULL: none */
    } table[] = {
        { "rights", "read", NULL },
        { "uploads", "7", NULL },
        { "max_files", "7", "unknown key \"max_files\"" },
        { "quota", "20G", "unknown key \"quota\"" },
        { "rights", "dropp", "rights=dropp: expected full, " },
        { "rights", "l r", "rights=l r: blanks aren't permitted" },
        { "rights", "l\n", "rights=l\n: blanks aren't permitted" },
        { "upload_bytes", "x", "upload_bytes=x: expected a number from 1 to " },
    };
    char value[USER_LINE_MAX + 1];
    struct complaint c;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *due = table[i].complaint;

        c = (struct complaint){ "" };
        cr_expect_eq(user_key_check(table[i].key, table[i].value, &c),
                     due ? -EINVAL : 0, "row %zu: %s", i, c.text);
        cr_expect_eq(strncmp(c.text, due ? due : "", due ? strlen(due) : 1), 0,
                     "row %zu: %s", i, c.text);
    }
    snprintf(value, sizeof(value), "%0*d", USER_LINE_MAX, 0);
    c = (struct complaint){ "" };
    cr_expect_eq(user_key_check("networks", value, &c), -EINVAL);
    cr_expect_str_eq(c.text, "networks=: too long");
}

/* Which source has made the row, and what it says. */
Test(fields, sources)
{
    static const struct {
        const char *value, *name; /* NULL: refused */
        unsigned marks;
    } table[] = {
        { "dir", "dir", 0 },
        { "dir:hash", "dir", SYNC_HASH },
        { "a.b:hash,expires,locked,gone", "a.b", 15 },
        { "dir:", NULL, 0 },
        { "dir:hash,", NULL, 0 },
        { "dir:Hash", NULL, 0 },
        { "", NULL, 0 },
        { ":hash", NULL, 0 },
        { "Dir", NULL, 0 },
        { "-d", NULL, 0 },
    };
    struct user user = { .sync = SLICE("dir:expires") };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct user_sync sync;
        char text[SYNC_TEXT_MAX];
        int r = user_sync_parse(slice_from(table[i].value), &sync);

        cr_expect_eq(r == 0, table[i].name != NULL, "%s", table[i].value);
        if (r)
            continue;
        cr_expect(slice_equal(sync.name, slice_from(table[i].name)));
        cr_expect_eq(sync.marks, table[i].marks);
        cr_expect_str_eq(user_sync_text(&sync, text), table[i].value);
    }
    cr_expect_not(user_sync_closed(&user));
    user.sync = SLICE("dir:gone");
    cr_expect(user_sync_closed(&user));
    user.sync = SLICE("dir:locked");
    cr_expect(user_sync_closed(&user));
    user.sync = (struct slice){ NULL, 0 };
    cr_expect_not(user_sync_closed(&user));
}
