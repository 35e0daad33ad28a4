/* The seccomp filter of a process, and the end of its standard descriptors.
 * filter.c implements them. Builds with sanitizers have filter_off.c instead,
 * since their runtime needs other calls and standard error. */
#ifndef SALLYPORT_SANDBOX_FILTER_H
#define SALLYPORT_SANDBOX_FILTER_H

#include <stdbool.h>

#include "sallyport/base/process.h"

/* What a policy depends on besides the process. */
struct filter_choice {
    int programs;  /* the directory from which it may execute, or 0 */
    bool connects; /* as in struct sandbox_plan */
};

/* Compiles and keeps the filter, unless it is kept already. 0 or -errno */
int filter_prepare(enum process p, struct filter_choice choice);

/* Loads the filter, which can't be undone. Compiles it first unless it is kept.
 * 0; 1: this build has no filters; -errno */
int filter_load(enum process p, struct filter_choice choice);

/* Turns descriptors 0, 1 and 2 into /dev/null. They are master's, usually a log
 * file: a process that kept them could forge or delete its lines. 0 or -errno
 */
int filter_end_descriptors(void);

#endif
