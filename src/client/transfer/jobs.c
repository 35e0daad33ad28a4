/* The queue of a command's jobs. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "transfer.h"

static void jobs_push(struct job_list *list, struct job *job)
{
    job->next = NULL;
    if (list->last)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
    list->count++;
}

struct job *jobs_pop(struct job_list *list)
{
    struct job *job = list->first;

    if (!job)
        return NULL;
    list->first = job->next;
    if (!list->first)
        list->last = NULL;
    list->count--;
    return job;
}

/* Adds JOB at the beginning of LIST. */
static void jobs_unshift(struct job_list *list, struct job *job)
{
    job->next = list->first;
    list->first = job;
    if (!list->last)
        list->last = job;
    list->count++;
}

void jobs_begin(struct jobs *j, void *of)
{
    *j = (struct jobs){ .of = of };
    pthread_mutex_init(&j->lock, NULL);
}

void jobs_keep(struct jobs *j, int code)
{
    int none = 0;

    atomic_compare_exchange_strong(&j->code, &none, code);
}

void jobs_fail(struct jobs *j, int code)
{
    j->lost += code != 0;
    jobs_keep(j, code);
}

bool jobs_ended(const struct jobs *j)
{
    return j->stopped || link_is_over();
}

bool jobs_is_transfer(const struct job *job)
{
    return job->kind == JOB_GET || job->kind == JOB_PUT;
}

/* Bytes that malloc() uses for each block in addition to its size, on average.
 * A job is one block, which malloc() can keep after free(), and a name of
 * names_take() is two blocks. */
#define BLOCK 16

static size_t jobs_bytes(size_t head, const char *local, const char *remote)
{
    return head + strlen(local) + 1 + strlen(remote) + 1 + 3 * BLOCK;
}

static void job_let_go(struct job *job)
{
    if (job->directory > 0)
        close(job->directory);
    job->directory = 0;
}

/* Discards a job. The caller has the lock. */
static void jobs_discard(struct jobs *j, struct job *job)
{
    j->bytes -= jobs_bytes(sizeof(*job), job->local, job->remote);
    job_let_go(job);
    free(job);
}

static void jobs_refuse(struct jobs *j, const char *local, const char *remote,
                        const struct failure *why)
{
    progress_error(local[0] ? local : remote, why);
    jobs_fail(j, why->code);
}

/* Makes a job for jobs_queue(). Returns NULL if no more jobs begin, or after a
 * failure, which is printed and counted. */
static struct job *jobs_make(struct jobs *j, const struct job *job,
                             const char *local, const char *remote)
{
    struct failure why;
    size_t bytes = jobs_bytes(sizeof(*job), local, remote);

    /* names_take() keeps a struct name and a node of tsearch() after the job is
     * over, and names_keep() and names_twin() up to eight numbers. */
    if (jobs_is_transfer(job))
        bytes += jobs_bytes(13 * sizeof(void *), local, remote);
    pthread_mutex_lock(&j->lock);
    bool full = bytes > (j->most ? j->most : JOBS_BYTES_MAX) - j->bytes;
    bool stopped = j->stopped;
    j->bytes += full || stopped ? 0 : bytes;
    if (full)
        j->stopped = true;
    pthread_mutex_unlock(&j->lock);
    if (stopped)
        return NULL;
    size_t here = strlen(local) + 1, there = strlen(remote) + 1;
    struct job *new = full ? NULL : malloc(sizeof(*new) + here + there);
    if (!new) {
        fail(&why, full ? EX_DATAERR : EX_OSERR,
             full ? "too many files for one command, so it ends here; run it "
                    "for each directory"
                  : "out of memory");
        jobs_refuse(j, local, remote, &why);
        return NULL;
    }
    *new = *job;
    new->local = memcpy(new + 1, local, here);
    new->remote = memcpy(new->local + here, remote, there);
    new->below = 1;
    return new;
}

