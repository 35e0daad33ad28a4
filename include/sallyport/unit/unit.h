/* What systemd forbids the service, by sallyport.service and its drop-ins. */
#ifndef SALLYPORT_UNIT_UNIT_H
#define SALLYPORT_UNIT_UNIT_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/slice.h"

#define UNIT_PATHS_MAX 64

struct unit {
    bool unknown;      /* systemd gave no answer */
    bool strict;       /* ProtectSystem=strict */
    bool private_tmp;  /* PrivateTmp= */
    bool protect_home; /* ProtectHome=, with whatever word but no */
    char writable[UNIT_PATHS_MAX][256]; /* ReadWritePaths= */
    size_t writables;
};

/* Takes a line "KEY=VALUE". Other keys are ignored. */
void unit_add(struct unit *u, struct slice line);
/* Asks systemctl about sallyport.service. Where there is no systemd or no such
 * unit, nothing is forbidden. */
void unit_ask(struct unit *u);
/* Can't the server write in PATH, which is absolute, and a "home" or "share"?
 * Then *c says why, and what to do. */
bool unit_forbids(const struct unit *u, const char *what, const char *path,
                  struct complaint *c);

#endif
