/* The words for the ends of sessions, for host names without an address, and
 * for passwords that stay. */
#include "sallyport/domain/outcome.h"
#include "support/test.h"

Test(ending, has_words)
{
    for (unsigned e = 0; e < ENDING_COUNT; e++)
        cr_assert_str_neq(ending_text((enum ending)e), "?");
    cr_assert_str_eq(ending_text(ENDING_COUNT), "?");
}

Test(password_fault, has_words)
{
    for (unsigned f = 1; f < PASSWORD_FAULTS; f++)
        cr_assert_str_neq(password_fault_text((enum password_fault)f), "?");
    cr_assert_str_eq(password_fault_text(PASSWORD_FAULTS), "?");
}
