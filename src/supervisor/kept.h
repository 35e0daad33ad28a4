/* The descriptors that outlive a generation: listeners, and whatever else a
 * recovery starts from. Each has a name that a master gave it. The supervisor
 * never reads one. */
#ifndef SALLYPORT_SRC_SUPERVISOR_KEPT_H
#define SALLYPORT_SRC_SUPERVISOR_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/slice.h"

struct kept_row {
    char *name;
    int fd;
};

/* All 0: empty. */
struct kept {
    struct kept_row *row;
    size_t count, room;
};

/* A name that isn't there yet. Takes FD, also when it fails. 0 or -errno */
int kept_add(struct kept *k, struct slice name, int fd);
/* The same for a name that may be there: its old descriptor is closed. */
int kept_replace(struct kept *k, struct slice name, int fd);
void kept_release(struct kept *k);
/* A sealed file that names all of them, after the line "HEADING NUMBER". The
 * descriptor or -errno */
int kept_names(const struct kept *k, const char *heading, uint64_t number);
/* After a fork: they stay open in what is executed. 0 or -errno */
int kept_pass_on(const struct kept *k);

#endif
