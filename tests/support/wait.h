/* Waits with a deadline. No test sleeps for a fixed time and hopes that
 * something has happened by then. */
#ifndef TESTS_SUPPORT_WAIT_H
#define TESTS_SUPPORT_WAIT_H

#include <stdbool.h>

/* The deadline is generous, for machines under load and for sanitizers: a test
 * that passes never reaches it. */
#define WAIT_MS 20000

/* Calls TEST every few milliseconds until it returns true or MS milliseconds
 * are over. Returns its last result. */
bool wait_until(bool (*test)(void *argument), void *argument, unsigned ms);
/* Waits until the child PID ends, and reaps it. Returns false if it still lives
 * after MS milliseconds. */
bool wait_exit(int pid, int *status, unsigned ms);

#endif
