/* check, once it has asked systemd about the unit: takes the ids of
 * each user in turn, and looks whether the home can be entered. An O_PATH
 * descriptor reads nothing, and no call lists names. Landlock permits no more:
 * it doesn't see O_PATH. */
#include "sallyport/seccomp/policy.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/dqblk_xfs.h>
#include <linux/quota.h>

static const struct permission may[] = {
    MAY(pread64, "users file, settings: open already"),
    MAY_IF(openat, IS(2, O_PATH | O_DIRECTORY | O_CLOEXEC), "homes"),
    MAY(readlink, "do homes and shares lie in each other"),
    MAY(readlinkat, "the same where there is no readlink"),
    MAY_IF(openat, IS(2, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
           "btrfs: which subvolume is it"),
    MAY_IF(ioctl, IS(1, BTRFS_IOC_FS_INFO), "the same"),
    MAY_IF(ioctl, IS(1, BTRFS_IOC_INO_LOOKUP), "the same"),
    MAY_IF(quotactl_fd, IS(1, (unsigned)QCMD(Q_XGETQSTAT, USRQUOTA)),
           "are quotas of users enforced"),
    MAY_IF(quotactl_fd, IS(1, (unsigned)QCMD(Q_XGETQSTAT, GRPQUOTA)),
           "the same of groups"),
    MAY_IF(quotactl_fd, IS(1, (unsigned)QCMD(Q_GETQUOTA, USRQUOTA)),
           "the quota of a user"),
    MAY_IF(quotactl_fd, IS(1, (unsigned)QCMD(Q_GETQUOTA, GRPQUOTA)),
           "the quota of a share"),
    MAY(fstatfs, "is the home on a read-only file system"),
    MAY(lgetxattr, "can it hold a count of files"),
    MAY(setgroups, "the ids of each user, so that the kernel judges"),
    MAY(setresgid, "the same"),
    MAY(setresuid, "the same"),
    END_OF_LIST,
};

const struct policy policy_check = { may, { &policy_common, NULL } };
