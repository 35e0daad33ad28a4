/* Facts that clients set: MFF (draft-somers-ftp-mfxx 6), and the mode alone for
 * SITE CHMOD. */
#ifndef SALLYPORT_FTP_MFF_H
#define SALLYPORT_FTP_MFF_H

#include <time.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

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
