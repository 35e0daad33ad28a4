/* The ids of this user namespace. A container without privileges has few ids: a
 * system call that takes another id fails with EINVAL. */
#ifndef SALLYPORT_BASE_IDMAP_H
#define SALLYPORT_BASE_IDMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/slice.h"

#define IDMAP_UIDS "/proc/self/uid_map"
#define IDMAP_GIDS "/proc/self/gid_map"

/* Does the map FILE have all ids from FIRST to LAST? Returns true, too, if FILE
 * can't be read. *last_there is the last id before the first gap. */
bool idmap_has(const char *file, uint64_t first, uint64_t last,
               uint64_t *last_there);
/* Does the same for TEXT, the content of a map. */
bool idmap_text_has(struct slice text, uint64_t first, uint64_t last,
                    uint64_t *last_there);

#endif
