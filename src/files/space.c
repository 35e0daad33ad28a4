/* Room for an upload's announced length, in the process files. Pure: it gets
 * what the file system reported, and doesn't trust that it makes sense. */
#include "space.h"

#include <errno.h>
#include <sys/statvfs.h>

static uint64_t space_block(const struct statvfs *disk)
{
    return disk->f_frsize ? disk->f_frsize : disk->f_bsize;
}

int space_check(const struct statvfs *disk, uint64_t length)
{
    uint64_t block = space_block(disk);

    if (length == 0 || block == 0)
        return 0;
    return (length - 1) / block + 1 > disk->f_bavail ? -ENOSPC : 0;
}

uint64_t space_free(const struct statvfs *disk)
{
    uint64_t free, block = space_block(disk);

    if (__builtin_mul_overflow(block, (uint64_t)disk->f_bavail, &free) ||
        free > INT64_MAX)
        return INT64_MAX;
    return free;
}

uint64_t space_sum(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return __builtin_add_overflow(a, b, &sum) || sum > INT64_MAX ? INT64_MAX
                                                                 : sum;
}
