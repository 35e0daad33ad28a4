/* The programs that master executes, each by its own descriptor. If the package
 * changes meanwhile, all processes of a generation are still of one build. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_PROGRAMS_H
#define SALLYPORT_SRC_MASTER_CHILDREN_PROGRAMS_H

#include "sallyport/base/complain.h"

struct succession;

/* Opens the programs in the directory of our own binary. A recovery uses the
 * inherited ones, if it was executed from the inherited binary too. The block
 * of descriptors (SANDBOX_PROGRAMS_FIRST) must be free. Returns the first
 * descriptor, or -EINVAL with the complaint. */
int programs_open(struct succession *s, struct complaint *c);
/* Asks the supervisor to keep the programs, and our own binary, for a recovery.
 * Returns 0 or -errno. */
int programs_keep(struct succession *s, int first);
void programs_close(int *first);

/* Returns the descriptor of "gate" and so on, or -1. */
int programs_find(int first, const char *name);

#endif
