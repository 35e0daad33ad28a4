/* The words for an upload whose name is taken. Pure; what they mean is done in
 * the process files. */
#include "sallyport/base/conflict.h"

#include <errno.h>
#include <stddef.h>

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
    for (size_t i = 0; i < CONFLICT_COUNT; i++) {
        if (!slice_equal(text, slice_from(conflict_words[i])))
            continue;
        *ret = (enum conflict)i;
        return 0;
    }
    return -EINVAL;
}
