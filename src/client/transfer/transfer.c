/* The queue of transfers, their threads, and the retries of each. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "transfer.h"

static const char *const verbs[] = { [JOB_GET] = "get", [JOB_PUT] = "put" };

const char *transfer_hash_name(const struct file_transfer *t)
{
    const struct site *s = t->link->site;

    return s->options->no_verify ? NULL : s->hash;
}

void transfer_tell_next(const struct file_transfer *t, struct failure *why)
{
    size_t len = strlen(why->text);
    char size[SHOW_SIZE_MAX];

    snprintf(why->text + len, sizeof(why->text) - len,
             "; run the same command again: it can go on at about %s",
             show_size(t->done, size));
}

int transfer_begin_digest(struct file_transfer *t, struct failure *why)
{
    if (digest_begin(&t->digest, transfer_hash_name(t)) < 0)
        return fail(why, EX_OSERR, "out of memory");
    int r = digest_add_head(&t->digest, t->fd, t->first, t->link);

    if (r == -EINTR)
        return fail(why, EX_TEMPFAIL, "interrupted");
    return r < 0 ? fail_errno(why, -r, t->local) : 0;
}

int transfer_verify(struct file_transfer *t, struct failure *why)
{
    char here[DIGEST_HEX_MAX], there[REMOTE_HASH_MAX];

    uint64_t most = t->size > t->done ? t->size : t->done;

    digest_end(&t->digest, here);
    if (!here[0])
        return 0;
    if (remote_hash(t->link, t->remote, most, there, why) < 0) {
        /* A user who may only upload can't get the checksum: then there is
         * nothing to compare. */
        if (why->cut)
            return -1;
        if (t->job->kind == JOB_PUT && remote_lacks_right(t->link))
            progress_note("%s: stored; not compared, since this account may "
                          "not read it",
                          t->remote);
        else
            progress_note("%s: not verified: %s", t->remote, why->text);
        return 0;
    }
    if (strcmp(here, there) != 0)
        return fail(why, EX_DATAERR,
                    "the checksums differ (%s here, %s there); the file is "
                    "damaged or has changed: transfer it again with "
                    "--no-resume --conflict overwrite",
                    here, there);
    t->checked = true;
    return 0;
}

void transfer_moved(void *of)
{
    struct file_transfer *t = of;

    if (t->row)
        progress_moved(t->row, t->done);
}

void transfer_show(struct file_transfer *t)
{
    const char *name = t->job->kind == JOB_GET ? t->job->remote : t->job->local;

    if (!t->row)
        t->row = progress_begin(verbs[t->job->kind], name, t->size);
    progress_resume(t->row, t->first);
}

bool transfer_in_mode_z(const struct file_transfer *t)
{
    const struct site *s = t->link->site;

    return s->options->compress && s->modez;
}

void transfer_set_mode_z(struct file_transfer *t)
{
    if (zstream_begin(&t->z, t->job->kind == JOB_PUT) < 0)
        link_lacks_memory(t->link);
    link_set_mode_z(t->link);
}

/* What is left to do after the last try, and to print. *moved gets the file's
 * bytes. Returns 0, or 1: skipped, or -1. */
static int transfer_end(struct file_transfer *t, int r, uint64_t *moved,
                        struct failure *why)
{
    const struct job *job = t->job;

    if (r < 0 && job->kind == JOB_PUT)
        upload_tell(t, why);
    else if (r < 0 && download_goes_on(t, why))
        transfer_tell_next(t, why);
    if (r == 0 && !t->skipped && t->link->site->options->remove_source)
        r = source_remove(t, why);
    fd_close(&t->lock);
    *moved = t->done > t->size ? t->done : t->size;
    if (t->skipped)
        progress_note("%s: skipped, it is there already", t->local);
    if (!t->row && r == 0) {
        progress_settle(job->size);
        return t->skipped;
    }
    if (!t->row)
        transfer_show(t);
    progress_end(t->row, job->kind == JOB_GET ? t->local : t->remote,
                 t->checked, r < 0 ? why : NULL);
    return r;
}

/* The threads of a queue: each takes the next job until none is left. */

#define WORKERS_MAX 16
#define WAKE_MS     100
#define PAUSE_MAX   30 /* seconds between two logins */

