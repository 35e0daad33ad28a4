/* The quotas of btrfs, which belong to subvolumes: the group 0/ID of subvolume
 * ID limits the data to which the subvolume refers. Root sets the limit by
 * ioctl(2). Anybody can read the limit and the use in sysfs, while reading them
 * by ioctl(2) would need root. */
#include "btrfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/slice.h"

#define READABLE  (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define PATH_SIZE 160
#define LIMIT     "max_referenced"
#define NO_LIMIT  UINT64_MAX /* removes a limit */

static int btrfs_open(int fd)
{
    int own = openat(fd, ".", READABLE);

    return own < 0 ? -errno : own;
}

/* Opens "/sys/fs/btrfs/UUID/qgroups/0_ID/NAME" for the subvolume of FD. */
static int sysfs_open(int fd, const char *name, int flags)
{
    struct btrfs_ioctl_fs_info_args info = { 0 };
    struct btrfs_ioctl_ino_lookup_args own = {
        .objectid =
            BTRFS_FIRST_FREE_OBJECTID /* asks for this inode's subvolume */
    };
    char uuid[2 * sizeof(info.fsid) + 5], *at = uuid;
    char path[PATH_SIZE];
    int r;

    if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0 ||
        ioctl(fd, BTRFS_IOC_INO_LOOKUP, &own) < 0)
        return -errno;
    for (size_t i = 0; i < sizeof(info.fsid); i++)
        at += snprintf(at, (size_t)(uuid + sizeof(uuid) - at), "%s%02x",
                       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                       info.fsid[i]);
    snprintf(path, PATH_SIZE, QUOTA_SYSFS "/%s/qgroups/0_%llu/%s", uuid,
             (unsigned long long)own.treeid, name);
    r = open(path, flags | O_CLOEXEC);
    return r < 0 ? -errno : r;
}

bool quota_open_subvolume(int fd, struct quota_subvolume *ret)
{
    const bool btrfs = quota_is_btrfs(fd);
    FD_CLEANUP int own = btrfs ? btrfs_open(fd) : -1;

    *ret = (struct quota_subvolume)QUOTA_NO_SUBVOLUME;
    if (own < 0)
        return btrfs;
    ret->limit = sysfs_open(own, LIMIT, O_RDONLY);
    ret->used = sysfs_open(own, "referenced", O_RDONLY);
    ret->reserved = sysfs_open(own, "rsv_data", O_RDONLY);
    if (ret->limit < 0 || ret->used < 0 || ret->reserved < 0)
        quota_close_subvolume(ret);
    return btrfs;
}

void quota_close_subvolume(struct quota_subvolume *s)
{
    fd_close(&s->limit);
    fd_close(&s->used);
    fd_close(&s->reserved);
}

/* Reads a number. Each read from the beginning of the file gets the current
 * number. */
static int sysfs_number(int fd, uint64_t *ret)
{
    char text[32];
    ssize_t n = lseek(fd, 0, SEEK_SET) < 0 ? -1 : read(fd, text, sizeof(text));

    if (n <= 0)
        return -ENOTSUP;
    if (text[n - 1] == '\n')
        n--;
    return slice_number((struct slice){ text, (size_t)n }, UINT64_MAX, ret);
}

/* Reads the quota. btrfs counts new data at the next commit of the disk; until
 * then it only reserves the space. */
int quota_read_subvolume(const struct quota_subvolume *s, struct quota *ret)
{
    uint64_t limit, used, reserved, sum;

    if (s->limit < 0 || sysfs_number(s->limit, &limit) ||
        sysfs_number(s->used, &used) || sysfs_number(s->reserved, &reserved))
        return -ENOTSUP;
    if (__builtin_add_overflow(used, reserved, &sum) || sum > INT64_MAX)
        sum = INT64_MAX;
    *ret = (struct quota){ .bytes = { limit, sum }, .uncounted = true };
    return 0;
}

int btrfs_enforced(int fd)
{
    FD_CLEANUP int own = btrfs_open(fd);
    struct stat st;

    if (own < 0)
        return own;
    if (fstat(own, &st) < 0 || st.st_ino != BTRFS_FIRST_FREE_OBJECTID)
        return -EXDEV;
    FD_CLEANUP int group = sysfs_open(own, "", O_PATH | O_DIRECTORY);
    return group < 0 ? -ENOTSUP : 0;
}

int btrfs_get(int fd, struct quota *ret)
{
    struct quota_subvolume s;
    int r = btrfs_enforced(fd);

    if (r < 0)
        return r;
    quota_open_subvolume(fd, &s);
    r = quota_read_subvolume(&s, ret);
    quota_close_subvolume(&s);
    return r;
}

/* The kernel reserves space in the subvolume of the descriptor. A subvolume
 * that is over its limit has none, so then this asks by the parent directory,
 * if that is on the same file system. */
int btrfs_set(int fd, uint64_t bytes)
{
    struct btrfs_ioctl_fs_info_args disk = { 0 }, above_disk = { 0 };
    struct btrfs_ioctl_get_subvol_info_args self;
    struct btrfs_ioctl_qgroup_limit_args of_own = {
        .lim = { .flags = BTRFS_QGROUP_LIMIT_MAX_RFER,
                 .max_rfer = bytes > 0 ? bytes : NO_LIMIT }
    };
    FD_CLEANUP int own = btrfs_open(fd);
    int r = own < 0 ? own : btrfs_enforced(own);

    if (r < 0)
        return r;
    r = ioctl(own, BTRFS_IOC_QGROUP_LIMIT, &of_own) < 0 ? -errno : 0;
    FD_CLEANUP int above = r == -EDQUOT ? openat(own, "..", READABLE) : -1;
    if (above < 0 || ioctl(own, BTRFS_IOC_GET_SUBVOL_INFO, &self) < 0 ||
        ioctl(own, BTRFS_IOC_FS_INFO, &disk) < 0 ||
        ioctl(above, BTRFS_IOC_FS_INFO, &above_disk) < 0 ||
        memcmp(disk.fsid, above_disk.fsid, sizeof(disk.fsid)) != 0)
        return r;
    of_own.qgroupid = self.treeid;
    return ioctl(above, BTRFS_IOC_QGROUP_LIMIT, &of_own) < 0 ? r : 0;
}

int quota_make_subvolume(int parent, const char *name)
{
    struct btrfs_ioctl_vol_args args = { 0 };
    FD_CLEANUP int own = quota_is_btrfs(parent) ? btrfs_open(parent) : -ENOTSUP;

    if (own < 0)
        return own;
    FD_CLEANUP int group = sysfs_open(own, "", O_PATH | O_DIRECTORY);
    if (group < 0)
        return -ENOTSUP;
    if (slice_copy(slice_from(name), args.name, sizeof(args.name)))
        return -ENAMETOOLONG;
    mode_t old = umask(077);
    int r = ioctl(own, BTRFS_IOC_SUBVOL_CREATE, &args) < 0 ? -errno : 0;
    umask(old);
    return r;
}
