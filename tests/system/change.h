/* A table of settings. If a reload changes one of them, a client can see the
 * effect, which the row's check expects. */
#ifndef TESTS_SYSTEM_CHANGE_H
#define TESTS_SYSTEM_CHANGE_H

#include <stddef.h>

#include "support/server.h"

struct change {
    int reload; /* rows with this number, one after the other, share a reload */
    const char *key, *value;
    void (*check)(const struct server *server, const struct change *c);
    const char *say, *reply; /* the check sends .say, and expects .reply */
};

/* The check needs the setting ".key = .value". A value that begins with ./ is
 * in the server's directory; the user anna has a file "there". */
extern const struct change changes[];
extern const size_t change_count;

#endif
