/* The work of a command on the server: a queue of jobs, and a crew of links
 * that does the jobs. A job can add others: a directory's job adds a job for
 * each name in it. So the crew lists and transfers at the same time. */
#ifndef CLIENT_JOBS_H
#define CLIENT_JOBS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
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
/* Called when all jobs in the directory DIR have ended; the caller has the
 * lock. */
typedef void job_leave(void *of, const struct job *dir);
/* Does the work of JOB over the link L. OF is jobs.of. Returns 0, or -1 with
 * the reason; then the crew calls the step again if a retry can help. */
typedef int job_step(void *of, struct job *job, struct link *l,
                     struct failure *why);

struct job_list {
    struct job *first, *last;
    size_t count;
};

struct job {
    enum job_kind kind;
    int depth; /* a step: levels below the first directory of its walk */
    char *local, *remote; /* in the job's block of memory; local "-": standard
                           * input or output */
    size_t named; /* length of the part of local in which symbolic links are
                   * followed */

    /* A transfer: */
    uint64_t size;   /* put: size for the total, or 0 */
    time_t modified; /* get; 0: unknown */
    uint64_t unique; /* get, rm; 0: unknown */
    bool known;      /* size, modified and unique are known; a walk: taken is
                      * known */
    bool taken;      /* a walk: the server has the name */
    bool made;       /* a walk: the client has made the directory, here or on
                      * the server, or has taken the local one */
    bool typed;      /* a walk up: the user has typed its path there */
    bool twin;       /* names_twin(): begins when all other jobs have ended */
    bool overwrite;  /* sync: may replace a file that has the name */
    bool twice;      /* another file of this command has the name */
    bool again;      /* a step: an earlier call of it has failed */
    bool stays; /* a step: its directory can't be removed, since a job in it has
                 * failed or a name in it stays */

    /* A step: */
    job_step *step;
    job_step *last;   /* the step after all jobs in this directory; or NULL */
    job_leave *leave; /* or NULL; a job with a last step has none */
    int directory; /* the open local directory, so that its disk stays and its
                    * inode number, too; 0 or -1: none */
    dev_t disk;    /* its device; before job_enter() as the parent lists it */
    bool nameless; /* it had no link: some disks count none */

    struct job *above; /* the parent directory's job, or NULL */
    size_t below; /* 1 for its own work, and 1 for each unfinished job in its
                   * directory */
    struct job_list in; /* directories that the step has found so far */
    struct job *next;   /* the next job of its list */
};

/* Limit, in bytes, of the memory for waiting jobs and for the names of all
 * files, which are kept; a server can list files without an end. The limit
 * suffices for two million files with paths of a hundred bytes, if half a
 * million of them wait. */
#define JOBS_BYTES_MAX (896ul * 1024 * 1024)

#define NAMED_FAILURES 3

struct crew;

struct jobs {
    void *of;            /* argument of the steps */
    size_t most;         /* the limit of bytes; 0: JOBS_BYTES_MAX */
    bool in_turn;        /* one link does all jobs, in their order */
    bool once;           /* a second file with the same name is refused */
    atomic_bool stopped; /* no more jobs begin */
    atomic_int code;     /* exit code of the first failure */
    atomic_size_t lost;  /* failures that FAILED doesn't count */

    pthread_mutex_t lock; /* protects the fields below */
    struct job_list walks, others, twins;
    size_t bytes;                        /* see JOBS_BYTES_MAX */
    struct crew *crew;                   /* NULL: no link is at work */
    size_t files, done, skipped, failed; /* transfers */
    uint64_t moved;                      /* bytes of the files that are done */
    uint64_t expected;                   /* bytes of all queued files */
    bool unknown;             /* the size of a queued file is unknown */
    char named[SHOW_MAX / 2]; /* ": a, b", the names of failed files */
    size_t named_count;
};

void jobs_begin(struct jobs *j, void *of);
void jobs_release(struct jobs *j);
/* Adds a copy of JOB with copies of LOCAL and REMOTE. Doesn't add a transfer
 * twice. A failure is printed and counted. */
void jobs_add(struct jobs *j, const struct job *job, const char *local,
              const char *remote);
struct job *jobs_pop(struct job_list *list);
/* Keeps a copy of FD, the local directory of JOB, open until all jobs in it
 * have ended. Without a free descriptor job_is_in() always says yes. */
void job_enter(struct job *job, int fd);
/* Is FD the same local directory, and does it still have a name? */
bool job_is_in(const struct job *job, int fd);
bool jobs_is_transfer(const struct job *job);
/* Must the work end early? True if link_is_over(), or if no more jobs begin. */
bool jobs_ended(const struct jobs *j);
/* Keeps CODE as the exit code, unless an earlier failure has set one. */
void jobs_keep(struct jobs *j, int code);
/* Counts a failure that was printed, and keeps its exit code. CODE 0: no
 * failure. */
void jobs_fail(struct jobs *j, int code);
/* Does all jobs, with the open link FIRST and as many more links as the options
 * permit. Prints each failure. */
void jobs_run(struct jobs *j, const struct site *s, struct link *first);
/* Shared by jobs.c and crew.c; the caller has the lock. */
/* Ends the work of JOB, and queues its last step if no job in it is left. */
void jobs_finish(struct jobs *j, struct job *job);
/* Removes all jobs that wait. */
void jobs_drop(struct jobs *j);
/* Shows the number of files, wakes waiting links, and starts more links if they
 * can help. Call it when the queue has changed. */
void crew_wake(struct crew *c);

#endif
