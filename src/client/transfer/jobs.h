/* The work of a command on the server: a queue of jobs, and a crew of links
 * that does them. A job may add others: a directory's job adds a job for each
 * name in it. So the crew lists and transfers at the same time. */
#ifndef CLIENT_JOBS_H
#define CLIENT_JOBS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "link/link.h"
#include "show/show.h"

enum job_kind {
    JOB_GET,
    JOB_PUT,
    JOB_WALK,  /* a step that adds more jobs */
    JOB_CHANGE /* any other step */
};

struct job;
/* Does the work of JOB over the link L. OF belongs to the queue. Returns 0; or
 * -1 with the reason, and is called again if a retry may help. */
typedef int job_step(void *of, struct job *job, struct link *l,
                     struct failure *why);

struct job_list {
    struct job *first, *last;
    size_t count;
};

struct job {
    enum job_kind kind;
    int depth; /* a step: how many directories lie between the walk's root and
                * this one */
    char *local, *remote; /* in the job's own block; local "-": standard input
                           * or output */
    size_t named;         /* length of the part of local in which links are
                           * followed */

    /* A transfer: */
    uint64_t size;   /* put: size for the total, or 0 */
    time_t modified; /* get; 0: unknown */
    bool known;      /* the fields above are known; a walk: TAKEN is */
    bool taken;      /* a walk: the server has the directory */
    bool made;       /* a walk: the directory is new */
    bool overwrite;  /* sync may replace a file that has the name */
    bool twice;      /* another file of this command has its name */
    bool again;      /* a step: it was called before, and the connection was
                      * cut */
    bool stays;      /* a step: a job in this directory failed, so it stays */
    bool replaced;   /* a removal: the other side has the name, too */
    /* Sync: the server has names in this directory that it doesn't list; [1]:
     * those that begin with a dot. */
    atomic_bool unlisted[2];

    /* A step: */
    job_step *step;
    job_step *last;       /* the step after all jobs in this directory; or
                           * NULL */
    size_t root;          /* length of the remote path at which the walk
                           * began */
    struct job *after;    /* the job that is queued when the removal is done */
    struct job *removal;  /* the removal that gets the names that this step
                           * finds */
    struct job_list held; /* jobs in it that are queued later */

    struct job *above;  /* the job of its parent directory, or NULL */
    size_t below;       /* 1 for its own work, and 1 for each job in it that
                         * isn't over */
    struct job_list in; /* directories that its step has found so far */
    struct job *next;   /* in its list */
};

/* Limit of the memory for waiting jobs and for the names of all files, which
 * are kept: a server can list files without an end. It suffices for two million
 * files with paths of a hundred bytes, if half a million of them wait. */
#define JOBS_BYTES_MAX (768ul * 1024 * 1024)

#define NAMED_FAILURES 3

struct crew;

struct jobs {
    void *of;               /* for the steps */
    bool (*next)(void *of); /* called when no job is left; true: it has added
                             * more */
    size_t most;            /* the limit of bytes; 0: JOBS_BYTES_MAX */
    bool in_turn;           /* one link does all jobs, in their order */
    bool once;              /* a second file of the same name is refused */
    bool held;              /* until NEXT is called, no job but walks begins */
    atomic_bool stopped;    /* no more jobs begin */
    atomic_int code;        /* exit code of the first failure */
    atomic_size_t lost;     /* failures of anything but a transfer */

    pthread_mutex_t lock; /* of all below */
    struct job_list walks, others;
    struct job_list later; /* jobs that NEXT may add; protected by its owner */
    size_t bytes;          /* see JOBS_BYTES_MAX */
    struct crew *crew;     /* NULL: no link is at work */
    size_t files, done, skipped, failed; /* transfers */
    uint64_t moved;                      /* bytes of the files that are done */
    uint64_t expected;                   /* bytes of all files */
    bool unknown;                        /* some file has an unknown size */
    char named[SHOW_MAX / 2];            /* ": a, b", the names of failed
                                          * files */
    size_t named_count;
};

void jobs_begin(struct jobs *j, void *of);
void jobs_release(struct jobs *j);
/* Adds a job like JOB; LOCAL and REMOTE are copied. Doesn't add a transfer
 * twice. A failure is printed and counted. */
void jobs_add(struct jobs *j, const struct job *job, const char *local,
              const char *remote);
/* Makes such a job, for a later jobs_queue(); NULL: it has failed. */
struct job *jobs_make(struct jobs *j, const struct job *job, const char *local,
                      const char *remote);
void jobs_queue(struct jobs *j, struct job *job);
void jobs_push(struct job_list *list, struct job *job);
struct job *jobs_pop(struct job_list *list);
bool jobs_is_transfer(const struct job *job);
/* Must the work end early? Either all links are over, see link_is_over(), or no
 * more jobs begin. */
bool jobs_ended(const struct jobs *j);
/* Keeps CODE if it is the first that isn't 0. */
void jobs_keep(struct jobs *j, int code);
/* Counts a failure that was printed, unless CODE is 0, and keeps its code. */
void jobs_fail(struct jobs *j, int code);
/* Does all jobs, with the open link FIRST and as many more links as the options
 * permit. Prints each failure. */
void jobs_run(struct jobs *j, const struct site *s, struct link *first);
/* Shared by jobs.c and crew.c; the caller has the lock. */
/* Ends the work of JOB, and queues its last step if no job in it is left. */
void jobs_finish(struct jobs *j, struct job *job);
/* Removes all jobs that wait. */
void jobs_drop(struct jobs *j);
/* More jobs wait: shows their number, and starts another link, if one may
 * help. */
void crew_wake(struct crew *c);

#endif
