/* What sync --delete removes: collected during the walk, removed after all
 * transfers. A listing may lack names without saying so, so the server is asked
 * for each local name before it is removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "sallyport/base/fd.h"

/* Is PATH the directory TOP, or in it? */
static bool surplus_is_below(const char *path, const char *top)
{
    size_t len = top ? strlen(top) : 0;

    return top && strncmp(path, top, len) == 0 &&
           (path[len] == '/' || path[len] == '\0');
}

/* PATH is below the FIRST bytes of the directory of sync. */
static void surplus_add(struct tree *t, const char *path, size_t first,
                        enum surplus_kind kind)
{
    const char *below = path + first + (path[first] == '/');
    struct failure why;
    char *copy = NULL;

    if (jobs_charge(&t->jobs, sizeof(*t->surplus) + strlen(below) + 1, &why) <
        0) {
        tree_failed(t, path, &why);
        return;
    }
    if (t->surplus_count == t->surplus_size) {
        size_t size = t->surplus_size ? 2 * t->surplus_size : 64;
        struct surplus *more =
            reallocarray(t->surplus, size, sizeof(*t->surplus));

        t->surplus = more ? more : t->surplus;
        t->surplus_size = more ? size : t->surplus_size;
    }
    if (t->surplus_count < t->surplus_size)
        copy = strdup(below);
    if (copy) {
        t->surplus[t->surplus_count++] = (struct surplus){ copy, kind };
        return;
    }
    fail(&why, EX_OSERR, "out of memory");
    tree_failed(t, path, &why);
}

/* A walk on the server. What is excluded stays, with the directories above. */
struct surplus_walk {
    struct tree *tree;
    char kept[URL_PATH_MAX]; /* the last one that stays */
};

static bool surplus_stays(struct surplus_walk *w, const char *path,
                          bool directory)
{
    if (!tree_excludes(w->tree, path, directory))
        return false;
    snprintf(w->kept, sizeof(w->kept), "%s", path);
    return true;
}

static bool surplus_enter(struct client *c, const char *path, void *of)
{
    struct surplus_walk *w = of;

    (void)c;
    if (jobs_ended(&w->tree->jobs) || surplus_stays(w, path, true))
        return false;
    surplus_add(w->tree, path, w->tree->root, SURPLUS_ENTER);
    return true;
}

static int surplus_each(struct client *c, const char *path,
                        const struct listing_entry *e, void *of)
{
    struct surplus_walk *w = of;
    bool directory = e->kind == ENTRY_DIRECTORY;

    (void)c;
    if (!jobs_ended(&w->tree->jobs) && !surplus_stays(w, path, directory) &&
        !(directory && surplus_is_below(w->kept, path)))
        surplus_add(w->tree, path, w->tree->root,
                    directory ? SURPLUS_LEAVE : SURPLUS_FILE);
    return 0;
}

static void surplus_of_entry(struct tree *t, const char *path,
                             const struct listing_entry *e)
{
    struct surplus_walk w = { .tree = t };
    int code = 0;

    if (e->kind == ENTRY_DIRECTORY) {
        if (!surplus_enter(t->client, path, &w))
            return;
        code = tree_walk(t->client, path, 0, surplus_enter, surplus_each, &w);
    }
    t->failed += code != 0;
    tree_keep(&t->code, code);
    surplus_each(t->client, path, e, &w);
}

