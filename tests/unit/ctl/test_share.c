/* Counted files and bytes: the tests that set attributes or mount, which the
 * shell of cases/share_user.txt can't do. */
#include <sys/mount.h>
#include <sys/xattr.h>

#include "ctl/ctl.h"
#include "world.h"

#define PASSWORD "correct horse\n"
#define ROWS                                                                   \
    "anna:!:70000:70000::/h::rights=full\n"                                    \
    "bert:!:70001:70001::/i::\n"                                               \
    "carla:!:70002:70002::/j::\n"

static void share_world(void)
{
    world_make();
    file_write(world.users, ROWS);
}

TestSuite(share, .init = share_world, .fini = scratch_remove);

static void expect_users(const char *line)
{
    cr_expect_not_null(strstr(file_text(world.users), line), "%s",
                       file_text(world.users));
}

static void expect_not_in_users(const char *text)
{
    cr_expect_null(strstr(file_text(world.users), text), "%s",
                   file_text(world.users));
}

/* The count is an attribute of the home, wherever the home is. */
Test(share, uploads)
{
    char home[128];
    struct stat st;

    expect_run(0, PASSWORD, "user add dora --role drop --uploads 20");
    expect_users("rights=drop uploads=20\n");
    expect_out(0, "", "user show dora",
               "limits:   uploads 20\nteam_limits: none\nfiles:    0\n");
    snprintf(home, sizeof(home), "%s/dora", world.homes);
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "7", 1, 0), 0);
    expect_out(0, "", "user show dora",
               "limits:   uploads 20\nteam_limits: none\nfiles:    7\n");
    expect_out(0, "", "user show dora --json", "\"files\": 7");
    expect_out(0, "", "user change dora --uploads 7", "changed");
    expect_run(0, "", "user change dora --uploads 20");
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "x", 1, 0), 0);
    expect_out(
        0, "", "user show dora",
        "limits:   uploads 20\nteam_limits: none\nfiles:    not counted\n");
    expect_out(0, "", "user show dora --json", "\"files\": null");
    expect_run(EX_USAGE, "", "user change dora --uploads 0");
    expect_run(EX_USAGE, "", "user change dora --uploads 4294967296");
    expect_run(0, "", "user change dora --uploads none");
    expect_users("rights=drop\n");
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "20", 2, 0), 0);
    expect_run(0, "", "user del dora");
    cr_assert_eq(stat(home, &st), 0);
    expect_run(0, PASSWORD, "user add dora --uploads 20");
}

Test(share, upload_bytes)
{
    char home[128];

    expect_run(0, PASSWORD, "user add dora --role drop --upload-bytes 2M");
    expect_users("rights=drop upload_bytes=2M\n");
    expect_out(0, "", "user show dora",
               "limits:   upload_bytes 2 MiB\nteam_limits: none\nfiles:    0\n"
               "bytes:    0 bytes\n");
    snprintf(home, sizeof(home), "%s/dora", world.homes);
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "7 1048576", 9, 0), 0);
    expect_out(0, "", "user show dora", "bytes:    1 MiB\n");
    expect_out(0, "", "user show dora --json", "\"bytes\": 1048576");
    expect_out(0, "", "user show dora --json", "\"files\": 7");
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "x", 1, 0), 0);
    expect_out(0, "", "user show dora", "bytes:    not counted\n");
    expect_run(EX_USAGE, "", "user change dora --upload-bytes 0");
    expect_run(EX_USAGE, "", "user change dora --upload-bytes 8388608T");
    expect_err(
        EX_USAGE, "", "user change dora --upload-bytes x",
        "--upload-bytes x: expected a number from 1 to 9223372036854775807, "
        "such as 10, 64K or 2G; or none");
    expect_run(0, "", "user change dora --upload-bytes none");
    expect_users("rights=drop\n");
}

/* A home with a count of files only has no count of bytes. */
Test(share, upload_bytes_of_a_user_with_uploads)
{
    char home[128];

    expect_run(0, PASSWORD, "user add dora --uploads 20");
    snprintf(home, sizeof(home), "%s/dora", world.homes);
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "7", 1, 0), 0);
    expect_out(0, "", "user show dora", "bytes:    not counted\n");
    cr_expect_str_eq(
        expect_run(0, "", "user change dora --upload-bytes 2M")->err, "");
}

/* ramfs has no extended attributes. */
Test(share, counts_without_attributes)
{
    if (!mounts_own() || mkdir(world.homes, 0711) < 0 ||
        mount("none", world.homes, "ramfs", 0, NULL) < 0)
        world_skip("nothing can be mounted here");
    expect_err(EX_CONFIG, PASSWORD, "user add dora --uploads 2",
               "stores no extended attributes");
    expect_not_in_users("dora");
    cr_expect_eq(access(in(world.homes, "dora"), F_OK), -1);
    expect_run(0, PASSWORD, "user add dora");
    expect_err(EX_CONFIG, "", "user change dora --uploads 2", "--uploads: ");
    expect_err(EX_CONFIG, "", "user change dora --upload-bytes 2",
               "--upload-bytes: ");
    cr_assert_eq(umount(world.homes), 0);
}
