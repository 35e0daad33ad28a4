/* The seccomp filter of a process, and the end of its standard descriptors.
 * filter.c implements them. Builds with sanitizers have filter_off.c instead,
 * since their runtime needs other calls and standard error. */
#ifndef SALLYPORT_SANDBOX_FILTER_H
#define SALLYPORT_SANDBOX_FILTER_H

#include "sallyport/sandbox/filters.h"

/* Loads the filter, which can't be undone. 0; 1: this build has no filters;
 * -errno */
int filter_load(const struct sandbox_filter *filter);

/* Turns descriptors 0, 1 and 2 into /dev/null. They are master's, usually a log
 * file: a process that kept them could forge or delete its lines. 0 or -errno
 */
int filter_end_descriptors(void);

#endif
