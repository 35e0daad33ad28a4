/* Removes names for rm and for sync --delete. Each removal is a job; in a sync,
 * removals come after all transfers. A directory is removed after its contents,
 * and only if all of the contents were removed. A listing can lack names
 * without a sign of it, so a sync asks the server for each local name before it
 * removes the name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands.h"
#include "sallyport/base/fd.h"

/* Before sync removes a name on the server: is the name still missing here? If
 * somebody has made it meanwhile, the server's name stays, with everything in
 * it. Looks only for the topmost name of a removal. */
static bool remove_is_gone(struct tree *t, const struct job *job)
{
    if (t->use != TREE_SYNCS || job->above)
        return true;
    if (job->replaced) {
        /* The source must be readable, and the server must take its name. */
        struct failure why;
        FD_CLEANUP int fd =
            names_open(job->local, job->named, O_RDONLY | O_NONBLOCK);
        int r = fd < 0 ? fail_errno(&why, errno, "")
                       : remote_keeps_name(&t->client->link, job->remote, &why);
        if (r < 0)
            tree_failed(t, job->local, &why);
        return r == 0;
    }
    FD_CLEANUP int at = names_open_above(job->local, job->named, O_PATH);
    struct stat st;
    return at >= 0 &&
           fstatat(at, url_base(job->local), &st, AT_SYMLINK_NOFOLLOW) < 0 &&
           errno == ENOENT;
}

static void remove_say(const struct tree *t, const char *slash,
                       const char *path)
{
    bool dry = t->client->options.dry_run;

    if (dry || t->use == TREE_SYNCS)
        progress_note("%s %s%s", dry ? "would remove" : "removing", slash,
                      path);
}

void remove_refuse(struct tree *t, const char *local)
{
    if (!jobs_ended(&t->jobs))
        jobs_fail(
            &t->jobs,
            client_refuse(local, EX_CANTCREAT,
                          "%s; remove these names, or exclude the directory, "
                          "too",
                          t->up ? "isn't uploaded, since the server's "
                                  "directory of this name has names that stay, "
                                  "such as excluded names"
                                : "isn't replaced: some names in the directory "
                                  "stay, such as excluded names"));
}

/* Names on the server. */

/* Checks after a cut. The server may have removed the file, and since then
 * somebody else may have made a file of this name. Returns 1: the listed file
 * is there; 0: there is no file; -1 with the reason. */
static int remove_remains(const struct job *job, struct link *l,
                          struct failure *why)
{
    struct listing_entry e;
    enum presence there =
        remote_look(l, job->remote, LOOK_KIND | LOOK_SIZE, &e, why);

    if (there == PRESENCE_UNKNOWN)
        return -1;
    if (there == ABSENT)
        return 0;
    if (there == PRESENT && job->known && e.size == job->size &&
        e.modified == job->modified)
        return 1;
    return fail(why, EX_TEMPFAIL,
                "not removed: the connection was cut during the removal, and "
                "another file may have this name now");
}

/* Removes a file. If DELE fails without -r, asks whether the name is a
 * directory, since servers refuse a directory with different texts. */
static int remove_file_there(const struct tree *t, const struct job *job,
                             struct link *l, struct failure *why)
{
    struct failure other;
    struct listing_entry e;
    int r = job->again ? remove_remains(job, l, why) : 1;

    if (r > 0)
        r = link_command(l, why, "DELE %s", job->remote);
    if (r < 0 && why->reply >= 500 && !why->lost && t->use != TREE_SYNCS &&
        !t->client->options.recursive &&
        remote_look(l, job->remote, LOOK_KIND | LOOK_LINK, &e, &other) ==
            PRESENT &&
        e.kind == LISTED_DIRECTORY)
        fail(why, EX_USAGE, "is a directory; add -r");
    return r;
}

/* Queues the job that waited for this removal. If the directory STAYS, refuses
 * that job instead. */
static void remove_follow(struct tree *t, struct job *job, bool stays)
{
    if (job->after && stays) {
        remove_refuse(t, job->local);
    } else if (job->after) {
        jobs_queue(&t->jobs, job->after);
        job->after = NULL;
    }
}

