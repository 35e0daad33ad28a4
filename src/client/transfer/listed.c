/* Is a name on the server still free? A listing says so for a short time only,
 * since others may upload too. While many files go to a directory, it is listed
 * again from time to time: that costs less than a question for each name. */
#include <stdlib.h>

#include "sallyport/base/clock.h"
#include "transfer.h"

/* Round trips of a listing: EPSV, the connection, TYPE A, MLSD, its end, and
 * TYPE I for the next file. MLST needs one. */
#define ROUND_TRIPS 6
/* So many names of a listing cost both sides as much as one MLST. */
#define NAMES_A_QUESTION 32

struct listed {
    uint64_t at;        /* by clock_ms() */
    size_t count;       /* of names in the last listing */
    size_t files;       /* uploads that have begun since then */
    bool again;         /* a link lists it again */
    bool failed;        /* it can't be listed again, or not wholly */
    struct listing all; /* empty until it was listed again */
};

void listed_begin(struct job *dir, const struct listing *all)
{
    listed_end(dir);
    dir->names = malloc(sizeof(*dir->names));
    if (dir->names)
        *dir->names = (struct listed){ .at = all->at, .count = all->count };
}

void listed_end(struct job *dir)
{
    if (dir->names)
        listing_release(&dir->names->all);
    free(dir->names);
    dir->names = NULL;
}

static bool listed_is_old(const struct job *job)
{
    return clock_ms() - job->listed >= LISTED_MS;
}

static void listed_answer(const struct listed *l, struct job *job)
{
    if (l->at <= job->listed)
        return;
    job->listed = l->at;
    job->taken |= listing_find(&l->all, job->remote) != NULL;
}

/* As many files as until now will begin while the next listing counts. */
static bool listed_pays(const struct listed *l, size_t left)
{
    uint64_t files = l->files * LISTED_MS / (clock_ms() - l->at);
    size_t cost = ROUND_TRIPS + l->count / NAMES_A_QUESTION;

    return !l->again && !l->failed && files > cost && left > cost;
}

static void listed_again(struct jobs *j, struct job *job, struct listed *l,
                         struct link *link)
{
    struct listing all;
    struct failure why;
    int r = remote_list_once(link, job->above->remote, &all, &why);
    uint64_t at = clock_ms();

    pthread_mutex_lock(&j->lock);
    l->again = false;
    l->failed = r < 0 || !listing_is_whole(&all);
    if (!l->failed) {
        listing_release(&l->all);
        l->all = all;
        l->at = at;
        l->count = all.count;
        l->files = 0;
        listed_answer(l, job);
    } else if (r == 0) {
        listing_release(&all);
    }
    pthread_mutex_unlock(&j->lock);
}

void listed_renew(struct jobs *j, struct file_transfer *t)
{
    struct job *job = t->job;
    struct listed *l = job->above ? job->above->names : NULL;

    if (!l || !job->known || job->taken || t->begun)
        return;
    pthread_mutex_lock(&j->lock);
    l->files++;
    listed_answer(l, job);
    bool again = listed_is_old(job) && listed_pays(l, job->above->below);
    l->again |= again;
    pthread_mutex_unlock(&j->lock);
    if (again)
        listed_again(j, job, l, t->link);
}
