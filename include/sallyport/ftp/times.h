/* Times that clients set: MFMT, MDTM with a time, SITE UTIME. */
#ifndef SALLYPORT_FTP_TIMES_H
#define SALLYPORT_FTP_TIMES_H

#include <time.h>

#include "sallyport/base/slice.h"

struct times {
    time_t access, modify;
    struct slice path; /* what stands behind, or in front, verbatim */
};

/* "YYYYMMDDHHMMSS", UTC, also with a fraction: the same results. */
int time_parse(struct slice text, time_t *ret);
/* "YYYYMMDDHHMMSS path", UTC, also with a fraction (RFC 3659 2.3), which is
 * dropped. -EINVAL: not of this form. -ERANGE: of this form, but there is no
 * such time, or it is out of the years 1970 to 9999. */
int times_parse(struct slice argument, struct times *ret);
/* SITE UTIME's argument: "YYYYMMDDHHMM[SS] path" or "path atime mtime ctime
 * UTC", where nobody can set the third. The same results. */
int times_parse_utime(struct slice argument, struct times *ret);

#endif
