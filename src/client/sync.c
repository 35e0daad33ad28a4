/* The command sync makes a directory of the server like a local one; with the
 * words in the other order, it makes a local one like the server's. It removes
 * nothing without --delete, and changes nothing with --dry-run. */
#include <dirent.h>
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

/* Do the checksums differ? A file that can't be compared counts as changed. */
static bool sync_differs(struct tree *t, const char *local, const char *remote,
                         uint64_t size)
{
    char here[DIGEST_HEX_MAX], there[REMOTE_HASH_MAX];
    FD_CLEANUP int fd = names_open(local, t->named, O_RDONLY | O_NONBLOCK);
    struct failure why;
    struct digest d;

    if (fd < 0 || !t->client->site.hash ||
        digest_begin(&d, t->client->site.hash) < 0)
        return true;
    int r = digest_add_head(&d, fd, size);
    digest_end(&d, here);
    return r < 0 ||
           remote_hash(&t->client->link, remote, size, there, &why) < 0 ||
           strcmp(here, there) != 0;
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

/* Is the file newer where it comes from, or does its size differ? */
static bool sync_changed(struct tree *t, const char *local, const char *remote,
                         const struct stat *here,
                         const struct listing_entry *there)
{
    time_t modified;

    if (!S_ISREG(here->st_mode) || (uint64_t)here->st_size != there->size)
        return true;
    if (t->client->options.by_hash)
        return sync_differs(t, local, remote, there->size);
    if (sync_time(t, remote, there, &modified) < 0)
        return true;
    return t->way == &sync_up ? modified > 0 && here->st_mtime > modified
                              : modified > here->st_mtime;
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

/* Lists REMOTE, and makes it if it is missing. */
static int up_list(struct tree *t, const char *remote, struct listing *ret,
                   struct failure *why)
{
    struct link *l = &t->client->link;
    struct listing_entry e;
    enum presence r = remote_stat(l, remote, &e, why);

    *ret = (struct listing){ .whole = true };
    if (r == ABSENT && t->client->options.dry_run)
        return 0;
    if (r == ABSENT)
        return remote_mkdir(l, remote, why) < 0 ? -1 : 0;
    return r < 0 ? -1 : remote_list(l, remote, ret, why);
}

/* Removes files that are on the server but not in the local directory. */
static void up_surplus(struct tree *t, int here, const char *remote,
                       const struct listing *there)
{
    struct tree_removal gone = { .says = true, .of = t };
    char path[URL_PATH_MAX];
    struct stat st;

    if (!t->client->options.remove || t->jobs.full)
        return;
    for (size_t i = 0; i < there->count && !link_interrupted; i++) {
        const struct listing_entry *e = &there->entry[i];

        if (!part_is_name(e->name) &&
            fstatat(here, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
            errno == ENOENT && url_join(remote, e->name, path) == 0)
            tree_keep(&t->code, tree_remove(t->client, path, e, &gone));
    }
    t->removed += gone.removed;
    t->failed += gone.failed;
}

static const struct tree_way sync_up = { .list = up_list,
                                         .settled = sync_settled,
                                         .up_end = up_surplus };

static bool down_excludes(const struct tree *t, const char *path,
                          bool directory)
{
    path += t->named;
    return options_exclude(&t->client->options, path + (path[0] == '/'),
                           directory);
}

/* Removes NAME, with all that is in it, from the open directory AT, whose path
 * is DIR. A link is removed, and never followed. Returns false if it stays. */
static bool down_remove(struct tree *t, int at, const char *dir,
                        const char *name, int depth)
{
    char path[PATH_MAX];
    struct failure why;
    struct dirent *e;
    struct stat st;
    bool empty = true;
    int flags = 0;

    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        tree_join(dir, name, path, sizeof(path)) < 0 ||
        down_excludes(t, path, S_ISDIR(st.st_mode)))
        return false;
    if (S_ISDIR(st.st_mode) && depth < TREE_DEPTH_MAX) {
        int fd =
            openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);

        flags = AT_REMOVEDIR;
        while (d && (e = readdir(d)) && !link_interrupted)
            if (!tree_is_dots(e->d_name))
                empty &= down_remove(t, fd, path, e->d_name, depth + 1);
        if (d)
            closedir(d);
        else
            fd_close(&fd);
    }
    if (!empty)
        return false;
    if (!t->client->options.dry_run && !tree_may_remove(t, t->removed, &why)) {
        tree_failed(t, path, &why);
        return false;
    }
    progress_note("%s %s",
                  t->client->options.dry_run ? "would remove" : "removing",
                  path);
    if (!t->client->options.dry_run && unlinkat(at, name, flags) < 0) {
        sync_failed(t, errno, path);
        return false;
    }
    t->removed++;
    return true;
}

static bool down_is_surplus(const char *name, const struct listing *there)
{
    return !tree_is_dots(name) && !part_is_name(name) &&
           !listing_find(there, name);
}

/* Is the listing enough to remove what it lacks? */
static bool down_is_sure(struct tree *t, const char *remote,
                         const struct listing *there)
{
    struct failure why;
    int r = there->whole ? remote_enter(&t->client->link, remote, &why)
                         : fail(&why, EX_PROTOCOL,
                                LISTING_CUT ", so nothing is removed");

    if (r < 0)
        tree_failed(t, remote, &why);
    return r == 0;
}

/* Removes files that are in the local directory but not on the server. Partial
 * files belong to other transfers. */
static void down_surplus(struct tree *t, const char *remote, const char *local,
                         const struct listing *there, int depth)
{
    struct dirent *e;
    struct failure why;
    bool sure = false;

    if (there->refused > 0) {
        fail(&why, EX_PROTOCOL, LISTING_REFUSED ", and nothing is removed");
        tree_failed(t, remote, &why);
        return;
    }
    if (!t->client->options.remove || t->jobs.full)
        return;
    DIR *d = tree_opendir(t, local);

    if (!d && errno != ENOENT)
        sync_failed(t, errno, local);
    while (d && (e = readdir(d)) && !link_interrupted) {
        if (!down_is_surplus(e->d_name, there))
            continue;
        sure = sure || down_is_sure(t, remote, there);
        if (!sure)
            break;
        down_remove(t, dirfd(d), local, e->d_name, depth + 1);
    }
    if (d)
        closedir(d);
}

static const struct tree_way sync_down = { .settled = sync_settled,
                                           .down_end = down_surplus };

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

static void sync_walk(struct tree *t, const struct word *w, bool up)
{
    t->named = strlen(w[up ? 0 : 1].text);
    if (up)
        tree_up(t, w[0].text, w[1].path, 0);
    else
        tree_down(t, w[0].path, w[1].text, 0);
}

/* --max-delete: a dry run counts before the first change. Returns an exit
 * code. */
static int sync_count(struct client *c, const struct word *w, bool up)
{
    struct tree t = { .client = c, .way = up ? &sync_up : &sync_down };
    uint64_t most = c->options.max_delete;

    if (!c->options.remove || c->options.dry_run || most == UINT64_MAX)
        return 0;
    enum progress_style style = progress_start(PROGRESS_SILENT);
    c->options.dry_run = true;
    sync_walk(&t, w, up);
    c->options.dry_run = false;
    progress_start(style);
    jobs_release(&t.jobs);
    if (t.code != 0)
        return client_refuse("--max-delete", t.code,
                             "not all of it can be listed, so nothing was "
                             "done; --dry-run shows why");
    return t.removed <= most
               ? 0
               : client_refuse("--max-delete", EX_DATAERR,
                               "%zu files and directories would be removed, "
                               "more than %llu, so nothing was done; --dry-run "
                               "lists them",
                               t.removed, (unsigned long long)most);
}

int cmd_sync(struct client *c, struct word *w, int n)
{
    bool preserve = c->options.preserve, up = w[1].remote;
    struct tree t = { .client = c, .way = up ? &sync_up : &sync_down };

    (void)n;
    if (w[0].remote == w[1].remote)
        return client_refuse("sync", EX_USAGE,
                             "one of the two must be a local directory");
    t.code = sync_count(c, w, up);
    if (t.code != 0)
        return t.code;
    sync_walk(&t, w, up);
    c->options.preserve = true; /* the next sync compares the times */
    tree_keep(&t.code, client_run_jobs(c, &t.jobs));
    c->options.preserve = preserve;
    sync_summary(&t, up);
    jobs_release(&t.jobs);
    return t.code;
}
