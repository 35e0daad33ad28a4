/* The programs that master executes, each by a descriptor of its own: whatever
 * becomes of the package meanwhile, a generation has the processes of its own
 * build. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_PROGRAMS_H
#define SALLYPORT_SRC_MASTER_CHILDREN_PROGRAMS_H

#include "sallyport/base/complain.h"

struct succession;

/* Opens those in the directory of our own binary. A recovery uses those that it
 * inherits, if it is executed from the inherited binary too. The block
 * of descriptors (SANDBOX_PROGRAMS_FIRST) must be free. Its first, or -EINVAL
 * with the complaint. */
int programs_open(struct succession *s, struct complaint *c);
/* The supervisor keeps them, and our own binary, for a recovery. 0 or -errno */
int programs_keep(struct succession *s, int first);
void programs_close(int *first);

/* The descriptor of "gate" and so on; -1: there is none. */
int programs_find(int first, const char *name);

#endif
