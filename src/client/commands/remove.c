/* Removals are jobs: those of rm, and those of sync --delete, which come after
 * all transfers. A directory goes after what is in it, and stays if any of that
 * does. A listing may lack names without saying so, so sync asks the server for
 * each local name before it is removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "sallyport/base/fd.h"

/* rm has no way. */
static bool remove_is_here(const struct tree *t)
{
    return t->way && !t->way->up;
}

/* Writes the directory of the local path. */
static const char *remove_above(const char *local, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%.*s", (int)(url_base(local) - local), local);
    return out[0] ? out : ".";
}

static int remove_open_above(const struct job *job)
{
    char above[PATH_MAX];

    return names_open(remove_above(job->local, above), job->named,
                      O_PATH | O_DIRECTORY);
}

/* Is the name still missing in its local directory? */
static bool remove_is_gone_here(const struct job *job)
{
    FD_CLEANUP int at = remove_open_above(job);
    struct stat st;

    return at >= 0 &&
           fstatat(at, url_base(job->local), &st, AT_SYMLINK_NOFOLLOW) < 0 &&
           errno == ENOENT;
}

/* Returns 1: it is gone; 0: it is there, which was printed; or -1. */
static int remove_is_gone_there(struct tree *t, const struct job *job,
                                struct link *l, struct failure *why)
{
    enum presence there = remote_exists(l, job->remote, why);

    if (there != PRESENT)
        return there == ABSENT ? 1 : -1;
    fail(why, EX_PROTOCOL,
         "stays: the server has it, but its listing lacks it");
    tree_failed(t, job->local, why);
    return 0;
}

/* A name of sync whose directory both sides have is looked for on the other
 * side. If it is there now, it stays with all that is in it. Returns 1: it is
 * gone; 0: it stays; or -1 with the reason. */
static int remove_is_gone(struct tree *t, const struct job *job, struct link *l,
                          struct failure *why)
{
    if (!t->way || job->above)
        return 1;
    return t->way->up ? remove_is_gone_here(job)
                      : remove_is_gone_there(t, job, l, why);
}

static void remove_say(struct tree *t, const struct job *job)
{
    bool here = remove_is_here(t), dry = t->client->options.dry_run;

    if (!job->again && (dry || t->way))
        progress_note("%s %s%s", dry ? "would remove" : "removing",
                      here ? "" : "/", here ? job->local : job->remote);
}

static int remove_here(const struct job *job, bool directory,
                       struct failure *why)
{
    FD_CLEANUP int at = remove_open_above(job);
    int flags = directory ? AT_REMOVEDIR : 0;

    return at >= 0 && unlinkat(at, url_base(job->local), flags) == 0
               ? 0
               : fail_errno(why, errno, "");
}

/* A removal was cut, perhaps after the server had done it: since then somebody
 * else may have made a file of this name. Returns 1: the file that was listed
 * is there; 0: none is; or -1 with the reason. */
static int remove_remains(const struct job *job, struct link *l,
                          struct failure *why)
{
    struct listing_entry e;
    enum presence there = remote_stat(l, job->remote, &e, why);

    if (there == PRESENCE_UNKNOWN)
        return -1;
    if (there == ABSENT && !remote_lacks_right(l))
        return 0;
    if (there == PRESENT && job->known && e.size == job->size &&
        e.modified == job->modified)
        return 1;
    return fail(why, EX_TEMPFAIL,
                "the connection was cut during its removal; what has the name "
                "now may be another file, so it stays");
}

/* Servers use different texts for "DELE isn't for directories". */
static int remove_file_there(struct tree *t, const struct job *job,
                             struct link *l, struct failure *why)
{
    struct failure other;
    struct listing_entry e;
    int r = job->again ? remove_remains(job, l, why) : 1;

    if (r > 0)
        r = remote_remove(l, job->remote, why);
    if (r < 0 && why->reply >= 500 && !t->way &&
        !t->client->options.recursive &&
        remote_stat(l, job->remote, &e, &other) == PRESENT &&
        e.kind == ENTRY_DIRECTORY)
        fail(why, EX_USAGE, "is a directory; add -r");
    return r;
}

/* The reply may have been lost with the connection. */
static int remove_directory_there(const struct job *job, struct link *l,
                                  struct failure *why)
{
    struct failure other;
    int r = remote_rmdir(l, job->remote, why);

