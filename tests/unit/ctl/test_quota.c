/* "quota set" and "quota list" on a real btrfs; cases/quota.txt has the
 * rest. */
#include <jansson.h>

#include "sallyport/quota/quota.h"
#include "support/btrfs.h"
#include "world.h"

TestSuite(quota, .init = world_make, .fini = scratch_remove);

#define PASSWORD "correct horse\n"
#define MIB      (1 << 20)

/* Puts the homes on btrfs: anna's is a subvolume, bert's a directory. */
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
    expect_out(0, "", "quota list anna", " KiB ");
    expect_out(0, "", "quota set anna 5M", " 5 MiB ");
    expect_out(0, "", "quota list anna", " 5 MiB ");
    value = run_json("quota list anna --json");
    cr_expect_eq(number(json_array_get(value, 0), "bytes"), 5 * MIB);
    cr_expect_gt(number(json_array_get(value, 0), "bytes_used"), 0);
    cr_expect(json_is_null(json_object_get(json_array_get(value, 0), "files")));
    cr_expect(
        json_is_null(json_object_get(json_array_get(value, 0), "files_used")));
    json_decref(value);
    expect_out(0, "", "quota set anna 6M", " 6 MiB ");
    expect_out(0, "", "quota set anna 8388607T", " 7.9 EiB ");
    value = run_json("quota list anna --json");
    cr_expect_eq(number(json_array_get(value, 0), "bytes"), INT64_C(8388607)
                                                                << 40);
    json_decref(value);
    expect_out(0, "", "quota set anna none",
               "anna                              - ");
    end();
}

Test(quota, what_btrfs_refuses)
{
    begin();
    expect_err(EX_UNAVAILABLE, "", "quota set anna 5M --files 7",
               "anna: btrfs can't limit the number of files");
    expect_err(EX_UNAVAILABLE, "", "quota set bert 5M",
               "bert is a directory, and btrfs has quotas of subvolumes only; "
               "docs/admin/teams.md in ");
    expect_err(EX_UNAVAILABLE, "", "quota list bert", " has the commands ");
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

Test(quota, list)
{
    json_t *value;

    begin();
    expect_run(0, "", "quota set anna 5M");
    expect_out(0, "", "quota list", "anna                          5 MiB ");
    expect_out(0, "", "quota list",
               "bert                              -            -          -   "
               "       - not a subvolume\n");
    value = run_json("quota list --json");
    cr_expect_eq(json_array_size(value), 2);
    json_decref(value);
    end();
}

/* Neither a link nor another user's directory gets a limit. */
Test(quota, another_directory)
{
    char line[512];

    begin();
    cr_assert_eq(symlink(in(world.homes, "anna"), in(world.homes, "link")), 0);
    snprintf(line, sizeof(line),
             "carl:!:70005:70005::%s::", in(world.homes, "link"));
    promise(line);
    expect_err(EX_NOINPUT, "", "quota set carl 5M", "link: ");
    expect_out(0, "", "quota list", "carl ");
    cr_assert_eq(chown(in(world.homes, "anna"), 70009, 70009), 0);
    expect_err(EX_DATAERR, "", "quota set anna 5M",
               "belongs to uid 70009, not to 7000");
    expect_out(0, "", "quota list anna",
               "anna                              - ");
    end();
}

/* --purge removes a home that is a subvolume like any other. */
Test(quota, purge_of_a_subvolume)
{
    begin();
    file_write(in(world.homes, "anna/file"), "x");
    expect_run(0, "", "quota set anna 5M");
    expect_run(0, "", "user del anna --purge --yes");
    cr_expect_not(files_exists(in(world.homes, "anna")));
    end();
}

/* On btrfs a share is a subvolume, as a home is. */
Test(quota, of_a_share)
{
    char words[256];

    begin();
    snprintf(words, sizeof(words), "share add contracts --path %s",
             in(world.homes, "contracts"));
    expect_run(0, "", words);
    expect_out(0, "", "quota set share:contracts 7M", " 7 MiB ");
    expect_out(0, "", "quota list share:contracts", " 7 MiB ");
    expect_out(0, "", "quota list", "share:contracts               7 MiB ");
    expect_out(0, "", "quota set share:contracts none",
               "contracts                   - ");
    expect_err(EX_NOUSER, "", "quota list share:offers",
               "there is no share:offers; run: ");
    expect_err(EX_NOUSER, "", "quota list share:offers",
               world_command("share list"));
    expect_err(EX_NOUSER, "", "quota list contracts", "no user contracts");
    end();
}
