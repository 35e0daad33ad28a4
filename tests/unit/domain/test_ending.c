/* The words for the ends of sessions, and for host names without an address. */
#include <criterion/criterion.h>

#include "sallyport/domain/outcome.h"

Test(ending, has_words)
{
    for (unsigned e = 0; e < ENDING_COUNT; e++)
        cr_assert_str_neq(ending_text((enum ending)e), "?");
    cr_assert_str_eq(ending_text(ENDING_COUNT), "?");
}

Test(unresolved, has_words)
{
    for (unsigned u = 0; u < UNRESOLVED_COUNT; u++)
        cr_assert_str_neq(unresolved_text(u), "?");
    cr_assert_str_eq(unresolved_text(UNRESOLVED_COUNT), "?");
}
