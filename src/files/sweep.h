/* Partials that nobody came back for. */
#ifndef FILES_SWEEP_H
#define FILES_SWEEP_H

#include <stdbool.h>
#include <time.h>

struct files;

/* NAME in FOLDER is deleted when it is a partial of this user, nobody writes
 * it, and it is expired or can't be resumed: then true. */
bool sweep_name(struct files *f, int folder, const char *name, time_t now);
/* The expired ones in FOLDER; does little for a big folder, and nothing for
 * the one that it was called for last. */
void sweep_folder(struct files *f, int folder);
/* Deletes the partials of a folder that holds nothing else: 0; -ENOTEMPTY, and
 * nothing is deleted; -errno. */
int sweep_all(const struct files *f, int folder);

#endif
