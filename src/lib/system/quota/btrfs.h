/* The functions of quota.h for btrfs; they return the same. */
#ifndef QUOTA_BTRFS_H
#define QUOTA_BTRFS_H

#include "sallyport/quota/quota.h"

int btrfs_get(int fd, struct quota *ret);
int btrfs_set(int fd, uint64_t bytes);
int btrfs_enforced(int fd);

#endif
