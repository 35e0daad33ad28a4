/* The policy of the process files, which can reach the user's files and nothing
 * else. Only openat2 opens a file. A filter can't see the struct of openat2,
 * but Landlock, chroot and the user's ids bound the call. The process makes no
 * socket, symbolic link or device. It changes modes and times by an open
 * descriptor, never by name: Landlock doesn't check these calls, but it checks
 * the openat2 that made the descriptor. (Landlock doesn't check an open with
 * O_PATH either, but no call changes a file by such a descriptor.) */
#include "sallyport/seccomp/policy.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/quota.h>

static const struct permission may[] = {
    MAY(openat2, "files and directories beneath a mount"),
    MAY(mkdirat, "MKD"),
    MAY(unlinkat, "DELE, RMD, cut partials"),
    MAY(renameat, "a partial gets its name"),
    MAY(renameat2, "the same, never over another file"),
    MAY_IF(linkat, IS(4, 0), "the same on NFS; of a name, never of a handle"),
    MAY(newfstatat, "facts of names in an open directory"),
    MAY_IF(statx, IS(2, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC),
           "is a name still the open file"),
    MAY_IF(statx, IS(2, AT_EMPTY_PATH | AT_STATX_DONT_SYNC),
           "the inode of an open file"),
    MAY_IF(statx, IS(2, AT_EMPTY_PATH | AT_STATX_FORCE_SYNC),
           "has another machine changed the file that APPE continues"),
    MAY(getdents64, "listings"),
    MAY(readlinkat, "the target of a link, for listings"),
    MAY(fstatfs, "free space"),
    MAY_IF(quotactl_fd, IS(1, (unsigned)QCMD(Q_GETQUOTA, USRQUOTA)),
           "the user's own quota"),
    MAY_IF(quotactl_fd, IS(1, (unsigned)QCMD(Q_GETQUOTA, GRPQUOTA)),
           "the quota of an own group"),

    MAY_IF_BOTH(utimensat, IS(1, 0), IS(3, 0), "MFMT: of a descriptor"),
    MAY(fchmod, "SITE CHMOD; an upload gets the mode of a file"),

    MAY(copy_file_range, "REST and APPE onto a finished file"),
    MAY_IF(ioctl, IS(1, FICLONE), "the same without copying a byte"),
    MAY(ftruncate, "a partial is cut where the client resumes"),
    MAY(fsync, "226 is a promise"),
    MAY(fdatasync, "226 is a promise"),
    MAY(fgetxattr, "how much of a partial is confirmed on the disk"),
    MAY(fsetxattr, "the same, after a sync"),
    MAY(flistxattr, "a partial becomes a file: which of them it has"),
    MAY(fremovexattr, "the same: these are removed"),
    MAY_IF(fcntl, IS(1, F_OFD_SETLK), "a silent upload is alive"),
    MAY_IF(fcntl, IS(1, F_OFD_GETLK), "is a silent upload alive?"),
    MAY_IF(fcntl, IS(1, F_SETLEASE), "nobody else can write what is inspected"),
    MAY(flock, "one writer for a partial; on_conflict"),
    MAY(pipe2, "listings on their way to session"),
    END_OF_LIST,
};

const struct policy policy_files = { may, { &policy_common, NULL } };
