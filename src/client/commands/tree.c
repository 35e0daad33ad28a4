/* Walks local and remote directories. Recursion ends at TREE_DEPTH_MAX, so
 * endless directories on a server end in an error. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

void tree_keep(int *first, int code)
{
    if (*first == 0)
        *first = code;
}

void tree_failed(struct tree *t, const char *what, const struct failure *why)
{
    t->failed++;
    tree_keep(&t->code, client_error(what, why));
}

void tree_cut(struct tree *t, const char *remote, const struct listing *there)
{
    struct failure why;

    if (there->cut)
        fail(&why, EX_PROTOCOL, LISTING_CUT);
    else if (there->refused > 0)
        fail(&why, EX_PROTOCOL, LISTING_REFUSED);
    else if (there->nothing)
        progress_note("/%s: " LISTING_NOTHING, remote);
    if (there->cut || there->refused > 0)
        tree_failed(t, remote, &why);
}

static int tree_too_deep(struct failure *why)
{
    return fail(why, EX_DATAERR, "directories are nested too deeply");
}

int tree_join(const char *dir, const char *name, char *out, size_t size)
{
    size_t len = strlen(dir);
    int n = snprintf(out, size, "%s%s%s", dir,
                     len == 0 || dir[len - 1] == '/' ? "" : "/", name);

    return n > 0 && (size_t)n < size ? 0 : -1;
}

/* Writes the paths of NAME here and on the server. Returns false, and leaves it
 * out: one of them is too long. */
static bool tree_paths(struct tree *t, const char *local, const char *remote,
                       const char *name, char here[PATH_MAX],
                       char there[URL_PATH_MAX])
{
    if (tree_join(local, name, here, PATH_MAX) == 0 &&
        url_join(remote, name, there) == 0)
        return true;
    t->left_out++;
    tree_keep(&t->code, client_refuse(name, EX_DATAERR,
                                      "its path is too long, left out"));
    return false;
}

bool tree_is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

DIR *tree_opendir(const struct tree *t, const char *local)
{
    int fd = names_open(local, t->named, O_RDONLY | O_DIRECTORY);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);

    if (!d)
        fd_close(&fd);
    return d;
}

bool tree_excludes(const struct tree *t, const char *remote, bool directory)
{
    const char *path = remote + t->root;

    return options_exclude(&t->client->options, path + (path[0] == '/'),
                           directory);
}

time_t tree_time(struct tree *t, const char *remote,
                 const struct listing_entry *e)
{
    time_t modified = e->modified;
    struct failure why;

    if (e->kind != ENTRY_FILE || modified != 0 ||
        t->client->options.min_age == 0)
        return modified;
    if (remote_time(&t->client->link, remote, &modified, &why) == 0 &&
        modified == 0)
        fail(&why, EX_UNAVAILABLE,
             "left out by --min-age: the server doesn't say when it was "
             "changed");
    if (modified == 0)
        tree_failed(t, remote, &why);
    return modified ? modified : time(NULL);
}

bool tree_passes(const struct tree *t, const char *name, time_t modified)
{
    /* A line of --files-from has passed the filters as a whole. */
    bool listed = t->client->options.files_from != NULL;

    return (listed || !options_exclude(&t->client->options, name, false)) &&
           !options_too_young(&t->client->options, modified);
}

/* Is an entry of the walk to be transferred or entered? */
static bool tree_wants(const struct tree *t, const char *remote, bool directory,
                       time_t modified)
{
    return !tree_excludes(t, remote, directory) &&
           (directory || !options_too_young(&t->client->options, modified));
}

void tree_add(struct tree *t, const struct job *job, const char *local,
              const char *remote)
{
    bool up = job->kind == JOB_PUT;
    struct failure why;

    if (t->client->options.dry_run) {
        t->planned++;
        progress_note("would %s %s", up ? "upload" : "download",
                      up ? local : remote);
    } else if (!t->jobs.full &&
               jobs_add(&t->jobs, job, local, remote, &why) < 0) {
        tree_failed(t, local, &why);
    }
}

/* Adds the transfer of a file that is HERE and THERE; one of the two is NULL if
 * it doesn't exist yet. */
static void tree_file(struct tree *t, struct job *job, const char *local,
                      const char *remote, const struct stat *here,
                      const struct listing_entry *there)
{
    if (t->way->settled && here && there) {
        if (t->way->settled(t, local, remote, here, there))
            return;
        job->overwrite = true;
    }
    job->named = t->named;
    tree_add(t, job, local, remote);
}

static void tree_up_file(struct tree *t, const char *local, const char *remote,
                         const struct stat *here, const struct listing *all)
{
    const struct listing_entry *there = listing_find(all, remote);
    struct listing_entry asked;
    struct failure why;

    /* The listing may lack a file that is there. */
    if (!there && t->way->settled && !listing_is_whole(all)) {
        enum presence r = remote_stat(&t->client->link, remote, &asked, &why);

        if (r == PRESENCE_UNKNOWN) {
            tree_failed(t, remote, &why);
            return;
        }
        there = r == PRESENT ? &asked : NULL;
    }
    struct job job = { .kind = JOB_PUT,
                       .size = (uint64_t)here->st_size,
                       .taken = there != NULL,
                       .listed = all->at,
                       .known = there || listing_is_whole(all) };

    tree_file(t, &job, local, remote, here, there);
}

