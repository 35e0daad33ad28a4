/* Partials that nobody came back for. */
#ifndef FILES_SWEEP_H
#define FILES_SWEEP_H

#include <stdbool.h>
#include <time.h>

struct files;

/* NAME, a partial's, in FOLDER: is deleted when it is this user's, expired and
 * nobody writes it. True when it was. */
bool sweep_name(const struct files *f, int folder, const char *name,
                time_t now);
/* The expired ones in FOLDER; does little for a big folder, and nothing for
 * the one that it was called for last. */
void sweep_folder(struct files *f, int folder);
/* Deletes the partials of a folder that holds nothing else: 0; -ENOTEMPTY, and
 * nothing is deleted; -errno. */
int sweep_all(const struct files *f, int folder);

#endif
