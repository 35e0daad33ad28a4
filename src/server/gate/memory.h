/* Gate's memory that a session must not see: the tables, the memory that gates
 * share, and the stack. */
#ifndef GATE_MEMORY_H
#define GATE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "limits.h"
#include "sallyport/base/pages.h"
#include "sallyport/base/shared.h"
#include "sallyport/tls/ticket.h"

/* Gate keeps its data about clients in tables of pages_new(). A fork doesn't
 * inherit these tables, and the child wipes the rest (entry.c). So no session
 * ever holds another client's address, and forks copy less. */

/* Returns the smallest power of two that is at least N: for buckets and
 * masks. */
size_t table_buckets(size_t n);

/* Wipes the callers' frames, from FRAME up to TOP, since earlier calls have
 * left addresses of clients on the stack. Call it in the child of a fork, after
 * stack_wipe_below() of the room base. FRAME is the caller's own frame, so the
 * caller must never return. */
void stack_wipe_above(void *frame, void *top);

/* The memory that gates share: data about addresses, kept after the end of
 * their sessions, and the keys of tickets. Master gives this memory to each
 * gate in a file, so it outlives a reload and a crash. Only a gate that
 * accepts, or has accepted, writes there. Two gates can write at the same time
 * for a moment, so a reader bounds each value, and no value is an index or a
 * pointer. */

/* The keys of tickets. The gate that accepts changes the keys, and all gates
 * read them. */
struct ticket_memory {
    uint64_t turn;   /* odd while the keys change */
    uint64_t turned; /* clock_ms() when the newest key was made */
    struct ticket_keys keys;
};

/* Change GATE_MEMORY_NAME if you change this struct. */
struct memory {
    bool made;
    struct fruitless fruitless;
    struct ticket_memory tickets;
};

/* Maps the file FD, which stays the caller's (shared.h). Returns 0 or -errno.
 * The caller unmaps it by SHARED_UNMAP(). */
int memory_map(struct memory **ret, int fd);
/* Copies the keys. Returns false while another gate changes them. */
bool tickets_read(const struct ticket_memory *t, struct ticket_keys *ret);
/* Returns a number that changes with the keys. */
uint64_t tickets_turn(const struct ticket_memory *t);
/* Makes a new key if the newest one has been used for LIFETIME ms. Only the
 * gate that accepts calls it. Returns the ms until the next new key. If a gate
 * died while it wrote the keys, makes both keys anew. A time in the future,
 * which only a lie can be, is over. */
uint64_t tickets_renew(struct ticket_memory *t, uint64_t lifetime,
                       uint64_t now);

#endif
