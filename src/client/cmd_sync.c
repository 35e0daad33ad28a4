/* The command sync makes a directory of the server like a local one; with the
 * words in the other order, it makes a local one like the server's
 * (sync_down.c). It removes nothing without --delete, and changes nothing with
 * --dry-run. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "part.h"
#include "remote.h"
#include "sallyport/base/fd.h"
#include "sync.h"

void sync_failed(struct sync *s, const char *what, const struct failure *why)
{
    s->failed++;
    tree_keep(&s->code, client_error(what, why));
}

void sync_name_too_long(struct sync *s, const char *name)
{
    struct failure why;

    s->left_out++;
    fail(&why, EX_DATAERR, "its path is too long, left out");
    tree_keep(&s->code, client_error(name, &why));
}

void sync_transfer(struct sync *s, const struct job *job, const char *local,
                   const char *remote)
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

bool sync_differs(struct sync *s, const char *local, const char *remote,
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

/* A listing without MLSD has no exact times. */
int sync_time(struct sync *s, const char *remote, const struct entry *e,
              time_t *ret)
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
                         const struct stat *st, const struct entry *there)
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
    const struct entry *there = listing_find(all, remote);
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
                             const struct entry *e, void *of)
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
                        const struct entry *e)
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
    struct entry e;
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
