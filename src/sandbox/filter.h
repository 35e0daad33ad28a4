/* Loads the seccomp filter of a process, and closes its standard descriptors.
 * filter.c implements both. Builds with sanitizers have filter_off.c instead,
 * since their runtime needs other calls and standard error. */
#ifndef SALLYPORT_SANDBOX_FILTER_H
#define SALLYPORT_SANDBOX_FILTER_H

#include "sallyport/sandbox/filters.h"

/* Loads the filter, which can't be undone. Returns 0; 1: this build has no
 * filters; -errno. */
int filter_load(const struct sandbox_filter *filter);

/* Turns descriptors 0, 1 and 2 into /dev/null. They come from master and are
 * usually a log file: a process that kept them could forge or delete its lines.
 * Returns 0 or -errno. */
int filter_end_descriptors(void);

#endif
