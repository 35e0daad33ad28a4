/* The commands ls, mkdir, rm, rmdir, mv, chmod and hash. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "commands.h"
#include "sallyport/base/clock.h"

static void ls_entry(const struct client *c, const char *name,
                     const struct listing_entry *e)
{
    static const char *const kinds[] = { "file", "directory", "other" };
    char when[20] = "", safe[SHOW_MAX], size[24] = "-";
    struct tm tm;

    if (e->modified) {
        clock_utc(e->modified, &tm);
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
    }
    if (c->options.json) {
        event_print(json_pack("{s:o, s:s, s:I, s:s}", "name", event_text(name),
                              "type", kinds[e->kind], "size",
                              (json_int_t)e->size, "modified", when));
        return;
    }
    if (e->kind == LISTED_FILE && c->options.human)
        show_size(e->size, size);
    else if (e->kind == LISTED_FILE)
        snprintf(size, sizeof(size), "%llu", (unsigned long long)e->size);
    printf("%16s  %16s  %s%s\n", size, when,
           show_text(name, safe, sizeof(safe)),
           e->kind == LISTED_DIRECTORY ? "/" : "");
}

static void ls_each(struct tree *t, struct job *job,
                    const struct listing_entry *e, const char *path)
{
    const struct options *o = &t->client->options;
    const struct job below = tree_below(job);

    if (!o->all && e->name[0] == '.')
        return;
    pthread_mutex_lock(&t->lock);
    ls_entry(t->client, t->paths ? path : e->name, e);
    pthread_mutex_unlock(&t->lock);
    if (o->recursive && e->kind == LISTED_DIRECTORY)
        jobs_add(&t->jobs, &below, "", path);
}

static int ls_list(void *of, struct job *job, struct link *l,
                   struct failure *why)
{
    struct tree *t = of;

    return tree_list(t, job, l, false, ls_each, why);
}

/* Prints the entries of the directory PATH. Returns an exit code. */
static int ls_walk(struct client *c, const char *path, bool paths)
{
    const struct job job = { .kind = JOB_WALK, .step = ls_list };
    struct tree t;

    tree_begin(&t, c, TREE_LOOKS, false);
    t.paths = paths;
    jobs_add(&t.jobs, &job, "", path);
    jobs_run(&t.jobs, &c->site, &c->link);
    return tree_end(&t);
}

static int ls_one(struct client *c, const char *path,
                  const struct listing_entry *listed, void *of)
{
    const bool *several = of;
    struct failure why;
    struct listing_entry e;

    if (tree_stat(c, path, listed, &e, &why) != 0)
        return client_error(path, &why);
    if (e.kind == LISTED_DIRECTORY)
        return ls_walk(c, path, *several || c->options.recursive);
    ls_entry(c, path, &e);
    return 0;
}

/* Calls EACH for each word, or for the current directory if there are no
 * words. */
static int names_each(struct client *c, struct word *w, int n,
                      expand_each *each, void *of)
{
    int code = n == 0 ? each(c, c->cwd, NULL, of) : 0;

    for (int i = 0; i < n && !link_is_over(); i++)
        tree_keep(&code, tree_expand(c, &w[i], each, of));
    return code;
}

int cmd_ls(struct client *c, struct word *w, int n)
{
    /* Print whole paths if the output has the entries of several
     * directories. */
    bool several = n > 1 || (n == 1 && w[0].pattern.some);

    return names_each(c, w, n, ls_one, &several);
}

/* Makes a directory; for a/b/c, also makes a and a/b if they are missing. Asks
 * for a and a/b before it sends MKD, since a server logs the MKD of an existing
 * directory as a failure. */
static int mkdir_one(struct client *c, const char *path)
{
    char above[URL_PATH_MAX];
    struct listing_entry there;
    struct failure why;

    for (const char *at = path; *at;) {
        at = strchr(at, '/');
        if (!at)
            at = path + strlen(path);
        snprintf(above, sizeof(above), "%.*s", (int)(at - path), path);
        if (!(*at &&
              remote_look(&c->link, above, LOOK_KIND, &there, &why) == 0 &&
              there.kind == LISTED_DIRECTORY) &&
            remote_mkdir(&c->link, above, &why) < 0)
            return client_error(above, &why);
        at += *at == '/';
    }
    return 0;
}

int cmd_mkdir(struct client *c, struct word *w, int n)
{
    int code = 0;

    for (int i = 0; i < n; i++)
        tree_keep(&code, mkdir_one(c, w[i].path));
    return code;
}

static int rm_refuse_login(const char *path)
{
    return client_refuse(path, EX_USAGE,
                         "the login directory can't be removed");
}

struct rm {
    struct tree tree;
    bool directory; /* the word ends in "/" */
};

static int rm_one(struct client *c, const char *path,
                  const struct listing_entry *listed, void *of)
{
    struct rm *m = of;
    bool recursive = c->options.recursive;
    struct listing_entry e = { .kind = LISTED_FILE };
    struct failure why;

    if (!path[0])
        return rm_refuse_login(path);
    /* A link must not become the directory to which it leads. */
    if (listed)
        e = *listed;
    else if ((recursive || m->directory) &&
             remote_look(&c->link, path, LOOK_KIND | LOOK_LINK, &e, &why) !=
                 PRESENT)
        return client_error(path, &why);
    if (m->directory && e.kind != LISTED_DIRECTORY)
        return client_refuse(path, EX_USAGE,
                             "is no directory, but the path ends in /");
    if (!recursive)
        e.kind = LISTED_FILE;
    remove_there(&m->tree, NULL, &e, path);
    return 0;
}

