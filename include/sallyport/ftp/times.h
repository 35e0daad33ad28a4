/* Times and modes that clients set: MDTM, MFMT, SITE UTIME, SITE CHMOD and MFF.
 */
#ifndef SALLYPORT_FTP_TIMES_H
#define SALLYPORT_FTP_TIMES_H

#include <time.h>

#include "sallyport/base/buf.h"
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

enum { MFF_MODIFY = 1, MFF_MODE = 2 };

struct mff {
    unsigned facts; /* which facts were given; at least one */
    time_t modify;
    unsigned mode;
    struct slice path; /* unchanged */
};

/* Parses "modify=YYYYMMDDHHMMSS;UNIX.mode=0644; path": one fact or both, in any
 * order; case is ignored. Returns 0; -EINVAL: not of this form, or no such
 * time; -ENOTSUP: a fact that can't be set; -ERANGE: a mode that can't be
 * set. */
int mff_parse(struct slice argument, struct mff *ret);
/* Adds what was set: "Modify=20200229235959;UNIX.mode=0644;". */
void mff_text(const struct mff *m, struct buf *into);

/* Parses one to four octal digits. Returns 0; -EINVAL: something else; -ERANGE:
 * more than the nine permission bits, or a mode without the owner's read bit:
 * then the mode could never be changed again. */
int mff_parse_mode(struct slice text, unsigned *ret);

#endif
