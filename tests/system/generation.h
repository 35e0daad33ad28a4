/* The generations of a server under test, as /proc shows them. */
#ifndef TESTS_SYSTEM_GENERATION_H
#define TESTS_SYSTEM_GENERATION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/server.h"

/* Returns the pid of the newest master. */
pid_t generation_newest(const struct server *s);
/* Waits until at most COUNT masters live. */
void generation_wait_at_most(const struct server *s, size_t count);

/* A census has numbers that must not grow; it is taken when no session is open.
 * It has a row for each kind of process that stays; auth's row is the sum of
 * several processes. */
#define CENSUS_ROWS 6
extern const char *const census_titles[CENSUS_ROWS];
struct census {
    size_t processes;
    struct census_row {
        size_t fds; /* 0: an ordinary user may not count them */
        uint64_t kb;
    } row[CENSUS_ROWS];
};
/* Waits until all sessions and old generations have ended, and takes a
 * census. */
void census_take(const struct server *s, struct census *ret);
/* Takes another census in *NOW. Expects the same numbers of processes and
 * descriptors as before, and no more memory. */
void census_expect(const struct server *s, const struct census *before,
                   struct census *now);

#endif
