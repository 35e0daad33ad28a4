/* What quota.c calls for a file system that is btrfs. */
#ifndef QUOTA_BTRFS_H
#define QUOTA_BTRFS_H

#include "sallyport/quota/quota.h"

int btrfs_get(int fd, struct quota *ret);
int btrfs_set(int fd, uint64_t bytes);
int btrfs_enforced(int fd);

#endif
