/* Times and modes that clients set: MFMT, SITE CHMOD. */
#ifndef SALLYPORT_FTP_TIMES_H
#define SALLYPORT_FTP_TIMES_H

#include <time.h>

#include "sallyport/base/slice.h"

/* Parses "YYYYMMDDHHMMSS" in UTC; a fraction (RFC 3659 2.3) is dropped. Returns
 * the results of times_parse(). */
int time_parse(struct slice text, time_t *ret);
/* Parses "YYYYMMDDHHMMSS path"; the path is unchanged. Returns 0; -EINVAL: the
 * text isn't of this form; -ERANGE: there is no such time, or it isn't in the
 * years 1970 to 9999. */
int times_parse(struct slice argument, time_t *modify, struct slice *path);

/* Parses one to four octal digits. Returns 0; -EINVAL: something else; -ERANGE:
 * the mode has more than the nine permission bits, or lacks the owner's read
 * bit: without this bit the mode could never be changed again. */
int times_parse_mode(struct slice text, unsigned *ret);

#endif
