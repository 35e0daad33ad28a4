/* Plays random sequences of steps against a server, each in a process of its
 * own. Shortens a sequence that finds a fault as far as possible, and prints
 * it. */
#ifndef TESTS_SYSTEM_SEQUENCE_H
#define TESTS_SYSTEM_SEQUENCE_H

#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "support/run.h"
#include "support/server.h"

struct sequence {
    const struct sequence_kind *kind;
    const struct server *server;
    const char *user; /* no other run uses the home of this user */
    void *steps;
};

struct sequence_kind {
    size_t size, count; /* size of the steps' struct; offset of their number */
    /* Plays the sequence from the client's address FROM. Ends the process,
     * unless all is well. */
    void (*play)(const struct sequence *s, const char *from);
    void (*drop)(void *steps, size_t from, size_t to);
    void (*show)(const void *steps, size_t step, struct buf *into);
};

/* Returns the seed of a sequence: the value of SALLYPORT_SEED if it is set;
 * otherwise 1, 2 and so on up to FIXED, and then random numbers. */
uint64_t sequence_seed(uint64_t fixed);
/* Starts a process that plays the sequence. The caller calls run_finish(); a
 * status of 0 means no fault. */
void sequence_start(const struct sequence *s, struct running *r);
/* Shortens a sequence that failed with the result *LAST, and prints it.
 * Replaces *LAST by the result of the shorter sequence. */
void sequence_explain(const struct sequence *s, uint64_t seed,
                      struct run_result *last);

#endif
