/* The queue of transfers, their threads, and the retries of each. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/fd.h"
#include "transfer.h"

static const char *const verbs[] = { [JOB_GET] = "get", [JOB_PUT] = "put" };

const char *transfer_hash_name(const struct transfer *t)
{
    const struct site *s = t->link->site;

    return s->options->no_verify ? NULL : s->hash;
}

void transfer_tell_next(const struct transfer *t, struct failure *why)
{
    size_t len = strlen(why->text);
    char size[SHOW_SIZE_MAX];

    snprintf(why->text + len, sizeof(why->text) - len,
             "; run the same command again: it can go on at about %s",
             show_size(t->done, size));
}

int transfer_begin_digest(struct transfer *t, struct failure *why)
{
    if (digest_begin(&t->digest, transfer_hash_name(t)) < 0)
        return fail(why, EX_OSERR, "out of memory");
    int r = digest_add_head(&t->digest, t->fd, t->first, t->link);

    if (r == -EINTR)
        return fail(why, EX_TEMPFAIL, "interrupted");
    return r < 0 ? fail_errno(why, -r, t->local) : 0;
}

int transfer_verify(struct transfer *t, struct failure *why)
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
    struct transfer *t = of;

    if (t->row)
        progress_moved(t->row, t->done);
}

void transfer_show(struct transfer *t)
{
    const char *name = t->job->kind == JOB_GET ? t->job->remote : t->job->local;

    if (!t->row)
        t->row = progress_begin(verbs[t->job->kind], name, t->size);
    progress_resume(t->row, t->first);
}

bool transfer_in_mode_z(const struct transfer *t)
{
    const struct site *s = t->link->site;

    return s->options->compress && s->modez;
}

void transfer_set_mode_z(struct transfer *t)
{
    if (zstream_begin(&t->z, t->job->kind == JOB_PUT) < 0)
        link_lacks_memory(t->link);
    link_set_mode_z(t->link);
}

static int transfer_try(struct transfer *t, struct failure *why)
{
    struct retry retry = { 0 };
    int r;

    do
        r = t->job->kind == JOB_GET ? download_once(t, why)
                                    : upload_once(t, why);
    while (r < 0 && (((why->reply == 425 || why->reply == 522) &&
                      link_next_manner(t->link)) ||
                     link_again(t->link, &retry, t->remote, why)));
    return r;
}

/* Does the job, with the retries that the options permit, and shows its
 * progress. Returns 0, or 1: skipped, or -1. *moved gets the file's bytes. */
static int transfer_run(struct link *l, const struct job *job, uint64_t *moved,
                        struct failure *why)
{
    struct transfer t = { .link = l, .job = job, .fd = -1, .lock = -1 };

    *why = (struct failure){ 0 };
    snprintf(t.remote, sizeof(t.remote), "%s", job->remote);
    snprintf(t.local, sizeof(t.local), "%s", job->local);
    int r = transfer_try(&t, why);
    if (r < 0 && job->kind == JOB_PUT)
        upload_tell(&t, why);
    else if (r < 0 && download_goes_on(&t, why))
        transfer_tell_next(&t, why);
    if (r == 0 && !t.skipped && l->site->options->remove_source)
        r = source_remove(&t, why);
    fd_close(&t.lock);
    *moved = t.done > t.size ? t.done : t.size;
    if (t.skipped)
        progress_note("%s: skipped, it is there already", t.local);
    if (!t.row && r == 0) {
        progress_settle(job->size);
        return t.skipped;
    }
    if (!t.row)
        transfer_show(&t);
    progress_end(t.row, job->kind == JOB_GET ? t.local : t.remote, t.checked,
                 r < 0 ? why : NULL);
    return r;
}

/* The threads of a queue: each takes the next job until none is left. */

#define WORKERS_MAX 16

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
    atomic_size_t next, done, skipped, failed;
    atomic_uint_fast64_t moved;
    atomic_int code; /* exit code of the first failure */
};

static void crew_work(struct crew *c, struct link *l)
{
    struct failure why;

    while (!link_is_over()) {
        size_t i = atomic_fetch_add(&c->next, 1);
        int none = 0;

        if (i >= c->jobs->count)
            break;
        struct job *job = &c->jobs->job[i];
        uint64_t moved;
        int r = transfer_run(l, job, &moved, &why);
        if (r >= 0) {
            atomic_fetch_add(r == 0 ? &c->done : &c->skipped, 1);
            atomic_fetch_add(&c->moved, r == 0 ? moved : 0);
            continue;
        }
        job->failed = true;
        atomic_fetch_add(&c->failed, 1);
        atomic_compare_exchange_strong(&c->code, &none, why.code);
    }
}

/* Servers limit the sessions of a user. A link that the server doesn't let in
 * takes no job, since the others do all of them. */
static bool crew_is_let_in(struct link *l)
{
    struct failure why;

    if (link_command(l, &why, "NOOP") == 0)
        return true;
    if (!link_interrupted)
        progress_note("continues with fewer links: %s", why.text);
    return false;
}

static void *crew_thread(void *of)
{
    struct crew *c = of;
    struct failure why;
    struct link l;

    if (link_open(&l, c->site, &why) == 0 && crew_is_let_in(&l))
        crew_work(c, &l);
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
    struct crew c = { .jobs = j, .site = s };
    pthread_t thread[WORKERS_MAX];
    size_t wanted = j->in_turn ? 1 : (size_t)s->options->parallel;
    size_t running = 0;

    if (wanted > j->count)
        wanted = j->count;
    jobs_expect(j);
    while (running + 1 < wanted && running < WORKERS_MAX &&
           pthread_create(&thread[running], NULL, crew_thread, &c) == 0)
        running++;
    crew_work(&c, first);
    for (size_t i = 0; i < running; i++)
        pthread_join(thread[i], NULL);
    progress_expect(0, 0);
    j->done = atomic_load(&c.done);
    j->skipped = atomic_load(&c.skipped);
    j->failed = atomic_load(&c.failed);
    j->moved = atomic_load(&c.moved);
    return link_interrupted ? EX_TEMPFAIL : atomic_load(&c.code);
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