void surplus_of_server(struct tree *t, int here, const char *remote,
                       const struct listing *there)
{
    char path[URL_PATH_MAX];
    struct stat st;

    for (size_t i = 0; i < there->count && !jobs_ended(&t->jobs); i++) {
        const struct listing_entry *e = &there->entry[i];

        if (!part_is_name(e->name) &&
            fstatat(here, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
            errno == ENOENT && url_join(remote, e->name, path) == 0)
            surplus_of_entry(t, path, e);
    }
}

static void surplus_failed(struct tree *t, int error, const char *local)
{
    struct failure why;

    fail_errno(&why, error, "");
    tree_failed(t, local, &why);
}

static bool surplus_excludes(const struct tree *t, const char *local,
                             bool directory)
{
    local += t->named;
    return options_exclude(&t->client->options, local + (local[0] == '/'),
                           directory);
}

/* Collects NAME, with all that is in it, from the open directory AT, whose path
 * is DIR. No link is followed. Returns false if it stays. */
static bool surplus_of_name(struct tree *t, int at, const char *dir,
                            const char *name, int depth)
{
    char path[PATH_MAX];
    struct dirent *e;
    struct stat st;
    bool empty = true;

    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        tree_join(dir, name, path, sizeof(path)) < 0 ||
        surplus_excludes(t, path, S_ISDIR(st.st_mode)))
        return false;
    if (!S_ISDIR(st.st_mode)) {
        surplus_add(t, path, t->named, SURPLUS_FILE);
        return true;
    }
    int fd =
        depth < TREE_DEPTH_MAX
            ? openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            : -1;
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    surplus_add(t, path, t->named, SURPLUS_ENTER);
    while (d && (e = readdir(d)) && !jobs_ended(&t->jobs))
        if (!tree_is_dots(e->d_name))
            empty &= surplus_of_name(t, fd, path, e->d_name, depth + 1);
    if (d)
        closedir(d);
    else
        fd_close(&fd);
    if (empty)
        surplus_add(t, path, t->named, SURPLUS_LEAVE);
    return empty;
}

/* Partial files belong to other transfers. */
void surplus_of_local(struct tree *t, const char *local,
                      const struct listing *there, int depth)
{
    DIR *d = tree_opendir(t, local);
    struct dirent *e;

    if (!d && errno != ENOENT)
        surplus_failed(t, errno, local);
    while (d && (e = readdir(d)) && !jobs_ended(&t->jobs))
        if (!tree_is_dots(e->d_name) && !part_is_name(e->d_name) &&
            !listing_find(there, e->d_name))
            surplus_of_name(t, dirfd(d), local, e->d_name, depth + 1);
    if (d)
        closedir(d);
}

size_t surplus_names(const struct tree *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->surplus_count; i++)
        n += t->surplus[i].kind != SURPLUS_ENTER;
    return n;
}

/* The removals. */

struct surplus_work {
    struct tree *tree;
    const struct surplus_places *places;
    char entered[URL_PATH_MAX]; /* the server's directory that was entered */
    bool has_entered;
    char local[PATH_MAX], remote[URL_PATH_MAX]; /* of the present name */
};

/* Opens the local directory of the present name. */
static int surplus_open(const struct surplus_work *w)
{
    char above[PATH_MAX];

    snprintf(above, sizeof(above), "%.*s", (int)(url_base(w->local) - w->local),
             w->local);
    return names_open(above[0] ? above : ".", w->tree->named,
                      O_PATH | O_DIRECTORY);
}

/* Is the name still missing in its local directory? */
static bool surplus_is_gone_here(const struct surplus_work *w)
{
    FD_CLEANUP int at = surplus_open(w);
    struct stat st;

    return at >= 0 &&
           fstatat(at, url_base(w->local), &st, AT_SYMLINK_NOFOLLOW) < 0 &&
           errno == ENOENT;
}

/* Some servers answer that nothing is in a directory which the account may not
 * enter. */
static enum presence surplus_ask_once(struct surplus_work *w,
                                      struct failure *why)
{
    struct link *l = &w->tree->client->link;
    char above[URL_PATH_MAX];

    snprintf(above, sizeof(above), "%.*s",
             (int)(url_base(w->remote) - w->remote), w->remote);
    above[strlen(above) - (above[0] != '\0')] = '\0'; /* the slash */
    if (!w->has_entered || strcmp(above, w->entered) != 0) {
        w->has_entered = false;
        if (remote_enter(l, above, why) < 0)
            return PRESENCE_UNKNOWN;
        memcpy(w->entered, above, sizeof(above));
        w->has_entered = true;
    }
    return remote_exists(l, w->remote, why);
}

