/* The words for choices of an administrator. Pure; the processes that follow
 * them decide. */
#include "sallyport/domain/choices.h"

#include <stddef.h>

const char *const binding_words[BINDING_COUNT] = {
    [BINDING_USER] = "user",
    [BINDING_SESSION] = "session",
    [BINDING_ADDRESS] = "address",
};

int binding_parse(struct slice text, enum data_binding *ret)
{
    int i = slice_among(text, binding_words, BINDING_COUNT);

    if (i < 0)
        return i;
    *ret = (enum data_binding)i;
    return 0;
}

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

const struct sandbox_part_row sandbox_parts[SANDBOX_PARTS] = {
    { SANDBOX_IDS, "ids" },
    { SANDBOX_CHROOT, "chroot" },
    { SANDBOX_SECCOMP, "seccomp" },
    { SANDBOX_LANDLOCK, "landlock" },
};

const char *sandbox_part_word(unsigned part)
{
    for (size_t i = 0; i < SANDBOX_PARTS; i++)
        if (part == sandbox_parts[i].part)
            return sandbox_parts[i].word;
    return "?";
}
