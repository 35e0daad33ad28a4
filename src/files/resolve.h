/* From a virtual path to a descriptor, by the kernel alone. */
#ifndef FILES_RESOLVE_H
#define FILES_RESOLVE_H

#include "state.h"

/* Copies the path of a request out of the message. A path that isn't normal is
 * a lie of the session, and ends the process. */
void resolve_request(struct slice text, struct path *ret);

/* Has a component the reserved prefix? */
bool resolve_is_reserved(struct slice path);

/* Opens PATH, following links inside the home only; -ENOENT if a component is
 * reserved; -errno. Always close-on-exec. */
int resolve_open(const struct files *f, const char *path, int flags);

/* Opens NAME in DIRECTORY itself: one component, never a link. MODE is for
 * O_CREAT. The sandbox allows no other call to open files than openat2, so this
 * uses it too. */
int resolve_in(int directory, const char *name, int flags, unsigned mode);
/* Opens PATH beneath DIRECTORY; a link that leads out is -EXDEV. */
int resolve_beneath(int directory, const char *path, int flags);

/* A name and its directory. */
struct place {
    int directory; /* not to be closed */
    int owned;     /* the same, or -1 if it is the home's own descriptor */
    char name[NAME_MAX + 1]; /* "" for "/" */
};
#define PLACE_CLEANUP __attribute__((cleanup(resolve_release_place)))
#define PLACE_NONE                                                             \
    {                                                                          \
        .directory = -1, .owned = -1                                           \
    }

/* The place of something that exists: 0 or -errno (-ENOENT for a reserved
 * name). The directory is opened with FLAGS: O_PATH, or O_RDONLY to read or
 * sync it. */
int resolve_place(const struct files *f, const struct path *path, int flags,
                  struct place *ret);
/* The place of something new: also OUTCOME_BAD_NAME, or OUTCOME_EXISTS for "/".
 */
int resolve_new_place(const struct files *f, const struct path *path, int flags,
                      struct place *ret);
void resolve_release_place(struct place *p);

#endif
