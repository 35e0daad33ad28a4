/* Patterns for names: what they match, and how long that takes. */
#include <criterion/criterion.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "files/files.h"
#include "sallyport/base/clock.h"

Test(pattern, is_one)
{
    cr_expect(list_is_pattern("*"));
    cr_expect(list_is_pattern("a?"));
    cr_expect(list_is_pattern("a["));
    cr_expect_not(list_is_pattern(""));
    cr_expect_not(list_is_pattern("a]b\\{c}"));
}

Test(pattern, matches)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } rows[] = {
        { "*", "", true },
        { "*", "a", true },
        { "*", ".a", false },
        { ".*", ".a", true },
        { "?a", ".a", false },
        { "[.]a", ".a", false },
        { "a*", "a.b", true },
        { "*.txt", "a.txt", true },
        { "*.txt", ".txt", false },
        { "*.txt", "a.txt2", false },
        { "*.txt", "a.TXT", false },
        { "a*b*c", "abbbcabc", true },
        { "a*b*c", "abbbcab", false },
        { "a**b", "ab", true },
        { "?", "a", true },
        { "?", "", false },
        { "?", "ab", false },
        { "???", "\xc3\xa4x", true },
        { "[abc]", "b", true },
        { "[abc]", "d", false },
        { "[a-c]x", "bx", true },
        { "[!a-c]x", "bx", false },
        { "[^a-c]x", "dx", true },
        { "[]]", "]", true },
        { "[!]]", "]", false },
        { "[!]]", "a", true },
        { "[a-]", "-", true },
        { "[-a]", "-", true },
        { "[\x80-\xff]", "\xc3", true },
        { "[", "[", true },
        { "[a", "[a", true },
        { "a[", "a", false },
        { "[!", "[!", true },
        { "*[", "x[", true },
        { "\\*", "\\x", true },
        { "\\*", "*", false },
        { "a", "a", true },
        { "a", "ab", false },
        { "", "", true },
        { "", "a", false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(list_matches(rows[i].pattern, rows[i].name),
                     rows[i].matches, "%s, %s", rows[i].pattern, rows[i].name);
}

/* Compares with libc for all short texts of these bytes. */
Test(pattern, as_fnmatch)
{
    static const char bytes[] = "ab.*?";
    char pattern[6], name[6];

    for (unsigned i = 0; i < 5 * 5 * 5 * 5; i++)
        for (unsigned k = 0; k < 3 * 3 * 3 * 3; k++) {
            for (unsigned n = 0, p = i, q = k; n < 4; n++, p /= 5, q /= 3) {
                pattern[n] = bytes[p % 5];
                name[n] = bytes[q % 3];
            }
            pattern[4] = name[4] = 0;
            cr_assert_eq(list_matches(pattern, name),
                         fnmatch(pattern, name, FNM_NOESCAPE | FNM_PERIOD) == 0,
                         "%s, %s", pattern, name);
        }
}

/* The work grows with the product of both lengths, and not faster. */
Test(pattern, of_a_hostile_client)
{
    char pattern[256], name[256];
    uint64_t before = clock_ms();

    for (size_t i = 0; i < 254; i += 2)
        memcpy(pattern + i, "*a", 2);
    memcpy(pattern + 252, "*b", 3);
    memset(name, 'a', 255);
    name[255] = 0;
    for (int i = 0; i < 100; i++)
        cr_expect_not(list_matches(pattern, name));
    cr_expect_lt(clock_ms() - before, 2000);
}
