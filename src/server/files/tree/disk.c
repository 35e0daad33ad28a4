/* Computes the room on a disk, in the process files: only by the facts of
 * statfs(2) and the setting min_free. */
#include "files.h"

#include <errno.h>
#include <sys/statvfs.h>

uint64_t space_block(const struct statvfs *disk)
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

uint64_t space_product(uint64_t blocks, uint64_t block)
{
    uint64_t bytes;

    return __builtin_mul_overflow(blocks, block, &bytes) || bytes > INT64_MAX
               ? INT64_MAX
               : bytes;
}

uint64_t space_free(const struct statvfs *disk)
{
    return space_product(disk->f_bavail, space_block(disk));
}

uint64_t space_floor(const struct files *f, const struct statvfs *disk)
{
    const struct min_free *keep = &f->rules.min_free;
    uint64_t percent =
        space_product(disk->f_blocks / 100 * keep->percent, space_block(disk));

    if (!min_free_given(keep) || disk->f_blocks == 0)
        return 0;
    return percent > keep->bytes ? percent : keep->bytes;
}

uint64_t space_usable(const struct files *f, const struct statvfs *disk)
{
    uint64_t free = space_free(disk), floor = space_floor(f, disk);

    return free > floor ? free - floor : 0;
}
