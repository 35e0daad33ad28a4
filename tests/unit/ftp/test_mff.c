/* Facts that clients set: MFF's words, and modes. A line sets all of them, or
 * none. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "sallyport/ftp/times.h"

#define T 1795162920 /* 2026-11-20 08:22:00 */

static const struct {
    const char *argument;
    int result;
    unsigned facts;
    unsigned mode;
    const char *path, *text;
} rows[] = {
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
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mff m = { 0 };
        struct buf text;
        int r = mff_parse(slice_from(rows[i].argument), &m);

        cr_expect_eq(r, rows[i].result, "\"%s\": %d", rows[i].argument, r);
        cr_expect_eq(m.facts, rows[i].facts, "%s", rows[i].argument);
        if (r != 0)
            continue;
        cr_expect_eq(m.mode, rows[i].mode, "%s", rows[i].argument);
        cr_expect_eq(m.modify, m.facts & MFF_MODIFY ? T : 0);
        cr_expect(slice_equal(m.path, slice_from(rows[i].path)), "%s",
                  rows[i].argument);
        buf_init(&text, 128);
        mff_text(&m, &text);
        cr_expect(slice_equal(buf_slice(&text), slice_from(rows[i].text)),
                  "%s: %.*s", rows[i].argument, (int)text.len, text.data);
        buf_release(&text);
    }
}