static bool surplus_is_gone_there(struct surplus_work *w)
{
    struct link *l = &w->tree->client->link;
    struct retry retry = { 0 };
    enum presence there;
    struct failure why;

    do
        there = surplus_ask_once(w, &why);
    while (there == PRESENCE_UNKNOWN && link_again(l, &retry, w->remote, &why));
    if (there == ABSENT || link_interrupted)
        return there == ABSENT;
    if (there == PRESENT)
        fail(&why, EX_PROTOCOL,
             "stays: the server has it, but its listing lacks it");
    tree_failed(w->tree, w->local, &why);
    return false;
}

static int surplus_remove_here(const struct surplus_work *w,
                               enum surplus_kind kind, struct failure *why)
{
    FD_CLEANUP int at = surplus_open(w);
    int flags = kind == SURPLUS_LEAVE ? AT_REMOVEDIR : 0;

    return at >= 0 && unlinkat(at, url_base(w->local), flags) == 0
               ? 0
               : fail_errno(why, errno, "");
}

/* Removes the present name. */
static void surplus_remove_one(struct surplus_work *w, enum surplus_kind kind)
{
    struct tree *t = w->tree;
    bool up = w->places->up, dry = t->client->options.dry_run;
    const char *what = up ? w->remote : w->local;
    struct failure why;
    int r = 0;

    progress_note("%s %s%s", dry ? "would remove" : "removing", up ? "/" : "",
                  what);
    if (!dry && !up)
        r = surplus_remove_here(w, kind, &why);
    else if (!dry)
        r = kind == SURPLUS_FILE ? remote_remove(&t->client->link, what, &why)
                                 : remote_rmdir(&t->client->link, what, &why);
    t->removed += r == 0;
    if (r < 0)
        tree_failed(t, what, &why);
}

/* Some servers list a link to a directory as a directory. What it leads to must
 * stay: DELE removes a link, and no directory. Returns true: it was one. */
static bool surplus_was_link(struct surplus_work *w)
{
    struct tree *t = w->tree;
    struct failure why;

    if (!w->places->up || t->client->options.dry_run ||
        remote_remove(&t->client->link, w->remote, &why) < 0)
        return false;
    progress_note("removing /%s", w->remote);
    t->removed++;
    return true;
}

static void surplus_failed_name(struct tree *t, const char *path)
{
    struct failure why;

    fail(&why, EX_DATAERR, "its path is too long, left out");
    tree_failed(t, path, &why);
}

/* A name whose directory both sides have is looked for on the other side. If it
 * is there now, it stays with all that is in it. */
void surplus_remove(struct tree *t, const struct surplus_places *p)
{
    struct surplus_work w = { .tree = t, .places = p };
    const char *top = NULL, *over = NULL;

    for (size_t i = 0; i < t->surplus_count && !link_is_over(); i++) {
        const struct surplus *s = &t->surplus[i];

        if (surplus_is_below(s->path, over))
            continue;
        if (tree_join(p->local, s->path, w.local, sizeof(w.local)) < 0 ||
            url_join(p->remote, s->path, w.remote) < 0) {
            surplus_failed_name(t, s->path);
            over = s->path;
            continue;
        }
        if (!surplus_is_below(s->path, top)) {
            top = s->path;
            if (!(p->up ? surplus_is_gone_here(&w)
                        : surplus_is_gone_there(&w))) {
                over = top;
                continue;
            }
        }
        if (s->kind != SURPLUS_ENTER)
            surplus_remove_one(&w, s->kind);
        else if (surplus_was_link(&w))
            over = s->path;
    }
}

void surplus_release(struct tree *t)
{
    while (t->surplus_count > 0)
        free(t->surplus[--t->surplus_count].path);
    free(t->surplus);
    t->surplus = NULL;
    t->surplus_size = 0;
}
