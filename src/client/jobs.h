/* A queue of transfers. Several links work on it, each in a thread of its
 * own. */
#ifndef CLIENT_JOBS_H
#define CLIENT_JOBS_H

#include "transfer.h"

struct jobs {
    struct job *job;
    size_t count, size;
    size_t done, failed; /* of those that jobs_run() has begun */
};

void jobs_release(struct jobs *j);
/* Adds a job; LOCAL and REMOTE are copied. Returns 0, or -1: out of memory. */
int jobs_add(struct jobs *j, const struct job *job, const char *local,
             const char *remote);
/* Does all jobs, with the open link FIRST and as many more links as the options
 * say. Prints each failure. Returns 0, or the first failure's exit code. */
int jobs_run(struct jobs *j, const struct site *s, struct link *first);

#endif
