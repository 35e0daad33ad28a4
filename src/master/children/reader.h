/* The program reader: master waits for what it has read. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_READER_H
#define SALLYPORT_SRC_MASTER_CHILDREN_READER_H

#include "sallyport/base/complain.h"

struct master;

/* Has reader read FILE, whose name is PATH, within WAIT_MS. MODE is one of
 * those in src/reader/main.c. The answer, a memfd without seals, which only
 * reader could write; -EINVAL: FILE has a mistake, and *c says which; another
 * -errno: reader has failed. */
int reader_ask(const struct master *m, const char *mode, const char *path,
               int file, int wait_ms, struct complaint *c);

#endif
