/* One transcript, case or client can be run alone. */
#include "support/rows.h"
#include "support/test.h"

/* A file says that it is for the long run. */
Test(rows, keep_those_of_the_short_run)
{
    struct rows some = { .folder = "tests/system/transcripts/client",
                         .suffix = ".txt",
                         .only = "SALLYPORT_TEST_ROW" },
                all = some;

    setenv("SALLYPORT_LONG", "1", 1);
    rows_find(&all);
    unsetenv("SALLYPORT_LONG");
    rows_find(&some);
    cr_expect_gt(some.count, 0);
    cr_expect_lt(some.count, all.count);
}

Test(rows, keep_one_file)
{
    struct rows one = { .folder = "tests/system/transcripts",
                        .suffix = ".txt",
                        .only = "SALLYPORT_TEST_ROW" },
                all = one;

    rows_find(&all);
    setenv("SALLYPORT_TEST_ROW", "times", 1);
    rows_find(&one);
    cr_expect_gt(all.count, 1);
    cr_assert_eq(one.count, 1);
    cr_expect_str_eq(one.row[0].name, "times");
}