    return r < 0 && why->reply >= 500 && job->again &&
                   remote_exists(l, job->remote, &other) == ABSENT
               ? 0
               : r;
}

static int remove_name(struct tree *t, struct job *job, struct link *l,
                       bool directory, struct failure *why)
{
    int r = 0;

    remove_say(t, job);
    if (!t->client->options.dry_run && !remove_is_here(t))
        r = directory ? remove_directory_there(job, l, why)
                      : remove_file_there(t, job, l, why);
    else if (!t->client->options.dry_run && remove_here(job, directory, why)) {
        tree_failed(t, job->local, why);
        job->stays = true;
        return 0;
    }
    t->removed += r == 0;
    return r;
}

static int remove_file(void *of, struct job *job, struct link *l,
                       struct failure *why)
{
    int r = remove_is_gone(of, job, l, why);

    return r > 0 ? remove_name(of, job, l, false, why) : r;
}

/* The end of a directory. */
static int remove_directory(void *of, struct job *job, struct link *l,
                            struct failure *why)
{
    return job->stays ? 0 : remove_name(of, job, l, true, why);
}

static int remove_enter(void *of, struct job *job, struct link *l,
                        struct failure *why);

/* A file, or a directory with what is in it. */
static struct job remove_job(const struct listing_entry *e, struct job *above)
{
    bool directory = e->kind == ENTRY_DIRECTORY;

    return (struct job){ .kind = directory ? JOB_WALK : JOB_CHANGE,
                         .step = directory ? remove_enter : remove_file,
                         .last = directory ? remove_directory : NULL,
                         .known = e->sized,
                         .size = e->size,
                         .modified = e->modified,
                         .depth = above ? above->depth + 1 : 0,
                         .above = above };
}

static void remove_each(struct tree *t, struct job *job,
                        const struct listing_entry *e, const char *path)
{
    const struct job in = remove_job(e, job);

    jobs_add(&t->jobs, &in, "", path);
}

/* Some servers list a link to a directory as a directory. What it leads to must
 * stay: DELE removes a link, and no directory. Returns true: it was one. */
static bool remove_was_link(struct tree *t, struct job *job, struct link *l)
{
    struct failure why;

    if (remove_is_here(t) || t->client->options.dry_run ||
        remote_remove(l, job->remote, &why) < 0)
        return false;
    remove_say(t, job);
    t->removed++;
    job->last = NULL;
    return true;
}

/* rm lists the directory now; sync has done so in its walk. */
static int remove_enter(void *of, struct job *job, struct link *l,
                        struct failure *why)
{
    struct tree *t = of;
    struct job *held;
    int r = remove_is_gone(t, job, l, why);

    job->stays |= r == 0;
    if (r <= 0 || remove_was_link(t, job, l))
        return r < 0 ? -1 : 0;
    if (!t->way)
        return tree_list(t, job, l, true, remove_each, why);
    while ((held = jobs_pop(&job->held)))
        jobs_queue(&t->jobs, held);
    return 0;
}

void remove_there(struct tree *t, const char *path,
                  const struct listing_entry *e)
{
    const struct job job = remove_job(e, NULL);

    jobs_add(&t->jobs, &job, "", path);
}

/* What sync --delete removes. */

/* What is excluded stays, with the directories above. */
static void surplus_keep(struct tree *t, struct job *directory)
{
    pthread_mutex_lock(&t->lock);
    for (; directory && !directory->stays; directory = directory->above) {
        directory->stays = true;
        t->surplus--;
    }
    pthread_mutex_unlock(&t->lock);
}

/* Holds the removal of a name until all transfers are over. Returns its job, or
 * NULL. */
static struct job *surplus_hold(struct tree *t, struct job *above, size_t named,
                                const char *local, const char *remote,
                                const struct listing_entry *e)
{
    struct job job = remove_job(e, above);

    job.named = named;
    struct job *held = jobs_make(&t->jobs, &job, local, remote);
    if (!held)
        return NULL;
    pthread_mutex_lock(&t->lock);
    jobs_push(above ? &above->held : &t->jobs.later, held);
    t->surplus++;
    pthread_mutex_unlock(&t->lock);
    return held;
}

static int surplus_list(void *of, struct job *job, struct link *l,
                        struct failure *why);

