/* One transcript, case or client can be run alone. */
#include "support/rows.h"
#include "support/test.h"

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
