/* Old partials, which are removed when the disk is full. */
#ifndef FILES_IDLE_H
#define FILES_IDLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct files;

/* An idle partial belongs to this user, and no upload is writing it. It was not
 * written within the last hour, and SIZE didn't report its length within the
 * last half hour. Each search looks at 100,000 names of the home at most, for 5
 * s at most. */

/* Bytes of all idle partials on DISK. */
uint64_t idle_bytes(struct files *f, dev_t disk);
/* Removes idle partials on DISK, the oldest first, until NEED more bytes are
 * free, and logs it. False if there was none. */
bool idle_remove(struct files *f, dev_t disk, uint64_t need);
/* The same for the disk of the open directory DIRECTORY. */
bool idle_remove_beside(struct files *f, int directory, uint64_t need);

#endif
