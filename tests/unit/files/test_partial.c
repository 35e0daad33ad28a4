/* Names of partials, tested as functions. */
#include "files/files.h"
#include "support/test.h"

static void name_of(const char *user, const char *file, uint8_t key,
                    char out[PARTIAL_NAME_MAX])
{
    struct files f = { .user = user, .name_key = { key } };

    partial_name(&f, file, out);
}

Test(partial, name_is_of_user_and_file_and_key)
{
    char a[PARTIAL_NAME_MAX], b[PARTIAL_NAME_MAX];

    name_of("anna", "report.pdf", 1, a);
    cr_assert(partial_is_name(a), "%s", a);
    cr_assert_eq(strlen(a), strlen(PATH_RESERVED) + 32 + 5);
    cr_assert_neq(strncmp(a + 11, a + 11 + 16, 16), 0, "two hashes: %s", a);
    name_of("anna", "report.pdf", 1, b);
    cr_assert_str_eq(a, b);
    name_of("bert", "report.pdf", 1, b);
    cr_assert_str_neq(a, b);
    name_of("anna", "report.pdg", 1, b);
    cr_assert_str_neq(a, b);
    name_of("anna", "report.pdf", 2, b);
    cr_assert_str_neq(a, b);
    name_of("annar", "eport.pdf", 1, b);
    cr_assert_str_neq(a, b);
}

/* vfat, ntfs3 and cifs can have names of more than NAME_MAX bytes. */
Test(partial, name_of_a_name_that_is_too_long)
{
    char a[PARTIAL_NAME_MAX], b[PARTIAL_NAME_MAX], name[3 * NAME_MAX + 1];

    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    name_of("anna", name, 1, a);
    name[NAME_MAX] = '\0';
    name_of("anna", name, 1, b);
    cr_expect_str_eq(a, b, "the rest isn't read");
}

Test(partial, is_name)
{
    static const struct {
        const char *name;
        bool yes;
    } rows[] = {
        { ".sallyport-0123456789abcdef0123456789abcdef.part", true },
        { ".sallyport-0123456789abcdef0123456789abcde.part", false },
        { ".sallyport-0123456789abcdef0123456789abcdef0.part", false },
        { ".sallyport-0123456789ABCDEF0123456789abcdef.part", false },
        { ".sallyport-0123456789abcdef0123456789abcdef", false },
        { ".sallyport-0123456789abcdef0123456789abcdef.part2", false },
        { "sallyport-0123456789abcdef0123456789abcdef.part", false },
        { ".sallyport-", false },
        { "", false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(partial_is_name(rows[i].name), rows[i].yes, "%s",
                     rows[i].name);
}
