/* The command sync makes a directory of the server like a local one; with the
 * words in the other order, it makes a local one like the server's. It removes
 * nothing without --delete, and changes nothing with --dry-run. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "sallyport/base/fd.h"

static const struct tree_way sync_up, sync_down;

/* Do the checksums differ? Returns 0 or 1, or -1: they can't be compared. */
static int sync_differs(struct tree *t, const char *local, const char *remote,
                        uint64_t size)
{
    char here[DIGEST_HEX_MAX], there[REMOTE_HASH_MAX];
    FD_CLEANUP int fd = names_open(local, t->named, O_RDONLY | O_NONBLOCK);
    struct link *l = &t->client->link;
    struct retry retry = { 0 };
    struct failure why;
    struct checksum d;

    if (fd < 0 || !t->client->site.hash ||
        digest_begin(&d, t->client->site.hash) < 0)
        return -1;
    int r = digest_add_head(&d, fd, size, l);
    digest_end(&d, here);
    if (r < 0)
        return -1;
    do
        r = remote_hash(l, remote, size, there, &why);
    while (r < 0 && link_again(l, &retry, remote, &why));
    return r < 0 ? -1 : strcmp(here, there) != 0;
}

/* Gets the time of the entry's last change, which a listing without MLSD lacks;
 * 0: the server doesn't give it. Returns 0, or -1: the connection is cut. */
static int sync_time(struct tree *t, const char *remote,
                     const struct listing_entry *e, time_t *ret)
{
    struct failure why;

    *ret = e->modified;
    if (*ret == 0 && remote_time(&t->client->link, remote, ret, &why) < 0)
        return -1;
    if (*ret == 0 && !t->untimed)
        progress_note("the server gives no times: files of the same size count "
                      "as the same, unless --by-hash compares them");
    t->untimed |= *ret == 0;
    return 0;
}

/* Does an upload keep its time? If not, it would be sent again for ever. It is
 * tried once, with the time that the file has anyway. */
static bool sync_keeps_times(struct tree *t, const char *remote, time_t present)
{
    struct link *l = &t->client->link;
    struct failure why;

    if (t->times == TIMES_UNKNOWN) {
        bool stay =
            l->site->mfmt && (t->client->options.dry_run ||
                              remote_set_time(l, remote, present, &why) == 0);

        t->times = stay ? TIMES_STAY : TIMES_CHANGE;
    }
    return t->times == TIMES_STAY;
}

/* Seconds. Disks round times, and FAT rounds most: to this. */
#define TIME_STEP 2

/* Is a file to be transferred that has the same size on both sides? Its source
 * is newer by GAP seconds, which is less than 0 if it is older. The other time
 * may be that of the last transfer: a server or a disk may set its own time,
 * and the client sends no time before 1970. Then checksums decide, if the
 * server has them. */
static bool sync_gap_counts(struct tree *t, const char *local,
                            const char *remote, const struct stat *here,
                            time_t modified, time_t gap)
{
    if (gap > TIME_STEP)
        return true;
    int r = sync_differs(t, local, remote, (uint64_t)here->st_size);
    if (r >= 0)
        return r > 0;
    return gap > 0 || t->way == &sync_down ||
           (here->st_mtime > 0 && sync_keeps_times(t, remote, modified));
}

/* Does the size differ, or the time? */
static bool sync_changed(struct tree *t, const char *local, const char *remote,
                         const struct stat *here,
                         const struct listing_entry *there)
{
    time_t modified;

    if (!S_ISREG(here->st_mode) || (uint64_t)here->st_size != there->size)
        return true;
    if (t->client->options.by_hash)
        return sync_differs(t, local, remote, there->size) != 0;
    if (sync_time(t, remote, there, &modified) < 0)
        return true;
    if (modified == 0 || here->st_mtime == modified)
        return false;
    time_t later = here->st_mtime - modified;
    return sync_gap_counts(t, local, remote, here, modified,
                           t->way == &sync_down ? -later : later);
}

static void sync_failed(struct tree *t, int error, const char *local)
{
    struct failure why;

    fail_errno(&why, error, "");
    tree_failed(t, local, &why);
}

