/* The links of a command share its work: they list directories, transfer and
 * remove at the same time. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "faulty.h"
#include "support/files.h"

/* The server of the deep tree. The other ones are played, each for the one
 * thing that it does wrong. */
static const struct server_user users[] = { { .name = "tree" } };

/* For tests without a fault. Criterion names a hook by its line: hooks of
 * tests/support have the lines 15 and 16. */
SERVER_SHARED(.users = users, .user_count = 1);

/* The server answers a listing when four links have asked for one. */
Test(client_walks, four_links_list_at_once, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "four_lists", "good");
    desk_says(&f.desk, 0, "4 files  /\n", "du", "-P4", "/", NULL);
    desk_says(&f.desk, 0, "sub/d/file\n", "ls", "-rP4", "/", NULL);
    desk_says(&f.desk, 0, "4 of 4 files", "get", "-rP4", "/", "in", NULL);
    desk_says(&f.desk, 0, "4 the same", "sync", "-P4", "/", "in", NULL);
    cr_expect_eq(faulty_count("PASS "), 16);
    faulty_end(&f);
}

/* Files are removed before the directory that they are in. */
Test(client_walks, four_links_remove, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "four_lists", "good");
    desk_says(&f.desk, 0, "would remove /sub\n", "rm", "-rnP4", "/sub", NULL);
    cr_expect_eq(faulty_count("RMD "), 0);
    desk_says(&f.desk, 0, "", "rm", "-rP4", "/sub", NULL);
    cr_expect_eq(faulty_count("PASS "), 8);
    cr_expect_eq(faulty_count("DELE sub/a/file"), 1);
    cr_expect_eq(faulty_count("RMD sub/"), 4);
    cr_expect_eq(faulty_count("RMD "), 5);
    files_make_folder("empty", 0755);
    desk_says(&f.desk, EX_DATAERR, "9 files and directories would be removed",
              "sync", "-P4", "--delete", "--max-delete=8", "empty", "/", NULL);
    cr_expect_eq(faulty_count("RMD "), 5);
    desk_says(&f.desk, 0, "0 uploaded, 0 the same, 9 removed", "sync", "-P4",
              "--delete", "empty", "/", NULL);
    cr_expect_eq(faulty_count("RMD "), 10);
    faulty_end(&f);
}

/* The listing of one directory waits until a file of another one is fetched. */
Test(client_walks, files_come_before_the_walk_ends, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "late_list", "good");
    desk_says(&f.desk, 0, "2 of 2 files", "get", "-rP2", "/", "in", NULL);
    cr_expect(files_exists("in/sub/late/file"));
    faulty_end(&f);
}

/* With a listing that is cut somewhere, sync removes nothing, and rm leaves the
 * directories above it. */
Test(client_walks, a_listing_that_is_cut, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "cut_sub", "good");
    files_make_folder("empty", 0755);
    desk_says(&f.desk, EX_PROTOCOL, "nothing is removed", "sync", "-P2",
              "--delete", "empty", "/", NULL);
    cr_expect_eq(faulty_count("DELE "), 0);
    desk_says(&f.desk, EX_PROTOCOL, "sub/late: the listing may be cut", "rm",
              "-rP2", "/sub", NULL);
    cr_expect_eq(faulty_count("RMD sub/early"), 1);
    cr_expect_eq(faulty_count("RMD "), 1);
    faulty_end(&f);
}

/* A deep tree comes and goes over four links, and nothing is left. */
Test(client_walks, a_deep_tree, .timeout = 120)
{
    char dir[256] = "t", name[300];
    struct desk d;

    desk_begin(&d, "tree");
    for (int i = 0; i < 20; i++) {
        files_make_folder(dir, 0755);
        for (int k = 0; k < 3; k++) {
            snprintf(name, sizeof(name), "%s/%d", dir, k);
            files_write(name, "text", 4, 0644);
            snprintf(name, sizeof(name), "%s/empty%d", dir, k);
            files_make_folder(name, 0755);
        }
        strcat(dir, "/d");
    }
    desk_says(&d, 0, "60 of 60 files", "put", "-rP4", "t", "/", NULL);
    desk_same("t", server_home_file(&d.server, "tree", "t"));
    desk_says(&d, 0, "60 files", "du", "-P4", "/t", NULL);
    desk_says(&d, 0, "60 of 60 files", "get", "-rP4", "/t", "back", NULL);
    desk_same("t", "back");
    desk_says(&d, 0, "60 uploaded, 0 the same", "sync", "-P4", "t", "/u", NULL);
    files_make_folder("none", 0755);
    desk_says(&d, 0, "139 removed", "sync", "-P4", "--delete", "none", "/u",
              NULL);
    desk_says(&d, 0, "", "rm", "-rP4", "/t", NULL);
    desk_says(&d, 0, "/\n", "ls", "/", NULL);
    cr_expect_not(files_exists(server_home_file(&d.server, "tree", "t")));
    desk_end(&d);
}
