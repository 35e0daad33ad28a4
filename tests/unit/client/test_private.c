/* Tests which files may hold a secret. */
#include <sys/mount.h>

#include "client/options/options.h"
#include "support/files.h"
#include "support/scratch.h"
#include "support/test.h"

static int judge(const char *path, mode_t mode, uid_t owner)
{
    struct failure why;
    struct buf text;

    files_write(path, "secret", 6, 0600);
    cr_assert_eq(chown(path, owner, 0), 0);
    cr_assert_eq(chmod(path, mode), 0);
    buf_init(&text, 64);
    int r = private_read(path, true, false, &text, &why);
    buf_release(&text);
    return r;
}

/* A mount namespace of its own gives this test a /run. */
Test(private, secrets_of_a_service)
{
    static const struct {
        const char *path;
        mode_t mode;
        uid_t owner;
        int r;
    } rows[] = {
        { "/run/secrets/s", 0444, 0, 0 },
        { "/run/secrets/s", 0440, 0, 0 },
        { "/run/secrets/s", 0464, 0, -1 },
        { "/run/secrets/s", 0446, 0, -1 },
        { "/run/secrets/s", 0444, 12345, -1 },
        { "/run/credentials/s", 0440, 0, 0 },
        { "/run/secretsx/s", 0444, 0, -1 },
        { "/run/s", 0440, 0, 0 },
        { "/run/s", 0444, 0, -1 },
        { "/run/s", 0460, 0, -1 },
        { "/run/s", 0400, 0, 0 },
        { "/run/s", 0600, 0, 0 },
    };

    if (!mounts_own() || mount("none", "/run", "tmpfs", 0, NULL) < 0)
        cr_skip_test("no mount namespace");
    files_make_folder("/run/secrets", 0755);
    files_make_folder("/run/secretsx", 0755);
    files_make_folder("/run/credentials", 0755);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(judge(rows[i].path, rows[i].mode, rows[i].owner),
                     rows[i].r, "%s %o", rows[i].path, rows[i].mode);
}
