/* Reads a users file. If it is accepted, it keeps all promises of userparse.h,
 * row by row. If it is refused, no row is left, and the complaint names the
 * file. A line that sallyportctl accepts as a row must be printed unchanged. */
#include "fuzz.h"

#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/userparse/userparse.h"
#include "sallyport/users/row.h"

static void check_row(const struct users *u, const struct user *row)
{
    unsigned rights;
    char text[16];

    FUZZ_CHECK(user_name_ok(slice_from(row->name)));
    FUZZ_CHECK(!user_home_wanted(slice_from(row->home)));
    FUZZ_CHECK(user_comment_ok(slice_from(row->comment)));
    FUZZ_CHECK(row->locked || user_hash_ok(row->hash));
    FUZZ_CHECK(row->uid != (uid_t)-1 && row->gid != (gid_t)-1);
    FUZZ_CHECK(users_find(u, slice_from(row->name)) == row);
    FUZZ_CHECK(row->rights != 0 && row->rights <= RIGHTS_MOST);
    FUZZ_CHECK(
        rights_parse(slice_from(rights_text(row->rights, text)), &rights) == 0);
    FUZZ_CHECK(rights == row->rights);
}

static void check_mounts(const struct users *u, const struct user *row)
{
    FUZZ_CHECK(row->grants <= USER_MOUNTS_MAX);
    for (size_t i = 0; i < row->grants; i++) {
        const struct grant *g = &row->grant[i];

        FUZZ_CHECK(g->share < u->shares);
        FUZZ_CHECK(g->rights != 0 && g->rights <= RIGHTS_MOST);
        FUZZ_CHECK(i == 0 || g[-1].share < g->share);
    }
}

static void check_shares(const struct users *u)
{
    for (size_t i = 0; i < u->shares; i++) {
        FUZZ_CHECK(user_name_ok(slice_from(u->share[i].name)));
        FUZZ_CHECK(user_path_ok(slice_from(u->share[i].path)));
        FUZZ_CHECK(u->share[i].gid >= SHARE_GID_MIN);
        for (size_t j = 0; j < i && i < 64; j++)
            FUZZ_CHECK(u->share[j].gid != u->share[i].gid);
    }
    for (size_t i = 0; i < u->teams; i++)
        FUZZ_CHECK(user_name_ok(slice_from(u->team[i].name)));
}

static void check_rows(const struct users *u)
{
    for (size_t i = 0; i < u->count && i < 64; i++) {
        check_row(u, &u->row[i]);
        check_mounts(u, &u->row[i]);
        for (size_t j = 0; j < i; j++)
            FUZZ_CHECK(u->row[j].uid != u->row[i].uid);
        FUZZ_CHECK(i == 0 || u->row[i - 1].line < u->row[i].line);
    }
}

static void check_line(struct slice line)
{
    struct buf printed;
    struct row r;

    buf_init(&printed, line.len + 2);
    if (row_parse(&r, line) == 0) {
        FUZZ_CHECK(row_print(&r, &printed) == 0);
        FUZZ_CHECK(slice_equal(buf_slice(&printed), line));
        FUZZ_CHECK(row_set(&r, "totp", "A") == 0);
        FUZZ_CHECK(strcmp(row_get(&r, "totp"), "A") == 0);
    }
    row_release(&r);
    buf_release(&printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FD_CLEANUP int fd = fd_sealed("users", fuzz_slice(data, size));
    struct complaint c = { .text = "" };
    struct slice rest = fuzz_slice(data, size), line;
    struct users u;

    while (slice_cut(&rest, '\n', &line))
        check_line(line);
    FUZZ_CHECK(fd >= 0);
    if (users_read(&u, fd, "users", &c) == 0) {
        FUZZ_CHECK(c.text[0] == '\0');
        check_rows(&u);
        check_shares(&u);
    } else {
        FUZZ_CHECK(strncmp(c.text, "users:", 6) == 0);
        FUZZ_CHECK(!u.row && !u.text && u.count == 0);
    }
    users_release(&u);
    return 0;
}
