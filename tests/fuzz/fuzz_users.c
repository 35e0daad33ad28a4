/* A users file. An accepted file keeps all promises of usersfile.h, row by row.
 * A refused one leaves nothing, and the complaint has its line. */
#include "fuzz.h"

#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/usersfile/usersfile.h"

static void check_row(const struct users *u, const struct user *row)
{
    unsigned rights;
    char text[16];

    FUZZ_CHECK(user_name_ok(slice_from(row->name)));
    FUZZ_CHECK(user_home_ok(slice_from(row->home)));
    FUZZ_CHECK(user_comment_ok(slice_from(row->comment)));
    FUZZ_CHECK(row->locked || user_hash_ok(row->hash));
    FUZZ_CHECK(row->uid != (uid_t)-1 && row->gid != (gid_t)-1);
    FUZZ_CHECK(users_find(u, slice_from(row->name)) == row);
    FUZZ_CHECK(row->rights != 0 && row->rights <= RIGHT_ALL);
    FUZZ_CHECK(
        rights_parse(slice_from(rights_text(row->rights, text)), &rights) == 0);
    FUZZ_CHECK(rights == row->rights);
}

static void check_rows(const struct users *u)
{
    for (size_t i = 0; i < u->count && i < 64; i++) {
        check_row(u, &u->row[i]);
        for (size_t j = 0; j < i; j++)
            FUZZ_CHECK(u->row[j].uid != u->row[i].uid);
        FUZZ_CHECK(i == 0 || u->row[i - 1].line < u->row[i].line);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FD_CLEANUP int fd = fd_sealed("users", fuzz_slice(data, size));
    struct complaint c = { .text = "" };
    struct users u;

    FUZZ_CHECK(fd >= 0);
    if (users_read(&u, fd, "users", &c) == 0) {
        FUZZ_CHECK(c.text[0] == '\0');
        check_rows(&u);
    } else {
        FUZZ_CHECK(strncmp(c.text, "users:", 6) == 0);
        FUZZ_CHECK(!u.row && !u.text && u.count == 0);
    }
    users_release(&u);
    return 0;
}
