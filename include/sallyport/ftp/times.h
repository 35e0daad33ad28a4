/* Times that clients set: MFMT, MDTM with a time, SITE UTIME. */
#ifndef SALLYPORT_FTP_TIMES_H
#define SALLYPORT_FTP_TIMES_H

#include <time.h>

#include "sallyport/base/slice.h"

struct times {
    time_t access, modify;
    struct slice path; /* unchanged; before or after the times */
};

/* Parses "YYYYMMDDHHMMSS" in UTC; a fraction (RFC 3659 2.3) is dropped. Returns
 * as times_parse(). */
int time_parse(struct slice text, time_t *ret);
/* Parses "YYYYMMDDHHMMSS path", in UTC; a fraction is dropped. Returns 0;
 * -EINVAL: not of this form; -ERANGE: no such time, or not in the years 1970 to
 * 9999. */
int times_parse(struct slice argument, struct times *ret);
/* Parses the argument of SITE UTIME: "YYYYMMDDHHMM[SS] path" or "path atime
 * mtime ctime UTC". The ctime is checked and ignored: nobody can set it.
 * Returns as times_parse(). */
int times_parse_utime(struct slice argument, struct times *ret);

#endif
