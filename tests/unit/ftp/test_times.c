/* Times that clients set; no date that the calendar lacks. */
#include "sallyport/ftp/times.h"
#include "support/test.h"

#define T 1795162920 /* 2026-11-20 08:22:00 */

struct row {
    const char *argument;
    int result;
    time_t modify;
    const char *path;
};

Test(times, mfmt)
{
    static const struct row rows[] = {
        { "20261120082200 a", 0, T, "a" },
        { "20261120082200 a b ", 0, T, "a b " },
        { "20261120082200  a", 0, T, " a" },
        { "20261120082200.125 /a", 0, T, "/a" },
        { "19700101000000 a", 0, 0, "a" },
        { "99991231235959 a", 0, 253402300799, "a" },
        { "20240229000000 a", 0, 1709164800, "a" },
        { "20000229000000 a", 0, 951782400, "a" },
        { "20230229000000 a", -ERANGE, 0, "" },
        { "21000229000000 a", -ERANGE, 0, "" },
        { "20261320000000 a", -ERANGE, 0, "" },
        { "20260020000000 a", -ERANGE, 0, "" },
        { "20261100000000 a", -ERANGE, 0, "" },
        { "20261131000000 a", -ERANGE, 0, "" },
        { "20261120240000 a", -ERANGE, 0, "" },
        { "20261120006000 a", -ERANGE, 0, "" },
        { "20261120000060 a", -ERANGE, 0, "" },
        { "19691231235959 a", -ERANGE, 0, "" },
        { "00000000000000 a", -ERANGE, 0, "" },
        { "", -EINVAL, 0, "" },
        { "a", -EINVAL, 0, "" },
        { "20261120082200", -EINVAL, 0, "" },
        { "20261120082200 ", -EINVAL, 0, "" },
        { " 20261120082200 a", -EINVAL, 0, "" },
        { "2026112008220 a", -EINVAL, 0, "" },
        { "202611200822000 a", -EINVAL, 0, "" },
        { "+0261120082200 a", -EINVAL, 0, "" },
        { "20261120082200. a", -EINVAL, 0, "" },
        { "20261120082200.x a", -EINVAL, 0, "" },
        { "202611200822 a", -EINVAL, 0, "" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice path;
        time_t modify;
        int r = times_parse(slice_from(rows[i].argument), &modify, &path);

        cr_expect_eq(r, rows[i].result, "\"%s\": %d", rows[i].argument, r);
        if (r != 0)
            continue;
        cr_expect_eq(modify, rows[i].modify, "%s", rows[i].argument);
        cr_expect(slice_equal(path, slice_from(rows[i].path)), "%s",
                  rows[i].argument);
    }
}
