/* Waiting with a deadline: nothing in the tests sleeps for a fixed time in the
 * hope that something has happened by then. */
#ifndef TESTS_SUPPORT_WAIT_H
#define TESTS_SUPPORT_WAIT_H

#include <stdbool.h>

/* Deadlines are for machines under load and sanitizers: generous, since a
 * passing test never reaches them. */
#define WAIT_MS 20000

/* Asks TEST every few milliseconds until it says yes (true) or MS are over. */
bool wait_until(bool (*test)(void *argument), void *argument, unsigned ms);
/* Reaps PID; false when it still lives after MS. */
bool wait_exit(int pid, int *status, unsigned ms);

#endif
