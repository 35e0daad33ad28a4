/* The patterns of transcripts. A pattern that matches too much would make every
 * transcript a test that can't fail. */
#include "../../support/pattern.h"
#include "support/test.h"

struct row {
    const char *pattern, *text;
    bool matches;
    unsigned port;
    const char *why;
};

static const struct row rows[] = {
    { "", "", true, 0, "nothing is nothing" },
    { "", "a", false, 0, "the whole text counts" },
    { "abc", "abc", true, 0, "literal" },
    { "abc", "abcd", false, 0, "a longer text" },
    { "abcd", "abc", false, 0, "a shorter text" },
    { "a.c", "abc", false, 0, "no regular expression" },
    { "a*c", "abc", false, 0, "no glob" },
    { "221 {*}", "221 Goodbye.", true, 0, "any bytes" },
    { "221 {*}", "221 ", true, 0, "none is any" },
    { "221 {*}", "421 Goodbye.", false, 0, "the code counts" },
    { "{*}b{*}", "aXbY", true, 0, "twice" },
    { "{*}b", "abab", true, 0, "as many as are needed" },
    { "{*}b", "aba", false, 0, "the end counts" },
    { "a {keep}, {n}", "a b, c, 1", true, 0, "as few bytes as possible" },
    { "a {keep}, {n}", "a b, c, d", false, 0, "nothing to keep" },
    { "{n} x", "120 x", true, 0, "digits" },
    { "{n} x", " x", false, 0, "at least one digit" },
    { "{n} x", "12a x", false, 0, "only digits" },
    { "{hex}", "00ffA", true, 0, "hex digits" },
    { "{hex}", "00fg", false, 0, "not a hex digit" },
    { "213 {time}", "213 20261120074201", true, 0, "a time" },
    { "213 {time}", "213 2026112007420", false, 0, "a digit is missing" },
    { "(|||{port}|)", "(|||40123|)", true, 40123, "the port of EPSV" },
    { "(|||{port}|)", "(|||65536|)", false, 0, "no port" },
    { "({p1},{p2})", "(156,187)", true, 40123, "the port of PASV" },
    { "{x}", "{x}", false, 0, "an unknown placeholder matches nothing" },
    { "{", "{", true, 0, "a brace alone is literal" },
    { "{\"a\":{\"b\":{n}}}", "{\"a\":{\"b\":12}}", true, 0, "an object" },
    { "{\"a\":1}", "{\"a\":2}", false, 0, "another object" },
};

Test(pattern, rows)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pattern_match m = { .port = 7 };
        bool got = pattern_matches(slice_from(rows[i].pattern),
                                   slice_from(rows[i].text), &m);

        cr_expect_eq(got, rows[i].matches, "\"%s\" on \"%s\": %s",
                     rows[i].pattern, rows[i].text, rows[i].why);
        cr_expect_eq(m.port, got ? rows[i].port : 7, "port: %s", rows[i].why);
    }
}

Test(pattern, what_is_kept)
{
    struct pattern_match m = { 0 };

    cr_assert(pattern_matches(SLICE("{*} as {keep}, {n}"),
                              SLICE("226 stored as /a, b, 5"), &m));
    cr_expect(slice_equal(m.kept, SLICE("/a, b")));
    cr_assert(pattern_matches(SLICE("226 {*}"), SLICE("226 stored"), &m));
    cr_expect_null(m.kept.ptr);
}
