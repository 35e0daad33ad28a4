/* From a virtual path to a descriptor, by the kernel alone. */
#ifndef FILES_RESOLVE_H
#define FILES_RESOLVE_H

#include "state.h"

/* The path of a request, copied out of the packet. One that isn't normal is a
 * lie of the session, and ends the process. */
void request_path(struct slice text, struct path *ret);

/* A component with the reserved prefix stands in it. */
bool path_is_reserved(struct slice path);

/* A descriptor of PATH, links followed inside the home only; -ENOENT where a
 * reserved name stands in it; -errno. Always close-on-exec. */
int resolve_open(const struct files *f, const char *path, int flags);

/* NAME in FOLDER itself: one component, never a link. MODE is for O_CREAT. The
 * cage knows no other call that opens than openat2, so this is one too. */
int resolve_in(int folder, const char *name, int flags, unsigned mode);
/* PATH in FOLDER, where links may lead but not out: -EXDEV. */
int resolve_beneath(int folder, const char *path, int flags);

/* A name and the folder that it stands in. */
struct place {
    int folder; /* not to be closed */
    int owned;  /* the same, or -1 where it is the home's own descriptor */
    char name[NAME_MAX + 1]; /* "" for "/" */
};
#define PLACE_CLEANUP __attribute__((cleanup(place_release)))
#define PLACE_NONE                                                             \
    {                                                                          \
        .folder = -1, .owned = -1                                              \
    }

/* Of something that is there: 0 or -errno (-ENOENT for a reserved name). The
 * folder is opened with FLAGS: O_PATH, or O_RDONLY to be read or synced. */
int place_find(const struct files *f, const struct path *path, int flags,
               struct place *ret);
/* Of something that is to come: also OUTCOME_BAD_NAME, or OUTCOME_EXISTS for
 * "/". */
int place_find_new(const struct files *f, const struct path *path, int flags,
                   struct place *ret);
void place_release(struct place *p);

#endif