/* A link in a directory isn't followed, since it may lead anywhere. */
static void tree_up_entry(struct tree *t, const char *local, const char *remote,
                          const struct listing *there, int depth)
{
    struct failure why;
    struct stat st;

    if (lstat(local, &st) < 0) {
        fail(&why, EX_NOINPUT, "%s", strerror(errno));
        tree_failed(t, local, &why);
    } else if (!tree_wants(t, remote, S_ISDIR(st.st_mode), st.st_mtime)) {
        return;
    } else if (S_ISDIR(st.st_mode)) {
        tree_up(t, local, remote, depth + 1);
    } else if (S_ISREG(st.st_mode)) {
        tree_up_file(t, local, remote, &st, there);
    } else {
        progress_note("%s: %s, left out", local,
                      S_ISLNK(st.st_mode) ? "a symbolic link"
                                          : "not a regular file");
    }
}

/* Gets the listing of REMOTE, and makes it if it is missing. Returns 0, or -1
 * with the reason. */
static int tree_list_up(struct tree *t, const char *remote, struct listing *ret,
                        struct failure *why)
{
    struct link *l = &t->client->link;
    struct retry retry = { 0 };
    struct listing_entry e;
    enum presence r;

    *ret = (struct listing){ .whole = true };
    do
        r = remote_stat(l, remote, &e, why);
    while (r == PRESENCE_UNKNOWN && remote_again(l, &retry, remote, why));
    if (r == PRESENCE_UNKNOWN && !remote_may_lack(why))
        return -1;
    if (r != PRESENT && t->client->options.dry_run)
        return 0;
    int existed = r == PRESENT ? 1 : remote_mkdir(l, remote, why);
    return existed == 1 ? remote_list(l, remote, ret, why) : existed;
}

void tree_up(struct tree *t, const char *local, const char *remote, int depth)
{
    char from[PATH_MAX], to[URL_PATH_MAX];
    struct listing there = { 0 };
    const char *what = local;
    struct failure why;
    DIR *d = tree_opendir(t, local);
    struct dirent *e;
    int r = 0;

    if (depth == 0)
        t->root = strlen(remote);
    if (!d)
        r = fail(&why, EX_NOINPUT, "%s", strerror(errno));
    else if (depth == TREE_DEPTH_MAX)
        r = tree_too_deep(&why);
    if (r == 0) {
        what = remote;
        r = tree_list_up(t, remote, &there, &why);
        there.at = clock_ms();
    }
    if (r < 0)
        tree_failed(t, what, &why);
    while (r == 0 && (e = readdir(d)) && !jobs_ended(&t->jobs))
        if (!tree_is_dots(e->d_name) && !part_is_name(e->d_name) &&
            tree_paths(t, local, remote, e->d_name, from, to))
            tree_up_entry(t, from, to, &there, depth);
    if (r == 0 && t->way->up_end)
        t->way->up_end(t, dirfd(d), remote, &there);
    listing_release(&there);
    if (d)
        closedir(d);
}

/* Makes the local directory if it is missing. The server chooses its name,
 * unless the user has named it. */
static int tree_make_local(const struct tree *t, const char *local,
                           struct failure *why)
{
    bool dry = t->client->options.dry_run, chosen = strlen(local) > t->named;
    const char *base = chosen ? url_base(local) : local;
    char above[PATH_MAX];
    struct stat st;

    snprintf(above, sizeof(above), "%.*s", (int)(base - local), local);
    FD_CLEANUP int fd =
        names_open(above[0] ? above : ".", t->named, O_PATH | O_DIRECTORY);
    int r = fd < 0 || dry ? -1 : mkdirat(fd, base, 0777);
    if (r == 0)
        return 0;
    if (fd >= 0 && (dry || errno == EEXIST))
        r = fstatat(fd, base, &st, chosen ? AT_SYMLINK_NOFOLLOW : 0);
    if (r < 0)
        return dry && errno == ENOENT
                   ? 0
                   : fail(why, EX_CANTCREAT, "%s", strerror(errno));
    if (S_ISLNK(st.st_mode))
        return fail(why, EX_CANTCREAT,
                    "is a link, which may lead out of the target; rename it, "
                    "or download to where it leads");
    return S_ISDIR(st.st_mode) ? 0 : fail(why, EX_CANTCREAT, "is no directory");
}

static void tree_down_file(struct tree *t, const char *remote,
                           const char *local, const struct listing_entry *there)
{
    struct job job = { .kind = JOB_GET,
                       .known = there->sized,
                       .size = there->size,
                       .modified = there->modified };
    struct stat here;

    bool found = t->way->settled && lstat(local, &here) == 0;

    tree_file(t, &job, local, remote, found ? &here : NULL, there);
}

