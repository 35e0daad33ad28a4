/* Partials that nobody resumed. */
#ifndef FILES_SWEEP_H
#define FILES_SWEEP_H

#include <stdbool.h>
#include <time.h>

struct files;

/* Deletes NAME in DIRECTORY if it is a partial of this user that no upload is
 * writing, and that is expired or can't be resumed: then true. */
bool sweep_name(struct files *f, int directory, const char *name, time_t now);
/* Deletes the expired ones in DIRECTORY. It looks at the first names only, and
 * does nothing for the directory of the last call. */
void sweep_directory(struct files *f, int directory);
/* Deletes the partials of a directory that holds nothing else: 0; -ENOTEMPTY,
 * and nothing is deleted; -errno. */
int sweep_all(const struct files *f, int directory);

#endif
