/* The descriptors that survive a generation: listeners, and all others that a
 * recovery needs. A master has named each of them. The supervisor never reads
 * from one. */
#ifndef SALLYPORT_SRC_SUPERVISOR_KEPT_H
#define SALLYPORT_SRC_SUPERVISOR_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/slice.h"

struct kept_row {
    char *name;
    int fd; /* -1: an older list still has it; see kept_add_again() */
};

/* All zero means empty. */
struct kept {
    struct kept_row *row;
    size_t count, room;
};

/* Adds a descriptor under a new name. Takes FD, even on failure. Returns 0 or
 * -errno. */
int kept_add(struct kept *k, struct slice name, int fd);
/* Does the same for a generation that starts. If it names a descriptor that it
 * inherited from BEFORE, under the same name, the descriptor stays there until
 * kept_take(): so the supervisor needs one for each listener, and not two. */
int kept_add_again(struct kept *k, const struct kept *before, struct slice name,
                   int fd);
void kept_take(struct kept *k, struct kept *before);
/* Works as kept_add() for a name that may exist: the old descriptor is
 * closed. */
int kept_replace(struct kept *k, struct slice name, int fd);
/* Returns the descriptor of that name, which stays kept, or -1. */
int kept_find(const struct kept *k, const char *name);
void kept_release(struct kept *k);
/* Makes a sealed file that names all descriptors, after the line "HEADING
 * NUMBER". Returns its descriptor, which the caller closes, or -errno. */
int kept_names(const struct kept *k, const char *heading, uint64_t number);
/* After a fork: the descriptors stay open across execve(2). Returns 0 or
 * -errno. */
int kept_pass_on(const struct kept *k);

#endif
