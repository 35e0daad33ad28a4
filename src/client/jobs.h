/* A queue of transfers. Several links work on it, each in a thread of its
 * own. */
#ifndef CLIENT_JOBS_H
#define CLIENT_JOBS_H

#include "transfer.h"

/* A server can list files without an end. This is room for two million of them
 * with paths of a hundred bytes. */
#define JOBS_BYTES_MAX (512ul * 1024 * 1024)

struct jobs {
    struct job *job;
    size_t count, size;
    size_t bytes;        /* of all jobs, with their names */
    size_t most;         /* of these bytes; 0: JOBS_BYTES_MAX */
    bool full;           /* a job had no room: no job is begun */
    size_t done, failed; /* of those that jobs_run() has begun */
};

void jobs_release(struct jobs *j);
/* Adds a job; LOCAL and REMOTE are copied. Returns 0, or -1 with the reason. */
int jobs_add(struct jobs *j, const struct job *job, const char *local,
             const char *remote, struct failure *why);
/* Must a walk that adds jobs end before its end: by Ctrl-C, or since they are
 * full? */
bool jobs_ended(const struct jobs *j);
/* Does all jobs, with the open link FIRST and as many more links as the options
 * say. Prints each failure. Returns 0, or the first failure's exit code. */
int jobs_run(struct jobs *j, const struct site *s, struct link *first);

#endif
