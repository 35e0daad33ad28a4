/* What the systemd unit of this server forbids, from its text. */
#ifndef SALLYPORT_SRC_CHECK_UNIT_H
#define SALLYPORT_SRC_CHECK_UNIT_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/slice.h"

#define UNIT_PATHS_MAX 64
#define UNIT_FILES_MAX 64
#define UNIT_TEXT_MAX  (256u << 10)

/* The unit and its drop-ins, open for reading, in the order in which systemd
 * reads them. */
struct unit_files {
    int fd[UNIT_FILES_MAX];
    size_t count;
};

struct unit {
    bool strict;       /* ProtectSystem=strict */
    bool private_tmp;  /* PrivateTmp= */
    bool protect_home; /* ProtectHome=, with whatever word but no */
    char writable[UNIT_PATHS_MAX][256]; /* ReadWritePaths= */
    size_t writables;
};

/* Adds the lines of a unit or of a drop-in; keys that it doesn't know are
 * passed over. */
void unit_add(struct unit *u, struct slice text);
/* Opens sallyport.service and its drop-ins from where systemd looks. Where
 * there is none, there are no drop-ins either. */
void unit_open(struct unit_files *files);
/* Reads them, and closes them. */
void unit_read(struct unit *u, struct unit_files *files);
/* Can't the server write in HOME, an absolute path? Then *c says why, and what
 * to do. */
bool unit_forbids(const struct unit *u, const char *home, struct complaint *c);

#endif
