/* What gate knows about addresses after their sessions have ended. It is in a
 * file that master gives to each gate, so it outlives a takeover and a crash.
 * Two gates may write at the same time for a moment. So each value is bounded
 * when it is read, and none is an index or a pointer. */
#ifndef GATE_MEMORY_H
#define GATE_MEMORY_H

#include <stdint.h>

#include "bans.h"
#include "fruitless.h"

/* The layout of struct memory: another number, another meaning. */
#define MEMORY_VERSION 1

struct memory {
    uint32_t version, size;
    struct fruitless fruitless;
    struct bans bans;
};

/* Maps FD. No fork inherits it. What has another version or size is cleared. 0;
 * -EINVAL: the file isn't sealed, or too short; -errno. FD stays the
 * caller's. */
int memory_map(struct memory **ret, int fd);
void memory_unmap(struct memory **m);

#endif
