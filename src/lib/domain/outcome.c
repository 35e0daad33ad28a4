/* The words for the reason why a session ended, and for the result of a
 * password change. */
#include "sallyport/domain/outcome.h"

#define WORDS(name, words) (words),
static const char *const endings[ENDING_COUNT] = { ENDINGS(WORDS) };

const char *ending_text(enum ending e)
{
    return (unsigned)e < ENDING_COUNT ? endings[e] : "?";
}

static const char *const password_faults[PASSWORD_FAULTS] = { PASSWORD_RESULTS(
    WORDS) };

const char *password_fault_text(enum password_fault f)
{
    return (unsigned)f < PASSWORD_FAULTS ? password_faults[f] : "?";
}
