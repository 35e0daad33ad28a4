/* Times that clients set, in every known form; no date that the calendar
 * lacks. */
#include <criterion/criterion.h>
#include <errno.h>

#include "sallyport/ftp/times.h"

#define T 1795162920 /* 2026-11-20 08:22:00 */

struct row {
    const char *argument;
    int result;
    time_t modify, access;
    const char *path;
};

static void check(int (*parse)(struct slice, struct times *),
                  const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct times t;
        int r = parse(slice_from(rows[i].argument), &t);

        cr_expect_eq(r, rows[i].result, "\"%s\": %d", rows[i].argument, r);
        if (r != 0)
            continue;
        cr_expect_eq(t.modify, rows[i].modify, "%s", rows[i].argument);
        cr_expect_eq(t.access, rows[i].access, "%s", rows[i].argument);
        cr_expect(slice_equal(t.path, slice_from(rows[i].path)), "%s",
                  rows[i].argument);
    }
}
#define CHECK(parse, rows) check(parse, rows, sizeof(rows) / sizeof(rows[0]))

Test(times, mfmt)
{
    static const struct row rows[] = {
        { "20261120082200 a", 0, T, T, "a" },
        { "20261120082200 a b ", 0, T, T, "a b " },
        { "20261120082200  a", 0, T, T, " a" },
        { "20261120082200.125 /a", 0, T, T, "/a" },
        { "19700101000000 a", 0, 0, 0, "a" },
        { "99991231235959 a", 0, 253402300799, 253402300799, "a" },
        { "20240229000000 a", 0, 1709164800, 1709164800, "a" },
        { "20000229000000 a", 0, 951782400, 951782400, "a" },
        { "20230229000000 a", -ERANGE, 0, 0, "" },
        { "21000229000000 a", -ERANGE, 0, 0, "" },
        { "20261320000000 a", -ERANGE, 0, 0, "" },
        { "20260020000000 a", -ERANGE, 0, 0, "" },
        { "20261100000000 a", -ERANGE, 0, 0, "" },
        { "20261131000000 a", -ERANGE, 0, 0, "" },
        { "20261120240000 a", -ERANGE, 0, 0, "" },
        { "20261120006000 a", -ERANGE, 0, 0, "" },
        { "20261120000060 a", -ERANGE, 0, 0, "" },
        { "19691231235959 a", -ERANGE, 0, 0, "" },
        { "00000000000000 a", -ERANGE, 0, 0, "" },
        { "", -EINVAL, 0, 0, "" },
        { "a", -EINVAL, 0, 0, "" },
        { "20261120082200", -EINVAL, 0, 0, "" },
        { "20261120082200 ", -EINVAL, 0, 0, "" },
        { " 20261120082200 a", -EINVAL, 0, 0, "" },
        { "2026112008220 a", -EINVAL, 0, 0, "" },
        { "202611200822000 a", -EINVAL, 0, 0, "" },
        { "+0261120082200 a", -EINVAL, 0, 0, "" },
        { "20261120082200. a", -EINVAL, 0, 0, "" },
        { "20261120082200.x a", -EINVAL, 0, 0, "" },
        { "202611200822 a", -EINVAL, 0, 0, "" },
    };

    CHECK(times_parse, rows);
}

Test(times, site_utime)
{
    static const struct row rows[] = {
        { "202611200822 a", 0, T, T, "a" },
        { "20261120082200 a b", 0, T, T, "a b" },
        { "20261120082201 a", 0, T + 1, T + 1, "a" },
        { "a 20261120082203 20261120082202 20261120082201 UTC", 0, T + 2, T + 3,
          "a" },
        { "/a b/c  d 20261120082203 20261120082202 20261120082201 utc", 0,
          T + 2, T + 3, "/a b/c  d" },
        { "202611200822 20261120082203 20261120082202 20261120082201 UTC", 0,
          T + 2, T + 3, "202611200822" },
        { "202611200822 UTC", 0, T, T, "UTC" },
        { "20261120082200 x 20261120082201 UTC", 0, T, T,
          "x 20261120082201 UTC" },
        { "a 20261120082203 20261320082202 20261120082201 UTC", -ERANGE, 0, 0,
          "" },
        { "a 20261120082203 20261120082202 20261320082201 UTC", -ERANGE, 0, 0,
          "" },
        { "a 20261120082203 20261120082202 20261120082201 CET", -EINVAL, 0, 0,
          "" },
        { " 20261120082203 20261120082202 20261120082201 UTC", -EINVAL, 0, 0,
          "" },
        { "202613200822 a", -ERANGE, 0, 0, "" },
        { "20261120082260 a", -ERANGE, 0, 0, "" },
        { "2026112008 a", -EINVAL, 0, 0, "" },
        { "202611200822", -EINVAL, 0, 0, "" },
        { "202611200822 ", -EINVAL, 0, 0, "" },
        { "UTC", -EINVAL, 0, 0, "" },
        { "", -EINVAL, 0, 0, "" },
    };

    CHECK(times_parse_utime, rows);
}
