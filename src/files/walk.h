/* All directories of a home, one after another. */
#ifndef FILES_WALK_H
#define FILES_WALK_H

#include <stdint.h>

#include "sallyport/ftp/path.h"

struct files;

struct walk {
    struct files *f;
    void *owner;
    /* NAME stands in the open directory DIRECTORY, whose path is w->path. */
    void (*on_name)(struct walk *w, int directory, const char *name);
    /* After the last name of DIRECTORY; may be NULL. */
    void (*on_end)(struct walk *w, int directory);
    uint64_t most;  /* names; 0: no limit */
    uint64_t until; /* clock_ms(); 0: no limit */

    struct path path;
    uint64_t names;  /* how many were looked at */
    uint64_t unread; /* directories that can't be looked into */
    int error;       /* errno of the last of them */
};

/* Visits each directory below the home, or until the session or master is gone,
 * or a limit is reached. Links are not followed. */
void walk_home(struct walk *w);

/* False if the walk ends early; to be asked once for each name. */
bool walk_goes_on(struct walk *w);
/* A directory that can't be read counts as such, unless it is gone. */
void walk_not_read(struct walk *w, int error);

/* Adds NAME to PATH; false if that would be too long. */
bool walk_enter(struct path *path, const char *name);
/* Cuts PATH back to its first LEN bytes. */
void walk_leave(struct path *path, size_t len);

#endif
