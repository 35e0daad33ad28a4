/* Makes the Nth allocation of the test's process or of a fork of it fail, so
 * that a test can try each N. A build with AddressSanitizer has its own
 * allocator, in which no allocation fails. */
#ifndef TESTS_SUPPORT_ALLOCATION_H
#define TESTS_SUPPORT_ALLOCATION_H

#include <stdbool.h>

#define ALLOCATION_MISSING "AddressSanitizer has the allocator"

/* Lets this process and its forks share the answer of allocation_failed(). The
 * runner calls it for each test (tests/support/hooks/main.c). */
void allocation_share(void);
bool allocation_can_fail(void);
/* Makes the Nth allocation from now on fail, once. N 0: no allocation fails. */
void allocation_fail(unsigned n);
/* Has that allocation failed, in this process or in the fork that called
 * allocation_fail() last? */
bool allocation_failed(void);

#endif
