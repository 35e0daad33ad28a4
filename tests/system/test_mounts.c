/* sallyportd --check tries a network disk. It says what the disk lacks, where
 * it is mounted and what to do, and leaves no file there. Root mounts a disk of
 * FUSE in a mount namespace that ends with the test. */
#include "fuse.h"
#include "sallyport/base/clock.h"
#include "support/run.h"
#include "support/server.h"
#include "support/test.h"

#define LATE_MS 60000

TestSuite(mounts, .init = fuse_begin);

struct disk {
    struct server server;
    char shares[SERVER_PATH_MAX];
    pid_t fuse;
};

/* Mounts the disk on the directory of all shares. There is no share, so --check
 * has nothing else to say. */
static void begin(struct disk *d, const char *lack)
{
    server_prepare(&d->server, PLAN(0));
    snprintf(d->shares, sizeof(d->shares), "%s",
             server_path(&d->server, "shares"));
    cr_assert_eq(mkdir(d->shares, 0755), 0);
    d->fuse = fuse_mount_without(d->shares, lack);
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

/* If no file can be made on the disk, --check says only this. */
static const struct {
    const char *lack, *words;
    int status;
} lacks[] = {
    { "owner", "gives new files another owner", EX_CONFIG },
    { "locks", "has no locks (Function not implemented)", EX_CONFIG },
    { "exclusion", "grants one lock twice", EX_CONFIG },
    { "sharing", "keeps locks on this machine", 0 },
    { "attributes", "has no extended attributes", 0 },
    { "once", "has no extended attributes that only one can set", 0 },
    { "names", "can neither link files nor rename without replacing", 0 },
    { "freshness", "shows an old file after a rename", EX_CONFIG },
    { "creation", "since it can't make a file there: Read-only", 0 },
};

Test(mounts, each_lack, .timeout = 600)
{
    for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
        const char *lack = lacks[i].lack, *words = lacks[i].words;
        struct run_result r;
        struct disk d;

        begin(&d, lack);
        check(&d, &r);
        cr_expect_eq(r.status, lacks[i].status, "%s: %d:\n%s", lack, r.status,
                     r.text);
        cr_expect(strstr(r.text, words), "%s: no \"%s\" in:\n%s", lack, words,
                  r.text);
        cr_expect(strstr(r.text, d.shares), "%s", r.text);
        cr_expect_eq(!!strstr(r.text, "warning: "), r.status == 0, "%s",
                     r.text);
        cr_expect_not(has_reserved_name(d.shares), "%s", lack);
        run_release(&r);
        end(&d);
    }
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

/* The disk hangs. A process that waits for it can't be killed, but --check must
 * end. */
static void check_hung(struct disk *d, const char *words)
{
    uint64_t start = clock_ms();
    struct run_result r;

    check(d, &r);
    cr_expect_lt(clock_ms() - start, LATE_MS);
    cr_expect_eq(r.status, EX_TEMPFAIL, "%d:\n%s", r.status, r.text);
    cr_expect(strstr(r.text, words), "no \"%s\" in:\n%s", words, r.text);
    run_release(&r);
}

/* The server of the default configuration is found by another path of it. */
Test(mounts, the_default_configuration_by_another_path, .timeout = 120)
{
    struct server server;
    struct run_result r;
    char command[4 * SERVER_PATH_MAX];

    server_start(&server, PLAN(0));
    snprintf(command, sizeof(command),
             "cd %s && mkdir other && ln sallyport.conf other && for d in etc "
             "run; do mount -t tmpfs tmpfs /$d && mkdir /$d/sallyport && mount "
             "--bind . /$d/sallyport || exit; done; %s --config "
             "other/sallyport.conf status",
             server_path(&server, "."), server_program("sallyportctl"));
    run(&r, NULL, "/bin/sh", "-c", command, NULL);
    cr_expect_eq(r.status, 0, "%s", r.text);
    cr_expect_not_null(strstr(r.text, "running"), "%s", r.text);
    run_release(&r);
    server_stop(&server);
}

Test(mounts, hangs, .timeout = 240)
{
    struct disk d;

    begin(&d, "");
    fuse_hang(d.fuse);
    check_hung(&d, "the mounts weren't all tried in time: one of them hangs, "
                   "or they are slow");
    end(&d);
}

/* The looks at the homes and at the mounts are late, one after the other. */
Test(mounts, a_home_that_hangs, .timeout = 240)
{
    struct disk d;

    server_prepare(&d.server, PLAN(0));
    snprintf(d.shares, sizeof(d.shares), "%s", server_home(&d.server, "anna"));
    d.fuse = fuse_mount_hung(d.shares);
    check_hung(&d, "the homes weren't all looked at in time: one of them "
                   "hangs, or they are slow");
    end(&d);
}
