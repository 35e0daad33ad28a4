/* Wiping what earlier calls have left on the stack. */
#include "sallyport/base/stack.h"
#include "support/test.h"

#define DEEP (64 * 1024)

/* AddressSanitizer puts much room around each array, where nothing is wiped. */
#ifndef SALLYPORT_UNFILTERED

/* *AT is the lowest address of a large frame full of MARK. */
static __attribute__((noinline, no_sanitize("address"))) void
leave(int mark, uintptr_t *at)
{
    volatile char frame[DEEP];

    for (size_t i = 0; i < sizeof(frame); i++)
        frame[i] = (char)mark;
    *at = (uintptr_t)frame;
}

/* The frames of the calls in between may have overwritten the rest. */
static __attribute__((noinline, no_sanitize("address"))) size_t
count(uintptr_t at, int mark)
{
    size_t n = 0;

    for (size_t i = 0; i < DEEP; i++)
        n += ((const volatile char *)at)[i] == (char)mark;
    return n;
}

/* Near the frame, where its pages stay, as well as far from it. */
Test(stack, nothing_stays_below)
{
    char own[300];
    uintptr_t at;

    memset(own, 'o', sizeof(own));
    leave('x', &at);
    cr_assert_gt(count(at, 'x'), DEEP / 2, "the test can't see it");
    stack_wipe_below();
    cr_expect_lt(count(at, 'x'), 16, "more than count() has in its frame");
    for (size_t i = 0; i < sizeof(own); i++)
        cr_assert_eq(own[i], 'o', "the caller's frame");
}
#endif
