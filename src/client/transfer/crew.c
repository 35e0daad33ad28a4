/* The crew: links that do the jobs of a queue, each link in a thread of its
 * own, and the retries of each job. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/clock.h"
#include "transfer.h"

#define WORKERS_MAX 16
#define WAKE_MS     100
#define LOST_MAX    8  /* of each link */
#define PAUSE_MAX   30 /* the longest pause between two logins, in seconds */
/* While fewer files than this wait for each link, directories are listed before
 * files are transferred. So all links have work, and a listing isn't old when
 * its files are transferred. */
#define AHEAD 16

struct crew {
    struct jobs *jobs;
    const struct site *site;
    pthread_cond_t changed; /* signalled when a job waits, or when no more jobs
                             * will come */
    size_t busy;            /* links that have a job */
    size_t walking;         /* running jobs that may add others */
    atomic_size_t links;    /* links that the server has let in */
    size_t wanted;          /* threads to start, besides the first link's */
    size_t running;         /* threads that were started */
    pthread_t thread[WORKERS_MAX];
    /* Jobs for other links: after a cut the server has refused the links that
     * had these jobs. */
    struct crew_left {
        struct file_transfer transfer;
        struct failure why;
    } left[WORKERS_MAX + 1];
    size_t left_count;
    atomic_size_t lost; /* jobs in a row that lost their connection */
    size_t unsure;    /* directories that were perhaps not walked to the end */
    bool told;        /* the user was told that there are fewer links */
    atomic_bool over; /* links that still log in are no longer needed */
};

static void *crew_thread(void *of);

void crew_wake(struct crew *c)
{
    const struct jobs *j = c->jobs;
    size_t work = j->walks.count + j->others.count + c->busy;

    progress_expect(j->files, j->unknown ? 0 : j->expected,
                    j->walks.count > 0 || c->walking > 0);
    while (c->running < c->wanted && c->running + 1 < work && !jobs_ended(j) &&
           pthread_create(&c->thread[c->running], NULL, crew_thread, c) == 0)
        c->running++;
    pthread_cond_broadcast(&c->changed);
}

static bool crew_give(struct crew *c, struct file_transfer *ret)
{
    struct jobs *j = c->jobs;
    bool enough = j->others.count >= AHEAD * c->links;

    if (jobs_ended(j))
        return false;
    if (c->left_count > 0) {
        *ret = c->left[--c->left_count].transfer;
        return true;
    }
    struct job *job = enough ? NULL : jobs_pop(&j->walks);
    if (!job)
        job = jobs_pop(&j->others);
    if (!job && c->busy == 0)
        job = jobs_pop(&j->twins);
    if (!job)
        return false;
    *ret = (struct file_transfer){ .job = job, .fd = -1 };
    snprintf(ret->remote, sizeof(ret->remote), "%s", job->remote);
    snprintf(ret->local, sizeof(ret->local), "%s", job->local);
    return true;
}

/* Takes the next job. If there is none, waits, since a busy link can add jobs,
 * or leave its own to others. Returns false if no job will come; then the link
 * no longer counts. */
static bool crew_take(struct crew *c, struct link *l, struct file_transfer *ret)
{
    struct jobs *j = c->jobs;
    bool some;

    pthread_mutex_lock(&j->lock);
    while (!(some = crew_give(c, ret)) && !jobs_ended(j) && c->busy > 0) {
        if (c->walking == 0)
            atomic_store(&c->over, true);
        pthread_cond_wait(&c->changed, &j->lock);
    }
    if (some) {
        ret->link = l;
        c->busy++;
        c->walking += !jobs_is_transfer(ret->job);
    } else {
        atomic_store(&c->over, true);
        c->links--;
    }
    pthread_mutex_unlock(&j->lock);
    return some;
}

/* Counts the link as free: its job is over, or another link continues the
 * job. */
static void crew_put_down(struct crew *c, const struct job *job)
{
    c->busy--;
    c->walking -= !jobs_is_transfer(job);
    pthread_cond_broadcast(&c->changed);
}

/* Leaves the job of a refused link to the other links. Returns false if there
 * are no others. */
