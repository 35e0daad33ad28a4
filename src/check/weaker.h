/* The promises that a configuration weakens. */
#ifndef SALLYPORT_SRC_CHECK_WEAKER_H
#define SALLYPORT_SRC_CHECK_WEAKER_H

#include "sallyport/base/buf.h"

struct check;

#define WEAKER_MAX 4096

/* Writes phrases with "; " between them. Writes nothing if all promises hold.
 */
void weaker_text(const struct check *k, struct buf *into);

#endif
