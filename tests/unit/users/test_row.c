/* A row of the users file: it is parsed, edited and printed; what isn't changed
 * keeps every byte, and no value breaks the line. */
#include "sallyport/users/row.h"
#include "sallyport/users/users.h"
#include "support/allocation.h"
#include "support/test.h"

/* Expects that a row with an error, which it forgets, has no line, and that it
 * then has LINE. */
static void expect_line(struct row *r, int error, const char *line)
{
    struct buf text;

    buf_init(&text, 2 * USER_LINE_MAX);
    cr_expect_eq(row_print(r, &text), error);
    cr_expect_eq(text.len > 0, error == 0);
    buf_clear(&text);
    r->error = 0;
    cr_assert_eq(row_print(r, &text), 0);
    cr_expect(slice_equal(buf_slice(&text), slice_from(line)),
              "%.*s instead of %s", (int)text.len, text.data, line);
    buf_release(&text);
}

Test(row, every_byte_stays)
{
    static const char *const lines[] = {
        "anna:$6$a:1:1:c:/h::rights=full",
        "anna:!:1:1::/h::\r",
        "anna:!:1:1::/h::  a=1  b=2 ",
        "anna:!:1:1::/h::certificate=a:b",
        "@share:s:80000:/s:  file_mode=0640 ",
        "@team:t:shares=s:drop\r",
        "@team:t:",
        ":::::::",
        "@:::::::word",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct row r;

        cr_assert_eq(row_parse(&r, slice_from(lines[i])), 0, "%s", lines[i]);
        expect_line(&r, 0, lines[i]);
        row_release(&r);
        cr_expect_eq(r.columns, 0);
    }
}

Test(row, no_row)
{
    static const struct slice lines[] = {
        { "", 0 },
        { "anna", 4 },
        { "anna:!:1:1::/h:", 15 },
        { "@share:s:1:/s", 13 },
        { "@team:t", 7 },
        { "anna:\0:1:1::/h::", 16 },
        { "anna:!:1:1::/h::\0", 17 },
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct row r;

        cr_expect_eq(row_parse(&r, lines[i]), -EINVAL, "%zu", i);
        cr_expect_eq(r.columns, 0, "%zu", i);
    }
}

Test(row, columns_and_keys)
{
    struct row r;

    cr_assert_eq(row_parse(&r, SLICE("anna:!:1:70000::/h::a=1  bb=2 b=3 ")), 0);
    cr_expect_str_eq(r.column[ROW_GID], "70000");
    cr_expect_str_eq(r.column[ROW_COMMENT], "");
    cr_expect_str_eq(row_get(&r, "b"), "3");
    cr_expect_null(row_get(&r, "c"));
    cr_expect_eq(row_set_column(&r, ROW_COMMENT, "A\xc3\xa4 b"), 0);
    cr_expect_eq(row_set_number(&r, ROW_UID, 4294967294), 0);
    expect_line(&r, 0,
                "anna:!:4294967294:70000:A\xc3\xa4 b:/h::a=1  bb=2 b=3 ");
    cr_expect_eq(row_set(&r, "bb", NULL), 0);
    cr_expect_eq(row_set(&r, "a", "x:y=z"), 0);
    expect_line(&r, 0, "anna:!:4294967294:70000:A\xc3\xa4 b:/h::b=3 a=x:y=z");
    cr_expect_eq(row_set(&r, "b", NULL), 0);
    cr_expect_eq(row_set(&r, "a", NULL), 0);
    cr_expect_eq(row_set(&r, "a", NULL), 0);
    expect_line(&r, 0, "anna:!:4294967294:70000:A\xc3\xa4 b:/h::");
    row_release(&r);
}

Test(row, values_that_break_a_line)
{
    static const char *const bad[] = { "a\tb", "a\nb",    "\r",
                                       "\x1f", "a\x7f\n", "a\x01" };
    static char longest[USER_LINE_MAX + 2];
    struct row r;

    cr_assert_eq(row_parse(&r, ROW_NEW), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_eq(row_set_column(&r, ROW_COMMENT, bad[i]), -EINVAL);
        cr_expect_eq(row_set(&r, "networks", bad[i]), -EINVAL);
    }
    cr_expect_eq(row_set_column(&r, ROW_COMMENT, "a:b"), -EINVAL);
    cr_expect_eq(row_set(&r, "networks", "a b"), -EINVAL);
    memset(longest, 'x', sizeof(longest) - 1);
    cr_expect_eq(row_set_column(&r, ROW_HOME, longest), -EMSGSIZE);
    cr_expect_eq(row_set(&r, "networks", longest), -EMSGSIZE);
    expect_line(&r, -EINVAL, ":::::::");
    longest[USER_LINE_MAX] = '\0';
    cr_expect_eq(row_set_column(&r, ROW_HOME, longest), 0);
    row_release(&r);
}

/* Tries each step of an edit without memory. The row is then as it was before
 * that step. Returns the step, or -1: all had memory. */
static int edit_without_memory(struct row *r)
{
    if (row_parse(r, SLICE("anna:!:1:1::/h::a=1 b=2")))
        return 0;
    if (row_set_column(r, ROW_HASH, "*"))
        return 1;
    if (row_set(r, "a", "3"))
        return 2;
    return -1;
}

Test(row, without_memory)
{
    static const char *const after[] = { NULL, "anna:!:1:1::/h::a=1 b=2",
                                         "anna:*:1:1::/h::a=1 b=2" };
    bool seen[3] = { false };
    int step = 0;

    if (!allocation_can_fail())
        cr_skip_test(ALLOCATION_MISSING);
    for (unsigned n = 1; step >= 0; n++) {
        struct row r;

        allocation_fail(n);
        step = edit_without_memory(&r);
        allocation_fail(0);
        if (step >= 0)
            seen[step] = true;
        if (step == 0)
            cr_expect_eq(r.columns, 0);
        else
            expect_line(&r, step > 0 ? -ENOMEM : 0,
                        step > 0 ? after[step] : "anna:*:1:1::/h::b=2 a=3");
        row_release(&r);
    }
    cr_expect(seen[0] && seen[1] && seen[2]);
}
