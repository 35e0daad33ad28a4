/* Partials that a full disk may take. */
#ifndef FILES_IDLE_H
#define FILES_IDLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct files;

/* An idle partial is one of this user that no upload writes. It was not written
 * in the last hour, and in the last half hour no SIZE answered with its length.
 * Each call looks at 100,000 names of the home at most, and for 5 s. */

/* Bytes of all idle partials on DISK. */
uint64_t idle_bytes(struct files *f, dev_t disk);
/* Removes idle partials on DISK, the oldest first, until NEED bytes are free
 * that were not before; logs it. False if there was none to remove. */
bool idle_remove(struct files *f, dev_t disk, uint64_t need);
/* The same for the disk of the open directory FOLDER. */
bool idle_remove_beside(struct files *f, int folder, uint64_t need);

#endif
