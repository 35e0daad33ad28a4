/* Errno to outcome. */
#include <criterion/criterion.h>
#include <errno.h>

#include "files/errors.h"

Test(errors, table)
{
    static const struct {
        int result;
        enum outcome outcome;
        unsigned number;
    } rows[] = {
        { OUTCOME_BAD_OFFSET, OUTCOME_BAD_OFFSET, 0 },
        { OUTCOME_OK, OUTCOME_OK, 0 },
        { -ENOENT, OUTCOME_NOT_FOUND, ENOENT },
        { -ELOOP, OUTCOME_NOT_FOUND, ELOOP },
        { -EACCES, OUTCOME_DENIED, EACCES },
        { -EPERM, OUTCOME_DENIED, EPERM },
        { -EEXIST, OUTCOME_EXISTS, EEXIST },
        { -ENOTDIR, OUTCOME_NOT_DIRECTORY, ENOTDIR },
        { -EISDIR, OUTCOME_IS_DIRECTORY, EISDIR },
        { -ENXIO, OUTCOME_NOT_REGULAR, ENXIO },
        { -ENOTEMPTY, OUTCOME_NOT_EMPTY, ENOTEMPTY },
        { -ENAMETOOLONG, OUTCOME_BAD_NAME, ENAMETOOLONG },
        { -ENOSPC, OUTCOME_NO_SPACE, ENOSPC },
        { -EDQUOT, OUTCOME_NO_SPACE, EDQUOT },
        { -EFBIG, OUTCOME_TOO_LARGE, EFBIG },
        { -EROFS, OUTCOME_READ_ONLY, EROFS },
        { -EBUSY, OUTCOME_BUSY, EBUSY },
        { -ERANGE, OUTCOME_BAD_TIME, ERANGE },
        { -EXDEV, OUTCOME_CROSS_DEVICE, EXDEV },
        { -EPIPE, OUTCOME_GONE_AWAY, EPIPE },
        { -EIO, OUTCOME_IO, EIO },
        { -EPROTO, OUTCOME_IO, EPROTO },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(errors_outcome(rows[i].result), rows[i].outcome, "row %zu",
                     i);
        cr_expect_eq((unsigned)errors_number(rows[i].result), rows[i].number,
                     "row %zu", i);
    }
}
