/* The count of what a user has stored, in both directions. */
#include "sallyport/domain/stored.h"
#include "support/test.h"

static int parse(const char *text, struct stored *ret)
{
    return stored_parse(slice_from(text), ret);
}

Test(stored, files_alone_are_a_form_of_older_builds)
{
    struct stored s = { 1, 1 };
    char text[STORED_TEXT_MAX];

    cr_assert_eq(parse("7", &s), 0);
    cr_expect(s.files == 7 && s.bytes == 0);
    cr_expect_eq(stored_text(&s, text), 3);
    cr_expect_str_eq(text, "7 0");
}

Test(stored, files_and_bytes)
{
    struct stored s;
    char text[STORED_TEXT_MAX];
    const char *most = "9223372036854775807 9223372036854775807";

    cr_assert_eq(parse("7 1024", &s), 0);
    cr_expect(s.files == 7 && s.bytes == 1024);
    cr_assert_eq(parse(most, &s), 0);
    cr_expect_eq(stored_text(&s, text), strlen(most));
    cr_expect_str_eq(text, most);
}

Test(stored, mistakes)
{
    static const char *const bad[] = { "",     " ",    "x",     "7 ",
                                       " 7",   "7  1", "7 x",   "x 7",
                                       "7 1 ", "7\n",  "7 1 2", "-1" };
    struct stored s;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        s = (struct stored){ 5, 5 };
        cr_expect_eq(parse(bad[i], &s), -EINVAL, "%s", bad[i]);
        cr_expect(s.files == 0 && s.bytes == 0, "%s", bad[i]);
    }
    cr_expect_eq(parse("1 9223372036854775808", &s), -ERANGE);
    cr_expect_eq(parse("9223372036854775808", &s), -ERANGE);
    cr_expect_eq(stored_parse((struct slice){ NULL, 0 }, &s), -EINVAL);
}
