/* What a build with sanitizers leaves out: the seccomp filter of a process, and
 * the end of its standard descriptors. Two makers: seccomp.c, and seccomp_off.c
 * for those builds, whose runtime needs calls and a standard error. */
#ifndef SALLYPORT_CAGE_FILTER_H
#define SALLYPORT_CAGE_FILTER_H

#include <stdbool.h>

#include "sallyport/base/process.h"

/* What a policy depends on besides the process. */
struct filter_choice {
    int programs;  /* the folder that it may execute from, or 0 */
    bool connects; /* as in struct cage_plan */
};

/* Compiles and keeps the filter; nothing if it is kept already. 0 or -errno */
int filter_prepare(enum process p, struct filter_choice choice);

/* Loads it, for good; compiles it first if need be. 0; 1: this build has no
 * filters; -errno. */
int filter_load(enum process p, struct filter_choice choice);

/* 0, 1 and 2 are master's, the log's file as a rule: whoever keeps them can
 * forge its lines, or cut them off. From here on they are /dev/null. 0 or
 * -errno */
int standard_descriptors_end(void);

#endif
