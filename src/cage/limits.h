/* The resource limits of a process. */
#ifndef SALLYPORT_CAGE_LIMITS_H
#define SALLYPORT_CAGE_LIMITS_H

#include <stddef.h>

#include "sallyport/cage/cage.h"

/* No core; no process where it doesn't fork; MAX_FILES descriptors (0: as it
 * is). 0 or -errno. */
int limits_set(const struct cage_row *row, size_t max_files);

#endif
