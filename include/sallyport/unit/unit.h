/* Finds out where systemd lets the service write: the mount namespace of the
 * running service shows it. */
#ifndef SALLYPORT_UNIT_UNIT_H
#define SALLYPORT_UNIT_UNIT_H

#include <stdbool.h>

#include "sallyport/base/complain.h"

struct unit {
    int root;     /* the service's root directory; -1: not known */
    bool stopped; /* systemd says that the service doesn't run */
};
#define UNIT_UNKNOWN { .root = -1 }

/* Asks systemctl for the process of sallyport.service, and opens its root
 * directory. Needs root. */
void unit_look(struct unit *u);
/* Does the unit forbid the service to write in PATH, an absolute path? If so,
 * *c says why, and what to do. WHAT is the word for PATH: "home", "share", or
 * "directory" (of the users file). Returns false, too, if the root isn't known.
 */
bool unit_forbids(const struct unit *u, const char *what, const char *path,
                  struct complaint *c);

#endif
