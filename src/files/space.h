/* Is there room on a disk? */
#ifndef FILES_SPACE_H
#define FILES_SPACE_H

#include <stdint.h>

struct statvfs;

/* LENGTH more bytes: 0 or -ENOSPC. A file system that doesn't say how large its
 * blocks are has room until a write fails. */
int space_check(const struct statvfs *disk, uint64_t length);

/* Bytes that the user may still write there; INT64_MAX at most. */
uint64_t space_free(const struct statvfs *disk);
/* A + B, INT64_MAX at most. */
uint64_t space_sum(uint64_t a, uint64_t b);

#endif
