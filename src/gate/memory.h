/* Memory of gate that no fork inherits: tables, what gates share, and the
 * stack. */
#ifndef GATE_MEMORY_H
#define GATE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "limits.h"

/* Memory for what gate knows about its clients. A fork doesn't inherit it, and
 * wipes the rest (entry.c). So no session ever holds another client's address,
 * and forks copy less. */

/* N zeroed elements of SIZE bytes, or NULL. Never grows. */
void *table_new(size_t n, size_t size);
void table_free(void *table, size_t n, size_t size);

/* The smallest power of two that is at least N: for buckets and masks. */
size_t table_buckets(size_t n);

/* Earlier calls have left addresses of clients on the stack. In the child of a
 * fork, stack_wipe_below() wipes what is below the caller's frame, and
 * stack_wipe_above() wipes the callers' frames, from FRAME up to TOP: the
 * caller, whose frame FRAME is, must never return. */
void stack_wipe_below(void);
void stack_wipe_above(void *frame, void *top);

/* What gate knows about addresses after their sessions have ended. It is in a
 * file that master gives to each gate, so it outlives a takeover and a crash.
 * Two gates may write at the same time for a moment. So each value is bounded
 * when it is read, and none is an index or a pointer. */

/* The layout of struct memory: another number, another meaning. */
#define MEMORY_VERSION 2

struct memory {
    uint32_t version, size;
    struct fruitless fruitless;
};

/* Maps the file FD, which stays the caller's (shared.h), and clears what has
 * another version or size. Returns 0 or -errno. */
int memory_map(struct memory **ret, int fd);
void memory_unmap(struct memory **m);

#endif
