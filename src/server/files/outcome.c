/* Outcomes of requests, in the process files: of each errno. */
#include "files.h"

#include <errno.h>

/* Converts errno to an outcome. A number that isn't in the table becomes
 * OUTCOME_IO, so the session never gets a bare errno as an outcome. */
static const struct error {
    int number;
    enum outcome outcome;
} errors[] = {
    { ENOENT, OUTCOME_NOT_FOUND },
    { ELOOP, OUTCOME_NOT_FOUND }, /* a circle of links */
    { EACCES, OUTCOME_DENIED },
    { EPERM, OUTCOME_DENIED },
    { EEXIST, OUTCOME_EXISTS },
    { ENOTDIR, OUTCOME_NOT_DIRECTORY },
    { EISDIR, OUTCOME_IS_DIRECTORY },
    { ENXIO, OUTCOME_NOT_REGULAR }, /* open of a socket */
    { ENODEV, OUTCOME_NOT_REGULAR },
    { ENOTEMPTY, OUTCOME_NOT_EMPTY },
    { ENAMETOOLONG, OUTCOME_BAD_NAME },
    { EILSEQ, OUTCOME_BAD_NAME }, /* file systems that insist on UTF-8 */
    { ENOSPC, OUTCOME_NO_SPACE },
    { EDQUOT, OUTCOME_NO_SPACE },
    { EFBIG, OUTCOME_TOO_LARGE_HERE },
    { EROFS, OUTCOME_READ_ONLY },
    { EBUSY, OUTCOME_BUSY },
    { EAGAIN, OUTCOME_BUSY },
    { ETXTBSY, OUTCOME_BUSY },
    { EPIPE, OUTCOME_GONE_AWAY },
    { ERANGE, OUTCOME_BAD_TIME },
    { EXDEV, OUTCOME_CROSS_DEVICE },
};

enum outcome files_outcome(int result)
{
    if (result >= 0)
        return (enum outcome)result;
    if (result <= REFUSED(OUTCOME_OK))
        return (enum outcome)(REFUSED(OUTCOME_OK) - result);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i].number == -result)
            return errors[i].outcome;
    return OUTCOME_IO;
}
