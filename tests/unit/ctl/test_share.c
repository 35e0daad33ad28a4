/* Counted files and bytes: what no shell of cases/share_user.txt can set or
 * mount. */
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
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

/* The count is beside the files, wherever the home is. */
Test(share, max_files)
{
    char home[128], words[64];
    struct stat st;

    expect_run(0, PASSWORD, "user add dora --role drop --max-files 20");
    expect_users("rights=drop max_files=20\n");
    expect_out(0, "", "user show dora", "files:    0\nmax files: 20\n");
    snprintf(home, sizeof(home), "%s/dora", world.homes);
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "7", 1, 0), 0);
    expect_out(0, "", "user show dora", "files:    7\nmax files: 20\n");
    expect_out(0, "", "user show dora --json", "\"files\": 7");
    expect_out(0, "", "user can dora upload /x",
               "\n7 of 20 files are stored (max_files)\n");
    expect_out(0, "", "user change dora --max-files 7", "changed");
    expect_out(0, "", "user can dora upload /x",
               "\n7 of 7 files are stored (max_files): no further one\n");
    expect_err(0, "", "user change dora --max-files 30",
               "/dora: 7 of 30 files are counted already");
    expect_run(0, "", "user change dora --max-files 20");
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "x", 1, 0), 0);
    expect_out(0, "", "user can dora upload /x",
               "\nhow many of the 20 files of max_files are stored isn't "
               "known\n");
    expect_out(0, "", "user show dora",
               "files:    not counted\nmax files: 20\n");
    expect_out(0, "", "user show dora --json", "\"files\": null");
    expect_run(EX_USAGE, "", "user change dora --max-files 0");
    expect_run(EX_USAGE, "", "user change dora --max-files 4294967296");
    expect_run(0, "", "user change dora --max-files default");
    expect_users("rights=drop\n");
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "20", 2, 0), 0);
    expect_run(0, "", "user del dora");
    cr_assert_eq(stat(home, &st), 0);
    snprintf(words, sizeof(words), "user add dora --max-files 20");
    if (geteuid() == 0) /* the home keeps its owner */
        snprintf(words, sizeof(words), "user add dora --max-files 20 --uid %u",
                 (unsigned)st.st_uid);
    expect_err(0, PASSWORD, words, "/dora: 20 of 20 files are counted already");
}

Test(share, max_bytes)
{
    char home[128];

    expect_run(0, PASSWORD, "user add dora --role drop --max-bytes 2M");
    expect_users("rights=drop max_bytes=2M\n");
    expect_out(0, "", "user show dora",
               "files:    0\nmax files: any number\n"
               "bytes:    0\nmax bytes: 2097152\n");
    snprintf(home, sizeof(home), "%s/dora", world.homes);
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "7 1048576", 9, 0), 0);
    expect_out(0, "", "user show dora", "bytes:    1048576\n");
    expect_out(0, "", "user show dora --json", "\"bytes\": 1048576");
    expect_out(0, "", "user show dora --json", "\"files\": 7");
    expect_out(0, "", "user can dora upload /x",
               "\n1 MiB of 2 MiB are stored (max_bytes)\n");
    expect_err(0, "", "user change dora --max-bytes 1M",
               "/dora: 1048576 of 1M bytes are counted already");
    expect_out(0, "", "user can dora upload /x",
               "\n1 MiB of 1 MiB are stored (max_bytes): nothing more\n");
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "x", 1, 0), 0);
    expect_out(0, "", "user can dora upload /x",
               "\nhow much of the 1 MiB of max_bytes is stored isn't known\n");
    expect_out(0, "", "user show dora", "bytes:    not counted\n");
    expect_run(EX_USAGE, "", "user change dora --max-bytes 0");
    expect_run(EX_USAGE, "", "user change dora --max-bytes 8388608T");
    expect_err(EX_USAGE, "", "user change dora --max-bytes x",
               "--max-bytes x: expected a number of bytes, also with K, M, G "
               "or T; or default");
    expect_run(0, "", "user change dora --max-bytes default");
    expect_users("rights=drop\n");
}

/* A count of files says nothing of bytes. */
Test(share, max_bytes_of_a_user_with_max_files)
{
    char home[128];

    expect_run(0, PASSWORD, "user add dora --max-files 20");
    snprintf(home, sizeof(home), "%s/dora", world.homes);
    cr_assert_eq(setxattr(home, STORED_ATTRIBUTE, "7", 1, 0), 0);
    expect_out(0, "", "user show dora",
               "bytes:    not counted\nmax bytes: any number\n");
    cr_expect_str_eq(expect_run(0, "", "user change dora --max-bytes 2M")->err,
                     "");
    expect_out(0, "", "user can dora upload /x",
               "\n7 of 20 files are stored (max_files)\n"
               "0 bytes of 2 MiB are stored (max_bytes)\n");
}

/* ramfs has no extended attributes. */
Test(share, counts_without_attributes)
{
    if (unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mkdir(world.homes, 0711) < 0 ||
        mount("none", world.homes, "ramfs", 0, NULL) < 0)
        world_skip("nothing can be mounted here");
    expect_err(EX_CONFIG, PASSWORD, "user add dora --max-files 2",
               "stores no extended attributes");
    expect_not_in_users("dora");
    cr_expect_eq(access(in(world.homes, "dora"), F_OK), -1);
    expect_run(0, PASSWORD, "user add dora");
    expect_err(EX_CONFIG, "", "user change dora --max-files 2",
               "--max-files: ");
    expect_err(EX_CONFIG, "", "user change dora --max-bytes 2",
               "--max-bytes: ");
    cr_assert_eq(umount(world.homes), 0);
}
