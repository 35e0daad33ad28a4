/* The words of the dimensions, and the check of a table's row. */
#include "dimensions.h"

#include "fail.h"

#define WORD(value, word) [value] = (word),
const char *const who_words[] = { WHO_LIST(WORD) };
const char *const place_words[] = { PLACE_LIST(WORD) };
const char *const end_by_words[] = { END_BY_LIST(WORD) };
const char *const name_is_words[] = { NAME_IS_LIST(WORD) };

bool dimension_plays(const char *word, bool plays, const char *why_not)
{
    FAIL_IF(!plays && !why_not, "%s: nothing to play, and no reason", word);
    FAIL_IF(plays && why_not, "%s is played, and has a reason: %s", word,
            why_not);
    return plays;
}
