/* The commands put, get, cat and their forms in the shell. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands.h"

static const char *base_name(const char *path)
{
    size_t len = strlen(path);

    while (len > 0 && path[len - 1] == '/')
        len--;
    const char *slash = memrchr(path, '/', len);
    return slash ? slash + 1 : path;
}

/* Begins the jobs. With --conflict overwrite, no file may replace another file
 * of the same call. */
static void transfer_begin(struct tree *t, struct client *c, bool up)
{
    tree_begin(t, c, TREE_COPIES, up);
    t->jobs.once = c->options.conflict == CHOICE_OVERWRITE;
}

/* Prints "17 of 20 files, 1.2 GiB, 1 skipped, 2 failed: a, b". LOST: failures
 * that aren't transfers. */
static void transfer_sum_up(const struct jobs *j, size_t lost, bool json)
{
    size_t files = j->files + lost;

    lost += j->failed;
    char size[SHOW_SIZE_MAX], skipped[40] = "", failed[40] = "";

    if (json) {
        event_print(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "event",
                              "total", "files", (json_int_t)files, "done",
                              (json_int_t)j->done, "skipped",
                              (json_int_t)j->skipped, "failed",
                              (json_int_t)lost, "bytes", (json_int_t)j->moved));
        return;
    }
    if (j->skipped > 0)
        snprintf(skipped, sizeof(skipped), ", %zu skipped", j->skipped);
    if (lost > 0)
        snprintf(failed, sizeof(failed), ", %zu failed", lost);
    progress_note("%zu of %zu files, %s%s%s%s", j->done, files,
                  show_size(j->moved, size), skipped, failed, j->named);
}

/* Does the jobs of put or get. If there were several files, prints the total.
 * Returns an exit code. */
static int transfer_all(struct tree *t)
{
    struct client *c = t->client;

    jobs_run(&t->jobs, &c->site, &c->link);
    size_t lost = t->jobs.lost + t->left_out;
    if (c->options.dry_run)
        progress_note("%zu file%s would be transferred", t->planned,
                      t->planned == 1 ? "" : "s");
    else if (t->jobs.files + lost > 1)
        transfer_sum_up(&t->jobs, lost, c->options.json);
    return tree_end(t);
}

/* Adds jobs that upload LOCAL (a file, or a directory with -r) as REMOTE. TYPED
 * is as in tree_walk(). Returns an exit code. */
static int put_file(struct tree *t, const char *local, const char *remote,
                    bool typed)
{
    struct job job = { .kind = JOB_PUT, .named = NAMED_ALL };
    bool stream = strcmp(local, "-") == 0;
    struct stat st;

    if (stream && t->client->interactive && !isatty(STDIN_FILENO))
        return client_refuse(local, EX_USAGE,
                             "standard input has this session's commands");
    if (stream && t->client->options.remove_source)
        return client_refuse(local, EX_USAGE,
                             "--remove-source removes files only");
    if (!stream && stat(local, &st) < 0)
        return client_refuse(local, EX_NOINPUT, "%s", strerror(errno));
    if (stream || S_ISREG(st.st_mode)) {
        job.size = stream ? 0 : (uint64_t)st.st_size;
        job.twin = names_twin(remote, false);
        if (!stream &&
            options_too_young(&t->client->options, st.st_mtime, false))
            return 0;
        tree_add(t, &job, local, remote);
        return 0;
    }
    if (!S_ISDIR(st.st_mode))
        return client_refuse(
            local, EX_USAGE,
            "is no regular file; to send what a program prints: "
            "PROGRAM | sallyport put - URL/NAME");
    if (!t->client->options.recursive)
        return client_refuse(local, EX_USAGE, "is a directory; add -r");
    tree_walk(t, strlen(local), local, remote, typed);
    return 0;
}

/* Sets *ret: is the target on the server a directory? SEVERAL files need a
 * directory, which is made with -r. Returns an exit code. */
