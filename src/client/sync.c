/* The command sync makes a directory of the server like a local one; with the
 * words in the other order, it makes a local one like the server's. It removes
 * nothing without --delete, and changes nothing with
 * --dry-run. */
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

struct sync {
    struct client *client;
    struct jobs jobs;
    size_t same, removed;
    size_t planned;  /* transfers of a dry run */
    size_t left_out; /* names too long for one of the sides */
    size_t failed;   /* all but the transfers, which are in jobs */
    bool untimed;    /* a note says that the server gives no times */
    int code;        /* exit code of the first failure */
};

/* Prints the failure, and keeps the first exit code. */
static void sync_failed(struct sync *s, const char *what,
                        const struct failure *why)
{
    s->failed++;
    tree_keep(&s->code, client_error(what, why));
}

static void sync_name_too_long(struct sync *s, const char *name)
{
    struct failure why;

    s->left_out++;
    fail(&why, EX_DATAERR, "its path is too long, left out");
    tree_keep(&s->code, client_error(name, &why));
}

/* Transfers one file, or prints its line in a dry run. */
static void sync_transfer(struct sync *s, const struct job *job,
                          const char *local, const char *remote)
{
    bool up = job->kind == JOB_PUT;
    struct failure why;

    if (s->client->options.dry_run) {
        s->planned++;
        progress_note("would %s %s", up ? "upload" : "download",
                      up ? local : remote);
    } else if (jobs_add(&s->jobs, job, local, remote, &why) < 0) {
        sync_failed(s, local, &why);
    }
}

