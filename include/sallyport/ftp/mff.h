/* Facts that clients set: MFF (draft-somers-ftp-mfxx 6), and the mode alone,
 * for SITE CHMOD. */
#ifndef SALLYPORT_FTP_MFF_H
#define SALLYPORT_FTP_MFF_H

#include <time.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

enum { MFF_MODIFY = 1, MFF_MODE = 2 };

struct mff {
    unsigned facts; /* which of the two; never none */
    time_t modify;
    unsigned mode;
    struct slice path; /* what stands behind, verbatim */
};

/* "modify=YYYYMMDDHHMMSS;UNIX.mode=0644; path", one or both, in any order and
 * case. -EINVAL: not of this form, or no such time. -ENOTSUP: a fact that can't
 * be set. -ERANGE: a mode that can't be. */
int mff_parse(struct slice argument, struct mff *ret);
/* "Modify=20200229235959;UNIX.mode=0644;": what was set. 0 or -ENOBUFS */
int mff_text(const struct mff *m, struct buf *into);

/* One to four octal digits. -EINVAL: else. -ERANGE: beyond the nine bits, or
 * without the owner's read bit, with which it could never be changed again. */
int mode_parse(struct slice text, unsigned *ret);

#endif
