/* The table of users on its way from reader to master: this head, COUNT rows,
 * and the text, to which the rows point. Fields are numbers of one size, so
 * nothing is between them. */
#ifndef SALLYPORT_USERS_IMAGE_H
#define SALLYPORT_USERS_IMAGE_H

#include "sallyport/ipc/generation.h"
#include "sallyport/users/users.h"

struct users_head {
    char build[BUILD_NAME_MAX];
    uint32_t count;
};

struct users_span {
    uint32_t at, len; /* in the text */
};

/* The fields of struct user. A NUL follows each text but those of
 * certificate and totp. */
struct users_row {
    struct users_span name, comment, home, hash, certificate, totp;
    uint32_t uid, gid, rights;
    uint32_t choice[CHOICES];
    uint32_t certificate_only, locked, line;
};

#define USERS_IMAGE_MAX                                                        \
    (sizeof(struct users_head) + USERS_MAX * sizeof(struct users_row) +        \
     USERS_FILE_MAX + 1)

#endif
