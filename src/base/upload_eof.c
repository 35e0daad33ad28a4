/* The words for how an upload's data connection must end. Pure; what they mean
 * is done in the process session. */
#include "sallyport/base/upload_eof.h"

#include <errno.h>
#include <stddef.h>

const char *const upload_eof_words[UPLOAD_EOF_COUNT] = {
    [UPLOAD_EOF_STRICT] = "strict",
    [UPLOAD_EOF_SIZE] = "size",
    [UPLOAD_EOF_LENIENT] = "lenient",
};

int upload_eof_parse(struct slice text, enum upload_eof *ret)
{
    for (size_t i = 0; i < UPLOAD_EOF_COUNT; i++) {
        if (!slice_equal(text, slice_from(upload_eof_words[i])))
            continue;
        *ret = (enum upload_eof)i;
        return 0;
    }
    return -EINVAL;
}
