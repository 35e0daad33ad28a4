/* Where an upload begins: decided from facts alone, so that it can be read and
 * tested as a table. */
#ifndef FILES_RESUME_H
#define FILES_RESUME_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/ipc/outcome.h"

#define RESUME_BLOCK 65536u

/* The largest multiple of 64 KiB strictly below what a partial holds: so a
 * client that compares lengths always sends something, and its file appears. */
uint64_t resume_length(uint64_t held);

struct resume_facts {
    enum write_mode mode;
    uint64_t offset;     /* REST */
    uint64_t resumable;  /* of the user's own partial; 0: as if not there */
    uint64_t state;      /* of it: partial_state() */
    bool finished;       /* a file has that name */
    uint64_t size;       /* of it */
    bool stays;          /* and keeps it: the upload gets another name */
    uint64_t told;       /* SIZE answered with this length of a partial */
    uint64_t told_state; /* and it was in this state */
    bool forgot;         /* such answers were forgotten, there were too many */
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

/* OUTCOME_OK with *ret, BAD_OFFSET, STAYS or BUSY. */
enum outcome resume_decide(const struct resume_facts *facts,
                           struct resume_plan *ret);

#endif
