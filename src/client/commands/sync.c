/* The command "sync DIR URL" makes the server's directory like the local
 * directory; "sync URL DIR" makes the local directory like the server's. A sync
 * removes nothing, and changes nothing with --dry-run. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands.h"
#include "sallyport/base/fd.h"

/* Compares the checksums. Returns 0: they are the same; 1: they differ, or the
 * connection was lost; -1: they can't be compared. */
static int sync_differs(struct job *job, struct link *l, struct failure *why)
{
    FD_CLEANUP int fd =
        names_open(job->local, job->named, O_RDONLY | O_NONBLOCK);
    struct file_transfer both = {
        .link = l, .job = job, .fd = fd, .done = job->size
    };

    if (fd < 0 || digest_begin(&both.digest, l->site->hash) < 0)
        return -1;
    snprintf(both.remote, sizeof(both.remote), "%s", job->remote);
    digest_follow(&both.digest, fd, &both.done, l);
    int r =
        transfer_compare(&both, (struct remote_range){ .to = job->size }, why);
    digest_end(&both.digest, NULL);
    if (r == 1 && why->reply == 451)
        progress_note("%s: the checksum wasn't compared: %s", job->remote,
                      why->text);
    return r == 1 ? -1 : r < 0;
}

/* Corrects the time of a copy with the same bytes: transfer_time() gave it the
 * second before. HERE is the local file's state before the comparison; if it
 * has changed since, the next sync decides. */
static void sync_set_time(const struct tree *t, const struct job *job,
                          struct link *l, const struct stat *here, time_t there)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                 { .tv_sec = there } };
    FD_CLEANUP int fd =
        names_open(job->local, job->named, O_RDONLY | O_NONBLOCK);
    struct failure why;
    struct stat now;

    if (t->client->options.dry_run || fd < 0 || fstat(fd, &now) < 0 ||
        !source_is_same(&now, here))
        return;
    if (t->up)
        remote_set_time(l, job->remote, here->st_mtime, &why);
    else
        futimens(fd, times);
}

/* Seconds by which disks round times; FAT rounds most. */
#define TIME_STEP 2

/* Must the file be transferred, if the sizes are equal and the times differ?
 * Yes if the source is newer by more than TIME_STEP. Otherwise checksums
 * decide, since the copy may have the time of its transfer. If the server gives
 * no checksum, always yes. */
static bool sync_gap_counts(struct tree *t, struct job *job, struct link *l,
                            const struct stat *local, time_t there,
                            struct failure *why)
{
    time_t here = local->st_mtime, gap = t->up ? here - there : there - here;

    if (gap > TIME_STEP)
        return true;
    /* The source can change once more in the second of its time. */
    const bool young =
        source_is_young(t->up ? here : there, time(NULL), CLOCKS_APART);
    int r = t->client->options.by_hash ? -1 : sync_differs(job, l, why);
    if (r == 0 && gap == 1 && !young)
        sync_set_time(t, job, l, local, there);
    return r != 0;
}

/* Must a file be transferred that has the same size on both sides? */
static bool sync_changed(struct tree *t, struct job *job, struct link *l,
                         struct failure *why)
{
    struct stat here;

    const bool by_hash = t->client->options.by_hash || (!t->up && job->twin);
    int r = by_hash ? sync_differs(job, l, why) : 0;

    /* If only the server's time limit is too short, size and time decide. */
    if (by_hash && (r >= 0 || why->reply != 451))
        return r != 0;
    return lstat(job->local, &here) < 0 ||
           (here.st_mtime != job->modified &&
            sync_gap_counts(t, job, l, &here, job->modified, why));
}

static void sync_add(struct tree *t, const struct job *job)
{
    struct job transfer = *job;

    transfer.kind = t->up ? JOB_PUT : JOB_GET;
    tree_add(t, &transfer, job->local, job->remote);
}

/* Remembers a file that is the same here. Is it the file of another name of the
 * server, on a disk that folds names? Then it isn't the same. */
