/* A directory of the running test, below /tmp. The first three functions can be
 * hooks of a suite. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <stdbool.h>

extern char scratch[32]; /* its path */

void scratch_make(void);
/* Makes it the working directory, too. */
void scratch_enter(void);
void scratch_remove(void);
/* Returns the path of NAME in it, in one of four buffers that take turns. */
const char *in_scratch(const char *name);

/* Removes PATH and all below it, but no other file system. */
void scratch_remove_tree(const char *path);

/* From now on what this process mounts is mounted for it and its children only.
 * Returns false if it can't have that, as without root. */
bool mounts_own(void);

#endif
