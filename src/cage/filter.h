/* The seccomp filter of a process. Two makers: seccomp.c, and seccomp_off.c
 * for builds with sanitizers, whose runtime needs calls of its own. */
#ifndef SALLYPORT_CAGE_FILTER_H
#define SALLYPORT_CAGE_FILTER_H

#include "sallyport/base/process.h"

/* Compiles and keeps the filter; nothing if it is kept already. 0 or -errno */
int filter_prepare(enum process p);

/* Loads it, for good; compiles it first if need be. 0; 1: this build has no
 * filters; -errno. */
int filter_load(enum process p);

#endif
