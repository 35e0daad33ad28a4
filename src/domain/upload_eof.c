/* The words for how an upload's data connection must end. Pure; session decides
 * by them. */
#include "sallyport/domain/upload_eof.h"

const char *const upload_eof_words[UPLOAD_EOF_COUNT] = {
    [UPLOAD_EOF_STRICT] = "strict",
    [UPLOAD_EOF_SIZE] = "size",
    [UPLOAD_EOF_LENIENT] = "lenient",
    [UPLOAD_EOF_ANNOUNCED] = "announced",
};

int upload_eof_parse(struct slice text, enum upload_eof *ret)
{
    int i = slice_among(text, upload_eof_words, UPLOAD_EOF_COUNT);

    if (i < 0)
        return i;
    *ret = (enum upload_eof)i;
    return 0;
}
