/* SIZE waits for the end of an upload that was cut. */
#ifndef FILES_SETTLE_H
#define FILES_SETTLE_H

#include <stdbool.h>

struct files;

/* Waits until no upload writes the own partial of NAME, at most 5 s; ends at
 * once when session or master is gone. What is there then counts as used just
 * now, so idle.c leaves it alone for an hour. True if it had to wait: then the
 * file itself may be there by now. */
bool settle_partial(struct files *f, int directory, const char *name);

#endif
