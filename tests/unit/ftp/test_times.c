/* Times that clients set, in every known form; no date that the calendar
 * lacks. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

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

static const struct {
    const char *argument;
    int result;
    unsigned facts;
    unsigned mode;
    const char *path, *text;
} mff_rows[] = {
    { "modify=20261120082200; a", 0, MFF_MODIFY, 0, "a",
      "Modify=20261120082200;" },
    { "MODIFY=20261120082200.5; a b ", 0, MFF_MODIFY, 0, "a b ",
      "Modify=20261120082200;" },
    { "UNIX.mode=640; /a", 0, MFF_MODE, 0640, "/a", "UNIX.mode=0640;" },
    { "unix.mode=0640;  a", 0, MFF_MODE, 0640, " a", "UNIX.mode=0640;" },
    { "Modify=20261120082200;UNIX.mode=600; a", 0, MFF_MODIFY | MFF_MODE, 0600,
      "a", "Modify=20261120082200;UNIX.mode=0600;" },
    { "UNIX.mode=600;modify=20261120082200; a=b; c", 0, MFF_MODIFY | MFF_MODE,
      0600, "a=b; c", "Modify=20261120082200;UNIX.mode=0600;" },
    { "create=20261120082200; a", -ENOTSUP, 0, 0, "", "" },
    { "modify=20261120082200;UNIX.group=0; a", -ENOTSUP, 0, 0, "", "" },
    { "X.y=z; a", -ENOTSUP, 0, 0, "", "" },
    { "UNIX.mode=1777; a", -ERANGE, 0, 0, "", "" },
    { "UNIX.mode=4755; a", -ERANGE, 0, 0, "", "" },
    { "UNIX.mode=0; a", -ERANGE, 0, 0, "", "" },
    { "UNIX.mode=377; a", -ERANGE, 0, 0, "", "" },
    { "UNIX.mode=00640; a", -EINVAL, 0, 0, "", "" },
    { "UNIX.mode=u+x; a", -EINVAL, 0, 0, "", "" },
    { "UNIX.mode=648; a", -EINVAL, 0, 0, "", "" },
    { "UNIX.mode=; a", -EINVAL, 0, 0, "", "" },
    { "modify=20261320000000; a", -EINVAL, 0, 0, "", "" },
    { "modify=202611200822; a", -EINVAL, 0, 0, "", "" },
    { "modify=; a", -EINVAL, 0, 0, "", "" },
    { "modify; a", -EINVAL, 0, 0, "", "" },
    { "=x; a", -EINVAL, 0, 0, "", "" },
    { "modify=20261120082200 a", -EINVAL, 0, 0, "", "" }, /* no ; */
    { "modify=20261120082200, a", -EINVAL, 0, 0, "", "" },
    { "modify=20261120082200; ", -EINVAL, 0, 0, "", "" },
    { "modify=20261120082200;", -EINVAL, 0, 0, "", "" },
    { "modify=20261120082200;modify=20261120082201; a", -EINVAL, 0, 0, "", "" },
    { "UNIX.mode=600;UNIX.mode=600; a", -EINVAL, 0, 0, "", "" },
    { "modify=20261120082200;; a", -EINVAL, 0, 0, "", "" },
    { ";; a", -EINVAL, 0, 0, "", "" },
    { "; a", -EINVAL, 0, 0, "", "" },
    { " a", -EINVAL, 0, 0, "", "" },
    { "a", -EINVAL, 0, 0, "", "" },
    { "", -EINVAL, 0, 0, "", "" },
};

Test(mff, rows)
{
    for (size_t i = 0; i < sizeof(mff_rows) / sizeof(mff_rows[0]); i++) {
        struct mff m = { 0 };
        struct buf text;
        int r = mff_parse(slice_from(mff_rows[i].argument), &m);

        cr_expect_eq(r, mff_rows[i].result, "\"%s\": %d", mff_rows[i].argument,
                     r);
        cr_expect_eq(m.facts, mff_rows[i].facts, "%s", mff_rows[i].argument);
        if (r != 0)
            continue;
        cr_expect_eq(m.mode, mff_rows[i].mode, "%s", mff_rows[i].argument);
        cr_expect_eq(m.modify, m.facts & MFF_MODIFY ? T : 0);
        cr_expect(slice_equal(m.path, slice_from(mff_rows[i].path)), "%s",
                  mff_rows[i].argument);
        buf_init(&text, 128);
        mff_text(&m, &text);
        cr_expect(slice_equal(buf_slice(&text), slice_from(mff_rows[i].text)),
                  "%s: %.*s", mff_rows[i].argument, (int)text.len, text.data);
        buf_release(&text);
    }
}