void jobs_release(struct jobs *j)
{
    names_release();
    for (size_t i = 0; i < j->count; i++) {
        free(j->job[i].local);
        free(j->job[i].remote);
    }
    free(j->job);
    *j = (struct jobs){ 0 };
}

static int jobs_append(struct jobs *j, const struct job *job, const char *local,
                       const char *remote)
{
    if (j->count == j->size) {
        size_t size = j->size ? 2 * j->size : 64;
        struct job *more = reallocarray(j->job, size, sizeof(*more));
        if (!more)
            return -1;
        j->job = more;
        j->size = size;
    }
    struct job *new = &j->job[j->count];
    *new = *job;
    new->local = strdup(local);
    new->remote = strdup(remote);
    if (!new->local || !new->remote) {
        free(new->local);
        free(new->remote);
        return -1;
    }
    j->count++;
    return 0;
}

static void jobs_drop_last(struct jobs *j)
{
    j->count--;
    free(j->job[j->count].local);
    free(j->job[j->count].remote);
}

/* Two files of one command may have the same name. For the second upload it is
 * taken, whatever a listing shows now. */
static int jobs_take_name(struct jobs *j, struct failure *why)
{
    struct job *job = &j->job[j->count - 1];
    bool put = job->kind == JOB_PUT;
    const char *target = put ? job->remote : job->local;

    if (!put && strcmp(target, "-") == 0)
        return 0;
    enum names_owner owner = names_take(target, put ? job->local : job->remote);
    job->twice = owner == NAMES_OTHERS;
    if (put && job->twice)
        job->known = job->taken = true;
    if (owner == NAMES_OURS || (job->twice && !j->once))
        return 0;
    if (job->twice)
        fail(why, EX_USAGE,
             "another file of this call becomes %s; transfer this one in a "
             "call of its own, or under another name",
             target);
    jobs_drop_last(j);
    return owner == NAMES_SAME ? 0 : -1;
}

int jobs_charge(struct jobs *j, size_t bytes, struct failure *why)
{
    if (j->full || bytes > (j->most ? j->most : JOBS_BYTES_MAX) - j->bytes) {
        j->full = true;
        return fail(why, EX_DATAERR,
                    "too many files for one call, so none is transferred; name "
                    "the directories in it one by one");
    }
    j->bytes += bytes;
    return 0;
}

int jobs_add(struct jobs *j, const struct job *job, const char *local,
             const char *remote, struct failure *why)
{
    const char *target = job->kind == JOB_PUT ? remote : local;
    size_t bytes = sizeof(*job) + strlen(local) + 1 + strlen(remote) + 1 +
                   strlen(target) + 1; /* the copy of names_take() */

    if (jobs_charge(j, bytes, why) < 0)
        return -1;
    if (jobs_append(j, job, local, remote) < 0)
        return fail(why, EX_OSERR, "out of memory");
    return jobs_take_name(j, why);
}

bool jobs_ended(const struct jobs *j)
{
    return link_is_over() || j->full;
}

struct crew {
    struct jobs *jobs;
    const struct site *site;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a link isn't busy any more */
    size_t next;            /* the first job that no link has begun */
    size_t busy;            /* links that have a transfer */
    size_t links;           /* those that the server has let in */
    struct crew_left {
        struct file_transfer transfer;
        struct failure why;
    } left[WORKERS_MAX + 1]; /* by links that the server has turned away */
    size_t left_count;
    size_t done, skipped, failed;
    uint64_t moved;
    int code;         /* exit code of the first failure */
    bool told;        /* a note says that there are fewer links */
    atomic_bool over; /* no link has to come any more */
};

static bool crew_has_more(const struct crew *c)
{
    return c->left_count > 0 || c->next < c->jobs->count;
}

static void crew_give(struct crew *c, struct file_transfer *ret)
{
    if (c->left_count > 0) {
        *ret = c->left[--c->left_count].transfer;
        return;
    }
    const struct job *job = &c->jobs->job[c->next++];
    *ret = (struct file_transfer){ .job = job, .fd = -1, .lock = -1 };
    snprintf(ret->remote, sizeof(ret->remote), "%s", job->remote);
    snprintf(ret->local, sizeof(ret->local), "%s", job->local);
}

