/* The treatment of an upload whose name is taken: words that the configuration,
 * the users file and the process files share. */
#ifndef SALLYPORT_DOMAIN_CONFLICT_H
#define SALLYPORT_DOMAIN_CONFLICT_H

#include "sallyport/base/slice.h"

enum conflict {
    CONFLICT_OVERWRITE, /* the new file replaces the old one */
    CONFLICT_RENAME,    /* the new file gets another name */
    CONFLICT_VERSION,   /* the old file gets another name */
    CONFLICT_REJECT,    /* the upload is refused */
    CONFLICT_COUNT
};

/* How CONFLICT_RENAME makes a name. */
enum conflict_name {
    CONFLICT_NAME_NUMBER, /* "NAME (2).ext" */
    CONFLICT_NAME_NEW,    /* "new-NAME.ext" */
    CONFLICT_NAME_COUNT
};

extern const char *const conflict_words[CONFLICT_COUNT];
extern const char *const conflict_name_words[CONFLICT_NAME_COUNT];

/* Returns 0 or -EINVAL. */
int conflict_parse(struct slice text, enum conflict *ret);

#endif