static bool crew_leave(struct crew *c, const struct file_transfer *t,
                       const struct failure *why)
{
    pthread_mutex_lock(&c->jobs->lock);
    bool others = c->links > 1 && !link_is_over();
    if (others) {
        c->links--;
        c->left[c->left_count++] = (struct crew_left){ *t, *why };
        crew_put_down(c, t->job);
    }
    pthread_mutex_unlock(&c->jobs->lock);
    return others;
}

/* Makes the tries that the options permit. After progress the count of tries
 * begins at 0 again. Returns 0; 1: another link continues the job; -1 with the
 * reason. */
static int crew_try(struct crew *c, struct file_transfer *t,
                    struct failure *why)
{
    struct job *job = t->job;
    int r;

    *why = (struct failure){ 0 };
    do {
        if (job->kind == JOB_GET) {
            r = download_once(t, why);
        } else if (job->kind == JOB_PUT) {
            r = upload_once(t, why);
        } else {
            r = job->step(c->jobs->of, job, t->link, why);
            job->again |= r < 0 && t->link->state == LINK_IN;
        }
        if (t->first > t->reached) {
            t->reached = t->first;
            t->retry = (struct retry){ 0 };
        }
        if (r < 0 && why->lost && t->link->state != LINK_IN &&
            crew_leave(c, t, why))
            return 1;
        /* After a job that was lost in all its tries the next ones make one. */
    } while (
        r < 0 && !(why->lost && t->link->state == LINK_IN && c->lost) &&
        link_again(t->link, &t->retry, t->remote[0] ? t->remote : "/", why));
    return r;
}

/* Ends the command if no other job can do better. A virus in a file can be why
 * a job is LOST. A walk can succeed by MKD, without a data connection. */
static void crew_judge(struct crew *c, const struct file_transfer *t, bool lost,
                       const struct failure *why)
{
    if (!lost && (t->job->kind != JOB_WALK || t->link->opened))
        c->lost = 0;
    if (lost && (++c->lost > LOST_MAX * c->links || t->link->state != LINK_IN))
        link_end_command(why);
}

static void crew_end(struct crew *c, struct file_transfer *t, int r,
                     struct failure *why)
{
    struct jobs *j = c->jobs;
    struct job *job = t->job;
    bool step = !jobs_is_transfer(job);
    uint64_t moved = 0;

    crew_judge(c, t, r < 0 && why->lost, why);
    if (!step)
        r = transfer_end(t, r, &moved, why);
    else if (r < 0)
        progress_error(job->remote, why);
    /* If the server stores files under other names, a sync would upload them
     * again each time, so no more jobs begin. */
    if (r < 0 && job->overwrite && why->code == EX_CANTCREAT &&
        job->kind == JOB_PUT && strcmp(t->remote, job->remote) != 0)
        j->stopped = true;
    pthread_mutex_lock(&j->lock);
    j->done += !step && r == 0;
    j->skipped += !step && r > 0;
    j->failed += !step && r < 0;
    j->lost += step && r < 0;
    j->moved += r == 0 ? moved : 0;
    if (!step && r < 0 && ++j->named_count <= NAMED_FAILURES + 1) {
        size_t len = strlen(j->named); /* ": a, b, c, ..." */

        snprintf(j->named + len, sizeof(j->named) - len, "%s%s",
                 len == 0 ? ": " : ", ",
                 j->named_count > NAMED_FAILURES ? "..."
                 : job->kind == JOB_PUT          ? job->local
                                                 : job->remote);
    }
    c->unsure += job->kind == JOB_WALK && r == 0 && atomic_load(&link_over);
    if (r < 0)
        jobs_keep(j, why->code ? why->code : EX_SOFTWARE);
    job->stays |= r < 0;
    if (r < 0 && why->full)
        j->stopped = true;
    crew_put_down(c, job);
    jobs_finish(j, job);
    crew_wake(c);
    pthread_mutex_unlock(&j->lock);
}

/* Logs a link in. Waits for the server's answer only while other links work.
 * Servers limit the sessions of a user: if the server refuses this link, the
 * other links do all jobs. Returns true if the link is logged in. */
