/* Rights and roles, in both directions; modes. */
#include "sallyport/domain/rights.h"
#include "support/test.h"

Test(rights, parse_and_text)
{
    static const struct {
        const char *text;
        unsigned rights;
        const char *again;
    } table[] = {
        { "full", RIGHT_ALL, "full" },
        { "read", RIGHT_LIST | RIGHT_READ, "read" },
        { "collect", RIGHT_LIST | RIGHT_READ | RIGHT_DELETE, "collect" },
        { "drop", RIGHT_WRITE, "drop" },
        { "w", RIGHT_WRITE, "drop" },
        { "l", RIGHT_LIST, "l" },
        { "rl", RIGHT_LIST | RIGHT_READ, "read" },
        { "lrd", RIGHT_LIST | RIGHT_READ | RIGHT_DELETE, "collect" },
        { "mw", RIGHT_WRITE | RIGHT_DIRECTORY, "wm" },
        { "lrwodn", RIGHT_ALL & ~(unsigned)RIGHT_DIRECTORY, "lrwodn" },
        { "mndowrl", RIGHT_ALL, "full" },
        { "wi", RIGHT_WRITE | RIGHT_INSPECT, "wi" },
        { "lrwodnmi", RIGHT_ALL | RIGHT_INSPECT, "lrwodnmi" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        unsigned rights = 0;
        char out[16];

        cr_expect_eq(rights_parse(slice_from(table[i].text), &rights), 0);
        cr_expect_eq(rights, table[i].rights, "%s", table[i].text);
        cr_expect_str_eq(rights_text(rights, out), table[i].again);
    }
}

Test(rights, each_letter_is_one_right)
{
    static const char letters[] = "lrwodnm"; /* u comes with another one */
    unsigned all = 0;

    for (size_t i = 0; i < 7; i++) {
        unsigned rights;

        cr_expect_eq(rights_parse((struct slice){ &letters[i], 1 }, &rights),
                     0);
        cr_expect_eq(rights, 1u << i, "%c", letters[i]);
        all |= rights;
    }
    cr_expect_eq(all, RIGHT_ALL);
}

Test(rights, refused_and_untouched)
{
    static const char *const table[] = { "",      "x",     "ll",       "Full",
                                         "L",     "dropp", "lrx",      "l r",
                                         " full", "full ", "lrwodnml", "none",
                                         "u",     "mu",    "lrwodnmu", "luu",
                                         "i",     "lri" };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        unsigned rights = 12345;

        cr_expect_eq(rights_parse(slice_from(table[i]), &rights), -EINVAL, "%s",
                     table[i]);
        cr_expect_eq(rights, 12345, "%s", table[i]);
    }
}

Test(rights, none_has_a_text)
{
    char out[16];

    cr_expect_str_eq(rights_text(0, out), "none");
}

Test(modes, parse)
{
    static const struct {
        const char *text;
        unsigned mode; /* 0: refused with ERROR */
        int error;
    } table[] = {
        { "600", 0600, 0 },      { "0600", 0600, 0 },    { "0664", 0664, 0 },
        { "640", 0640, 0 },      { "", 0, -EINVAL },     { "66", 0, -EINVAL },
        { "00640", 0, -EINVAL }, { "1640", 0, -EINVAL }, { "0680", 0, -EINVAL },
        { "-660", 0, -EINVAL },  { "0400", 0, -ERANGE }, { "0666", 0, -ERANGE },
        { "0700", 0, -ERANGE },  { "0610", 0, -ERANGE },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        unsigned mode = 0;

        cr_expect_eq(mode_parse(slice_from(table[i].text), FILE_MODE_NEEDED,
                                FILE_MODE_MOST, &mode),
                     table[i].error, "%s", table[i].text);
        cr_expect_eq(mode, table[i].mode, "%s", table[i].text);
    }
}

Test(modes, of_directories)
{
    cr_expect_eq(mode_of_directory(0600), 0700);
    cr_expect_eq(mode_of_directory(0620), 0720);
    cr_expect_eq(mode_of_directory(0640), 0750);
    cr_expect_eq(mode_of_directory(0660), 0770);
    cr_expect_eq(mode_of_directory(0664), 0775);
}

Test(rights, of_a_drop)
{
    static const struct {
        const char *text;
        bool drop;
    } table[] = {
        { "drop", true },     { "wi", true },    { "wodnm", true },
        { "full", false },    { "read", false }, { "rw", false },
        { "collect", false }, { "lw", false },   { "m", false },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        unsigned rights = 0;

        cr_assert_eq(rights_parse(slice_from(table[i].text), &rights), 0);
        cr_expect_eq(rights_drop(rights), table[i].drop, "%s", table[i].text);
        cr_expect_eq(rights_counting(rights),
                     table[i].drop ? rights & (RIGHT_WRITE | RIGHT_INSPECT)
                                   : rights,
                     "%s", table[i].text);
    }
}
