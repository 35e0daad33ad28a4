/* The command sync from the server: makes a local directory like one on the
 * server. It removes nothing here without --delete. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "part.h"
#include "remote.h"
#include "sallyport/base/fd.h"
#include "sync.h"

static void down_failed(struct sync *s, int error, const char *local)
{
    struct failure why;

    fail_errno(&why, error, "");
    sync_failed(s, local, &why);
}

/* Has the file changed: is it newer there, or does its size differ? */
static bool down_changed(struct sync *s, const char *local, const char *remote,
                         const struct stat *here, const struct entry *e)
{
    time_t modified;

    if (!S_ISREG(here->st_mode) || (uint64_t)here->st_size != e->size)
        return true;
    if (s->client->options.by_hash)
        return sync_differs(s, local, remote, e->size);
    return sync_time(s, remote, e, &modified) < 0 || modified > here->st_mtime;
}

static void down_file(struct sync *s, const char *remote, const char *local,
                      const struct entry *e)
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

static void down_entry(struct sync *s, const char *remote, const char *local,
                       const struct entry *e, int depth)
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

void sync_down(struct sync *s, const char *remote, const char *local, int depth)
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