static bool crew_is_let_in(struct crew *c, struct link *l)
{
    struct failure why;

    l->needless = &c->over;
    bool in = link_command(l, &why, "NOOP") == 0;
    l->needless = NULL;
    pthread_mutex_lock(&c->jobs->lock);
    bool tells = !in && !link_is_over() && !atomic_load(&c->over) && !c->told;
    c->told |= tells;
    c->links += in;
    if (l->state == LINK_OVER)
        c->wanted = 0;
    pthread_mutex_unlock(&c->jobs->lock);
    if (tells)
        progress_note("goes on with fewer connections, since one couldn't "
                      "log in: %s",
                      why.text);
    return in;
}

/* Logs in again a link that the server has refused after a cut. Makes as many
 * tries as --retries permits, while other links work. Returns true if the link
 * is logged in. */
static bool crew_comes_back(struct crew *c, struct link *l)
{
    uint64_t pause = 1;

    for (unsigned i = 0; i < c->site->options->retries; i++, pause *= 2) {
        uint64_t end =
            clock_ms() + 1000 * (pause < PAUSE_MAX ? pause : PAUSE_MAX);

        while (!atomic_load(&c->over) && !link_is_over() && clock_ms() < end)
            link_poll(NULL, 0, clock_ms() + WAKE_MS);
        if (atomic_load(&c->over) || link_is_over() || l->state == LINK_OVER)
            return false;
        if (crew_is_let_in(c, l))
            return true;
    }
    return false;
}

/* Does jobs until none is left, or until the link can't log in again after a
 * cut. */
static void crew_work(struct crew *c, struct link *l)
{
    struct file_transfer t;
    struct failure why;
    bool in = true;

    while (in && crew_take(c, l, &t)) {
        int r = crew_try(c, &t, &why);

        if (r == 1)
            in = crew_comes_back(c, l);
        else
            crew_end(c, &t, r, &why);
    }
}

static void *crew_thread(void *of)
{
    struct crew *c = of;
    struct failure why;
    struct link l;

    if (link_open(&l, c->site, &why) == 0 && crew_is_let_in(c, &l))
        crew_work(c, &l);
    link_close(&l);
    return NULL;
}

void jobs_run(struct jobs *j, const struct site *s, struct link *first)
{
    static struct crew c; /* too large for a stack */
    uint64_t links = j->in_turn ? 1 : s->options->parallel;
    struct failure why;

    c = (struct crew){ .jobs = j,
                       .site = s,
                       .links = 1,
                       .wanted = links > WORKERS_MAX ? WORKERS_MAX : links - 1,
                       .changed = PTHREAD_COND_INITIALIZER };
    /* The server may have ended the first link's session meanwhile. If this
     * link can't log in again, the other links do its work. */
    if (links > 1 && j->walks.count + j->others.count > 1 &&
        link_must_renew(first))
        link_command(first, &why, "NOOP");
    pthread_mutex_lock(&j->lock);
    j->crew = &c;
    crew_wake(&c);
    pthread_mutex_unlock(&j->lock);
    crew_work(&c, first);
    /* While this loop waits for the first threads, other threads can start
     * more. */
    pthread_mutex_lock(&j->lock);
    for (size_t ended = 0; ended < c.running; ended++) {
        pthread_mutex_unlock(&j->lock);
        pthread_join(c.thread[ended], NULL);
        pthread_mutex_lock(&j->lock);
    }
    pthread_mutex_unlock(&j->lock);
    /* After Ctrl-C, a denied login or a lack of memory, jobs of refused links
     * can be left. */
    while (c.left_count > 0) {
        struct crew_left *left = &c.left[--c.left_count];

        c.busy++;
        c.walking += !jobs_is_transfer(left->transfer.job);
        left->transfer.link = first;
        crew_end(&c, &left->transfer, -1, &left->why);
    }
    const struct failure *over = atomic_load(&link_over);
    size_t walks = j->walks.count + c.unsure;
    size_t files = j->others.count + j->twins.count;
    if ((over || j->stopped) && walks + files > 0) {
        if (over)
            why = *over;
        else
            fail(&why, j->code, "the command ends here");
        fail_add(&why, "; not tried: %zu files and %zu directories", files,
                 walks);
        progress_error("", &why);
        jobs_keep(j, why.code);
    }
    j->crew = NULL;
    progress_expect(0, 0, false);
}
