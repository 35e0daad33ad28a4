/* Tells a test whether this is the long run. */
#ifndef TESTS_SUPPORT_LONG_H
#define TESTS_SUPPORT_LONG_H

#include <stdbool.h>

/* Test(suite, name, IN_LONG_RUN) runs only in the long run; with
 * WITH_SANITIZERS a short run has it only in the build with sanitizers, and
 * with WITHOUT_SANITIZERS only in the other one: it needs much time there, and
 * its code parses nothing that a stranger sends. TestSuite() takes these, too
 * (tests/support/hooks/long.c). */
#define IN_LONG_RUN        .description = "in the long run"
#define WITH_SANITIZERS    .description = "with sanitizers"
#define WITHOUT_SANITIZERS .description = "without sanitizers"

/* Has this build the sanitizers? A random test plays less there. */
#ifdef SALLYPORT_SANITIZED
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

/* Is SALLYPORT_LONG 1, as in tests/run --all? */
bool is_long(void);

#endif
