/* A queue of transfers that links work off, each in a thread of its own. */
#ifndef CLIENT_JOBS_H
#define CLIENT_JOBS_H

#include "transfer.h"

struct jobs {
    struct job *job;
    size_t count, size;
};

void jobs_release(struct jobs *j);
/* Adds one; LOCAL and REMOTE are copied. 0 or -1: out of memory. */
int jobs_add(struct jobs *j, const struct job *job, const char *local,
             const char *remote);
/* Does them all: with FIRST, which is open, and as many more links as the
 * options say. Each failure has been said; 0, or the first one's exit code. */
int jobs_run(struct jobs *j, const struct site *s, struct link *first);

#endif
