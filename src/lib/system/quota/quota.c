/* Quotas of ext4, xfs and other file systems with the generic interface:
 * quotactl_fd(2) needs neither a device nor a mount point, only a descriptor.
 * btrfs.c has the quotas of btrfs. */
#include "sallyport/quota/quota.h"

#include <errno.h>
#include <limits.h>
#include <linux/dqblk_xfs.h>
#include <linux/magic.h>
#include <linux/quota.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/complain.h"

#include "btrfs.h"

/* dqb_bhardlimit counts blocks of this size. */
#define LIMIT_BLOCK UINT64_C(1024)

uint64_t quota_left(const struct quota_amount *a)
{
    if (a->limit == 0)
        return INT64_MAX;
    return a->used < a->limit ? a->limit - a->used : 0;
}

static long type_of(int fd)
{
    struct statfs disk;

    return fstatfs(fd, &disk) < 0 ? 0 : (long)disk.f_type;
}

bool quota_is_btrfs(int fd)
{
    return type_of(fd) == BTRFS_SUPER_MAGIC;
}

/* Calls quotactl_fd(2). It fails with ESRCH on ext4 without quotas, and with
 * ENOSYS on xfs without quotas, or if the file system or the kernel has no
 * quotas at all. */
static int quota_call(int fd, unsigned command, enum quota_owner owner,
                      uint32_t id, void *address)
{
    int type = owner == QUOTA_GROUP ? GRPQUOTA : USRQUOTA;

    if (syscall(SYS_quotactl_fd, fd, QCMD(command, type), id, address) == 0)
        return 0;
    return errno == ESRCH || errno == ENOSYS ? -ENOTSUP : -errno;
}

/* Returns the limit that counts now. When the time of a soft limit is over, the
 * soft limit counts like a hard limit. */
static uint64_t limit_now(uint64_t hard, uint64_t soft, uint64_t used,
                          uint64_t until)
{
    bool over =
        soft > 0 && used > soft && until > 0 && until <= (uint64_t)time(NULL);
    uint64_t limit = over && (hard == 0 || soft < hard) ? soft : hard;

    return limit < QUOTA_LIMIT_MAX ? limit : QUOTA_LIMIT_MAX;
}

static uint64_t bytes_of(uint64_t blocks)
{
    return blocks > QUOTA_LIMIT_MAX / LIMIT_BLOCK ? QUOTA_LIMIT_MAX
                                                  : blocks * LIMIT_BLOCK;
}

int quota_get(int fd, enum quota_owner owner, uint32_t id, struct quota *ret)
{
    return quota_is_btrfs(fd) ? btrfs_get(fd, ret)
                              : quota_get_of_id(fd, owner, id, ret);
}

int quota_get_of_id(int fd, enum quota_owner owner, uint32_t id,
                    struct quota *ret)
{
    struct if_dqblk disk = { 0 };
    int r = quota_call(fd, Q_GETQUOTA, owner, id, &disk);
    if (r < 0 &&
        r != -ENOENT) /* on xfs: the id has neither files nor a limit */
        return r;
    *ret = (struct quota){
        .bytes = { limit_now(bytes_of(disk.dqb_bhardlimit),
                             bytes_of(disk.dqb_bsoftlimit), disk.dqb_curspace,
                             disk.dqb_btime),
                   disk.dqb_curspace },
        .files = { limit_now(disk.dqb_ihardlimit, disk.dqb_isoftlimit,
                             disk.dqb_curinodes, disk.dqb_itime),
                   disk.dqb_curinodes },
    };
    return 0;
}

int quota_set(int fd, enum quota_owner owner, uint32_t id, uint64_t bytes,
              uint64_t files)
{
    struct if_dqblk disk = {
        .dqb_bhardlimit = bytes / LIMIT_BLOCK + (bytes % LIMIT_BLOCK > 0),
        .dqb_ihardlimit = files,
        .dqb_valid = files == QUOTA_KEEP ? QIF_BLIMITS : QIF_LIMITS,
    };

    if (quota_is_btrfs(fd))
        return files > 0 && files != QUOTA_KEEP ? -EINVAL
                                                : btrfs_set(fd, bytes);
    return quota_call(fd, Q_SETQUOTA, owner, id, &disk);
}

/* ext4 and xfs can count, but not enforce: without usrquota in the mount
 * options of ext4, and with uqnoenforce in those of xfs. */
int quota_enforced(int fd, enum quota_owner owner)
{
    unsigned enforced =
        owner == QUOTA_GROUP ? FS_QUOTA_GDQ_ENFD : FS_QUOTA_UDQ_ENFD;
    struct fs_quota_stat state = { 0 };

    if (quota_is_btrfs(fd))
        return btrfs_enforced(fd);
    int r = quota_call(fd, Q_XGETQSTAT, owner, 0, &state);
    if (r < 0)
        return r;
    return state.qs_flags & enforced ? 0 : -ENOTSUP;
}

/* Writes the name of the device of FD's file system, which a link such as
 * ../../devices/…/block/sda/sda1 contains. */
static void device_of(int fd, char *out, size_t size)
{
    char link[64], target[PATH_MAX];
    const char *name;
    struct stat st;
    ssize_t n = -1;

    if (fstat(fd, &st) == 0) {
        snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(st.st_dev),
                 minor(st.st_dev));
        n = readlink(link, target, sizeof(target) - 1);
    }
    target[n < 0 ? 0 : n] = '\0';
    name = strrchr(target, '/');
    snprintf(out, size, "%s%s", name ? "/dev/" : "DEVICE",
             name ? name + 1 : "");
}

const char *quota_hint(int fd, const char *path, char out[QUOTA_HINT_MAX])
{
    char device[NAME_MAX + 8];

    device_of(fd, device, sizeof(device));
    switch (type_of(fd)) {
    case EXT4_SUPER_MAGIC:
        snprintf(out, QUOTA_HINT_MAX,
                 "if modprobe quota_v2 fails, stop: this kernel couldn't "
                 "mount it any more; else add usrquota,grpquota to the "
                 "options of its line in /etc/fstab, unmount it (/ in a "
                 "rescue system), run tune2fs -O quota -Q "
                 "usrquota,grpquota %s and mount it again",
                 device);
        break;
    case XFS_SUPER_MAGIC:
        snprintf(out, QUOTA_HINT_MAX,
                 "add uquota,gquota to the options of the line of %s in "
                 "/etc/fstab, then unmount it and mount it again (a remount "
                 "isn't enough)",
                 device);
        break;
    case BTRFS_SUPER_MAGIC:
        complaint_write(out, QUOTA_HINT_MAX, "run: btrfs quota enable %s",
                        path);
        break;
    default:
        snprintf(out, QUOTA_HINT_MAX,
                 "only ext4, xfs and btrfs have quotas that sallyportctl can "
                 "set");
    }
    return out;
}