static int remove_name(struct tree *t, struct job *job, struct link *l,
                       bool directory, struct failure *why)
{
    struct failure other;
    int r = 0;

    if (!job->again)
        remove_say(t, "/", job->remote);
    if (!t->client->options.dry_run) {
        r = directory ? link_command(l, why, "RMD %s", job->remote)
                      : remove_file_there(t, job, l, why);
        /* Another call may have removed the name, or this call before a cut. */
        if (r < 0 && why->reply >= 500 && !why->lost &&
            (t->use == TREE_SYNCS || (directory && job->again)) &&
            remote_exists(l, job->remote, &other) == ABSENT)
            r = 0;
    }
    t->removed += r == 0;
    if (r == 0)
        remove_follow(t, job, false);
    return r;
}

static int remove_file(void *of, struct job *job, struct link *l,
                       struct failure *why)
{
    return remove_is_gone(of, job) ? remove_name(of, job, l, false, why) : 0;
}

/* Ends the removal of a directory: removes it, unless a name in it stays. */
static int remove_directory(void *of, struct job *job, struct link *l,
                            struct failure *why)
{
    if (!job->stays)
        return remove_name(of, job, l, true, why);
    remove_follow(of, job, true);
    return 0;
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

/* Enters a directory that will be removed. rm lists it now. sync listed it
 * during the walk, so names that others have stored there since then stay. */
static int remove_enter(void *of, struct job *job, struct link *l,
                        struct failure *why)
{
    struct tree *t = of;
    struct failure other;
    struct job *held;

