/* The table of SITE: well formed, and the source of SITE HELP and HELP SITE. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sallyport/domain/rights.h"
#include "sallyport/ftp/command.h"

Test(site, rows)
{
    for (size_t i = 0; i < SITE_COUNT; i++) {
        const struct site *row = &site_table[i];
        char start[32];

        snprintf(start, sizeof(start), "SITE %s%s", row->name,
                 row->argument ? " " : "");
        cr_expect_eq(strncmp(row->help, start, strlen(start)), 0, "%s",
                     row->help);
        cr_expect_eq((size_t)row->verb, i, "%s: sorted by name", row->name);
        if (i > 0)
            cr_expect_lt(strcmp(site_table[i - 1].name, row->name), 0);
    }
}

Test(site, rights)
{
    cr_expect_eq(site_find(SLICE("CHMOD"))->rights,
                 RIGHT_WRITE | RIGHT_REPLACE);
    cr_expect_eq(site_find(SLICE("UTIME"))->rights, RIGHT_WRITE);
    cr_expect_eq(site_find(SLICE("HELP"))->rights, 0);
}

Test(site, find)
{
    cr_expect_eq(site_find(SLICE("utime")), site_find(SLICE("UTIME")));
    cr_expect_null(site_find(SLICE("EXEC")));
    cr_expect_null(site_find(SLICE("CHMO")));
    cr_expect_null(site_find(SLICE("")));
}

Test(site, help)
{
    static const char expected[] =
        " SITE CHMOD mode path\r\n"
        " SITE HELP\r\n"
        " SITE UTIME YYYYMMDDHHMM[SS] path | path atime mtime ctime UTC\r\n";
    struct buf b;

    buf_init(&b, 1024);
    site_help(&b);
    cr_expect(slice_equal(buf_slice(&b), slice_from(expected)));
    buf_clear(&b);
    cr_assert_eq(command_help(SLICE("SITE"), &b), 0);
    cr_assert_eq(buf_add(&b, "", 1), 0);
    cr_expect(strstr(b.data, expected), "%s", b.data);
    buf_release(&b);
}
