/* What is weaker than promised. */
#ifndef SALLYPORT_SRC_MASTER_START_WEAKER_H
#define SALLYPORT_SRC_MASTER_START_WEAKER_H

#include "sallyport/base/buf.h"

struct master;

#define WEAKER_MAX 4096

/* Phrases, "; " between them; nothing where all promises hold. */
void weaker_text(const struct master *m, struct buf *into);

#endif