static int put_into_directory(struct client *c, const struct word *to,
                              bool several, bool *ret)
{
    struct failure why;
    struct listing_entry e;

    *ret = several || to->directory || !to->path[0];
    int r = remote_look(&c->link, to->path, LOOK_KIND, &e, &why);
    if (r < 0)
        return client_error(to->path, &why);
    bool there = r == 0 && e.kind == LISTED_DIRECTORY;
    *ret |= there;
    /* If the account lacks the right to ask for the target, the server decides
     * during the upload. */
    if (there || !*ret || r == HIDDEN)
        return 0;
    if (r == 0)
        r = fail(&why, EX_CANTCREAT, "is no directory");
    else if (!c->options.recursive)
        r = fail(&why, EX_NOINPUT,
                 "there is no such directory; make it with mkdir");
    else
        r = c->options.dry_run ? 0 : remote_mkdir(&c->link, to->path, &why);
    return r < 0 ? client_error(to->path, &why) : 0;
}

static int put_one(struct tree *t, const struct word *from,
                   const struct word *to, bool into)
{
    char remote[URL_PATH_MAX], name[NAME_MAX + 1];
    const char *local = from->text, *base = base_name(local);

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(base, "/"), base);
    /* "." means the contents of the directory. */
    if (!into || strcmp(name, ".") == 0)
        return put_file(t, local, to->path, true);
    if (strcmp(local, "-") == 0 || !listing_safe(slice_from(name)) ||
        url_join(to->path, name, remote) < 0)
        return client_refuse(local, EX_USAGE,
                             "needs a name on the server: put %s URL/NAME",
                             local);
    return put_file(t, local, remote, false);
}

static int put_all(struct client *c, struct word *w, int n,
                   const struct word *to)
{
    struct tree t;
    bool into;
    int code = put_into_directory(c, to, n > 1, &into);

    if (code != 0)
        return code;
    transfer_begin(&t, c, true);
    for (int i = 0; i < n; i++)
        jobs_fail(&t.jobs, put_one(&t, &w[i], to, into));
    return transfer_all(&t);
}

/* Expands the patterns: in a session no shell has expanded them. A pattern that
 * matches nothing is a name. */
static int put_typed(struct client *c, const struct word *w, int n,
                     const struct word *to)
{
    static struct word found[WORDS_MAX];
    glob_t g = { 0 };
    int count = 0;

    for (int i = 0; i < n; i++) {
        size_t k = g.gl_pathc;

        if ((!w[i].pattern.some ||
             glob(w[i].pattern.text, GLOB_TILDE | (k > 0 ? GLOB_APPEND : 0),
                  NULL, &g) != 0) &&
            count < WORDS_MAX)
            found[count++].text = w[i].text;
        for (; k < g.gl_pathc && count < WORDS_MAX; k++)
            found[count++].text = g.gl_pathv[k];
    }
    int code = count == WORDS_MAX
                   ? client_refuse("put", EX_USAGE,
                                   "too many names; name the directory, with "
                                   "-r")
                   : put_all(c, found, count, to);
    globfree(&g);
    return code;
}

/* Uploads. The last word is the target; in a session the target may be
 * missing. */
int cmd_put(struct client *c, struct word *w, int n)
{
    struct word here = { .remote = true, .directory = true };

    snprintf(here.path, sizeof(here.path), "%s", c->cwd);
    if (c->interactive && n > 1 && w[n - 1].pattern.some)
        return client_refuse(w[n - 1].text, EX_USAGE,
                             "the last word is the target: quote its pattern, "
                             "or add a target");
    if (c->interactive)
        return n > 1 ? put_typed(c, w, n - 1, &w[n - 1])
                     : put_typed(c, w, n, &here);
    if (n > 1 && w[n - 1].remote)
        return put_all(c, w, n - 1, &w[n - 1]);
    return client_refuse("put", EX_USAGE,
                         "the last word must be a URL: sallyport put FILE... "
                         "ftps://USER@HOST/");
}

/* Adds jobs that download REMOTE (a file, or a directory with -r) as LOCAL. The
 * user has named the first NAMED bytes of LOCAL. LISTED is the entry of REMOTE,
 * or NULL if no pattern found it. Returns an exit code. */
