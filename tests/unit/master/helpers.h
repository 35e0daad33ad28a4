/* Functions for a master in a test: its programs check and reader, its forks,
 * and its settings. */
#ifndef TEST_UNIT_MASTER_HELPERS_H
#define TEST_UNIT_MASTER_HELPERS_H

#include "master/core/core.h"

/* Lets M execute the programs of this build. */
void helpers_find(struct master *m);
/* Lets PROGRAM, a shell or Python, play the program NAME by running SCRIPT.
 * Master starts it with a title and ARGUMENT, which PROGRAM takes for the name
 * of its script. So SCRIPT is written to the file ARGUMENT in the scratch
 * directory, which the test enters. */
void helpers_play(struct master *m, const char *name, const char *program,
                  const char *argument, const char *script);
/* Returns the pid of M's first errand; 0: there is none. */
pid_t errand_now(const struct master *m);
/* Gives M the settings of TEXT, which M passes to check. */
void helpers_configure(struct master *m, const char *text);

#endif