    if (!remove_is_gone(t, job)) {
        job->last = NULL;
        return 0;
    }
    /* The directory stays, since names in it are excluded; the others go. */
    if (job->stays) {
        int linked = remote_is_link(l, job->remote, why);

        while (linked == 0 && (held = jobs_pop(&job->held)))
            jobs_queue(&t->jobs, held);
        return linked < 0 ? -1 : 0;
    }
    /* A server can list a link as a directory: DELE removes the link, and never
     * a directory. */
    int r = t->client->options.dry_run
                ? 1
                : link_command(l, why, "DELE %s", job->remote);
    /* Unless the server has clearly refused, the name may be a link: then the
     * names in it belong to the link's target. Without the right to remove it,
     * a link gets the same reply as a directory. But a Sallyport lists no link
     * as a directory, and IIS, without MLST, denies each directory. */
    if (r < 0 && (why->reply < 500 || why->lost || link_interrupted ||
                  (l->site->mlst && !l->site->atomic &&
                   remote_lacks_right(l, job->remote))))
        return -1;
    /* The try before a cut has removed the link. */
    if (r < 0 && job->again && remote_exists(l, job->remote, &other) == ABSENT)
        r = 0;
    if (r == 0) {
        remove_say(t, "/", job->remote);
        t->removed++;
        job->last = NULL;
        remove_follow(t, job, false);
        return 0;
    }
    if (t->use != TREE_SYNCS)
        return tree_list(t, job, l, true, remove_there, why);
    while ((held = jobs_pop(&job->held)))
        jobs_queue(&t->jobs, held);
    return 0;
}

/* Local names. */

static bool local_inside(struct tree *t, const struct job *job, int at,
                         const char *path, int depth, size_t *count);

/* Adds PATH, a name in the open directory AT, and all names in it to *COUNT. If
 * COUNT is NULL, removes these names instead. Excluded names stay, and those
 * that stand for another name of the server, with the directories above them.
 * Follows no link. Returns false if a name stays. */
static bool local_name(struct tree *t, const struct job *job, int at,
                       const char *path, int depth, size_t *count)
{
    struct stat st;

    if (fstatat(at, url_base(path), &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT;
    bool directory = S_ISDIR(st.st_mode);
    if ((!count && names_are_kept(&st)) ||
        tree_excludes(t, path, job->named, directory) ||
        (directory && !local_inside(t, job, at, path, depth, count)) ||
        jobs_ended(&t->jobs))
        return false;
    if (count) {
        ++*count;
        return true;
    }
    remove_say(t, "", path);
    if (!t->client->options.dry_run &&
        unlinkat(at, url_base(path), directory ? AT_REMOVEDIR : 0) < 0 &&
        errno != ENOENT) {
        tree_failed_errno(t, path);
        return false;
    }
    t->removed++;
    return true;
}

static bool local_inside(struct tree *t, const struct job *job, int at,
                         const char *path, int depth, size_t *count)
{
    int fd = depth < TREE_DEPTH_MAX
                 ? openat(at, url_base(path),
                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                 : -1;
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    char below[PATH_MAX];
    struct dirent *e;
    bool empty = true;

    while (d && (e = tree_readdir(t, d, path)))
        if (!tree_is_dots(e->d_name))
            empty &= tree_join(path, e->d_name, below, sizeof(below)) == 0 &&
                     local_name(t, job, fd, below, depth + 1, count);
    if (d)
        closedir(d);
    else
        fd_close(&fd);
    return empty;
}

static int local_remove(void *of, struct job *job, struct link *l,
                        struct failure *why)
{
    struct tree *t = of;
    enum presence there =
        job->replaced ? ABSENT : remote_exists(l, job->remote, why);
    size_t count = 0;

    if (there == PRESENT) {
        fail(why, EX_PROTOCOL,
             "not removed: the server has this name, but doesn't list it");
        tree_failed(t, job->local, why);
    }
    if (there != ABSENT)
        return there == PRESENT ? 0 : -1;
    if (job->after && remote_see(l, job->remote, why) < 0)
        return -1;
    FD_CLEANUP int at = names_open_above(job->local, job->named, O_PATH);
    if (at < 0) {
        tree_failed_errno(t, job->local);
        return 0;
    }
    local_name(t, job, at, job->local, 0, &count);
    bool grown = count > job->size; /* then --max-delete didn't count all */
    if (grown) {
        fail(why, EX_DATAERR,
             "not removed: it got new files or directories during the sync");
        tree_failed(t, job->local, why);
    }
    bool stays = grown || !local_name(t, job, at, job->local, 0, NULL);
    if (stays && job->replaced && !job->after)
        return fail(why, EX_CANTCREAT, "not replaced: some names in it stay");
    remove_follow(t, job, stays);
    return 0;
}

static int remove_list(void *of, struct job *job, struct link *l,
                       struct failure *why);

/* Makes the removal JOB, and holds it in IN. For a directory, also adds the job
 * that lists it. That job is part of WALK, the job that has found the
 * directory: so WALK's last step comes when all removals in the directory are
 * held. Returns NULL if JOB can't be made. */
static struct job *remove_hold(struct tree *t, struct job *walk, struct job *in,
                               struct job job, const char *local,
                               const char *remote)
{
    struct job *held = jobs_make(&t->jobs, &job, local, remote);
    const struct job list = { .kind = JOB_WALK,
                              .step = remove_list,
                              .root = walk->root,
                              .depth = job.depth,
                              .unique = job.unique,
                              .removal = held,
                              .above = walk };

    if (!held)
        return NULL;
    t->surplus++;
    pthread_mutex_lock(&t->lock);
    jobs_push(&in->held, held);
    pthread_mutex_unlock(&t->lock);
    if (job.last)
        jobs_add(&t->jobs, &list, "", remote);
    return held;
}

static void remove_list_each(struct tree *t, struct job *job,
                             const struct listing_entry *e, const char *path)
{
    struct job *in = job->removal;

    if (!tree_excludes(t, path, job->root, e->kind == LISTED_DIRECTORY)) {
        remove_hold(t, job, in, remove_job(e, in), "", path);
        return;
    }
    /* Excluded names stay, and the directories above them. */
    pthread_mutex_lock(&t->lock);
    for (; in && !in->stays; in = in->above) {
        in->stays = true;
        t->surplus--;
    }
    pthread_mutex_unlock(&t->lock);
}

static int remove_list(void *of, struct job *job, struct link *l,
                       struct failure *why)
{
    return tree_list(of, job, l, true, remove_list_each, why);
}

struct job *remove_hold_there(struct tree *t, struct job *dir,
                              const char *local, const char *remote,
                              const struct listing_entry *e)
{
    struct job job = remove_job(e, NULL);

    job.named = dir->named;
    return remove_hold(t, dir, dir, job, local, remote);
}

struct job *remove_hold_here(struct tree *t, const struct job *dir,
                             const char *local, const char *remote)
{
    struct job job = { .kind = JOB_CHANGE,
                       .step = local_remove,
                       .named = dir->named };
    FD_CLEANUP int at = names_open_above(local, dir->named, O_PATH);
    size_t count = 0;

    job.stays = at >= 0 && !local_name(t, dir, at, local, 0, &count);
    job.size = count;
    struct job *held =
        count > 0 ? jobs_make(&t->jobs, &job, local, remote) : NULL;
    if (!held)
        return NULL;
    t->surplus += count;
    pthread_mutex_lock(&t->lock);
    jobs_push(&t->jobs.later, held);
    pthread_mutex_unlock(&t->lock);
    return held;
}
