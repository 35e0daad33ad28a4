/* The words for an upload whose name is taken. Pure; the process files decides
 * by them. */
#include "sallyport/domain/conflict.h"

const char *const conflict_words[CONFLICT_COUNT] = {
    [CONFLICT_OVERWRITE] = "overwrite",
    [CONFLICT_RENAME] = "rename",
    [CONFLICT_VERSION] = "version",
    [CONFLICT_REJECT] = "reject",
};

const char *const conflict_name_words[CONFLICT_NAME_COUNT] = {
    [CONFLICT_NAME_NUMBER] = "number",
    [CONFLICT_NAME_NEW] = "new",
};

int conflict_parse(struct slice text, enum conflict *ret)
{
    int i = slice_among(text, conflict_words, CONFLICT_COUNT);

    if (i < 0)
        return i;
    *ret = (enum conflict)i;
    return 0;
}
