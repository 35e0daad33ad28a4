/* The system calls of check after it has asked systemd about the unit: it takes
 * the ids of each user in turn, and looks whether that user can enter the home.
 * An O_PATH descriptor reads nothing, and no call lists names. Landlock refuses
 * every other open, but doesn't check O_PATH. */
#include "sallyport/seccomp/policy.h"

#include <fcntl.h>

static const struct permission may[] = {
    MAY(pread64, "users file, settings: open already"),
    MAY_IF(openat, IS(2, O_PATH | O_DIRECTORY | O_CLOEXEC), "homes"),
    MAY(readlink, "do homes and shares lie in each other"),
    MAY(readlinkat, "the same where there is no readlink"),
    MAY(fstatfs, "is the home on a read-only file system"),
    MAY(lgetxattr, "can it hold a count of files"),
    MAY(setgroups, "the ids of each user, so that the kernel judges"),
    MAY(setresgid, "the same"),
    MAY(setresuid, "the same"),
    END_OF_LIST,
};

const struct policy policy_check = { may, { &policy_common, NULL } };
