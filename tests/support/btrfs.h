/* Makes a btrfs for one test, on a loop device. The file of the device is in a
 * tmpfs. */
#ifndef TESTS_SUPPORT_BTRFS_H
#define TESTS_SUPPORT_BTRFS_H

#include <stdbool.h>

#define BTRFS_MIB 64

/* Makes a btrfs of BTRFS_MIB MiB, and mounts it on DIRECTORY in this process's
 * own mount namespace. Returns false if this process isn't root or can't
 * mount. */
bool btrfs_mount(const char *directory);
void btrfs_enable_quotas(const char *directory);
/* Commits the file system: then the use and the limits of quotas are what they
 * would be after a crash. */
void btrfs_sync(const char *directory);
void btrfs_unmount(const char *directory);

#endif
