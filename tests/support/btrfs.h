/* A btrfs of a test's own, on a loop device with its file in a tmpfs. */
#ifndef TESTS_SUPPORT_BTRFS_H
#define TESTS_SUPPORT_BTRFS_H

#include <stdbool.h>

#define BTRFS_MIB 64

/* Makes one of BTRFS_MIB MiB, and mounts it on DIRECTORY in a mount namespace
 * of this process. False: this process isn't root, or may not mount. */
bool btrfs_mount(const char *directory);
void btrfs_enable_quotas(const char *directory);
/* Commits: use and limits are what they will be after a crash. */
void btrfs_sync(const char *directory);
void btrfs_unmount(const char *directory);

#endif
