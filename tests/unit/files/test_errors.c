/* The outcome for each errno. */
#include <criterion/criterion.h>
#include <errno.h>

#include "files/files.h"

Test(errors, table)
{
    static const struct {
        int result;
        enum outcome outcome;
    } rows[] = {
        { OUTCOME_BAD_OFFSET, OUTCOME_BAD_OFFSET },
        { OUTCOME_OK, OUTCOME_OK },
        { -ENOENT, OUTCOME_NOT_FOUND },
        { -ELOOP, OUTCOME_NOT_FOUND },
        { -EACCES, OUTCOME_DENIED },
        { -EPERM, OUTCOME_DENIED },
        { -EEXIST, OUTCOME_EXISTS },
        { -ENOTDIR, OUTCOME_NOT_DIRECTORY },
        { -EISDIR, OUTCOME_IS_DIRECTORY },
        { -ENXIO, OUTCOME_NOT_REGULAR },
        { -ENOTEMPTY, OUTCOME_NOT_EMPTY },
        { -ENAMETOOLONG, OUTCOME_BAD_NAME },
        { -ENOSPC, OUTCOME_NO_SPACE },
        { -EDQUOT, OUTCOME_NO_SPACE },
        { -EFBIG, OUTCOME_TOO_LARGE },
        { -EROFS, OUTCOME_READ_ONLY },
        { -EBUSY, OUTCOME_BUSY },
        { -ERANGE, OUTCOME_BAD_TIME },
        { -EXDEV, OUTCOME_CROSS_DEVICE },
        { -EPIPE, OUTCOME_GONE_AWAY },
        { -EIO, OUTCOME_IO },
        { -EPROTO, OUTCOME_IO },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(files_outcome(rows[i].result), rows[i].outcome, "row %zu",
                     i);
}
