/* The words for choices of an administrator. Data only: the processes that
 * follow the choices decide. */
#include "sallyport/domain/choices.h"

const char *const binding_words[BINDING_COUNT] = {
    [BINDING_USER] = "user",
    [BINDING_SESSION] = "session",
    [BINDING_ADDRESS] = "address",
};

const char *const conflict_words[CONFLICT_COUNT] = {
    [CONFLICT_OVERWRITE] = "overwrite",
    [CONFLICT_RENAME] = "rename",
    [CONFLICT_REJECT] = "reject",
};

const char *const upload_eof_words[UPLOAD_EOF_COUNT] = {
    [UPLOAD_EOF_STRICT] = "strict",
    [UPLOAD_EOF_SIZE] = "size",
    [UPLOAD_EOF_LENIENT] = "lenient",
    [UPLOAD_EOF_ANNOUNCED] = "announced",
};

const char *const log_format_words[LOG_FORMATS] = {
    [LOG_TEXT] = "text",
    [LOG_JSON] = "json",
};

const struct choice choices[CHOICES] = {
    [CHOICE_CONFLICT] = { "on_conflict", CONFLICT_EXPECTED, conflict_words,
                          CONFLICT_COUNT },
    [CHOICE_UPLOAD_EOF] = { "upload_eof", UPLOAD_EOF_EXPECTED, upload_eof_words,
                            UPLOAD_EOF_COUNT },
    [CHOICE_BINDING] = { "data_binding", BINDING_EXPECTED, binding_words,
                         BINDING_COUNT },
};

#define LIMIT_ROW(X, row, key, option, value, none, least, most, help)         \
    { #key, least, most },
const struct limit_row limit_rows[ROW_LIMITS] = { LIMITS(LIMIT_ROW, ) };

const char *const sandbox_words[SANDBOX_PARTS] = { "ids", "chroot", "seccomp",
                                                   "landlock" };
