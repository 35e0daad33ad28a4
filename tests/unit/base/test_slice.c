/* Slices, on which every parser of foreign bytes depends. */
#include "sallyport/base/slice.h"
#include "support/test.h"

Test(slice, equal)
{
    cr_assert(slice_equal(SLICE("ab"), slice_from("ab")));
    cr_assert_not(slice_equal(SLICE("ab"), SLICE("aB")));
    cr_assert_not(slice_equal(SLICE("ab"), SLICE("abc")));
    cr_assert(slice_equal(SLICE(""), slice_from(NULL)));
    cr_assert(slice_equal_nocase(SLICE("aZ9"), SLICE("Az9")));
    /* '@' and '`', and '[' and '{', differ by the same bit as the two cases of
     * a letter. */
    cr_assert_not(slice_equal_nocase(SLICE("@["), SLICE("`{")));
    cr_assert_not(slice_equal_nocase(SLICE("\xc4"), SLICE("\xe4")));
}

Test(slice, starts_has_trim)
{
    cr_assert(slice_starts(SLICE("abc"), SLICE("ab")));
    cr_assert(slice_starts(SLICE("abc"), SLICE("")));
    cr_assert_not(slice_starts(SLICE("a"), SLICE("ab")));
    cr_assert(slice_has(SLICE("a\0b"), 0));
    cr_assert_not(slice_has(SLICE(""), 'a'));
    cr_assert(slice_equal(slice_trim(SLICE(" \t a b\t ")), SLICE("a b")));
    cr_assert_eq(slice_trim(SLICE(" \t ")).len, 0);
}

Test(slice, cut)
{
    struct slice rest = SLICE("a,,b"), head;
    const char *expected[] = { "a", "", "b" };

    for (size_t i = 0; i < 3; i++) {
        cr_assert(slice_cut(&rest, ',', &head));
        cr_assert(slice_equal(head, slice_from(expected[i])), "part %zu", i);
    }
    cr_assert_not(slice_cut(&rest, ',', &head));
    cr_expect(slice_equal(head, SLICE("b"))); /* the last part */
    rest = SLICE("a,");
    cr_assert(slice_cut(&rest, ',', &head));
    cr_assert(slice_cut(&rest, ',', &head) && head.len == 0);
    cr_assert_not(slice_cut(&rest, ',', &head));
}

struct number_case {
    const char *text;
    uint64_t max;
    int result;
    uint64_t value;
};

static const struct number_case numbers[] = {
    { "0", 0, 0, 0 },
    { "00042", 100, 0, 42 },
    { "100", 100, 0, 100 },
    { "101", 100, -ERANGE, 0 },
    { "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
    { "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
    { "99999999999999999999999", UINT64_MAX, -ERANGE, 0 },
    { "9223372036854775808", INT64_MAX, -ERANGE, 0 },
    { "5", 4, -ERANGE, 0 },
    { "", 9, -EINVAL, 0 },
    { "-1", 9, -EINVAL, 0 },
    { "+1", 9, -EINVAL, 0 },
    { " 1", 9, -EINVAL, 0 },
    { "1 ", 9, -EINVAL, 0 },
    { "0x1", 99, -EINVAL, 0 },
    { "1e3", 9999, -EINVAL, 0 },
};

Test(slice, number)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const struct number_case *c = &numbers[i];
        uint64_t n = 77;
        int r = slice_number(slice_from(c->text), c->max, &n);

        cr_assert_eq(r, c->result, "'%s': %d", c->text, r);
        cr_assert_eq(n, r == 0 ? c->value : 77, "'%s' touched *ret", c->text);
    }
}

Test(slice, is_digits)
{
    cr_assert(slice_is_digits(SLICE("0123456789")));
    cr_assert_not(slice_is_digits(SLICE("")));
    cr_assert_not(slice_is_digits(SLICE("12a")));
    cr_assert_not(slice_is_digits(SLICE("-1")));
}

Test(slice, among)
{
    static const char *const words[] = { "a", "ab", "" };

    cr_assert_eq(slice_among(SLICE("a"), words, 3), 0);
    cr_assert_eq(slice_among(SLICE("ab"), words, 3), 1);
    cr_assert_eq(slice_among(SLICE(""), words, 3), 2);
    cr_assert_eq(slice_among(SLICE(""), words, 2), -EINVAL);
    cr_assert_eq(slice_among(SLICE("A"), words, 3), -EINVAL);
    cr_assert_eq(slice_among(SLICE("a"), words, 0), -EINVAL);
}

Test(slice, copy)
{
    char out[4] = "xxx";

    cr_assert_eq(slice_copy(SLICE("abcd"), out, sizeof(out)), -ENAMETOOLONG);
    cr_assert_eq(slice_copy(SLICE("a\0b"), out, sizeof(out)), -EINVAL);
    cr_assert_str_eq(out, "xxx");
    cr_assert_eq(slice_copy(SLICE("abc"), out, sizeof(out)), 0);
    cr_assert_str_eq(out, "abc");
}

