/* Walks local and remote directories. Recursion ends at TREE_DEPTH_MAX, so
 * endless directories on a server end in an error. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"

void tree_keep(int *first, int code)
{
    if (*first == 0)
        *first = code;
}

static int tree_said(const char *what, int code, const char *text)
{
    struct failure why;

    fail(&why, code, "%s", text);
    return client_error(what, &why);
}

int tree_join(const char *dir, const char *name, char *out, size_t size)
{
    size_t len = strlen(dir);
    int n = snprintf(out, size, "%s%s%s", dir,
                     len == 0 || dir[len - 1] == '/' ? "" : "/", name);

    return n > 0 && (size_t)n < size ? 0 : -1;
}

void tree_left_out(const char *local, mode_t mode)
{
    progress_note("%s: %s, left out", local,
                  S_ISLNK(mode) ? "a symbolic link" : "not a regular file");
}

/* That the jobs are full is printed once. */
static int tree_add(struct jobs *j, const struct job *job, const char *local,
                    const char *remote)
{
    bool full = j->full;
    struct failure why;

    if (jobs_add(j, job, local, remote, &why) == 0)
        return 0;
    return full ? why.code : client_error(local, &why);
}

static int tree_put_at(struct client *c, const char *local, const char *remote,
                       const struct listing *there, int depth, struct jobs *j);

/* Makes the directory on the server, and gets the listing of its content. */
static int tree_put_directory(struct client *c, const char *local,
                              const char *remote, int depth, struct jobs *j)
{
    struct listing there = { 0 };
    struct failure why;
    int code = 0;

    if (!c->options.recursive)
        return tree_said(local, EX_USAGE, "is a directory; add -r");
    if (depth == TREE_DEPTH_MAX)
        return tree_said(local, EX_DATAERR,
                         "directories are nested too deeply");
    int made = remote_mkdir(&c->link, remote, &why);
    there.whole = made == 0;
    if (made < 0 ||
        (made == 1 && remote_list(&c->link, remote, &there, &why) < 0))
        return client_error(remote, &why);
    DIR *d = opendir(local);
    struct dirent *e;
    while (d && (e = readdir(d)) && !jobs_ended(j)) {
        char from[PATH_MAX], to[URL_PATH_MAX];

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            part_is_name(e->d_name))
            continue;
        if (tree_join(local, e->d_name, from, sizeof(from)) < 0 ||
            url_join(remote, e->d_name, to) < 0)
            tree_keep(&code, tree_said(local, EX_DATAERR, "name too long"));
        else
            tree_keep(&code, tree_put_at(c, from, to, &there, depth + 1, j));
    }
    if (!d)
        code = tree_said(local, EX_NOINPUT, strerror(errno));
    else
        closedir(d);
    listing_release(&there);
    return code;
}

