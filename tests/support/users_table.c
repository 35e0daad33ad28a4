#include "support/users_table.h"

#include "sallyport/base/fd.h"
#include "sallyport/userparse/userparse.h"
#include "test.h"

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
