/* Fails the Nth allocation of the test's process, for each N: what a function
 * does without memory. The process that asks for it is a fork of the test. A
 * build with AddressSanitizer has an allocator of its own: there none fails. */
#ifndef TESTS_SUPPORT_ALLOCATION_H
#define TESTS_SUPPORT_ALLOCATION_H

#include <stdbool.h>

#define ALLOCATION_MISSING "AddressSanitizer has the allocator"

bool allocation_can_fail(void);
/* The Nth allocation from now on fails, once. 0: none */
void allocation_fail(unsigned n);
/* Has it failed, here or in the fork that asked for it last? */
bool allocation_failed(void);

#endif