/* THERE is a listing of REMOTE's directory, or NULL. */
static int tree_put_at(struct client *c, const char *local, const char *remote,
                       const struct listing *there, int depth, struct jobs *j)
{
    struct job job = { .kind = JOB_PUT };
    struct stat st;

    if (strcmp(local, "-") == 0)
        return tree_add(j, &job, local, remote);
    /* A link in a directory isn't followed, since it may lead anywhere. */
    if ((depth == 0 ? stat(local, &st) : lstat(local, &st)) < 0)
        return tree_said(local, EX_NOINPUT, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return tree_put_directory(c, local, remote, depth, j);
    if (!S_ISREG(st.st_mode) && depth == 0)
        return tree_said(local, EX_USAGE,
                         "is no regular file; to send what a program prints: "
                         "PROGRAM | sallyport put - URL/NAME");
    if (!S_ISREG(st.st_mode)) {
        tree_left_out(local, st.st_mode);
        return 0;
    }
    job.taken = there && listing_find(there, remote);
    job.known = job.taken || (there && listing_is_whole(there));
    return tree_add(j, &job, local, remote);
}

int tree_put(struct client *c, const char *local, const char *remote,
             struct jobs *j)
{
    return tree_put_at(c, local, remote, NULL, 0, j);
}

int tree_make_local(const char *local, int depth, bool dry, struct failure *why)
{
    struct stat st;

    if (!dry && mkdir(local, 0777) == 0)
        return 0;
    if (!dry && errno != EEXIST)
        return fail(why, EX_CANTCREAT, "%s", strerror(errno));
    if ((depth > 0 ? lstat(local, &st) : stat(local, &st)) < 0)
        return dry ? 0 : fail(why, EX_CANTCREAT, "%s", strerror(errno));
    if (S_ISLNK(st.st_mode))
        return fail(why, EX_CANTCREAT,
                    "is a link, which may lead out of the target; rename it, "
                    "or download to where it leads");
    return S_ISDIR(st.st_mode) ? 0 : fail(why, EX_CANTCREAT, "is no directory");
}

static int tree_get_directory(struct client *c, const char *remote,
                              const char *local, int depth, struct jobs *j)
{
    struct listing all;
    struct failure why;
    int code = 0;

    if (depth == TREE_DEPTH_MAX)
        return tree_said(remote, EX_DATAERR,
                         "directories are nested too deeply");
    if (tree_make_local(local, depth, false, &why) < 0)
        return client_error(local, &why);
    if (remote_list(&c->link, remote, &all, &why) < 0)
        return client_error(remote, &why);
    for (size_t i = 0; i < all.count && !jobs_ended(j); i++) {
        const struct listing_entry *e = &all.entry[i];
        struct job job = { .kind = JOB_GET,
                           .known = e->sized,
                           .size = e->size,
                           .modified = e->modified };
        char from[URL_PATH_MAX], to[PATH_MAX];

        if (url_join(remote, e->name, from) < 0 ||
            tree_join(local, e->name, to, sizeof(to)) < 0)
            tree_keep(&code, tree_said(e->name, EX_DATAERR, "name too long"));
        else if (e->kind == ENTRY_DIRECTORY)
            tree_keep(&code, tree_get_directory(c, from, to, depth + 1, j));
        else if (e->kind == ENTRY_FILE)
            tree_keep(&code, tree_add(j, &job, to, from));
        else
            progress_note("/%s: not a regular file, left out", from);
    }
    if (!all.whole)
        progress_note("/%s: " LISTING_CUT, remote);
    if (all.refused > 0)
        tree_keep(&code, tree_said(remote, EX_PROTOCOL, LISTING_REFUSED));
    listing_release(&all);
    return code;
}

int tree_get(struct client *c, const char *remote, const char *local, int depth,
             struct jobs *j)
{
    struct job job = { .kind = JOB_GET };
    struct failure why;
    struct listing_entry e;

    if (!c->options.recursive)
        return tree_add(j, &job, local, remote);
    if (remote_stat(&c->link, remote, &e, &why) != 0)
        return client_error(remote, &why);
    return e.kind == ENTRY_DIRECTORY
               ? tree_get_directory(c, remote, local, depth, j)
               : tree_add(j, &job, local, remote);
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
    for (size_t i = 0; i < all.count; i++)
        if (names_match(word->pattern.text, all.entry[i].name) &&
            url_join(dir, all.entry[i].name, path) == 0) {
            found++;
            tree_keep(&code, each(c, path, of));
        }
    listing_release(&all);
    return found ? code : tree_said(word->path, EX_NOINPUT, "nothing matches");
}

static int tree_walk_at(struct client *c, const char *path, int depth,
                        bool (*enter)(struct client *c, const char *path,
                                      void *of),
                        int (*each)(struct client *c, const char *path,
                                    const struct listing_entry *e, void *of),
                        void *of)
{
    struct listing all;
    struct failure why;
    int code = 0;

    if (depth == TREE_DEPTH_MAX)
        return tree_said(path, EX_DATAERR, "directories are nested too deeply");
    if (remote_list(&c->link, path, &all, &why) < 0)
        return client_error(path, &why);
    for (size_t i = 0; i < all.count && !link_interrupted; i++) {
        const struct listing_entry *e = &all.entry[i];
        char below[URL_PATH_MAX];

        if (url_join(path, e->name, below) < 0)
            continue;
        bool directory = e->kind == ENTRY_DIRECTORY;
        if (directory && enter && !enter(c, below, of))
            continue;
        if (directory)
            tree_keep(&code,
                      tree_walk_at(c, below, depth + 1, enter, each, of));
        tree_keep(&code, each(c, below, e, of));
    }
    listing_release(&all);
    return code;
}

int tree_walk(struct client *c, const char *path,
              bool (*enter)(struct client *c, const char *path, void *of),
              int (*each)(struct client *c, const char *path,
                          const struct listing_entry *e, void *of),
              void *of)
{
    return tree_walk_at(c, path, 0, enter, each, of);
}
