/* Removes names for rm. Each removal is a job. A directory is removed after its
 * contents, and only if all of the contents were removed. */
#include <sysexits.h>

#include "commands.h"

/* Looks again before a second try. The server may have removed the name, and
 * since then somebody else may have made a file of this name. Returns 1: the
 * listed file or a directory is there; 0: there is nothing; -1 with the reason.
 */
static int remove_remains(const struct job *job, struct link *l,
                          struct failure *why)
{
    struct listing_entry e;
    enum presence there = remote_look(l, job->remote, LOOK_KIND, &e, why);

    if (there == PRESENCE_UNKNOWN)
        return -1;
    if (there == ABSENT)
        return 0;
    if (there == PRESENT &&
        (job->kind == JOB_WALK
             ? e.kind == LISTED_DIRECTORY
             : job->known &&
                   listing_is_same(&e, job->size, job->modified, job->unique)))
        return 1;
    return fail(why, EX_TEMPFAIL,
                "not removed: the first try has failed, and another file may "
                "have this name now");
}

/* Removes a file. If DELE fails without -r, asks whether the name is a
 * directory: a 550 doesn't say so. */
static int remove_file_there(const struct tree *t, struct job *job,
                             struct link *l, struct failure *why)
{
    struct failure other;
    struct listing_entry e;
    int r = job->again ? remove_remains(job, l, why) : 1;

    if (r > 0)
        r = link_command(l, why, "DELE %s", job->remote);
    /* A typed name wasn't listed: the next try removes what is there now. */
    if (r < 0 && why->reply < 500 && !why->lost && !job->known &&
        remote_look(l, job->remote, LOOK_KIND, &e, &other) == PRESENT) {
        job->known = e.sized;
        job->size = e.size;
        job->modified = e.modified;
        job->unique = e.unique;
    }
    if (r < 0 && why->reply >= 500 && !why->lost &&
        !t->client->options.recursive &&
        remote_look(l, job->remote, LOOK_KIND | LOOK_LINK, &e, &other) ==
            PRESENT &&
        e.kind == LISTED_DIRECTORY)
        fail(why, EX_USAGE, "is a directory; add -r");
    return r;
}

static int remove_name(struct tree *t, struct job *job, struct link *l,
                       bool directory, struct failure *why)
{
    struct failure other;

    if (t->client->options.dry_run) {
        progress_note("would remove /%s", job->remote);
        return 0;
    }
    int r = directory ? link_command(l, why, "RMD %s", job->remote)
                      : remove_file_there(t, job, l, why);
    /* This call may have removed the directory before a cut. */
    if (r < 0 && why->reply >= 500 && !why->lost && directory && job->again &&
        remote_exists(l, job->remote, &other) == ABSENT)
        r = 0;
    return r;
}

static int remove_file(void *of, struct job *job, struct link *l,
                       struct failure *why)
{
    return remove_name(of, job, l, false, why);
}

/* Ends the removal of a directory: removes it, unless a name in it stays. */
static int remove_directory(void *of, struct job *job, struct link *l,
                            struct failure *why)
{
    return job->stays ? 0 : remove_name(of, job, l, true, why);
}

static int remove_enter(void *of, struct job *job, struct link *l,
                        struct failure *why);

/* Makes the job for a file, or for a directory with its contents. */
static struct job remove_job(const struct listing_entry *e, struct job *above)
{
    bool directory = e->kind == LISTED_DIRECTORY;

    return (struct job){ .kind = directory ? JOB_WALK : JOB_CHANGE,
                         .step = directory ? remove_enter : remove_file,
                         .last = directory ? remove_directory : NULL,
                         .known = e->sized,
                         .size = e->size,
                         .modified = e->modified,
                         .unique = e->unique,
                         .depth = above ? above->depth + 1 : 0,
                         .above = above };
}

void remove_there(struct tree *t, struct job *job,
                  const struct listing_entry *e, const char *path)
{
    const struct job in = remove_job(e, job);

    jobs_add(&t->jobs, &in, "", path);
}

/* Enters a directory that will be removed. */
static int remove_enter(void *of, struct job *job, struct link *l,
                        struct failure *why)
{
    struct tree *t = of;
    int r = job->again ? remove_remains(job, l, why) : 1;

    /* A server can list a link as a directory: DELE removes the link, and never
     * a directory. */
    if (r > 0 && !t->client->options.dry_run)
        r = link_command(l, why, "DELE %s", job->remote);
    /* Unless the server has clearly refused, the name may be a link: then the
     * names in it belong to the link's target. */
    if (r < 0 && (why->reply < 500 || why->lost || link_interrupted))
        return -1;
    if (r == 0) {
        job->last = NULL;
        return 0;
    }
    return tree_list(t, job, l, true, remove_there, why);
}
