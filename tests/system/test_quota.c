/* Quotas of the kernel, with a real server on btrfs; tests/lab/quota_vm has
 * ext4 and xfs. The tests need root, in a mount namespace of this program. */
#include "blockdev.h"
#include "ctl.h"
#include "fault.h"
#include "sallyport/quota/quota.h"
#include "support/btrfs.h"
#include "support/files.h"
#include "support/test.h"

#define MIB   FAULT_MIB
#define LIMIT (8u * MIB)
#define DISK  256u /* MiB */

/* Sets the quota of anna's home, which is a btrfs of its own. */
static void limit(struct blockdev *disk, uint64_t bytes)
{
    int home = open(disk->home, O_PATH | O_DIRECTORY | O_CLOEXEC);

    btrfs_enable_quotas(disk->home);
    cr_assert_eq(quota_set(home, QUOTA_USER, 0, bytes, 0), 0);
    close(home);
}

static uint64_t used(const struct blockdev *disk)
{
    int home = open(disk->home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct quota q;

    cr_assert_eq(quota_get(home, QUOTA_USER, 0, &q), 0);
    close(home);
    return q.bytes.used;
}

static void begin(struct stage *t)
{
    stage_open(t, PLAN(.ports = "auto"), "btrfs", DISK, 2 * LIMIT);
    limit(&t->disk, LIMIT);
    session_close(&t->s); /* a login opens the quota */
    fault_wait_gone(&t->server, "anna");
    session_enter(&t->s, &t->server, "anna");
}

/* Announces, and then sends, twice as many bytes as the present directory may
 * have. */
static void expect_over(struct stage *t)
{
    session_do(&t->s, "200 Quota: 8388608 bytes, {n} used.", "SITE QUOTA");
    session_do(&t->s, "552 {*}", "ALLO %u", 2 * LIMIT);
    data_open(&t->s, &t->d, "STOR f");
    fault_write(&t->d, t->bytes, 2 * LIMIT);
    data_close(&t->d);
    session_expect(&t->s,
                   "552 Over the quota of 8 MiB, {*} used; delete files, "
                   "or ask the administrator.");
}

Test(quota, the_reply_names_it, .timeout = 120)
{
    struct stage t;

    begin(&t);
    expect_over(&t);
    fault_expect_absent(&t.server, "anna", "f");
    session_wait_files(&t.s);
    cr_expect_eq(fault_count_partials(&t.server, "anna"), 0);
    /* Once there is room, the same upload succeeds. */
    limit(&t.disk, 4 * LIMIT);
    data_open(&t.s, &t.d, "STOR f");
    data_finish(&t.s, &t.d, t.bytes, 2 * LIMIT, "226 {*}");
    fault_expect_whole(&t.server, "anna", "f", t.bytes, 2 * LIMIT);
    stage_close(&t);
}

/* Starts a server with a share that has a quota, on a btrfs of its own. */
static void stage_open_share(struct stage *t)
{
    char words[SERVER_PATH_MAX + 64];

    server_start(&t->server,
                 PLAN(USERS({ .name = "anna" }, { .name = "dora" })));
    files_make_folder(server_home(&t->server, "disk"), 0700);
    blockdev_make(&t->disk, &t->server, "disk", "btrfs", DISK);
    cr_assert_eq(chmod(t->disk.home, 0711), 0);
    btrfs_enable_quotas(t->disk.home);
    snprintf(words, sizeof(words), "share add contracts --path %s/contracts",
             t->disk.home);
    ctl(&t->server, 0, words, "");
    ctl(&t->server, 0, "share grant contracts anna:full dora:drop", "");
    ctl(&t->server, 0, "quota set share:contracts 8M", "");
    t->bytes = fault_noise(2 * LIMIT);
}

Test(quota, of_a_share, .timeout = 120)
{
    struct stage t;

    stage_open_share(&t);
    session_enter(&t.s, &t.server, "anna");
    session_do(&t.s, "200 No quota here; {*}", "SITE QUOTA");
    session_do(&t.s, "200 Quota: 8388608 bytes, {n} used.",
               "SITE QUOTA contracts");
    session_do(&t.s, "250 {*}", "CWD contracts");
    expect_over(&t);
    data_open(&t.s, &t.d, "STOR /f");
    data_finish(&t.s, &t.d, t.bytes, 2 * LIMIT, "226 {*}");
    session_close(&t.s);
    session_enter(&t.s, &t.server, "dora");
    session_do(&t.s, "200 No quota here; {*}", "SITE QUOTA contracts");
    data_open(&t.s, &t.d, "STOR contracts/f");
    fault_write(&t.d, t.bytes, 2 * LIMIT);
    data_close(&t.d);
    session_expect(&t.s, "552 Over the quota{*}");
    stage_close(&t);
}

#define UPLOADS 10
#define FIRST   3 /* uploads that fit */
#define PART    (2u * MIB)
#define PIECE   (PART / 16)

/* Expects that the file is there and whole after a 226, or absent after a 552.
 * Returns true if it is there. */
static bool ends_stored(struct stage *t, struct session *s, const char *name)
{
    int code = session_reply(s);
    bool stored = code == 226;

    cr_expect(stored || code == 552, "%d", code);
    if (stored)
        fault_expect_whole(&t->server, "anna", name, t->bytes, PART);
    else
        fault_expect_absent(&t->server, "anna", name);
    session_close(s);
    return stored;
}

/* All uploads begin, and three of them end. Then too little room is left for
 * each of the others. */
Test(quota, ten_uploads_at_once, .timeout = 180)
{
    struct session s[UPLOADS];
    struct data d[UPLOADS];
    unsigned stored = 0;
    struct stage t;
    char name[8];

    begin(&t);
    for (int i = 0; i < UPLOADS; i++) {
        session_enter(&s[i], &t.server, "anna");
        data_open(&s[i], &d[i], "STOR f%d", i);
        data_write(&d[i], t.bytes, PIECE);
    }
    for (size_t at = PIECE; at < PART; at += PIECE)
        for (int i = 0; i < FIRST; i++)
            data_write(&d[i], t.bytes + at, PIECE);
    for (int i = 0; i < UPLOADS; i++) {
        for (size_t at = PIECE; i == FIRST && at < PART; at += PIECE)
            for (int other = FIRST; other < UPLOADS; other++)
                fault_write(&d[other], t.bytes + at, PIECE);
        data_close(&d[i]);
        snprintf(name, sizeof(name), "f%d", i);
        stored += ends_stored(&t, &s[i], name);
    }
    cr_expect_eq(stored, FIRST);
    btrfs_sync(t.disk.home);
    cr_expect_leq(used(&t.disk), LIMIT);
    cr_expect_geq(used(&t.disk), stored * PART);
    stage_close(&t);
}

/* Only the bytes that a killed process has left count. */
Test(quota, kill_9, .timeout = 120)
{
    uint64_t before, after;
    struct stage t;

    begin(&t);
    btrfs_sync(t.disk.home);
    before = used(&t.disk);
    data_open(&t.s, &t.d, "STOR f");
    data_write(&t.d, t.bytes, 4 * MIB);
    fault_wait_partial(&t.server, "anna", 4 * MIB - 65536);
    cr_assert_eq(
        kill(fault_process(&t.server, "anna", "sallyport: files"), SIGKILL), 0);
    fault_expect_no_226(&t.s);
    data_cut(&t.d, false);
    session_drop(&t.s);
    fault_wait_gone(&t.server, "anna");
    btrfs_sync(t.disk.home);
    after = used(&t.disk);
    cr_expect_geq(after, before + 4 * MIB - 65536);
    cr_expect_leq(after, before + 4 * MIB + 65536);
    session_enter(&t.s, &t.server, "anna");
    data_open(&t.s, &t.d, "STOR g");
    fault_write(&t.d, t.bytes, 5 * MIB);
    data_close(&t.d);
    session_expect(&t.s, "552 Over the quota of 8 MiB, {*}");
    stage_close(&t);
}

/* Runs etc/examples/prometheus/sallyport-quotas. */
Test(quota, the_example_for_prometheus, .timeout = 120)
{
    struct stage t;
    struct run_result r;

    begin(&t);
    ctl_on_path(&t.server);
    const char *folder = server_path(&t.server, "bin");
    run(&r, NULL, in_source("etc/examples/prometheus/sallyport-quotas"), folder,
        NULL);
    cr_expect_eq(r.status, 0, "%s", r.text);
    run_release(&r);
    run(&r, NULL, "cat", server_path(&t.server, "bin/sallyport_quotas.prom"),
        NULL);
    cr_expect(strstr(r.text, "\nsallyport_quota_limit_bytes{name=\"anna\"} "
                             "8388608\n"),
              "%s", r.text);
    cr_expect(strstr(r.text, "\nsallyport_quota_used_bytes{name=\"anna\"} "),
              "%s", r.text);
    cr_expect_not(strstr(r.text, "bert"), "%s", r.text); /* has no quota */
    run_release(&r);
    stage_close(&t);
}
