/* The commands put, get, cat and their forms in the shell. */
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "client.h"

static const char *base_name(const char *path)
{
    size_t len = strlen(path);

    while (len > 0 && path[len - 1] == '/')
        len--;
    const char *slash = memrchr(path, '/', len);
    return slash ? slash + 1 : path;
}

/* Is the target on the server a directory? Several files need one. */
static int put_into_directory(struct client *c, const struct word *to,
                              bool several, bool *ret)
{
    struct failure why;
    struct listing_entry e;

    *ret = several || to->directory || !to->path[0];
    int r = remote_stat(&c->link, to->path, &e, &why);
    if (r < 0)
        return client_error(to->path, &why);
    if (r == 0 && e.kind == ENTRY_DIRECTORY)
        *ret = true;
    else if (*ret && r == 0)
        r = fail(&why, EX_CANTCREAT, "is no directory");
    else if (*ret && remote_lacks_right(&c->link))
        r = 0; /* an account that may only upload: the server decides */
    else if (*ret && c->options.recursive)
        r = remote_mkdir(&c->link, to->path, &why) < 0 ? -1 : 0;
    else if (*ret)
        r = fail(&why, EX_NOINPUT,
                 "there is no such directory; make it by "
                 "mkdir");
    else
        r = 0;
    return r < 0 ? client_error(to->path, &why) : 0;
}

static int put_one(struct client *c, const char *local, const struct word *to,
                   bool into, struct jobs *j)
{
    char remote[URL_PATH_MAX], name[NAME_MAX + 1];
    struct failure why;

    const char *base = base_name(local);
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(base, "/"), base);
    /* "." means the content of the directory. */
    if (!into || strcmp(name, ".") == 0)
        return tree_put(c, local, to->path, j);
    if (strcmp(local, "-") == 0 || !listing_safe(slice_from(name)) ||
        url_join(to->path, name, remote) < 0) {
        fail(&why, EX_USAGE, "needs a name on the server: put %s URL/NAME",
             local);
        return client_error(local, &why);
    }
    return tree_put(c, local, remote, j);
}

static int put_all(struct client *c, struct word *w, int n,
                   const struct word *to)
{
    struct jobs j = { 0 };
    bool into;
    int code = put_into_directory(c, to, n > 1, &into);

    if (code != 0)
        return code;
    for (int i = 0; i < n; i++)
        tree_keep(&code, put_one(c, w[i].text, to, into, &j));
    tree_keep(&code, client_run_jobs(c, &j));
    jobs_release(&j);
    return code;
}

/* The last word is the target; in the shell the target may be missing. */
int cmd_put(struct client *c, struct word *w, int n)
{
    struct word here = { .remote = true, .directory = true };
    struct failure why;

    snprintf(here.path, sizeof(here.path), "%s", c->cwd);
    if (n > 1 && w[n - 1].remote)
        return put_all(c, w, n - 1, &w[n - 1]);
    if (c->interactive)
        return put_all(c, w, n, &here);
    fail(&why, EX_USAGE,
         "the last word must be a URL: sallyport put FILE... "
         "ftps://USER@HOST/");
    return client_error("put", &why);
}

/* The command expands local patterns itself, since no shell has done it. */
int cmd_mput(struct client *c, struct word *w, int n)
{
    static struct word found[WORDS_MAX];
    struct word here = { .remote = true, .directory = true };
    struct failure why;
    glob_t g = { 0 };
    int flags = GLOB_NOCHECK | GLOB_TILDE;
    int count = 0;

    snprintf(here.path, sizeof(here.path), "%s", c->cwd);
    for (int i = 0; i < n; i++) {
        glob(w[i].text, flags, NULL, &g);
        flags |= GLOB_APPEND;
    }
    for (size_t i = 0; i < g.gl_pathc && count < WORDS_MAX; i++)
        found[count++] = (struct word){ .text = g.gl_pathv[i] };
    int code = 0;
    if (g.gl_pathc > WORDS_MAX) {
        fail(&why, EX_USAGE, "too many names; name the directory, with -r");
        code = client_error("mput", &why);
    } else {
        code = put_all(c, found, count, &here);
    }
    globfree(&g);
    return code;
}

struct get_target {
    const char
        *local; /* a directory, a name, "-", or NULL: the current directory */
    bool into;
    struct jobs jobs;
};

static int get_one(struct client *c, const char *remote, void *of)
{
    struct get_target *t = of;
    const char *name = base_name(remote);
    char local[PATH_MAX];
    struct failure why;

    if (t->jobs.full)
        return 0;
    if (!name[0] || (t->local && !t->into))
        return tree_get(c, remote, t->local ? t->local : ".", 0, &t->jobs);
    /* "-" alone would be standard output. */
    const char *dash = strcmp(name, "-") == 0 ? "." : "";
    if (tree_join(t->local ? t->local : dash, name, local, sizeof(local)) < 0) {
        fail(&why, EX_USAGE, "the name is too long");
        return client_error(remote, &why);
    }
    return tree_get(c, remote, local, 1, &t->jobs);
}

static int get_all(struct client *c, struct word *w, int n, const char *local)
{
    struct get_target t = { .local = local };
    struct failure why;
    struct stat st;
    int code = 0;

    t.into = local && strcmp(local, "-") != 0 && stat(local, &st) == 0 &&
             S_ISDIR(st.st_mode);
    bool several = n > 1 || w[0].pattern.some;
    if (local && !t.into && several && strcmp(local, "-") != 0) {
        fail(&why, EX_CANTCREAT,
             "is no directory, and several files would go "
             "there");
        return client_error(local, &why);
    }
    for (int i = 0; i < n; i++)
        tree_keep(&code, tree_expand(c, &w[i], get_one, &t));
    tree_keep(&code, client_run_jobs(c, &t.jobs));
    jobs_release(&t.jobs);
    return code;
}

int cmd_get(struct client *c, struct word *w, int n)
{
    struct failure why;

    for (int i = 1; i < n - 1; i++)
        if (!w[i].remote) {
            fail(&why, EX_USAGE,
                 "several names are in the way of LOCAL; try mget");
            return client_error(w[i].text, &why);
        }
    if (n > 1 && !w[n - 1].remote)
        return get_all(c, w, n - 1, w[n - 1].text);
    return get_all(c, w, n, NULL);
}

int cmd_mget(struct client *c, struct word *w, int n)
{
    return get_all(c, w, n, NULL);
}

int cmd_cat(struct client *c, struct word *w, int n)
{
    uint64_t parallel = c->options.parallel;

    c->options.parallel = 1; /* one after the other */
    int code = get_all(c, w, n, "-");
    c->options.parallel = parallel;
    return code;
}
