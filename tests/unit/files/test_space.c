/* Room on a disk, also on one that reports strange numbers. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sys/statvfs.h>

#include "files/files.h"

Test(space, free)
{
    static const struct {
        unsigned long fragment, block;
        fsblkcnt_t free;
        uint64_t wanted;
    } rows[] = {
        { 4096, 65536, 2, 8192 },
        { 0, 4096, 2, 8192 },
        { 4096, 4096, 0, 0 },
        { 0, 0, 5, 0 },
        { 1, 1, UINT64_MAX, INT64_MAX },
        { 4096, 1, UINT64_MAX, INT64_MAX },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct statvfs disk = { .f_frsize = rows[i].fragment,
                                      .f_bsize = rows[i].block,
                                      .f_bavail = rows[i].free };

        cr_expect_eq(space_free(&disk), rows[i].wanted, "row %zu", i);
    }
}

Test(space, table)
{
    static const struct {
        unsigned long fragment, block;
        fsblkcnt_t free;
        uint64_t length;
        int wanted;
    } rows[] = {
        { 4096, 65536, 2, 8192, 0 },
        { 4096, 65536, 2, 8193, -ENOSPC },
        { 4096, 65536, 0, 1, -ENOSPC },
        { 4096, 65536, 0, 0, 0 },
        { 1, 1, 5, UINT64_MAX, -ENOSPC },
        { 1, 1, UINT64_MAX, UINT64_MAX, 0 },
        /* FUSE passes on any numbers of its daemon. */
        { 0, 4096, 2, 8192, 0 },
        { 0, 4096, 2, 8193, -ENOSPC },
        { 0, 0, 0, 8193, 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct statvfs disk = { .f_frsize = rows[i].fragment,
                                      .f_bsize = rows[i].block,
                                      .f_bavail = rows[i].free };

        cr_expect_eq(space_check(&disk, rows[i].length), rows[i].wanted,
                     "row %zu", i);
    }
}