/* RFC 4648, 10; without padding. */
Test(slice, base32)
{
    static const char *const pairs[][2] = {
        { "", "" },
        { "f", "MY" },
        { "fo", "MZXQ" },
        { "foo", "MZXW6" },
        { "foob", "MZXW6YQ" },
        { "fooba", "MZXW6YTB" },
        { "foobar", "MZXW6YTBOI" },
    };
    static const char *const wrong[] = { "M",  "MZ", "MZX",        "MY======",
                                         "my", "M1", "MZXW6YTBOIA" };
    uint8_t bytes[6];
    char text[16];

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        size_t len = strlen(pairs[i][0]);

        base32_encode((const uint8_t *)pairs[i][0], len, text);
        cr_expect_str_eq(text, pairs[i][1]);
        cr_expect_eq(base32_decode(slice_from(text), bytes, sizeof(bytes)),
                     (int)len);
        cr_expect_arr_eq(bytes, pairs[i][0], len);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_expect_eq(base32_decode(slice_from(wrong[i]), bytes, sizeof(bytes)),
                     -EINVAL, "%s", wrong[i]);
    cr_expect_eq(base32_decode(SLICE("MZXW6YTBOI"), bytes, 5), -EINVAL);
}

Test(slice, size)
{
    static const struct {
        const char *text;
        int r;
        uint64_t bytes;
    } rows[] = {
        { "0", 0, 0 },
        { "17", 0, 17 },
        { "3K", 0, 3072 },
        { "20G", 0, UINT64_C(20) << 30 },
        { "16777215T", 0, UINT64_C(16777215) << 40 },
        { "16777216T", -ERANGE, 7 },
        { "18446744073709551616", -ERANGE, 7 },
        { "", -EINVAL, 7 },
        { "G", -EINVAL, 7 },
        { "20GB", -EINVAL, 7 },
        { "20 G", -EINVAL, 7 },
        { "-1", -EINVAL, 7 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t bytes = 7;

        cr_expect_eq(slice_size(slice_from(rows[i].text), &bytes), rows[i].r,
                     "%s", rows[i].text);
        cr_expect_eq(bytes, rows[i].bytes, "%s", rows[i].text);
    }
}

Test(slice, size_text)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        { 0, "0 bytes" },
        { 1023, "1023 bytes" },
        { 1024, "1 KiB" },
        { 1536, "1.5 KiB" },
        { (1u << 20) - 1, "1023.9 KiB" },
        { UINT64_C(20) << 30, "20 GiB" },
        { UINT64_C(3) << 39, "1.5 TiB" },
        { UINT64_MAX, "15.9 EiB" },
    };
    char text[SIZE_TEXT_MAX];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_str_eq(size_text(rows[i].bytes, text), rows[i].text);
}

Test(slice, measure)
{
    static const struct slice_unit units[] = { { "s", 1 },
                                               { "h", 3600 },
                                               { "most", UINT64_MAX } };
    static const struct {
        const char *text;
        int r;
        uint64_t number;
    } rows[] = {
        { "5s", 0, 5 },
        { "2h", 0, 7200 },
        { "1most", 0, UINT64_MAX },
        { "2most", -ERANGE, 7 },
        { "5", -EINVAL, 7 },
        { "5 s", -EINVAL, 7 },
        { "s", -EINVAL, 7 },
        { "99999999999999999999s", -ERANGE, 7 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t number = 7;

        cr_expect_eq(slice_measure(slice_from(rows[i].text), units, 3,
                                   UINT64_MAX, &number),
                     rows[i].r, "%s", rows[i].text);
        cr_expect_eq(number, rows[i].number, "%s", rows[i].text);
    }
}

Test(slice, distance)
{
    static const struct {
        const char *a, *b;
        size_t letters;
    } rows[] = {
        { "", "", 0 },
        { "rights", "rights", 0 },
        { "", "abc", 3 },
        { "rights", "right", 1 },
        { "right", "rights", 1 },
        { "rights", "lights", 1 },
        { "rights", "rihgts", 1 },
        { "irghts", "rights", 1 },
        { "ca", "abc", 3 },
        { "kitten", "sitting", 3 },
    };
    static const char longest[] = "0123456789abcdef0123456789abcdefx";

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(
            slice_distance(slice_from(rows[i].a), slice_from(rows[i].b)),
            rows[i].letters, "%s %s", rows[i].a, rows[i].b);
    cr_expect_eq(slice_distance((struct slice){ longest, 32 },
                                (struct slice){ longest, 32 }),
                 0);
    cr_expect_eq(slice_distance(SLICE(""), (struct slice){ longest, 33 }),
                 SIZE_MAX);
    cr_expect_eq(slice_distance((struct slice){ longest, 33 }, SLICE("")),
                 SIZE_MAX);
}

Test(slice, nearest)
{
    static const char *const words[] = { "quota", "rights", "lights", "ab" };
    static const struct {
        const char *text, *word; /* NULL: none */
    } rows[] = {
        { "rihgts", "rights" }, { "light", "lights" }, { "quoat", "quota" },
        { "right", "rights" },  { "rigged", NULL },    { "ac", NULL },
        { "ab", "ab" },         { "x", NULL },         { "", NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *found = slice_nearest(slice_from(rows[i].text), words, 4);

        cr_expect_str_eq(found ? found : "none",
                         rows[i].word ? rows[i].word : "none", "%s",
                         rows[i].text);
    }
}