static bool sync_is_others(const struct tree *t, const struct job *job,
                           const struct stat *here)
{
    return !t->up && names_keep(here) == 1 &&
           (here->st_nlink == 1 || job->twin);
}

/* Compares a file, and adds its transfer if it has changed. */
static int sync_compare(void *of, struct job *job, struct link *l,
                        struct failure *why)
{
    struct tree *t = of;
    struct stat here;

    *why = (struct failure){ 0 };
    bool changed = sync_changed(t, job, l, why);
    if (why->lost)
        return -1;
    if (changed ||
        (lstat(job->local, &here) == 0 && sync_is_others(t, job, &here)))
        sync_add(t, job);
    else
        t->same++;
    return 0;
}

/* Refuses a name that is a directory on one side and a file on the other. */
static void sync_refuse(struct tree *t, const char *local,
                        const struct stat *here,
                        const struct listing_entry *there)
{
    static const char *const kinds[] = { [LISTED_FILE] = "a file",
                                         [LISTED_DIRECTORY] = "a directory",
                                         [LISTED_OTHER] =
                                             "a link or a special file" };
    const char *kind = S_ISDIR(here->st_mode)   ? "directory"
                       : S_ISLNK(here->st_mode) ? "link"
                                                : "file";

    jobs_fail(&t->jobs,
              client_refuse(local, EX_CANTCREAT,
                            "is a %s here, and %s on the server: remove one "
                            "of them",
                            kind, kinds[there->kind]));
}

/* If the two files have the same size, but different times or no time, a job of
 * its own compares them: that can take long. */
bool sync_settled(struct tree *t, struct job *job, const char *local,
                  const struct stat *here, const struct listing_entry *there)
{
    if (!t->up && !S_ISREG(here->st_mode) && !S_ISDIR(here->st_mode)) {
        jobs_fail(&t->jobs,
                  client_refuse(local, EX_CANTCREAT,
                                "here it is a link or a special file, on the "
                                "server a file: remove one of them"));
        return true;
    }
    if (S_ISDIR(here->st_mode) != (there->kind == LISTED_DIRECTORY)) {
        sync_refuse(t, local, here, there);
        return true;
    }
    if (there->kind != LISTED_FILE || !there->sized ||
        !S_ISREG(here->st_mode) || (uint64_t)here->st_size != there->size)
        return false;
    if (!t->client->options.by_hash && (t->up || !job->twin) &&
        here->st_mtime == there->modified) {
        if (sync_is_others(t, job, here))
            return false;
        t->same++;
        return true;
    }
    job->kind = JOB_CHANGE;
    job->step = sync_compare;
    job->modified = there->modified;
    return false;
}

/* Prints "12 uploaded, 3 the same, 2 failed". */
static void sync_summary(const struct tree *t)
{
    static const char *const verbs[2][2] = { { "downloaded", "to download" },
                                             { "uploaded", "to upload" } };
    bool dry = t->client->options.dry_run;
    size_t failures = t->jobs.failed + t->jobs.lost;
    char left_out[48] = "", failed[48] = "";

    if (t->left_out > 0)
        snprintf(left_out, sizeof(left_out), ", %zu left out", t->left_out);
    if (failures > 0)
        snprintf(failed, sizeof(failed), ", %zu failed", failures);
    progress_note("%zu %s, %zu the same%s%s", dry ? t->planned : t->jobs.done,
                  verbs[t->up][dry], t->same, left_out, failed);
}

int cmd_sync(struct client *c, struct word *w, int n)
{
    bool up = w[1].remote;
    struct tree t;

    (void)n;
    if (w[0].remote == w[1].remote)
        return client_refuse("sync", EX_USAGE,
                             "needs a local directory and a directory on the "
                             "server");
    /* Ignore no-preserve of a profile: otherwise files would get new times, and
     * each sync would send them again. */
    c->options.no_preserve = false;
    tree_begin(&t, c, TREE_SYNCS, up);
    tree_walk(&t, strlen(w[!up].text), w[!up].text, w[up].path, true);
    jobs_run(&t.jobs, &c->site, &c->link);
    sync_summary(&t);
    return tree_end(&t);
}