static void tree_down_entry(struct tree *t, const char *remote,
                            const char *local, const struct listing_entry *e,
                            int depth)
{
    char from[URL_PATH_MAX], to[PATH_MAX];

    if (part_is_name(e->name) ||
        !tree_paths(t, local, remote, e->name, to, from) ||
        tree_excludes(t, from, e->kind == ENTRY_DIRECTORY) ||
        !tree_wants(t, from, e->kind == ENTRY_DIRECTORY, tree_time(t, from, e)))
        return;
    if (e->kind == ENTRY_DIRECTORY)
        tree_down(t, from, to, depth + 1);
    else if (e->kind == ENTRY_FILE)
        tree_down_file(t, from, to, e);
    else
        progress_note("/%s: not a regular file, left out", from);
}

void tree_down(struct tree *t, const char *remote, const char *local, int depth)
{
    struct listing there = { 0 };
    const char *what = remote;
    struct failure why;
    int r = depth == TREE_DEPTH_MAX
                ? tree_too_deep(&why)
                : remote_list(&t->client->link, remote, &there, &why);

    if (depth == 0)
        t->root = strlen(remote);
    if (r == 0) {
        what = local;
        r = tree_make_local(t, local, &why);
    }
    if (r < 0)
        tree_failed(t, what, &why);
    for (size_t i = 0; r == 0 && i < there.count && !jobs_ended(&t->jobs); i++)
        tree_down_entry(t, remote, local, &there.entry[i], depth);
    if (r == 0)
        tree_cut(t, remote, &there);
    if (r == 0 && t->way->down_end)
        t->way->down_end(t, local, &there, depth);
    listing_release(&there);
}

int tree_expand(struct client *c, const struct word *word,
                int (*each)(struct client *c, const char *path, void *of),
                void *of)
{
    const char *slash = strrchr(word->path, '/');
    char dir[URL_PATH_MAX], path[URL_PATH_MAX];
    struct listing all;
    struct failure why;
    size_t found = 0;
    int code = 0;

    if (!word->pattern.some)
        return each(c, word->path, of);
    snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - word->path) : 0,
             word->path);
    if (remote_list(&c->link, dir, &all, &why) < 0)
        return client_error(dir, &why);
    /* A file whose name has these characters counts before the pattern. */
    if (listing_find(&all, word->path)) {
        listing_release(&all);
        return each(c, word->path, of);
    }
    for (size_t i = 0; i < all.count && !link_is_over(); i++)
        if (names_match(word->pattern.text, all.entry[i].name) &&
            url_join(dir, all.entry[i].name, path) == 0) {
            found++;
            tree_keep(&code, each(c, path, of));
        }
    if (all.cut)
        tree_keep(&code, client_refuse(dir, EX_PROTOCOL, LISTING_CUT));
    listing_release(&all);
    return found || link_is_over()
               ? code
               : client_refuse(word->path, EX_NOINPUT, "nothing matches");
}

int tree_walk(struct client *c, const char *path, int depth,
              bool (*enter)(struct client *c, const char *path, void *of),
              int (*each)(struct client *c, const char *path,
                          const struct listing_entry *e, void *of),
              void *of)
{
    struct listing all;
    struct failure why;
    int code = 0;

    if ((depth == TREE_DEPTH_MAX ? tree_too_deep(&why)
                                 : remote_list(&c->link, path, &all, &why)) < 0)
        return client_error(path, &why);
    for (size_t i = 0; i < all.count && !link_is_over(); i++) {
        const struct listing_entry *e = &all.entry[i];
        char below[URL_PATH_MAX];

        if (url_join(path, e->name, below) < 0)
            continue;
        bool directory = e->kind == ENTRY_DIRECTORY;
        if (directory && enter && !enter(c, below, of))
            continue;
        if (directory)
            tree_keep(&code, tree_walk(c, below, depth + 1, enter, each, of));
        tree_keep(&code, each(c, below, e, of));
    }
    if (all.cut)
        tree_keep(&code, client_refuse(path, EX_PROTOCOL, LISTING_CUT));
    listing_release(&all);
    return code;
}

static int tree_remove_entry(struct client *c, const char *path,
                             const struct listing_entry *e, void *of)
{
    struct failure why;
    int failed = 0;

    (void)of;
    if (c->options.dry_run)
        progress_note("would remove /%s", path);
    else
        failed = e->kind == ENTRY_DIRECTORY
                     ? remote_rmdir(&c->link, path, &why)
                     : remote_remove(&c->link, path, &why);
    return failed ? client_error(path, &why) : 0;
}

/* Some servers list a link to a directory as a directory. What it leads to must
 * stay: DELE removes a link, and no directory. */
static bool tree_remove_enter(struct client *c, const char *path, void *of)
{
    struct failure why;

    (void)of;
    return c->options.dry_run || remote_remove(&c->link, path, &why) < 0;
}

int tree_remove(struct client *c, const char *path,
                const struct listing_entry *e)
{
    int code = 0;

    if (e->kind == ENTRY_DIRECTORY) {
        if (!tree_remove_enter(c, path, NULL))
            return 0;
        code =
            tree_walk(c, path, 0, tree_remove_enter, tree_remove_entry, NULL);
    }
    return code ? code : tree_remove_entry(c, path, e, NULL);
}
