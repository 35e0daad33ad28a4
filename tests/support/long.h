/* Tells a test whether this is the long run. */
#ifndef TESTS_SUPPORT_LONG_H
#define TESTS_SUPPORT_LONG_H

#include <stdbool.h>

/* Is SALLYPORT_LONG 1, as in tests/run --all? */
bool is_long(void);

#endif
