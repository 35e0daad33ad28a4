#include "support/users_table.h"

#include <criterion/criterion.h>
#include <sys/mman.h>

#include "sallyport/base/fd.h"
#include "sallyport/userparse/userparse.h"
#include "sallyport/users/change.h"

int users_table(const char *text)
{
    FD_CLEANUP int file = fd_sealed("users", slice_from(text));
    int table = memfd_create("table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct complaint c = { "" };
    struct users u;

    cr_assert_eq(users_read(&u, file, "users", &c), 0, "%s", c.text);
    cr_assert_eq(users_write(&u, table), 0);
    users_release(&u);
    cr_assert_eq(fd_seal(table), 0);
    return table;
}

int users_table_change(const char *before, const char *now)
{
    FD_CLEANUP int answer =
        memfd_create("answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    FD_CLEANUP int old_text = fd_sealed("users", slice_from(before));
    FD_CLEANUP int text = fd_sealed("users", slice_from(now));
    FD_CLEANUP int table = users_table(before);
    struct users_lines lines;

    cr_assert_eq(users_lines_find(&lines, slice_from(before), slice_from(now)),
                 USERS_LINES_FOUND);
    cr_assert_eq(users_write_change(text, old_text, &lines, table, answer), 0);
    cr_assert_eq(fd_seal(answer), 0);
    return fd_take(&answer);
}
