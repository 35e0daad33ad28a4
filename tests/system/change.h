/* One row for each setting whose change by a reload a client can see, with the
 * visible effect. */
#ifndef TESTS_SYSTEM_CHANGE_H
#define TESTS_SYSTEM_CHANGE_H

#include <stddef.h>

#include "support/server.h"

struct change {
    const char *key, *value;
    void (*check)(const struct server *server, const struct change *c);
    const char *say,
        *reply; /* the check sends the first, and expects the second */
};

/* .key and .value: "on_conflict = rename". A value that begins with ./ is in
 * the server's directory; the user anna has a file "there". */
extern const struct change changes[];
extern const size_t change_count;

#endif
