/* The programs that master executes, each by its own descriptor. If the package
 * changes meanwhile, all processes of a generation are still of one build. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_PROGRAMS_H
#define SALLYPORT_SRC_MASTER_CHILDREN_PROGRAMS_H

#include "sallyport/base/complain.h"

struct succession;

/* Opens the programs in the directory of our own binary. A recovery uses the
 * inherited ones, if it was executed from the inherited binary too. FD has
 * MASTER_PROGRAMS places. Returns 0, or -EINVAL with the complaint. */
int programs_open(struct succession *s, int *fd, struct complaint *c);
/* Asks the supervisor to keep the programs, and our own binary, for a recovery.
 * Returns 0 or -errno. */
int programs_keep(struct succession *s, const int *fd);
void programs_close(int *fd);

/* Returns the descriptor of "gate" and so on, or -1. */
int programs_find(const int *fd, const char *name);

#endif
