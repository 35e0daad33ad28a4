/* The generations of a server under test, as /proc shows them. */
#ifndef TESTS_SYSTEM_GENERATION_H
#define TESTS_SYSTEM_GENERATION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/server.h"

/* Returns the newest master. */
pid_t generation_newest(const struct server *s);
/* Waits until at most COUNT masters live. */
void generation_wait_at_most(const struct server *s, size_t count);

/* Numbers that must not grow; they are read when nothing is under way. One row
 * for each kind of process that stays; auth has several. */
#define CENSUS_ROWS 6
extern const char *const census_titles[CENSUS_ROWS];
struct census {
    size_t processes;
    struct census_row {
        size_t fds; /* 0: an ordinary user may not count them */
        uint64_t kb;
    } row[CENSUS_ROWS];
};
/* Waits for the ends of all sessions and old generations first. */
void census_take(const struct server *s, struct census *ret);
/* Expects the same numbers of processes and descriptors, and no more memory.
 * Returns the present numbers in *NOW. */
void census_expect(const struct server *s, const struct census *before,
                   struct census *now);

#endif
