/* Where an upload begins: decided from facts alone, so that it can be read and
 * tested as a table. */
#ifndef FILES_RESUME_H
#define FILES_RESUME_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/domain/outcome.h"

#define RESUME_BLOCK 65536u

/* The largest multiple of 64 KiB below the length of a partial. A client that
 * compares lengths always sends something, and so its file appears. */
uint64_t resume_length(uint64_t held);

struct resume_facts {
    enum write_mode mode;
    uint64_t offset;     /* REST */
    uint64_t resumable;  /* bytes of the user's own partial; 0: there is none */
    uint64_t state;      /* its partial_state() */
    bool finished;       /* a file has that name */
    uint64_t size;       /* of it */
    bool stays;          /* it keeps the name: the upload gets another one */
    uint64_t told;       /* SIZE answered with this length of a partial */
    uint64_t told_state; /* of a partial in this state */
    bool reported;       /* SIZE has answered some client with a length of it */
};

enum resume_how {
    RESUME_ANEW, /* an empty partial */
    RESUME_CUT,  /* the own partial, cut at FIRST */
    RESUME_COPY  /* the first FIRST bytes of the finished file */
};

struct resume_plan {
    enum resume_how how;
    uint64_t first;
};

/* OUTCOME_OK with *ret, BAD_OFFSET, STAYS or SIZE_FIRST. */
enum outcome resume_decide(const struct resume_facts *facts,
                           struct resume_plan *ret);

#endif
