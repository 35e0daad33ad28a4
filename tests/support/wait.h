/* Waits with a deadline. No test sleeps for a fixed time and hopes that
 * something has happened by then. */
#ifndef TESTS_SUPPORT_WAIT_H
#define TESTS_SUPPORT_WAIT_H

#include <stdbool.h>

/* Deadlines are generous, for machines under load and sanitizers, since a
 * passing test never reaches them. */
#define WAIT_MS 20000

/* Calls TEST every few milliseconds until it returns true or MS are over.
 * Returns its last result. */
bool wait_until(bool (*test)(void *argument), void *argument, unsigned ms);
/* Reaps PID. Returns false if it still lives after MS. */
bool wait_exit(int pid, int *status, unsigned ms);

#endif