/* Do the checksums differ? A file that can't be compared counts as changed. */
static bool sync_differs(struct sync *s, const char *local, const char *remote,
                         uint64_t size)
{
    char here[DIGEST_HEX_MAX], there[REMOTE_HASH_MAX];
    FD_CLEANUP int fd = open(local, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct failure why;
    struct digest d;

    if (fd < 0 || !s->client->site.hash ||
        digest_begin(&d, s->client->site.hash_name) < 0)
        return true;
    int r = digest_add_head(&d, fd, size);
    digest_end(&d, here);
    return r < 0 ||
           remote_hash(&s->client->link, remote, size, there, &why) < 0 ||
           strcmp(here, there) != 0;
}

/* Gets the time of the entry's last change, which a listing without MLSD lacks;
 * 0: the server doesn't give it. Returns 0, or -1: the connection is cut. */
static int sync_time(struct sync *s, const char *remote,
                     const struct listing_entry *e, time_t *ret)
{
    struct failure why;

    *ret = e->modified;
    if (*ret == 0 && remote_time(&s->client->link, remote, ret, &why) < 0)
        return -1;
    if (*ret == 0 && !s->untimed)
        progress_note("the server gives no times: files of the same size count "
                      "as the same, unless --by-hash compares them");
    s->untimed |= *ret == 0;
    return 0;
}

/* Has the file changed: is it newer here, or does its size differ? */
static bool sync_changed(struct sync *s, const char *local, const char *remote,
                         const struct stat *st,
                         const struct listing_entry *there)
{
    time_t modified;

    if ((uint64_t)st->st_size != there->size)
        return true;
    if (s->client->options.by_hash)
        return sync_differs(s, local, remote, there->size);
    return sync_time(s, remote, there, &modified) < 0 ||
           (modified > 0 && st->st_mtime > modified);
}

static void sync_file(struct sync *s, const char *local, const char *remote,
                      const struct stat *st, const struct listing *all)
{
    const struct listing_entry *there = listing_find(all, remote);
    const struct job job = { .kind = JOB_PUT,
                             .known = there || listing_is_whole(all),
                             .taken = there != NULL,
                             .overwrite = there != NULL };

    if (there && there->kind == ENTRY_FILE &&
        !sync_changed(s, local, remote, st, there))
        s->same++;
    else
        sync_transfer(s, &job, local, remote);
}

static int sync_remove_entry(struct client *c, const char *path,
                             const struct listing_entry *e, void *of)
{
    struct sync *s = of;
    struct failure why;
    int r = 0;

    progress_note("%s /%s", c->options.dry_run ? "would remove" : "removing",
                  path);
    if (!c->options.dry_run)
        r = e->kind == ENTRY_DIRECTORY ? remote_rmdir(&c->link, path, &why)
                                       : remote_remove(&c->link, path, &why);
    if (r == 0)
        s->removed++;
    else
        sync_failed(s, path, &why);
    return 0;
}

/* See rm_enter(). */
static bool sync_enter(struct client *c, const char *path, void *of)
{
    struct sync *s = of;
    struct failure why;

    if (c->options.dry_run || remote_remove(&c->link, path, &why) < 0)
        return true;
    progress_note("removing /%s", path);
    s->removed++;
    return false;
}

static void sync_remove(struct sync *s, const char *remote,
                        const struct listing_entry *e)
{
    char path[URL_PATH_MAX];

    if (url_join(remote, e->name, path) < 0)
        return;
    bool directory = e->kind == ENTRY_DIRECTORY;
    if (directory && !sync_enter(s->client, path, s))
        return;
    if (directory)
        tree_keep(&s->code,
                  tree_walk(s->client, path, sync_enter, sync_remove_entry, s));
    sync_remove_entry(s->client, path, e, s);
}

/* Removes files that are on the server but not in the local directory. */
static void sync_surplus(struct sync *s, int here, const char *remote,
                         const struct listing *there)
{
    struct stat st;

    for (size_t i = 0; i < there->count && !link_interrupted; i++)
        if (fstatat(here, there->entry[i].name, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
            errno == ENOENT)
            sync_remove(s, remote, &there->entry[i]);
}

static void sync_directory(struct sync *s, const char *local,
                           const char *remote, int depth);

static void sync_entry(struct sync *s, const char *local, const char *remote,
                       const struct listing *there, int depth)
{
    struct failure why;
    struct stat st;

    if (lstat(local, &st) < 0) {
        fail_errno(&why, errno, "");
        sync_failed(s, local, &why);
    } else if (S_ISDIR(st.st_mode)) {
        sync_directory(s, local, remote, depth + 1);
    } else if (S_ISREG(st.st_mode)) {
        sync_file(s, local, remote, &st, there);
    } else {
        tree_left_out(local, st.st_mode);
    }
}

/* Lists REMOTE, and makes it if it is missing. */
static int sync_list(struct sync *s, const char *remote, struct listing *ret,
                     struct failure *why)
{
    struct listing_entry e;
    int r = remote_stat(&s->client->link, remote, &e, why);

    *ret = (struct listing){ .whole = true };
    if (r == 1 && s->client->options.dry_run)
        return 0;
    if (r == 1)
        return remote_mkdir(&s->client->link, remote, why) < 0 ? -1 : 0;
    return r < 0 ? -1 : remote_list(&s->client->link, remote, ret, why);
}

static void sync_entries(struct sync *s, DIR *d, const char *local,
                         const char *remote, const struct listing *there,
                         int depth)
{
    char from[PATH_MAX], to[URL_PATH_MAX];
    struct dirent *e;

    while ((e = readdir(d)) && !jobs_ended(&s->jobs)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            part_is_name(e->d_name))
            continue;
        if (tree_join(local, e->d_name, from, sizeof(from)) < 0 ||
            url_join(remote, e->d_name, to) < 0)
            sync_name_too_long(s, e->d_name);
        else
            sync_entry(s, from, to, there, depth);
    }
}

static void sync_directory(struct sync *s, const char *local,
                           const char *remote, int depth)
{
    struct listing there = { 0 };
    struct failure why;
    DIR *d = opendir(local);
    int r = 0;

    if (!d)
        r = fail_errno(&why, errno, "");
    else if (depth == TREE_DEPTH_MAX)
        r = fail(&why, EX_DATAERR, "directories are nested too deeply");
    else
        r = sync_list(s, remote, &there, &why);
    if (r < 0)
        sync_failed(s, local, &why);
    else
        sync_entries(s, d, local, remote, &there, depth);
    if (r == 0 && s->client->options.remove && !s->jobs.full)
        sync_surplus(s, dirfd(d), remote, &there);
    listing_release(&there);
    if (d)
        closedir(d);
}

static void down_failed(struct sync *s, int error, const char *local)
{
    struct failure why;

    fail_errno(&why, error, "");
    sync_failed(s, local, &why);
}

/* Has the file changed: is it newer there, or does its size differ? */
static bool down_changed(struct sync *s, const char *local, const char *remote,
                         const struct stat *here, const struct listing_entry *e)
{
    time_t modified;

    if (!S_ISREG(here->st_mode) || (uint64_t)here->st_size != e->size)
        return true;
    if (s->client->options.by_hash)
        return sync_differs(s, local, remote, e->size);
    return sync_time(s, remote, e, &modified) < 0 || modified > here->st_mtime;
}

static void down_file(struct sync *s, const char *remote, const char *local,
                      const struct listing_entry *e)
{
    struct stat here;
    bool there = lstat(local, &here) == 0;
    const struct job job = { .kind = JOB_GET,
                             .known = e->sized,
                             .size = e->size,
                             .modified = e->modified,
                             .overwrite = there };

    if (there && S_ISDIR(here.st_mode))
        down_failed(s, EISDIR, local);
    else if (there && !down_changed(s, local, remote, &here, e))
        s->same++;
    else
        sync_transfer(s, &job, local, remote);
}

/* Removes NAME, with all that is in it, from the open directory AT, whose path
 * is DIR. A link is removed, and never followed. */
static void down_remove(struct sync *s, int at, const char *dir,
                        const char *name, int depth)
{
    char path[PATH_MAX];
    struct dirent *e;
    struct stat st;
    int flags = 0;

    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        tree_join(dir, name, path, sizeof(path)) < 0)
        return;
    if (S_ISDIR(st.st_mode) && depth < TREE_DEPTH_MAX) {
        int fd =
            openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);

        flags = AT_REMOVEDIR;
        while (d && (e = readdir(d)) && !link_interrupted)
            if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                down_remove(s, fd, path, e->d_name, depth + 1);
        if (d)
            closedir(d);
        else
            fd_close(&fd);
    }
    progress_note("%s %s",
                  s->client->options.dry_run ? "would remove" : "removing",
                  path);
    if (s->client->options.dry_run || unlinkat(at, name, flags) == 0)
        s->removed++;
    else
        down_failed(s, errno, path);
}

