/* The resource limits of a process. */
#ifndef SALLYPORT_SANDBOX_LIMITS_H
#define SALLYPORT_SANDBOX_LIMITS_H

#include <stddef.h>

#include "sallyport/sandbox/sandbox.h"

/* Sets the limits: no core file, no new process unless the row forks, MAX_FILES
 * descriptors (0: no change). Returns 0 or -errno. */
int limits_set(const struct sandbox_row *row, size_t max_files);

#endif