static int get_file(struct tree *t, const char *remote, const char *local,
                    size_t named, const struct listing_entry *listed)
{
    struct job job = { .kind = JOB_GET, .named = named };
    const struct options *o = &t->client->options;
    struct failure why;
    struct listing_entry e = { .kind = LISTED_FILE };

    if ((listed || o->recursive || o->min_age > 0 || o->dry_run ||
         !remote[0]) &&
        tree_stat(t->client, remote, listed, &e, &why) != 0)
        return client_error(remote, &why);
    /* Leave out a link only if a pattern found it. If the user has named the
     * link, the server may follow it. */
    if (e.kind == LISTED_OTHER && listed) {
        progress_note("/%s: not a regular file, left out", remote);
        return 0;
    }
    if (e.kind == LISTED_DIRECTORY && !o->recursive)
        return client_refuse(remote, EX_USAGE, "is a directory; add -r");
    if (e.kind == LISTED_DIRECTORY && strcmp(local, "-") == 0)
        return client_refuse(remote, EX_USAGE,
                             "a directory can't go to standard output");
    job.known = e.sized;
    job.size = e.size;
    job.modified = e.modified;
    job.unique = e.unique;
    if (e.kind == LISTED_DIRECTORY)
        tree_walk(t, named, local, remote, true);
    else if (!options_too_young(o, e.modified, true))
        tree_add(t, &job, local, remote);
    return 0;
}

struct get_target {
    const char
        *local; /* a directory, a name, "-", or NULL: the current directory */
    bool into;
    struct tree tree;
};

/* Counts each failure itself, not by its result: tree_expand() would return
 * only the first of several failures. */
static int get_one(struct client *c, const char *remote,
                   const struct listing_entry *listed, void *of)
{
    struct get_target *t = of;
    const char *name = base_name(remote);
    bool named = !name[0] || (t->local && !t->into);
    /* "-" alone would mean standard output. */
    const char *to = t->local                             ? t->local
                     : !name[0] || strcmp(name, "-") == 0 ? "."
                                                          : "";
    char local[PATH_MAX];

    (void)c;
    if (jobs_ended(&t->tree.jobs))
        return 0;
    bool fits = named || tree_join(to, name, local, sizeof(local)) == 0;
    jobs_fail(&t->tree.jobs,
              fits ? get_file(&t->tree, remote, named ? to : local,
                              named || t->local ? strlen(to) : 0, listed)
                   : client_refuse(remote, EX_USAGE, "the name is too long"));
    return listed && listed->kind == LISTED_OTHER ? -1 : 0;
}

static int get_all(struct client *c, struct word *w, int n, const char *local)
{
    struct get_target t = { .local = local };
    bool out = local && strcmp(local, "-") == 0;
    struct stat st;

    if (out && c->options.remove_source)
        return client_refuse(local, EX_USAGE,
                             "--remove-source: the standard output can't be "
                             "compared with the source");
    t.into = local && !out && stat(local, &st) == 0 && S_ISDIR(st.st_mode);
    bool several = n > 1 || w[0].pattern.some;
    if (local && !t.into && !out && several)
        return client_refuse(
            local, EX_CANTCREAT,
            "must be a directory, since several files go there");
    transfer_begin(&t.tree, c, false);
    t.tree.jobs.in_turn = out; /* one file after the other */
    for (int i = 0; i < n; i++)
        jobs_fail(&t.tree.jobs, tree_expand(c, &w[i], get_one, &t));
    return transfer_all(&t.tree);
}

int cmd_get(struct client *c, struct word *w, int n)
{
    for (int i = 1; i < n - 1; i++)
        if (!w[i].remote)
            return client_refuse(
                w[i].text, EX_USAGE,
                "in a session get takes only NAME and LOCAL; for several "
                "files give a pattern as NAME, such as *.pdf");
    if (n > 1 && !w[n - 1].remote)
        return get_all(c, w, n - 1, w[n - 1].text);
    return get_all(c, w, n, NULL);
}

int cmd_cat(struct client *c, struct word *w, int n)
{
    return get_all(c, w, n, "-");
}