/* Queues a job. A directory waits in its parent's job until the parent is
 * listed, and then comes before all directories that have waited longer. So
 * only few directories are known at a time. */
static void jobs_queue(struct jobs *j, struct job *job)
{
    pthread_mutex_lock(&j->lock);
    if (job->above)
        job->above->below++;
    if (job->twin)
        jobs_push(&j->twins, job);
    else if (job->kind == JOB_WALK && job->above)
        jobs_unshift(&job->above->in, job);
    else
        jobs_push(job->kind == JOB_WALK ? &j->walks : &j->others, job);
    if (jobs_is_transfer(job)) {
        j->files++;
        j->expected += job->size;
        j->unknown |= job->size == 0 && !job->known;
    }
    if (j->crew)
        crew_wake(j->crew);
    pthread_mutex_unlock(&j->lock);
}

void jobs_add(struct jobs *j, const struct job *job, const char *local,
              const char *remote)
{
    bool put = job->kind == JOB_PUT;
    const char *target = put ? remote : local;
    enum names_owner owner = NAMES_OURS;
    struct job *new = jobs_make(j, job, local, remote);
    struct failure why;

    if (!new)
        return;
    if (put || (job->kind == JOB_GET && strcmp(target, "-") != 0))
        owner = names_take(target, put ? local : remote);
    /* If two files of one command have the same name, the second can't get this
     * name. */
    new->twice = owner == NAMES_OTHERS;
    if (new->twice && j->once) {
        fail(&why, EX_USAGE,
             "another file of this command has the name %s; transfer this "
             "one with another command or name",
             target);
        jobs_refuse(j, local, remote, &why);
    } else if (owner != NAMES_SAME) {
        jobs_queue(j, new);
        return;
    }
    pthread_mutex_lock(&j->lock);
    jobs_discard(j, new);
    pthread_mutex_unlock(&j->lock);
}

void job_enter(struct job *job, int fd)
{
    struct stat st = { 0 };
    struct rlimit most;

    job_let_go(job);
    job->directory = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    /* Files and connections need descriptors, too. */
    if (job->directory > 0 && getrlimit(RLIMIT_NOFILE, &most) == 0 &&
        (rlim_t)job->directory > most.rlim_cur / 4)
        job_let_go(job);
    fstat(fd, &st);
    job->disk = st.st_dev;
    job->nameless = st.st_nlink == 0;
}

bool job_is_in(const struct job *job, int fd)
{
    struct stat a, b;

    return job->directory <= 0 ||
           (fstat(job->directory, &a) == 0 && fstat(fd, &b) == 0 &&
            a.st_dev == b.st_dev && a.st_ino == b.st_ino &&
            (b.st_nlink == 0) == job->nameless);
}

void jobs_finish(struct jobs *j, struct job *job)
{
    struct job *in;

    while ((in = jobs_pop(&job->in)))
        jobs_unshift(&j->walks, in);
    while (job && --job->below == 0) {
        struct job *above = job->above;

        if (job->leave)
            job->leave(j->of, job);
        if (job->last) {
            job->kind = JOB_CHANGE;
            job->step = job->last;
            job->last = NULL;
            job->again = false;
            job->below = 1;
            jobs_unshift(&j->others, job);
            return;
        }
        if (above)
            above->stays |= job->stays;
        jobs_discard(j, job);
        job = above;
    }
}

void jobs_drop(struct jobs *j)
{
    struct job *job;

    while ((job = jobs_pop(&j->walks)) || (job = jobs_pop(&j->others)) ||
           (job = jobs_pop(&j->twins)))
        while (job && --job->below == 0) {
            struct job *above = job->above;

            jobs_discard(j, job);
            job = above;
        }
}

void jobs_release(struct jobs *j)
{
    pthread_mutex_lock(&j->lock);
    jobs_drop(j);
    pthread_mutex_unlock(&j->lock);
    pthread_mutex_destroy(&j->lock);
    names_release();
    *j = (struct jobs){ 0 };
}