static bool down_is_surplus(const char *name, const struct listing *there)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           !part_is_name(name) && !listing_find(there, name);
}

/* Is the listing enough to remove what it lacks? */
static bool down_is_sure(struct sync *s, const char *remote,
                         const struct listing *there)
{
    struct failure why;
    int r = there->whole ? remote_enter(&s->client->link, remote, &why)
                         : fail(&why, EX_PROTOCOL,
                                LISTING_CUT ", so nothing is removed");

    if (r < 0)
        sync_failed(s, remote, &why);
    return r == 0;
}

/* Removes files that are in the local directory but not on the server. Partial
 * files belong to other transfers. */
static void down_surplus(struct sync *s, const char *remote, const char *local,
                         const struct listing *there, int depth)
{
    DIR *d = opendir(local);
    struct dirent *e;
    bool sure = false;

    while (d && (e = readdir(d)) && !link_interrupted) {
        if (!down_is_surplus(e->d_name, there))
            continue;
        sure = sure || down_is_sure(s, remote, there);
        if (!sure)
            break;
        down_remove(s, dirfd(d), local, e->d_name, depth + 1);
    }
    if (d)
        closedir(d);
}

static void sync_down(struct sync *s, const char *remote, const char *local,
                      int depth);

static void down_entry(struct sync *s, const char *remote, const char *local,
                       const struct listing_entry *e, int depth)
{
    char from[URL_PATH_MAX], to[PATH_MAX];

    if (url_join(remote, e->name, from) < 0 ||
        tree_join(local, e->name, to, sizeof(to)) < 0)
        sync_name_too_long(s, e->name);
    else if (e->kind == ENTRY_DIRECTORY)
        sync_down(s, from, to, depth + 1);
    else if (e->kind == ENTRY_FILE)
        down_file(s, from, to, e);
    else
        progress_note("/%s: not a regular file, left out", from);
}

static void sync_down(struct sync *s, const char *remote, const char *local,
                      int depth)
{
    bool dry = s->client->options.dry_run;
    struct listing there;
    struct failure why;

    if (depth == TREE_DEPTH_MAX) {
        fail(&why, EX_DATAERR, "directories are nested too deeply");
        sync_failed(s, remote, &why);
        return;
    }
    if (remote_list(&s->client->link, remote, &there, &why) < 0) {
        sync_failed(s, remote, &why);
        return;
    }
    if (tree_make_local(local, depth, dry, &why) < 0) {
        listing_release(&there);
        sync_failed(s, local, &why);
        return;
    }
    for (size_t i = 0; i < there.count && !jobs_ended(&s->jobs); i++)
        down_entry(s, remote, local, &there.entry[i], depth);
    if (there.refused > 0) {
        fail(&why, EX_PROTOCOL, LISTING_REFUSED ", and nothing is removed");
        sync_failed(s, remote, &why);
    } else if (s->client->options.remove && !s->jobs.full) {
        down_surplus(s, remote, local, &there, depth);
    }
    listing_release(&there);
}

/* Prints "12 uploaded, 3 the same, 1 removed, 2 failed". */
static void sync_summary(const struct sync *s, bool up)
{
    bool dry = s->client->options.dry_run;
    size_t failures = s->failed + s->jobs.failed;
    char left_out[48] = "", failed[48] = "";

    if (s->left_out > 0)
        snprintf(left_out, sizeof(left_out), ", %zu left out", s->left_out);
    if (failures > 0)
        snprintf(failed, sizeof(failed), ", %zu failed", failures);
    progress_note("%zu %s%s, %zu the same, %zu %sremove%s%s%s",
                  dry ? s->planned : s->jobs.done, dry ? "to " : "",
                  up    ? dry ? "upload" : "uploaded"
                  : dry ? "download"
                        : "downloaded",
                  s->same, s->removed, dry ? "to " : "", dry ? "" : "d",
                  left_out, failed);
}

int cmd_sync(struct client *c, struct word *w, int n)
{
    struct sync s = { .client = c };
    bool preserve = c->options.preserve, up = w[1].remote;
    struct failure why;

    (void)n;
    if (w[0].remote == w[1].remote) {
        fail(&why, EX_USAGE, "one of the two must be a local directory");
        return client_error("sync", &why);
    }
    if (up)
        sync_directory(&s, w[0].text, w[1].path, 0);
    else
        sync_down(&s, w[0].path, w[1].text, 0);
    c->options.preserve = true; /* the next sync compares the times */
    tree_keep(&s.code, client_run_jobs(c, &s.jobs));
    c->options.preserve = preserve;
    sync_summary(&s, up);
    jobs_release(&s.jobs);
    return s.code;
}
