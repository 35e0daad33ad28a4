/* The program check, which says on standard error what an administrator should
 * know of a configuration. */
#ifndef SALLYPORT_SRC_MASTER_START_CHECKER_H
#define SALLYPORT_SRC_MASTER_START_CHECKER_H

#include <stdbool.h>

struct master;

/* Executes it with the settings and the users file USERS, and waits for its
 * end, WAIT_MS at most; then it is killed. MODE is one of those in
 * src/check/main.c. Call it before master's sandbox closes. Returns whether
 * there is a mistake; that check was late is one. */
bool checker_run(const struct master *m, const char *mode, int users,
                 int wait_ms);

#endif
