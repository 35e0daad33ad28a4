/* The SHA-256 of an upload, for its event: of the whole file as it will be
 * stored, also after a resume. */
#ifndef SALLYPORT_SRC_SESSION_SUM_H
#define SALLYPORT_SRC_SESSION_SUM_H

#include "session.h"

/* Files has opened the partial. False: out of memory. If the settings want no
 * sum, this and the functions below do nothing. */
bool sum_begin(struct session *s);
/* The block is written, up to transfer.offset. False: the bytes from before
 * can't be read. */
bool sum_add(struct session *s, const char *block, size_t len);
/* Some bytes of the file are still to be read. */
bool sum_is_behind(const struct session *s);
/* Reads some of them. False: as above. */
bool sum_catch_up(struct session *s);
/* The sum is complete: sets its text for the event. */
void sum_end(struct session *s);

#endif
