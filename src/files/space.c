/* Room for an upload's announced length, in the process files. Pure: what the
 * file system said comes in, and nothing in it is believed to make sense. */
#include "space.h"

#include <errno.h>
#include <sys/statvfs.h>

int space_check(const struct statvfs *disk, uint64_t length)
{
    uint64_t block = disk->f_frsize ? disk->f_frsize : disk->f_bsize;

    if (length == 0 || block == 0)
        return 0;
    return (length - 1) / block + 1 > disk->f_bavail ? -ENOSPC : 0;
}
