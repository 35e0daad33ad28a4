/* Which names, hashes, homes and comments are permitted. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sallyport/userparse/userparse.h"

#define S43 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define S86 S43 S43
#define S53 "abcdefghij" S43

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

Test(fields, hashes)
{
    static const struct {
        const char *hash;
        const char *kind; /* NULL: refused */
    } table[] = {
        { "$y$j9T$0kxoDdlqAF0Nn6nxBVQbA.$" S43, "yescrypt" },
        { "$2b$12$" S53, "bcrypt" },
        { "$2a$05$" S53, "bcrypt" },
        { "$2y$05$" S53, "bcrypt" },
        { "$7$CU..../....saltsalt$" S43, "scrypt" },
        { "$6$salt$" S86, "SHA-512" },
        { "$6$rounds=5000$salt$" S86, "SHA-512" },
        { "$5$salt$" S43, "SHA-256" },
        { "!$5$salt$" S43, "SHA-256" },
        { "!", "none" },
        { "*", "none" },
        { "", NULL },
        { "!!", NULL },
        { "!*", NULL },
        { "!!$5$salt$" S43, NULL },
        { "x", NULL },
        { "secret", NULL },
        { "abJnggxhB/yWI", NULL },
        { "_J9..rasmBYk8r9AiWNc", NULL },
        { "$1$salt$qJH7.N4xYta3aEG/dfqo/0", NULL },
        { "$3$$8846f7eaee8fb117ad06bdd830b7586c", NULL },
        { "$sha1$1$salt$abcdefghijklmnopqrstuvwxyz01", NULL },
        { "$md5$salt$abc", NULL },
        { "$2x$05$" S53, NULL },
        { "$gy$j9T$salt$" S43, NULL },
        { "$y$", NULL },
        { "$y$j9T$salt$", NULL },
        { "$y$j9T$salt$" S43 "a", NULL },
        { "$y$j9T$" S43, NULL },
        { "$y$j9T$a$b$" S43, NULL },
        { "$2b$12$" S43, NULL },
        { "$6$" S86, NULL },
        { "$6$a$b$c$" S86, NULL },
        { "$6$sa;t$" S86, NULL },
        { "$6$sa*t$" S86, NULL },
        { "$6$sa t$" S86, NULL },
        { "$6$sa\\t$" S86, NULL },
        { "$6$s\xc3\xa4t$" S86, NULL },
        { "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ-_01234", NULL },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        bool ok = user_hash_ok(table[i].hash);

        cr_expect_eq(ok, table[i].kind != NULL, "%s", table[i].hash);
        if (table[i].kind)
            cr_expect_str_eq(user_hash_kind(table[i].hash), table[i].kind);
    }
}

/* Each login computes a hash, also of a name that nobody has. So one row could
 * keep everybody out. The row that is refused is next to the one that isn't. */
Test(fields, a_hash_that_costs_too_much)
{
    static const struct {
        const char *hash;
        bool ok;
    } table[] = {
        { "$2b$15$" S53, true },
        { "$2b$16$" S53, false },
        { "!$2y$31$" S53, false },
        { "$6$rounds=5000000$salt$" S86, true },
        { "$6$rounds=5000001$salt$" S86, false },
        { "$6$rounds=999999999$salt$" S86, false },
        { "$5$rounds=99999999999999999999999$salt$" S43, false },
        { "$5$rounds=-1$salt$" S43, false },
        { "$6$roundsX9999999$" S86, true }, /* all of it is the salt */
        { "$y$jFT$salt$" S43, true }, /* 1 GiB: crypt_gensalt(3) with 11 */
        { "$y$jGT$salt$" S43, false },
        { "$y$jF8$salt$" S43, true },
        { "$y$jzT$salt$" S43, false },
        { "$y$j9zzzzz$salt$" S43, false },
        { "$y$jAs..$salt$" S43, true }, /* r = 561 */
        { "$y$jBs..$salt$" S43, false },
        { "$y$j9T.0$salt$" S43, true },     /* p = 4 */
        { "$y$j9T./$salt$" S43, true },     /* p = 3 */
        { "$y$jFT..$salt$" S43, false },    /* 1 GiB, p = 2 */
        { "$y$j9T/zzzz$salt$" S43, false }, /* t */
        { "$y$j9T1$salt$" S43, false },     /* a parameter that is unknown */
        { "$y$j9$salt$" S43, false },
        { "$7$GU..../....saltsalt$" S43, true }, /* 1 GiB */
        { "$7$HU..../....saltsalt$" S43, false },
        { "$7$GU....0....saltsalt$" S43, false }, /* p = 2 */
        { "$7$zzzzzzzzzzzsaltsalt$" S43, false },
        { "$7$C$" S43, false },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        cr_expect_eq(user_hash_ok(table[i].hash), table[i].ok, "%s",
                     table[i].hash);
    cr_expect(strstr(user_hash_found("$2b$16$" S53), "its cost is so high"));
    cr_expect(strstr(user_hash_found("!$2b$16$" S53), "its cost is so high"));
}

Test(fields, a_hash_up_to_its_bound)
{
    char hash[512];
    int salt = USER_HASH_MAX - 43 - 4;

    snprintf(hash, sizeof(hash), "$5$%0*d$" S43, salt, 0);
    cr_expect_eq(strlen(hash), USER_HASH_MAX);
    cr_expect(user_hash_ok(hash));
    snprintf(hash, sizeof(hash), "$5$%0*d$" S43, salt + 1, 0);
    cr_expect_not(user_hash_ok(hash));
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
        cr_expect_eq(user_home_ok(slice_from(table[i].home)), table[i].ok, "%s",
                     table[i].home);
    snprintf(home, sizeof(home), "/%0*d", USER_HOME_MAX - 1, 0);
    cr_expect(user_home_ok(slice_from(home)));
    snprintf(home, sizeof(home), "/%0*d", USER_HOME_MAX, 0);
    cr_expect_not(user_home_ok(slice_from(home)));
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
        { "quota_files", "7", NULL },
        { "rights", "dropp", "rights=dropp: expected full, " },
        { "rights", "l r", "rights=l r: blanks aren't permitted" },
        { "rights", "l\n", "rights=l\n: blanks aren't permitted" },
        { "quota", "x", "quota=x: expected a number of bytes" },
        { "quota", "0", "quota=0: expected a number of bytes" },
        { "quota_files", "x", "quota_files=x: expected a number of files" },
        { "quota_files", "0", "quota_files=0: expected a number of files" },
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
