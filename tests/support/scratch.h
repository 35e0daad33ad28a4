/* Makes a directory below $TMPDIR, or /tmp, for the running test. The first
 * three functions can be hooks of a suite. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <stdbool.h>

#define SCRATCH_SIZE 64

extern char scratch[SCRATCH_SIZE]; /* its path */

void scratch_make(void);
/* Makes the directory, and makes it the working directory. */
void scratch_enter(void);
void scratch_remove(void);
/* Returns the path of NAME in the directory, in one of four buffers that take
 * turns. */
const char *in_scratch(const char *name);

/* Removes PATH and everything below it, except files of another file system. */
void scratch_remove_tree(const char *path);

/* Gives this process its own mount namespace: its later mounts exist only for
 * it and its children. Returns false if this fails, as it does for ordinary
 * users. */
bool mounts_own(void);

#endif
