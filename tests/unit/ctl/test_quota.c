/* "quota set", "show" and "report" on a real btrfs; cases/quota.txt has the
 * rest. */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

#include "sallyport/quota/quota.h"
#include "support/btrfs.h"
#include "world.h"

TestSuite(quota, .init = world_make, .fini = scratch_remove);

#define PASSWORD "correct horse\n"
#define MIB      (1 << 20)

/* The homes are on btrfs; anna's is a subvolume, bert's a directory. */
static void begin(void)
{
    cr_assert_eq(mkdir(world.homes, 0711), 0);
    if (!btrfs_mount(world.homes))
        world_skip("needs root and mounts");
    expect_run(0, PASSWORD, "user add bert");
    btrfs_enable_quotas(world.homes);
    expect_run(0, PASSWORD, "user add anna");
}

static void end(void)
{
    btrfs_unmount(world.homes);
}

static json_t *run_json(const char *words)
{
    const struct run *r = expect_run(0, "", words);
    json_t *value = json_loads(r->out, 0, NULL);

    cr_assert(value, "%s", r->out);
    return value;
}

static json_int_t number(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

Test(quota, set_and_show)
{
    json_t *value;

    begin();
    expect_out(0, "", "quota show anna", " KiB used\n");
    expect_out(0, "", "quota set anna 5M", "anna: 5 MiB, ");
    cr_expect_not_null(strstr(file_text(world.users), " quota=5242880\n"), "%s",
                       file_text(world.users));
    expect_out(0, "", "quota show anna", "anna: 5 MiB, ");
    value = run_json("quota show anna --json");
    cr_expect_eq(number(value, "bytes"), 5 * MIB);
    cr_expect_gt(number(value, "bytes_used"), 0);
    cr_expect(json_is_null(json_object_get(value, "files")));
    cr_expect(json_is_null(json_object_get(value, "files_used")));
    json_decref(value);
    expect_out(0, "", "quota set anna 6M", "anna: 6 MiB, ");
    cr_expect_not_null(strstr(file_text(world.users), " quota=6291456\n"));
    expect_out(0, "", "quota set anna 8388607T", "anna: 7.9 EiB, ");
    value = run_json("quota show anna --json");
    cr_expect_eq(number(value, "bytes"), INT64_C(8388607) << 40);
    json_decref(value);
    expect_out(0, "", "quota set anna none", "anna: no limit, ");
    cr_expect_null(strstr(file_text(world.users), "quota"));
    end();
}

/* The row changes only after the kernel. */
Test(quota, what_btrfs_refuses)
{
    begin();
    expect_err(EX_UNAVAILABLE, "", "quota set anna 5M --files 7",
               "anna: btrfs can't limit the number of files");
    expect_err(EX_UNAVAILABLE, "", "quota set bert 5M",
               "bert is a directory, and btrfs has quotas of subvolumes only; "
               "make it one: mv ");
    expect_err(EX_UNAVAILABLE, "", "quota show bert", "btrfs subvolume create");
    cr_expect_null(strstr(file_text(world.users), "quota"));
    expect_err(EX_NOUSER, "", "quota set carl 5M", "there is no user carl");
    end();
}

static void promise(const char *words)
{
    FILE *file = fopen(world.users, "a");

    cr_assert(file);
    fprintf(file, "%s\n", words);
    fclose(file);
}

Test(quota, report)
{
    char line[512];
    json_t *value;

    begin();
    expect_run(0, "", "quota set anna 5M");
    expect_out(0, "", "quota report", "anna                          5 MiB ");
    expect_out(0, "", "quota report",
               "bert                              -      0 bytes          -   "
               "       0 no subvolume of its own\n");
    value = run_json("quota report --json");
    cr_expect_eq(json_array_size(value), 2);
    json_decref(value);
    /* A row that promises what the kernel doesn't know. */
    cr_assert_eq(mkdir(in(world.homes, "carl"), 0700), 0);
    snprintf(line, sizeof(line), "carl:!:70009:70009::%s::quota=3M",
             in(world.homes, "carl"));
    promise(line);
    expect_out(EX_CONFIG, "", "quota report",
               "not enforced: no subvolume of its own\n");
    expect_err(EX_CONFIG, "", "quota report",
               "the kernel doesn't enforce what the users file says");
    expect_out(EX_CONFIG, "", "quota report --json", "\"not enforced: no sub");
    end();
}

/* Quotas that were enabled, and a limit that is gone. */
Test(quota, report_of_another_limit)
{
    begin();
    expect_run(0, "", "quota set anna 5M");
    expect_run(0, "", "quota report");
    expect_run(0, PASSWORD, "user add carl");
    cr_assert_eq(rename(in(world.homes, "anna"), in(world.homes, "old")), 0);
    cr_assert_eq(rename(in(world.homes, "carl"), in(world.homes, "anna")), 0);
    expect_out(EX_CONFIG, "", "quota report",
               "not what the users file says: run quota set again");
    end();
}

/* Neither a link nor another's directory gets a limit. */
Test(quota, another_directory)
{
    char line[512];

    begin();
    cr_assert_eq(symlink(in(world.homes, "anna"), in(world.homes, "link")), 0);
    snprintf(line, sizeof(line),
             "carl:!:70005:70005::%s::", in(world.homes, "link"));
    promise(line);
    expect_err(EX_NOINPUT, "", "quota set carl 5M", "link: ");
    expect_out(0, "", "quota report", "carl ");
    cr_assert_eq(chown(in(world.homes, "anna"), 70009, 70009), 0);
    expect_err(EX_DATAERR, "", "quota set anna 5M",
               "belongs to uid 70009, not to 7000");
    expect_out(0, "", "quota show anna", "anna: no limit, ");
    end();
}

/* A row that can't be written: the kernel keeps the old limit. */
Test(quota, a_row_that_stays)
{
    begin();
    expect_run(0, "", "quota set anna 5M");
    cr_assert_eq(mkdir(in_scratch(".users.sallyport-new"), 0700), 0);
    expect_err(EX_CANTCREAT, "", "quota set anna 6M", "File exists");
    expect_out(0, "", "quota show anna", "anna: 5 MiB, ");
    end();
}

Test(quota, ends_with_its_user)
{
    struct quota q;
    int fd;

    begin();
    expect_run(0, "", "quota set anna 5M");
    expect_run(0, "", "user del anna");
    fd = open(in(world.homes, "anna"), O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(quota_get(fd, QUOTA_USER, 0, &q), 0);
    close(fd);
    cr_expect_eq(q.bytes.limit, 0);
    end();
}

/* A change of the user, and an import of an exported row. */
Test(quota, follows_its_user)
{
    char words[256], text[1024];
    const struct run *r;

    begin();
    expect_run(0, "", "quota set anna 5M");
    snprintf(words, sizeof(words), "user change anna --home %s",
             in(world.homes, "new"));
    r = expect_run(0, "", words);
    cr_expect_null(strstr(r->err, "doesn't limit"), "%s", r->err);
    expect_out(0, "", "quota show anna", "anna: 5 MiB, ");
    /* The home is still the old uid's. */
    expect_run(0, "", "quota set anna none");
    snprintf(text, sizeof(text), "%s", file_text(world.users));
    *strchr(strstr(text, "anna:"), '\n') = '\0';
    strcat(text, " quota=6291456\n");
    file_write(world.users, text);
    r = expect_run(0, "", "user change anna --uid 70005");
    cr_expect_null(strstr(r->err, "doesn't limit"), "%s", r->err);
    expect_out(0, "", "quota show anna", "anna: 6 MiB, ");
    cr_assert_eq(chown(in(world.homes, "new"), 70005, 70005), 0);
    file_write(in_scratch("old"), file_text(world.users));
    expect_run(0, "", "user del anna");
    snprintf(words, sizeof(words), "user import %s --format sallyport",
             in_scratch("old"));
    r = expect_run(0, "", words);
    cr_expect_null(strstr(r->err, "doesn't limit"), "%s", r->err);
    expect_out(0, "", "quota show anna", "anna: 6 MiB, ");
    expect_run(0, "", "quota report");
    end();
}

/* A home that is a subvolume goes as any other. */
Test(quota, purge_of_a_subvolume)
{
    begin();
    file_write(in(world.homes, "anna/file"), "x");
    expect_run(0, "", "quota set anna 5M");
    expect_run(0, "", "user del anna --purge --yes");
    cr_expect_not(files_exists(in(world.homes, "anna")));
    end();
}

/* On btrfs the share is a subvolume, as a home is. */
Test(quota, of_a_share)
{
    char words[256];

    begin();
    snprintf(words, sizeof(words), "share add contracts --path %s",
             in(world.homes, "contracts"));
    expect_run(0, "", words);
    expect_out(0, "", "quota set share:contracts 7M", "share:contracts: 7 MiB");
    cr_expect_not_null(strstr(file_text(world.users), "quota=7340032\n"), "%s",
                       file_text(world.users));
    expect_out(0, "", "quota show share:contracts", "share:contracts: 7 MiB, ");
    expect_out(0, "", "quota report", "share:contracts               7 MiB ");
    expect_out(0, "", "quota set share:contracts none", "no limit");
    cr_expect_null(strstr(file_text(world.users), "quota"));
    expect_err(EX_NOUSER, "", "quota show share:offers",
               "there is no share:offers; run: sallyportctl share list");
    expect_err(EX_NOUSER, "", "quota show contracts", "no user contracts");
    end();
}
