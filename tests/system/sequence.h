/* Random sequences of steps against a server, each played in a process of its
 * own. A sequence that finds a fault is shortened as far as possible, and
 * printed. */
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
    const char *user; /* the owner of the home that the run uses alone */
    void *steps;
};

struct sequence_kind {
    size_t size, count; /* of the struct of its steps; where their number is */
    /* Plays it at the address FROM; ends the process, unless all is well. */
    void (*play)(const struct sequence *s, const char *from);
    void (*drop)(void *steps, size_t from, size_t to);
    void (*show)(const void *steps, size_t step, struct buf *into);
};

/* Returns the number from which a sequence is made: SALLYPORT_SEED's, 1 to
 * FIXED at first, and then a random one. */
uint64_t sequence_seed(uint64_t fixed);
/* Plays it. The caller calls run_finish(); a status of 0 means no fault. */
void sequence_start(const struct sequence *s, struct running *r);
/* Shortens a sequence whose result was LAST, and prints it. */
void sequence_explain(const struct sequence *s, uint64_t seed,
                      struct run_result *last);

#endif
