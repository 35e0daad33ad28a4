/* The kernel's quotas: how much a user, a group or, on btrfs, a subvolume may
 * use of a file system, and how much it uses. The kernel alone counts and
 * refuses, so the numbers are right even after a crash, a local change or an
 * unfinished upload. */
#ifndef SALLYPORT_QUOTA_QUOTA_H
#define SALLYPORT_QUOTA_QUOTA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct quota_amount {
    uint64_t limit, used; /* limit 0: no limit */
};
struct quota {
    struct quota_amount bytes, files;
    bool uncounted; /* btrfs doesn't count files */
};
/* Returns the amount left; INT64_MAX without a limit. */
uint64_t quota_left(const struct quota_amount *a);

/* On btrfs a quota belongs to the subvolume that FD is in, and the owner here
 * is ignored. Such a quota has no limit of files. */
enum quota_owner { QUOTA_USER, QUOTA_GROUP };

/* Functions of type int return 0, or:
 *   -ENOTSUP  this file system has no quotas, or quotas aren't enabled
 *   -EXDEV    btrfs: the directory FD isn't a subvolume of its own
 *   -EPERM    only root may do this
 *   -errno    anything else
 * FD is a directory of the file system; O_PATH suffices. */

/* Reads limits and use. If the grace period of a soft limit is over, the soft
 * limit counts as the limit. A process can read the quotas of its own uid and
 * gids. */
int quota_get(int fd, enum quota_owner owner, uint32_t id, struct quota *ret);
/* Sets the limit of bytes, rounded up to 1 KiB, and the limit of files; 0: no
 * limit. If FILES is QUOTA_KEEP, the limit of files stays. -EINVAL: btrfs can't
 * limit files. */
#define QUOTA_LIMIT_MAX (UINT64_C(0x7fffffffffffffff) / 1024 * 1024)
#define QUOTA_KEEP      UINT64_MAX
int quota_set(int fd, enum quota_owner owner, uint32_t id, uint64_t bytes,
              uint64_t files);
/* Returns 0: the file system of FD enforces limits; -ENOTSUP: it doesn't, but
 * perhaps it counts; or another error of the list above. */
int quota_enforced(int fd, enum quota_owner owner);

/* Does the same as quota_get(), for a file system that is known not to be
 * btrfs. */
int quota_get_of_id(int fd, enum quota_owner owner, uint32_t id,
                    struct quota *ret);
bool quota_is_btrfs(int fd);
/* The directory in which btrfs shows quotas. A kernel without btrfs doesn't
 * have it. */
#define QUOTA_SYSFS "/sys/fs/btrfs"
/* Makes the subvolume NAME in the directory PARENT, if that is on btrfs with
 * quotas. Returns 0; -ENOTSUP: the caller must make a directory instead;
 * -errno. */
int quota_make_subvolume(int parent, const char *name);

/* Writes a sentence, without its full stop, that tells an administrator how to
 * enable quotas on the file system of FD. PATH is a directory on that file
 * system. Returns OUT. */
#define QUOTA_HINT_MAX 2048
const char *quota_hint(int fd, const char *path, char out[QUOTA_HINT_MAX]);

/* Open files of sysfs with a subvolume's quota. A process that opens these
 * files before it enters its sandbox can read the quota in the sandbox, without
 * privilege. */
struct quota_subvolume {
    int limit, used, reserved; /* -1: no quota */
};
#define QUOTA_NO_SUBVOLUME { .limit = -1, .used = -1, .reserved = -1 }
/* Opens the quotas of the subvolume that contains the directory FD. If the
 * subvolume has no quota, *ret is QUOTA_NO_SUBVOLUME. Returns true on btrfs. */
bool quota_open_subvolume(int fd, struct quota_subvolume *ret);
/* Returns 0, or -ENOTSUP: there is no quota. */
int quota_read_subvolume(const struct quota_subvolume *s, struct quota *ret);
void quota_close_subvolume(struct quota_subvolume *s);

#endif