/* Takes the next transfer. If there is none now, a busy link may still leave
 * its own. Returns false: none will come, and the link doesn't count any
 * more. */
static bool crew_take(struct crew *c, struct link *l, struct file_transfer *ret)
{
    pthread_mutex_lock(&c->lock);
    while (!crew_has_more(c) && c->busy > 0 && !link_is_over()) {
        atomic_store(&c->over, true);
        pthread_cond_wait(&c->changed, &c->lock);
    }
    bool some = crew_has_more(c) && !link_is_over();
    if (some) {
        crew_give(c, ret);
        ret->link = l;
        c->busy++;
    } else {
        atomic_store(&c->over, true);
        c->links--;
    }
    pthread_mutex_unlock(&c->lock);
    return some;
}

/* A link that the server has turned away leaves its transfer to the other ones.
 * Returns false: there are none. */
static bool crew_leave(struct crew *c, const struct file_transfer *t,
                       const struct failure *why)
{
    pthread_mutex_lock(&c->lock);
    bool others = c->links > 1;
    if (others) {
        c->links--;
        c->busy--;
        c->left[c->left_count++] = (struct crew_left){ *t, *why };
        pthread_cond_broadcast(&c->changed);
    }
    pthread_mutex_unlock(&c->lock);
    return others;
}

/* Makes the tries that the options permit. A try that has brought the file
 * forward begins the count anew. Returns 0; 1: another link goes on with it; -1
 * with the reason. */
static int crew_try(struct crew *c, struct file_transfer *t,
                    struct failure *why)
{
    struct retry retry = { 0 };
    uint64_t reached = 0;
    int r;

    *why = (struct failure){ 0 };
    do {
        r = t->job->kind == JOB_GET ? download_once(t, why)
                                    : upload_once(t, why);
        if (t->first > reached) {
            reached = t->first;
            retry = (struct retry){ 0 };
        }
        if (r < 0 && t->link->turned_away && crew_leave(c, t, why))
            return 1;
    } while (r < 0 && (((why->reply == 425 || why->reply == 522) &&
                        link_next_manner(t->link)) ||
                       link_again(t->link, &retry, t->remote, why)));
    return r;
}

static void crew_end(struct crew *c, struct file_transfer *t, int r,
                     struct failure *why)
{
    uint64_t moved;

    r = transfer_end(t, r, &moved, why);
    pthread_mutex_lock(&c->lock);
    c->busy--;
    pthread_cond_broadcast(&c->changed);
    c->done += r == 0;
    c->skipped += r > 0;
    c->failed += r < 0;
    c->moved += r == 0 ? moved : 0;
    if (r < 0 && c->code == 0)
        c->code = why->code;
    c->jobs->job[t->job - c->jobs->job].failed = r < 0;
    pthread_mutex_unlock(&c->lock);
}

/* Returns true: the server has turned the link away. */
static bool crew_work(struct crew *c, struct link *l)
{
    struct file_transfer t;
    struct failure why;

    while (crew_take(c, l, &t)) {
        int r = crew_try(c, &t, &why);

        if (r == 1)
            return true;
        crew_end(c, &t, r, &why);
    }
    return false;
}

/* Servers limit the sessions of a user. A link that the server doesn't let in
 * takes no job, since the others do all of them; and it doesn't wait for an
 * answer longer than they need. */
static bool crew_is_let_in(struct crew *c, struct link *l)
{
    struct failure why;

    l->needless = &c->over;
    bool in = link_command(l, &why, "NOOP") == 0;
    l->needless = NULL;
    pthread_mutex_lock(&c->lock);
    bool tells = !in && !link_is_over() && !atomic_load(&c->over) && !c->told;
    c->told |= tells;
    c->links += in;
    pthread_mutex_unlock(&c->lock);
    if (tells)
        progress_note("continues with fewer links: %s", why.text);
    if (l->denied)
        progress_error("", &why);
    return in;
}

static bool crew_wait(const struct crew *c, uint64_t ms)
{
    uint64_t end = clock_ms() + ms;

    while (!atomic_load(&c->over) && !link_is_over() && clock_ms() < end)
        link_poll(NULL, 0, clock_ms() + WAKE_MS);
    return !atomic_load(&c->over) && !link_is_over();
}

