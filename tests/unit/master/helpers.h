/* The programs check and reader, and the forks, of the master of a test. */
#ifndef TEST_UNIT_MASTER_HELPERS_H
#define TEST_UNIT_MASTER_HELPERS_H

#include "master/core/core.h"

/* Lets M execute the programs of this build. */
void helpers_find(struct master *m);
/* Lets PROGRAM play the program NAME. A shell and Python take the first
 * argument after the title, ARGUMENT, for the name of their SCRIPT, so the test
 * enters its scratch. */
void helpers_play(struct master *m, const char *name, const char *program,
                  const char *argument, const char *script);
/* Returns the process of M's first errand, or 0: there is none. */
pid_t errand_now(const struct master *m);
/* Gives M these settings, which it passes to check. */
void helpers_configure(struct master *m, const char *text);

#endif