int cmd_rm(struct client *c, struct word *w, int n)
{
    struct rm m;

    tree_begin(&m.tree, c, TREE_LOOKS, false);
    for (int i = 0; i < n && !link_is_over(); i++) {
        m.directory = w[i].directory;
        jobs_keep(&m.tree.jobs, tree_expand(c, &w[i], rm_one, &m));
    }
    jobs_run(&m.tree.jobs, &c->site, &c->link);
    return tree_end(&m.tree);
}

static int rmdir_one(struct client *c, const char *path,
                     const struct listing_entry *listed, void *of)
{
    struct failure why;

    (void)listed;
    (void)of;
    if (!path[0])
        return rm_refuse_login(path);
    if (c->options.dry_run)
        progress_note("would remove /%s", path);
    else if (link_command(&c->link, &why, "RMD %s", path) < 0)
        return client_error(path, &why);
    return 0;
}

int cmd_rmdir(struct client *c, struct word *w, int n)
{
    return names_each(c, w, n, rmdir_one, NULL);
}

/* Says if the server has given another name than TO. Returns an exit code. */
static int mv_tell(const struct client *c, const char *from, const char *to)
{
    static const char mark[] = "250 Renamed to ";
    const struct buf *b = &c->link.lines; /* whole; text can be cut */
    char all[URL_PATH_MAX + sizeof(mark)];
    const char *told = all + strlen(mark);

    snprintf(all, sizeof(all), "%.*s", (int)(b->len ? b->len - 1 : 0), b->data);
    if (strncmp(all, mark, strlen(mark)) != 0)
        return 0;
    if (c->options.conflict == CHOICE_OVERWRITE &&
        names_numbered(url_base(to), url_base(told)))
        return client_refuse(from, EX_CANTCREAT,
                             "the server doesn't let files be replaced: /%s is "
                             "unchanged, and the file is %s now",
                             to, told);
    progress_note("%s is %s now", from, told);
    return 0;
}

/* Changes a name. On the command line, the new name is relative to the
 * directory of the old one; in a session, to the current directory. Asks
 * whether the new name is taken, since the server replaces a file of this name
 * without a question. */
int cmd_mv(struct client *c, struct word *w, int n)
{
    char to[URL_PATH_MAX], directory[URL_PATH_MAX];
    const char *from = w[0].path, *base = url_base(from);
    size_t len = strlen(w[1].text);
    bool into = w[1].directory || (len > 0 && w[1].text[len - 1] == '/');
    struct listing_entry e;
    struct failure why;

    (void)n;
    snprintf(directory, sizeof(directory), "%.*s", (int)(base - from), from);
    if (url_join(w[1].remote ? "" : directory,
                 w[1].remote ? w[1].path : w[1].text, to) < 0 ||
        (into && url_join(to, base, to) < 0))
        return client_refuse(w[0].path, EX_USAGE, "the name is too long");
    bool replaces = c->options.conflict == CHOICE_OVERWRITE;
    enum presence r = remote_look(
        &c->link, to, LOOK_KIND | (replaces ? 0 : LOOK_FREE), &e, &why);
    if (r == PRESENT && e.kind == LISTED_DIRECTORY)
        return client_refuse(w[0].path, EX_CANTCREAT,
                             "/%s is a directory; write /%s/ to move into it",
                             to, to);
    if (r == PRESENT && !replaces)
        return client_refuse(
            w[0].path, EX_CANTCREAT,
            "/%s is there already; --conflict overwrite replaces it", to);
    return r == PRESENCE_UNKNOWN ||
                   remote_rename(&c->link, w[0].path, to, &why) < 0
               ? client_error(w[0].path, &why)
               : mv_tell(c, from, to);
}

static int chmod_one(struct client *c, const char *path,
                     const struct listing_entry *listed, void *of)
{
    struct failure why;

    (void)listed;
    return link_command(&c->link, &why, "SITE CHMOD %s %s", (char *)of, path) <
                   0
               ? client_error(path, &why)
               : 0;
}

int cmd_chmod(struct client *c, struct word *w, int n)
{
    size_t digits = strspn(w[0].text, "01234567");

    if (w[0].text[digits] || digits < 3 || digits > 4)
        return client_refuse(w[0].text, EX_USAGE,
                             "a mode has three or four digits, such as 640");
    return names_each(c, w + 1, n - 1, chmod_one, (void *)w[0].text);
}

static int hash_one(struct client *c, const char *path,
                    const struct listing_entry *listed, void *of)
{
    char hash[DIGEST_HEX_MAX], safe[SHOW_MAX];
    struct failure why;
    struct listing_entry e;

    (void)of;
    int r = tree_stat(c, path, listed, &e, &why);
    if (r == 0)
        r = remote_hash(&c->link, path, (struct remote_range){ .to = e.size },
                        hash, &why);
    if (r != 0)
        return client_error(path, &why);
    if (c->options.json)
        event_print(json_pack("{s:o, s:s, s:s}", "name", event_text(path),
                              "algorithm", c->site.hash, "hash", hash));
    else
        printf("%s  %s\n", hash, show_text(path, safe, sizeof(safe)));
    return 0;
}

int cmd_hash(struct client *c, struct word *w, int n)
{
    return names_each(c, w, n, hash_one, NULL);
}