/* A link that was in, and is turned away after a cut, tries to come back while
 * the others work. */
static bool crew_comes_back(struct crew *c, struct link *l)
{
    uint64_t pause = 1;

    for (unsigned i = 0; i < c->site->options->retries; i++, pause *= 2) {
        if (!crew_wait(c, 1000 * (pause < PAUSE_MAX ? pause : PAUSE_MAX)))
            return false;
        if (crew_is_let_in(c, l))
            return true;
    }
    return false;
}

static void crew_stay(struct crew *c, struct link *l)
{
    while (crew_work(c, l) && crew_comes_back(c, l))
        ;
}

static void *crew_thread(void *of)
{
    struct crew *c = of;
    struct failure why;
    struct link l;

    if (link_open(&l, c->site, &why) == 0 && crew_is_let_in(c, &l))
        crew_stay(c, &l);
    link_close(&l);
    return NULL;
}

/* Shows the total of several files; without the bytes if one of them has an
 * unknown size. */
static void jobs_expect(const struct jobs *j)
{
    uint64_t bytes = 0;
    bool known = true;

    for (size_t i = 0; i < j->count; i++) {
        bytes += j->job[i].size;
        known &= j->job[i].size > 0 || j->job[i].known;
    }
    progress_expect(j->count > 1 ? j->count : 0, known ? bytes : 0);
}

int jobs_run(struct jobs *j, const struct site *s, struct link *first)
{
    static struct crew c; /* too large for a stack */
    pthread_t thread[WORKERS_MAX];
    size_t wanted = j->in_turn ? 1 : (size_t)s->options->parallel;
    size_t running = 0;
    struct failure why;

    c = (struct crew){ .jobs = j,
                       .site = s,
                       .links = 1,
                       .lock = PTHREAD_MUTEX_INITIALIZER,
                       .changed = PTHREAD_COND_INITIALIZER };
    if (wanted > j->count)
        wanted = j->count;
    jobs_expect(j);
    /* Or another link takes its place. */
    if (wanted > 1 && link_refresh(first, &why) < 0 && first->denied)
        progress_error("", &why);
    while (running + 1 < wanted && running < WORKERS_MAX && !link_is_over() &&
           pthread_create(&thread[running], NULL, crew_thread, &c) == 0)
        running++;
    crew_stay(&c, first);
    for (size_t i = 0; i < running; i++)
        pthread_join(thread[i], NULL);
    /* Ctrl-C, or a denied login, has ended all links. */
    for (size_t i = 0; i < c.left_count; i++) {
        c.busy++;
        c.left[i].transfer.link = first;
        crew_end(&c, &c.left[i].transfer, -1, &c.left[i].why);
    }
    /* A login may be denied between two files, and none of them has failed. */
    if (c.code == 0 && atomic_load(&link_denied) && crew_has_more(&c)) {
        fail(&why, EX_NOPERM,
             "a login was denied, so not all files were transferred");
        progress_error("", &why);
        c.code = why.code;
    }
    progress_expect(0, 0);
    j->done = c.done;
    j->skipped = c.skipped;
    j->failed = c.failed;
    j->moved = c.moved;
    return link_interrupted ? EX_TEMPFAIL : c.code;
}

#define NAMED_FAILURES 3

/* Writes ": a, b, c, ..." */
static void jobs_failures(const struct jobs *j, char *out, size_t size)
{
    size_t named = 0, len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < j->count && named <= NAMED_FAILURES; i++) {
        const struct job *job = &j->job[i];

        if (!job->failed || len >= size)
            continue;
        named++;
        len += (size_t)snprintf(out + len, size - len, "%s%s",
                                named == 1 ? ": " : ", ",
                                named > NAMED_FAILURES ? "..."
                                : job->kind == JOB_PUT ? job->local
                                                       : job->remote);
    }
}

void jobs_sum_up(const struct jobs *j, size_t more)
{
    char failures[SHOW_MAX / 2];
    const struct progress_total total = { .files = j->count + more,
                                          .done = j->done,
                                          .skipped = j->skipped,
                                          .failed = j->failed + more,
                                          .bytes = j->moved };

    jobs_failures(j, failures, sizeof(failures));
    if (total.files > 1)
        progress_sum_up(&total, failures);
}
