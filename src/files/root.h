/* The home, and the sandbox around it. */
#ifndef FILES_ROOT_H
#define FILES_ROOT_H

#include "sallyport/base/complain.h"
#include "state.h"

/* A descriptor of the home, opened as its user would, or -errno. */
int root_open(const struct files_start *start);
/* For good: ids, chroot, Landlock, system calls. 0 or -EPERM with the
 * complaint. */
int root_enter_sandbox(const struct files_start *start, int root,
                       struct complaint *c);

#endif
