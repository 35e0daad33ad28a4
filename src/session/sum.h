/* The SHA-256 of an upload, for its event: of the whole file, as it will be
 * stored, also where it goes on with what was there. */
#ifndef SALLYPORT_SRC_SESSION_SUM_H
#define SALLYPORT_SRC_SESSION_SUM_H

#include "session.h"

/* When files has opened the partial; false: out of memory. Where the settings
 * want no sum, nothing happens here and below. */
bool sum_begin(struct session *s);
/* The block is written, up to transfer.offset. False: what was there can't be
 * read. */
bool sum_add(struct session *s, const char *block, size_t len);
/* Is something of the file still to be read? */
bool sum_is_behind(const struct session *s);
/* Reads a slice of that. False as above. */
bool sum_catch_up(struct session *s);
/* All is there: the text for the event. */
void sum_end(struct session *s);

#endif
