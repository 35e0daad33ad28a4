/* Takes the table of users as reader makes it: the input is what follows the
 * name of the build. If the table is accepted, it can be read to its end, and
 * keeps the bounds of users.h. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/users/image.h"

/* Calls user_version(), which reads each text that grants access, so that the
 * sanitizer notices a text that leads outside. */
static void check_row(const struct user *row)
{
    const uint8_t key[SIPHASH_KEY] = { 0 };

    user_version(row, key);
    FUZZ_CHECK(user_name_ok(slice_from(row->name)));
    FUZZ_CHECK(strlen(row->comment) <= USER_COMMENT_MAX);
    FUZZ_CHECK(strlen(row->home) <= USER_HOME_MAX);
    FUZZ_CHECK(strlen(row->hash) <= USER_HASH_MAX);
    FUZZ_CHECK(row->certificate.len <= USER_LINE_MAX);
    FUZZ_CHECK(row->rights <= RIGHTS_MOST);
    for (int i = 0; i < CHOICES; i++)
        FUZZ_CHECK(row->choice[i] <= choices[i].count);
}

static void check_mounts(const struct users *u, const struct user *row)
{
    FUZZ_CHECK(row->grants <= USER_MOUNTS_MAX);
    for (size_t i = 0; i < row->grants; i++) {
        FUZZ_CHECK(row->grant[i].share < u->shares);
        FUZZ_CHECK(row->grant[i].rights <= RIGHTS_MOST);
    }
    for (size_t i = 0; i < u->shares; i++)
        FUZZ_CHECK(user_name_ok(slice_from(u->share[i].name)) &&
                   user_path_ok(slice_from(u->share[i].path)) &&
                   u->share[i].gid >= SHARE_GID_MIN);
}

/* Makes a table with the name of this build. Returns its descriptor, or a
 * negative number. */
static int image_of(struct slice rest)
{
    char build[BUILD_NAME_MAX];
    struct buf image;
    int fd = -1;

    build_name_fill(build);
    buf_init(&image, sizeof(build) + rest.len);
    if (buf_add(&image, build, sizeof(build)) == 0 &&
        buf_add_slice(&image, rest) == 0)
        fd = fd_sealed("image", buf_slice(&image));
    buf_release(&image);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FD_CLEANUP int fd = image_of(fuzz_slice(data, size));
    struct complaint c = { .text = "" };
    struct users u;

    FUZZ_CHECK(fd >= 0);
    if (users_take(&u, fd, &c) == 0)
        for (size_t i = 0; i < u.count; i++) {
            check_row(&u.row[i]);
            check_mounts(&u, &u.row[i]);
        }
    else
        FUZZ_CHECK(c.text[0] && !u.row && !u.text && u.count == 0);
    users_release(&u);
    return 0;
}