static bool sync_settled(struct tree *t, const char *local, const char *remote,
                         const struct stat *here,
                         const struct listing_entry *there)
{
    if (S_ISDIR(here->st_mode)) {
        sync_failed(t, EISDIR, local);
        return true;
    }
    bool same = there->kind == ENTRY_FILE &&
                !sync_changed(t, local, remote, here, there);
    t->same += same;
    return same;
}

/* A name that the listing lacks is asked for, so that only removals need the
 * whole of it. */
static void up_end(struct tree *t, int here, const char *remote,
                   const struct listing *there)
{
    if (!t->client->options.remove)
        return;
    tree_cut(t, remote, there);
    surplus_of_server(t, here, remote, there);
}

static const struct tree_way sync_up = { .settled = sync_settled,
                                         .up_end = up_end };

static void down_end(struct tree *t, const char *local,
                     const struct listing *there, int depth)
{
    if (t->client->options.remove)
        surplus_of_local(t, local, there, depth);
}

static const struct tree_way sync_down = { .settled = sync_settled,
                                           .down_end = down_end };

/* Prints "12 uploaded, 3 the same, 1 removed, 2 failed". */
static void sync_summary(const struct tree *t, bool up)
{
    static const char *const verbs[2][2] = { { "downloaded", "to download" },
                                             { "uploaded", "to upload" } };
    bool dry = t->client->options.dry_run;
    size_t failures = t->failed + t->jobs.failed;
    char left_out[48] = "", failed[48] = "";

    if (t->left_out > 0)
        snprintf(left_out, sizeof(left_out), ", %zu left out", t->left_out);
    if (failures > 0)
        snprintf(failed, sizeof(failed), ", %zu failed", failures);
    progress_note("%zu %s, %zu the same, %zu %s%s%s",
                  dry ? t->planned : t->jobs.done, verbs[up][dry], t->same,
                  t->removed, dry ? "to remove" : "removed", left_out, failed);
}

/* --max-delete. Returns an exit code. */
static int sync_count(const struct tree *t)
{
    uint64_t most = t->client->options.max_delete;
    size_t names = surplus_names(t);

    return names <= most || t->client->options.dry_run
               ? 0
               : client_refuse("--max-delete", EX_DATAERR,
                               "%zu files and directories would be removed, "
                               "more than %llu, so no file was transferred or "
                               "removed; --dry-run lists them",
                               names, (unsigned long long)most);
}

/* A file that has moved is in its new place before its old one goes. A failure
 * may be that of its new place. */
static void sync_remove(struct tree *t, const struct surplus_places *p)
{
    /* A login may be denied after the last file. */
    if (t->code == 0 && link_is_over() && surplus_names(t) > 0)
        t->code = EX_NOPERM;
    if (t->code == 0)
        surplus_remove(t, p);
    else if (surplus_names(t) > 0)
        progress_note("nothing is removed, since not all went well; the next "
                      "sync removes %zu files and directories",
                      surplus_names(t));
}

int cmd_sync(struct client *c, struct word *w, int n)
{
    bool up = w[1].remote;
    const struct surplus_places p = { w[up ? 0 : 1].text, w[up ? 1 : 0].path,
                                      up };
    struct tree t = { .client = c, .way = up ? &sync_up : &sync_down };

    (void)n;
    if (w[0].remote == w[1].remote)
        return client_refuse("sync", EX_USAGE,
                             "one of the two must be a local directory");
    /* Whatever a profile says: a file that didn't keep its time would be sent
     * again each time. */
    c->options.preserve = true;
    c->options.no_preserve = false;
    t.named = strlen(p.local);
    if (up)
        tree_up(&t, p.local, p.remote, 0);
    else
        tree_down(&t, p.remote, p.local, 0);
    int refused = sync_count(&t);
    if (refused == 0) {
        tree_keep(&t.code, client_run_jobs(c, &t.jobs));
        sync_remove(&t, &p);
        sync_summary(&t, up);
    }
    surplus_release(&t);
    jobs_release(&t.jobs);
    return refused ? refused : t.code;
}
