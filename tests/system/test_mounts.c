/* sallyportd --check tries a network disk: what it lacks is named, with the
 * mount and what to do, and no file stays. Root mounts a disk of FUSE in a
 * mount namespace that ends with the test. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "fuse.h"
#include "sallyport/base/clock.h"
#include "support/run.h"
#include "support/server.h"

#define LATE_MS 60000

struct disk {
    struct server server;
    char shares[SERVER_PATH_MAX];
    pid_t fuse;
};

/* The disk has the directory of all shares: there is none, so --check has
 * nothing else to say. */
static void begin(struct disk *d, const char *lack)
{
    if (geteuid() != 0)
        cr_skip_test("needs root");
    fuse_begin();
    server_prepare(&d->server, &(struct server_plan){ 0 });
    snprintf(d->shares, sizeof(d->shares), "%s",
             server_path(&d->server, "shares"));
    cr_assert_eq(mkdir(d->shares, 0755), 0);
    d->fuse = fuse_mount_without(d->shares, 0, lack);
}

static void end(struct disk *d)
{
    fuse_unmount(d->shares, d->fuse);
    server_forget(&d->server);
}

static void check(struct disk *d, struct run_result *r)
{
    run(r, NULL, server_program("sallyportd"), "--check", "--config",
        server_path(&d->server, "sallyport.conf"), NULL);
}

static bool has_reserved_name(const char *directory)
{
    DIR *names = opendir(directory);
    struct dirent *one;
    bool has = false;

    cr_assert_not_null(names, "%s: %m", directory);
    while ((one = readdir(names)))
        has |= strncmp(one->d_name, ".sallyport-", 11) == 0;
    closedir(names);
    return has;
}

static void expect_words(const char *lack, int status, const char *words)
{
    struct run_result r;
    struct disk d;

    begin(&d, lack);
    check(&d, &r);
    cr_expect_eq(r.status, status, "%s: %d:\n%s", lack, r.status, r.text);
    cr_expect(strstr(r.text, words), "%s: no \"%s\" in:\n%s", lack, words,
              r.text);
    cr_expect(strstr(r.text, d.shares), "%s", r.text);
    cr_expect_eq(!!strstr(r.text, "warning: "), status == 0, "%s", r.text);
    cr_expect_not(has_reserved_name(d.shares), "%s", lack);
    run_release(&r);
    end(&d);
}

Test(mounts, owner, .timeout = 120)
{
    expect_words("owner", EX_CONFIG, "gives new files another owner");
}

Test(mounts, locks, .timeout = 120)
{
    expect_words("locks", EX_CONFIG, "has no locks (Function not implemented)");
}

Test(mounts, exclusion, .timeout = 120)
{
    expect_words("exclusion", EX_CONFIG, "grants one lock twice");
}

Test(mounts, sharing, .timeout = 120)
{
    expect_words("sharing", 0, "keeps locks on this machine");
}

Test(mounts, attributes, .timeout = 120)
{
    expect_words("attributes", 0, "has no extended attributes");
}

Test(mounts, attributes_that_many_set, .timeout = 120)
{
    expect_words("once", 0, "has no extended attributes that only one can set");
}

Test(mounts, names, .timeout = 120)
{
    expect_words("names", 0,
                 "can neither link files nor rename without replacing");
}

Test(mounts, freshness, .timeout = 120)
{
    expect_words("freshness", EX_CONFIG, "shows an old file after a rename");
}

/* Nor has a disk that no file can be made on anything else to say. */
Test(mounts, creation, .timeout = 120)
{
    expect_words("creation", 0, "isn't tried: no file can be made: Read-only");
}

Test(mounts, all_is_there, .timeout = 120)
{
    struct run_result r;
    struct disk d;

    begin(&d, "");
    check(&d, &r);
    cr_expect_eq(r.status, 0, "%s", r.text);
    cr_expect_not(strstr(r.text, d.shares), "%s", r.text);
    cr_expect_not(has_reserved_name(d.shares));
    run_release(&r);
    end(&d);
}

/* A process that waits for it can't be killed, and --check ends. */
Test(mounts, hangs, .timeout = 240)
{
    struct run_result r;
    struct disk d;
    uint64_t start;

    begin(&d, "");
    fuse_hang(d.fuse);
    start = clock_ms();
    check(&d, &r);
    cr_expect_lt(clock_ms() - start, LATE_MS);
    cr_expect_eq(r.status, EX_CONFIG, "%d:\n%s", r.status, r.text);
    cr_expect(strstr(r.text, "the mounts weren't all tried in time: one of "
                             "them hangs"),
              "%s", r.text);
    run_release(&r);
    end(&d);
}
