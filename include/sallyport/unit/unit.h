/* The restrictions that systemd puts on the service: sallyport.service and its
 * drop-ins. */
#ifndef SALLYPORT_UNIT_UNIT_H
#define SALLYPORT_UNIT_UNIT_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/slice.h"

#define UNIT_RULES_MAX 128

/* Access of the service to a directory and everything beneath it. */
enum unit_access { UNIT_WRITABLE, UNIT_READ_ONLY, UNIT_HIDDEN };

struct unit {
    struct unit_rule {
        char path[256]; /* "": all */
        enum unit_access access;
        const char *key; /* of the unit */
    } rule[UNIT_RULES_MAX];
    size_t rules;
};

/* Takes a line "KEY=VALUE". Other keys are ignored. */
void unit_add(struct unit *u, struct slice line);
/* Asks systemctl about sallyport.service. Where there is no systemd or no such
 * unit, nothing is forbidden. */
void unit_ask(struct unit *u);
/* Can't the server write in PATH, which is absolute, and a "home", "share" or
 * "directory" (of the users file)? Then *c says why, and what to do. */
bool unit_forbids(const struct unit *u, const char *what, const char *path,
                  struct complaint *c);

#endif
