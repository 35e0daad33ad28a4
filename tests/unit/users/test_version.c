/* The version of a row: the changes that change it, those that don't, and that
 * the key does. */
#include "sallyport/userparse/userparse.h"
#include "support/test.h"

#define HASH  "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define OTHER "$5$salt$bbcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define PIN                                                                    \
    "sha256:"                                                                  \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PIN_2                                                                  \
    "sha256:"                                                                  \
    "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const uint8_t key[SIPHASH_KEY] = { 1, 2, 3 };

static uint64_t version_by(const uint8_t by[SIPHASH_KEY], const char *row)
{
    struct complaint c = { "" };
    struct users u;
    uint64_t v;

    cr_assert_eq(users_parse(&u, slice_from(row), "users", true, &c), 0, "%s",
                 c.text);
    v = user_version(&u.row[0], by);
    users_release(&u);
    return v;
}

static uint64_t version(const char *row)
{
    return version_by(key, row);
}

#define ANNA "anna:" HASH ":70000:70000::/srv/anna::"

/* How long files are kept, among others, is no business of a session. */
Test(version, what_does_not_change_it)
{
    static const char *const rows[] = {
        "# first\n" ANNA,          "anna:" HASH ":70000:70000:Anna:/srv/anna::",
        ANNA "rights=full",        ANNA "on_conflict=rename",
        ANNA "upload_eof=lenient", ANNA "retain=/:30d",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(version(rows[i]), version(ANNA), "%s", rows[i]);
}

/* The versions of an earlier build. Its sessions continue after an upgrade: a
 * row without a newer field must keep them. */
Test(version, of_an_earlier_build)
{
    cr_expect_eq(version(ANNA), 0x8244b4fda51df76b);
}

/* All of these files, and their rows of anna, have different versions, but the
 * first two. */
#define SHARE "@share:contracts:80000:/srv/s/contracts:"
static const char *const files[] = {
    ANNA "shares=contracts\n" SHARE,
    ANNA "teams=legal\n" SHARE "\n@team:legal:shares=contracts:lrwodnm",
    ANNA "\n" SHARE,
    "bert:" HASH ":70000:70000::/srv/anna::",
    "anna:" OTHER ":70000:70000::/srv/anna::",
    "anna:!" HASH ":70000:70000::/srv/anna::",
    "anna:!:70000:70000::/srv/anna::",
    "anna:" HASH ":70001:70000::/srv/anna::",
    "anna:" HASH ":70000:70001::/srv/anna::",
    "anna:" HASH ":70000:70000::/srv/ann::",
    ANNA "rights=read",
    ANNA "shares=contracts:read\n" SHARE,
    ANNA "teams=legal\n" SHARE "\n@team:legal:shares=contracts:drop",
    ANNA "shares=contracts\n@share:contracts:80001:/srv/s/contracts:",
    ANNA "shares=contracts\n@share:contracts:80000:/srv/s/contract:",
    ANNA "shares=contract\n@share:contract:80000:/srv/s/contracts:",
    ANNA "shares=contracts\n" SHARE "file_mode=0640",
    ANNA "shares=contracts,offers\n" SHARE "\n@share:offers:80001:/srv/s/o:",
    ANNA "file_mode=0640",
    ANNA "dir_mode=0750",
    ANNA "uploads=20",
    ANNA "uploads=21",
    ANNA "upload_bytes=20",
    ANNA "uploads=20 upload_bytes=20",
    ANNA "upload_bytes=1G",
    ANNA "shares=contracts:mine\n" SHARE,
    ANNA "certificate=" PIN,
    ANNA "certificate=" PIN_2,
    ANNA "certificate=" PIN " login=certificate",
    ANNA "data_binding=user",
    ANNA "data_binding=session",
    ANNA "expires=2027-01-31",
    ANNA "expires=2027-01-31T00:00:00Z",
};

Test(version, each_is_another)
{
    size_t n = sizeof(files) / sizeof(files[0]);

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            cr_expect_eq(version(files[i]) == version(files[j]), i == 1,
                         "%zu, %zu", i, j);
}

/* Rows of others don't count. */
Test(version, shares_of_others)
{
    cr_expect_eq(version(ANNA), version(files[2]));
    cr_expect_eq(version(files[0]),
                 version(ANNA
                         "shares=contracts\n@share:a:80009:/srv/s/a:\n" SHARE
                         "\nbert:!:70001:70001::/srv/bert::shares=a"));
}

Test(version, without_the_key)
{
    const uint8_t another[SIPHASH_KEY] = { 1, 2, 4 };

    cr_expect_neq(version_by(another, ANNA), version(ANNA));
}
