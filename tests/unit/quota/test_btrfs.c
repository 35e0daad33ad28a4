/* The quotas of a real btrfs, and of a file system without quotas. */
#include "sallyport/base/fd.h"
#include "sallyport/quota/quota.h"
#include "support/btrfs.h"
#include "support/files.h"
#include "support/scratch.h"
#include "support/test.h"

#define MIB (UINT64_C(1) << 20)
#define UID 70001

TestSuite(btrfs, .init = scratch_make, .fini = scratch_remove);

static int top;

static bool begin(bool quotas)
{
    if (!btrfs_mount(scratch)) {
        scratch_remove();
        return false;
    }
    if (quotas)
        btrfs_enable_quotas(scratch);
    top = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return true;
}
#define BEGIN(quotas)                                                          \
    if (!begin(quotas))                                                        \
    cr_skip_test("needs root and mounts")

static void end(void)
{
    close(top);
    btrfs_unmount(scratch);
}

/* Nobody else can look into it, before it has its owner and mode either. */
static int subvolume(const char *name)
{
    mode_t old = umask(0);
    struct stat st;

    cr_assert_eq(quota_make_subvolume(top, name), 0);
    cr_expect_eq(umask(old), 0);
    cr_assert_eq(fstatat(top, name, &st, 0), 0);
    cr_expect_eq(st.st_mode & 07777, 0700);
    return openat(top, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Writes up to BYTES as an ordinary user. Returns 0 or -errno. */
static int fill(int directory, const char *name, uint64_t bytes)
{
    static char block[65536];
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int r = 0;

    cr_assert_geq(fd, 0);
    for (uint64_t i = 0; i < sizeof(block); i++)
        block[i] = (char)(i * 31 ^ i >> 8);
    for (uint64_t at = 0; at < bytes && r == 0; at += sizeof(block))
        r = fd_write_all(fd, block, sizeof(block));
    close(fd);
    return r;
}

Test(btrfs, a_limit_holds)
{
    struct quota q;
    int home, r;

    BEGIN(true);
    home = subvolume("anna");
    cr_expect_eq(quota_enforced(home, QUOTA_USER), 0);
    cr_assert_eq(quota_get(home, QUOTA_USER, UID, &q), 0);
    cr_expect_eq(q.bytes.limit, 0);
    cr_assert_eq(quota_set(home, QUOTA_USER, UID, 5 * MIB, 0), 0);
    btrfs_sync(scratch);
    r = fill(home, "file", 4 * MIB);
    cr_expect_eq(r, 0, "%s", strerror(-r));
    cr_assert_eq(quota_get(home, QUOTA_USER, UID, &q), 0);
    cr_expect_eq(q.bytes.limit, 5 * MIB);
    cr_expect_geq(q.bytes.used, 4 * MIB, "before the commit, too");
    cr_expect_eq(q.files.limit, 0);
    r = fill(home, "more", 4 * MIB);
    cr_expect_eq(r, -EDQUOT, "%s", strerror(-r));
    btrfs_sync(scratch);
    cr_assert_eq(quota_get(home, QUOTA_USER, UID, &q), 0);
    cr_expect_leq(q.bytes.used, 5 * MIB);
    /* A limit below the use can be raised and removed again. */
    for (uint64_t limit = 3; limit-- > 0;)
        cr_assert_eq(quota_set(home, QUOTA_USER, UID, limit * MIB, 0), 0);
    cr_assert_eq(quota_get(top, QUOTA_USER, UID, &q), 0);
    cr_expect_eq(q.bytes.limit, 0, "the parent's limit stays");
    cr_assert_eq(quota_get(home, QUOTA_USER, UID, &q), 0);
    cr_expect_eq(q.bytes.limit, 0);
    cr_expect_eq(fill(home, "most", 8 * MIB), 0);
    close(home);
    end();
}

/* Another disk has a group 0/5, too: it gets no limit. */
Test(btrfs, a_full_disk_of_its_own)
{
    const char *path = in_scratch("inner");
    struct quota q;
    int inner;

    BEGIN(true);
    cr_assert_eq(mkdirat(top, "inner", 0700), 0);
    cr_assert(btrfs_mount(path));
    btrfs_enable_quotas(path);
    inner = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(fill(inner, "file", 4 * MIB), 0);
    btrfs_sync(path);
    int r = quota_set(inner, QUOTA_USER, UID, MIB, 0);
    cr_assert_eq(r, 0, "%s", strerror(-r));
    cr_expect_eq(quota_set(inner, QUOTA_USER, UID, 0, 0), -EDQUOT);
    cr_assert_eq(quota_get(top, QUOTA_USER, UID, &q), 0);
    cr_expect_eq(q.bytes.limit, 0);
    cr_assert_eq(quota_get(inner, QUOTA_USER, UID, &q), 0);
    cr_expect_eq(q.bytes.limit, MIB);
    close(inner);
    btrfs_unmount(path);
    end();
}

/* In a process that can't open anything any more. */
Test(btrfs, an_ordinary_user_reads_it)
{
    struct quota_subvolume s;
    struct quota q = { 0 };
    int home;

    BEGIN(true);
    home = subvolume("anna");
    cr_assert_eq(quota_set(home, QUOTA_USER, UID, 5 * MIB, 0), 0);
    cr_assert_eq(fchownat(top, "anna", UID, UID, 0), 0);
    cr_assert_eq(chmod(scratch, 0711), 0);
    cr_assert_eq(seteuid(UID), 0);
    quota_open_subvolume(home, &s);
    cr_assert_eq(seteuid(0), 0);
    close(home);
    cr_assert_eq(quota_read_subvolume(&s, &q), 0);
    cr_expect_eq(q.bytes.limit, 5 * MIB);
    quota_close_subvolume(&s);
    cr_expect_eq(quota_read_subvolume(&s, &q), -ENOTSUP);
    end();
}

Test(btrfs, what_has_no_quota)
{
    char hint[QUOTA_HINT_MAX], longest[1024] = "";
    struct quota q;
    int directory;

    BEGIN(false);
    cr_expect_eq(quota_make_subvolume(top, "anna"), -ENOTSUP);
    cr_assert_eq(mkdirat(top, "anna", 0700), 0);
    directory = openat(top, "anna", O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_expect_eq(quota_enforced(top, QUOTA_USER), -ENOTSUP);
    cr_expect_eq(quota_set(top, QUOTA_USER, UID, MIB, 0), -ENOTSUP);
    cr_expect_str_eq(quota_hint(top, "/srv/homes", hint),
                     "run: btrfs quota enable /srv/homes");
    memset(longest, 'a', sizeof(longest) - 1);
    cr_expect_str_eq(quota_hint(top, longest, hint) + 24, longest);
    btrfs_enable_quotas(scratch);
    cr_expect_eq(quota_enforced(top, QUOTA_USER), 0);
    cr_expect_eq(quota_enforced(directory, QUOTA_USER), -EXDEV);
    cr_expect_eq(quota_get(directory, QUOTA_USER, UID, &q), -EXDEV);
    cr_expect_eq(quota_set(directory, QUOTA_USER, UID, MIB, 0), -EXDEV);
    cr_expect_eq(quota_set(top, QUOTA_USER, UID, MIB, 7), -EINVAL);
    cr_expect_eq(quota_make_subvolume(top, "anna"), -EEXIST);
    close(directory);
    end();
}

/* /proc never has any. */
Test(quota, another_file_system)
{
    char hint[QUOTA_HINT_MAX];
    struct quota_subvolume s;
    struct quota q;
    int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    cr_expect_eq(quota_get(fd, QUOTA_USER, geteuid(), &q), -ENOTSUP);
    cr_expect_eq(quota_get(fd, QUOTA_GROUP, getegid(), &q), -ENOTSUP);
    cr_expect_eq(quota_enforced(fd, QUOTA_USER), -ENOTSUP);
    cr_expect_eq(quota_make_subvolume(fd, "anna"), -ENOTSUP);
    cr_expect_not_null(
        strstr(quota_hint(fd, "/proc", hint), "only ext4, xfs and btrfs"));
    quota_open_subvolume(fd, &s);
    cr_expect_eq(quota_read_subvolume(&s, &q), -ENOTSUP);
    close(fd);
}

/* systemd's group @system-service doesn't have the call. */
Test(quota, the_unit_permits_it)
{
    char line[256];
    bool found = false;
    FILE *unit;

    unit = fopen(in_source("etc/sallyport.service"), "r");
    cr_assert_not_null(unit);
    while (fgets(line, sizeof(line), unit))
        found |= strcmp(line, "SystemCallFilter=quotactl_fd\n") == 0;
    fclose(unit);
    cr_expect(found);
}