/* Holds the removal of a name on the server; and adds the job that lists it, if
 * it is a directory. */
static void surplus_of_entry(struct tree *t, struct job *above,
                             const char *local, const char *remote, size_t root,
                             size_t named, const struct listing_entry *e)
{
    bool directory = e->kind == ENTRY_DIRECTORY;

    if (tree_excludes(t, remote, root, directory)) {
        surplus_keep(t, above);
        return;
    }
    struct job *held = surplus_hold(t, above, named, local, remote, e);
    const struct job list = { .kind = JOB_WALK,
                              .step = surplus_list,
                              .root = root,
                              .depth = above ? above->depth + 1 : 0,
                              .about = held };
    if (held && directory)
        jobs_add(&t->jobs, &list, "", remote);
}

static void surplus_each(struct tree *t, struct job *job,
                         const struct listing_entry *e, const char *path)
{
    surplus_of_entry(t, job->about, "", path, job->root, 0, e);
}

static int surplus_list(void *of, struct job *job, struct link *l,
                        struct failure *why)
{
    return tree_list(of, job, l, true, surplus_each, why);
}

void surplus_of_server(struct tree *t, const struct job *job, int here,
                       const struct listing *there)
{
    char local[PATH_MAX], remote[URL_PATH_MAX];
    struct stat st;

    for (size_t i = 0; i < there->count && !jobs_ended(&t->jobs); i++) {
        const struct listing_entry *e = &there->entry[i];

        if (!part_is_name(e->name) &&
            fstatat(here, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
            errno == ENOENT && tree_paths(t, job, e->name, local, remote))
            surplus_of_entry(t, NULL, local, remote, job->root, job->named, e);
    }
}

/* Holds the removal of NAME, with all that is in it, from the open directory
 * AT, whose path is DIR. No link is followed. */
static void surplus_of_name(struct tree *t, struct job *above, int at,
                            const char *dir, const char *name,
                            const char *remote, size_t named)
{
    char path[PATH_MAX];
    struct dirent *e;
    struct stat st;

    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        tree_join(dir, name, path, sizeof(path)) < 0 ||
        tree_excludes(t, path, named, S_ISDIR(st.st_mode))) {
        surplus_keep(t, above);
        return;
    }
    const struct listing_entry entry = { .kind = S_ISDIR(st.st_mode)
                                                     ? ENTRY_DIRECTORY
                                                     : ENTRY_FILE };
    struct job *held = surplus_hold(t, above, named, path, remote, &entry);
    if (!held || !S_ISDIR(st.st_mode))
        return;
    int fd =
        held->depth < TREE_DEPTH_MAX
            ? openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            : -1;
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    while (d && !jobs_ended(&t->jobs) && (e = tree_readdir(t, d, path)))
        if (!tree_is_dots(e->d_name))
            surplus_of_name(t, held, fd, path, e->d_name, "", named);
    if (d)
        closedir(d);
    else
        fd_close(&fd);
}

/* Partial files belong to other transfers. Some servers answer that nothing is
 * in a directory which the account may not enter. */
int surplus_of_local(struct tree *t, const struct job *job, struct link *l,
                     const struct listing *there, struct failure *why)
{
    DIR *d = tree_opendir(job->local, job->named);
    char local[PATH_MAX], remote[URL_PATH_MAX];
    bool entered = false;
    struct dirent *e;
    int r = 0;

    if (!d && errno != ENOENT) {
        fail_errno(why, errno, "");
        tree_failed(t, job->local, why);
    }
    while (r == 0 && d && !jobs_ended(&t->jobs) &&
           (e = tree_readdir(t, d, job->local))) {
        if (tree_is_dots(e->d_name) || part_is_name(e->d_name) ||
            listing_find(there, e->d_name) ||
            !tree_paths(t, job, e->d_name, local, remote))
            continue;
        if (!entered)
            r = remote_enter(l, job->remote, why);
        entered = true;
        if (r == 0)
            surplus_of_name(t, NULL, dirfd(d), job->local, e->d_name, remote,
                            job->named);
    }
    if (d)
        closedir(d);
    return r;
}

void surplus_remove(struct tree *t)
{
    struct job *job;

    while ((job = jobs_pop(&t->jobs.later)))
        jobs_queue(&t->jobs, job);
}
