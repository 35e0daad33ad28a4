/* The head of a finished file, for REST and APPE onto it: copied in steps into
 * the partial, so that the process serves its session in between. */
#ifndef FILES_COPY_H
#define FILES_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct copy {
    int from;           /* the finished file, or -1: nothing is to be copied */
    uint64_t done, len; /* bytes of its head */
    struct stat before; /* what it was when the copy began */
};
#define COPY_NONE                                                              \
    {                                                                          \
        .from = -1                                                             \
    }

/* Takes FROM, a regular file, to copy its first LEN bytes: 0; -EBUSY where it
 * is shorter; -errno. FROM is closed on failure too. */
int copy_init(struct copy *c, int from, uint64_t len);
void copy_release(struct copy *c);

uint64_t copy_left(const struct copy *c);
/* How many bytes it writes at most: holes are kept. */
uint64_t copy_cost(const struct copy *c);

/* Shares all blocks with INTO if the file system can: true, and nothing is left
 * to copy. INTO must be empty. */
bool copy_by_clone(struct copy *c, int into);
/* Copies the next piece, a few MiB at most: 0 or -errno; after the last one as
 * copy_unchanged(). Bytes of INTO after the head are left alone. */
int copy_step(struct copy *c, int into);
/* 0; or OUTCOME_CHANGED if another process wrote to the file, or moved or
 * deleted it, since copy_init(). */
int copy_unchanged(const struct copy *c);

#endif
