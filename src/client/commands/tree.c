/* Walks through local and remote directories; each directory is a job of the
 * crew. If a server shows directories without an end, the walk ends at
 * TREE_DEPTH_MAX with an error. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

void tree_keep(int *first, int code)
{
    if (*first == 0)
        *first = code;
}

void tree_begin(struct tree *t, struct client *c, enum tree_use use, bool up)
{
    *t = (struct tree){ .client = c, .use = use, .up = up };
    pthread_mutex_init(&t->lock, NULL);
    jobs_begin(&t->jobs, t);
}

int tree_end(struct tree *t)
{
    int code = link_interrupted ? EX_TEMPFAIL : t->jobs.code;

    if (code == 0 && t->left_out > 0)
        code = EX_DATAERR;

    jobs_release(&t->jobs);
    pthread_mutex_destroy(&t->lock);
    return code;
}

void tree_failed(struct tree *t, const char *what, const struct failure *why)
{
    jobs_fail(&t->jobs, client_error(what, why));
}

void tree_failed_errno(struct tree *t, const char *what)
{
    struct failure why;

    fail_errno(&why, errno, "");
    tree_failed(t, what, &why);
}

int tree_join(const char *dir, const char *name, char *out, size_t size)
{
    size_t len = strlen(dir);
    int n = snprintf(out, size, "%s%s%s", dir,
                     len == 0 || dir[len - 1] == '/' ? "" : "/", name);

    return n > 0 && (size_t)n < size ? 0 : -1;
}

bool tree_paths(struct tree *t, const struct job *dir, const char *name,
                char local[PATH_MAX], char remote[URL_PATH_MAX])
{
    if (tree_join(dir->local, name, local, PATH_MAX) == 0 &&
        url_join(dir->remote, name, remote) == 0)
        return true;
    t->left_out++;
    jobs_keep(&t->jobs, client_refuse(name, EX_DATAERR,
                                      "its path is too long, left out"));
    return false;
}

bool tree_is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

bool tree_cut(struct tree *t, const char *remote, const struct listing *there,
              bool names)
{
    if (!there->cut && (there->refused == 0 || !names)) {
        if (there->refused > 0)
            progress_note("/%s: " LISTING_REFUSED, remote);
        return false;
    }
    jobs_fail(&t->jobs,
              client_refuse(remote, EX_PROTOCOL, "%s",
                            there->cut ? LISTING_CUT : LISTING_REFUSED));
    return true;
}

struct job tree_below(struct job *above)
{
    return (struct job){ .kind = JOB_WALK,
                         .step = above->step,
                         .named = above->named,
                         .depth = above->depth + 1,
                         .above = above };
}

static bool tree_is_too_deep(struct tree *t, const struct job *job,
                             const char *what)
{
    if (job->depth < TREE_DEPTH_MAX)
        return false;
    jobs_fail(&t->jobs, client_refuse(what, EX_DATAERR,
                                      "directories are nested too deeply"));
    return true;
}

int tree_list(struct tree *t, struct job *job, struct link *l, bool names,
              tree_each *each, struct failure *why)
{
    char path[URL_PATH_MAX];
    struct listing all;

    if (tree_is_too_deep(t, job, job->remote)) {
        job->stays = true;
        return 0;
    }
    if (remote_list(l, job->remote, &all, why) < 0)
        return -1;
    job->stays |= tree_cut(t, job->remote, &all, names);
    for (size_t i = 0; i < all.count && !jobs_ended(&t->jobs); i++)
        if (url_join(job->remote, all.entry[i].name, path) == 0)
            each(t, job, &all.entry[i], path);
    listing_release(&all);
    return 0;
}

DIR *tree_opendir(const char *local, size_t named)
{
    int fd = names_open(local, named, O_RDONLY | O_DIRECTORY);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);

    if (!d)
        fd_close(&fd);
    return d;
}

struct dirent *tree_readdir(struct tree *t, DIR *d, const char *local)
{
    errno = 0;
    struct dirent *e = readdir(d);
    if (!e && errno != 0)
        tree_failed_errno(t, local);
    return e;
}

void tree_add(struct tree *t, const struct job *job, const char *local,
              const char *remote)
{
    bool up = job->kind == JOB_PUT;

    if (!t->client->options.dry_run) {
        jobs_add(&t->jobs, job, local, remote);
        return;
    }
    t->planned++;
    progress_note("would %s %s", up ? "upload" : "download",
                  up ? local : remote);
}

/* Adds the transfer of a file. HERE and THERE describe it on both sides; NULL:
 * it doesn't exist there. A sync also replaces a file that was made after the
 * listing: another sync of the same files may be running. */
static void tree_file(struct tree *t, struct job *job, const char *local,
                      const char *remote, const struct stat *here,
                      const struct listing_entry *there)
{
    job->overwrite = t->use == TREE_SYNCS;
    job->twin = names_twin(t->up ? remote : local, !t->up);
    if (t->use == TREE_SYNCS && here && there &&
        sync_settled(t, job, local, here, there))
        return;
    if (job->kind == JOB_CHANGE)
        jobs_add(&t->jobs, job, local, remote);
    else
        tree_add(t, job, local, remote);
}

static void tree_up_file(struct tree *t, struct job *dir, const char *local,
                         const char *remote, const struct stat *here,
                         const struct listing *all)
{
    const struct listing_entry *there = listing_find(all, remote);

    struct job job = { .kind = JOB_PUT,
                       .named = dir->named,
                       .size = (uint64_t)here->st_size,
                       .known = true,
                       .above = dir };

    tree_file(t, &job, local, remote, here, there);
}

/* A file that vanishes from a tree is no failure, but a directory is, such as a
 * disk that isn't mounted any more. errno says why it can't be opened. */
static void tree_lost(struct tree *t, const struct job *dir)
{
    if (errno == ENOENT && dir->depth > 0)
        jobs_fail(&t->jobs,
                  client_refuse(dir->local, EX_TEMPFAIL,
                                "was removed or renamed meanwhile; run the "
                                "same command again"));
    else
        tree_failed_errno(t, dir->local);
}

static void tree_replaced(struct tree *t, const struct job *dir)
{
    jobs_fail(&t->jobs,
              client_refuse(dir->local, EX_NOINPUT,
                            "was replaced or removed meanwhile; is its disk "
                            "mounted?"));
}

/* Tells of a local directory that isn't there any more when all jobs in it have
 * ended. open() mounts what is mounted on demand; stat() doesn't. */
static void tree_leave(void *of, const struct job *dir)
{
    FD_CLEANUP int fd =
        names_open(dir->local, dir->named, O_PATH | O_DIRECTORY);

    if (fd < 0)
        tree_lost(of, dir);
    else if (!job_is_in(dir, fd))
        tree_replaced(of, dir);
}

/* Begins the work in the local directory of JOB, which is open as FD. */
static void tree_enter(struct job *job, int fd)
{
    job_enter(job, fd);
    job->leave = tree_leave;
}

/* Adds a local name. Follows no link in a directory, since a link can lead
 * anywhere. */
static void tree_up_entry(struct tree *t, struct job *dir, int fd,
                          const char *name, const struct listing *there)
{
    char local[PATH_MAX], remote[URL_PATH_MAX];
    struct stat st;

    if (!tree_paths(t, dir, name, local, remote))
        return;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT) /* it has gone meanwhile */
            return;
        tree_failed_errno(t, local);
    } else if (!listing_safe(slice_from(name))) {
        client_refuse(local, EX_DATAERR,
                      "left out, since its name has control bytes");
        t->left_out++;
    } else if (S_ISDIR(st.st_mode)) {
        const struct listing_entry *e = listing_find(there, remote);
        struct job below = tree_below(dir);

        below.disk = st.st_dev;
        below.taken = e;
        below.known = below.taken || there->whole;
        below.twin = names_twin(remote, false);
        if (t->use != TREE_SYNCS || !e || e->kind == LISTED_DIRECTORY ||
            !sync_settled(t, &below, local, &st, e))
            jobs_add(&t->jobs, &below, local, remote);
    } else if (options_too_young(&t->client->options, st.st_mtime, false)) {
        return;
    } else if (S_ISREG(st.st_mode)) {
        tree_up_file(t, dir, local, remote, &st, there);
    } else {
        progress_note("%s: %s, left out", local,
                      S_ISLNK(st.st_mode) ? "a symbolic link"
                                          : "not a regular file");
    }
}

/* Gets the server's listing of JOB's directory, and makes the directory if it
 * is missing. If the listing of its parent lacks it, tries MKD without asking
 * first. Returns 0, or -1 with the reason. */
static int tree_list_up(struct tree *t, struct job *job, struct link *l,
                        struct listing *ret, struct failure *why)
{
    unsigned wants = LOOK_KIND | (job->typed ? 0 : LOOK_LINK);
    struct listing_entry e;
    enum presence r = job->known && !job->taken
                          ? ABSENT
                          : remote_look(l, job->remote, wants, &e, why);

    *ret = (struct listing){ .whole = true };
    if (r == PRESENCE_UNKNOWN)
        return -1;
    if (r != PRESENT && t->client->options.dry_run)
        return 0;
    if (r == PRESENT && e.kind != LISTED_DIRECTORY && !job->typed)
        return fail(why, EX_CANTCREAT, "is no directory on the server");
    int existed = r == PRESENT ? 1 : remote_mkdir_once(l, job->remote, why);
    job->made = existed == 0;
    if (existed == 1 && job->twin && remote_own_name(l, job->remote, why) < 0)
        return -1;
    if (existed != 1 || remote_list(l, job->remote, ret, why) == 0)
        return existed < 0 ? -1 : 0;
    /* An account may upload, but not list: put asks for each directory then. */
    *ret = (struct listing){ 0 };
    return t->use == TREE_SYNCS || why->lost || why->reply < 500 ||
                   (r == PRESENT && e.kind != LISTED_DIRECTORY)
               ? -1
               : 0;
}

static int tree_up_step(void *of, struct job *job, struct link *l,
                        struct failure *why)
{
    struct tree *t = of;
    struct listing there = { 0 };
    char remote[URL_PATH_MAX];
    struct dirent *e;

    if (tree_is_too_deep(t, job, job->local))
        return 0;
    DIR *d = tree_opendir(job->local, job->named);
    if (!d) {
        job->leave = NULL;
        tree_lost(t, job);
        return 0;
    }
    const dev_t listed = job->disk;
    tree_enter(job, dirfd(d));
    if (job->above && job->disk == job->above->disk && job->disk != listed) {
        job->leave = NULL;
        tree_replaced(t, job);
        closedir(d);
        return 0;
    }
    int r = tree_list_up(t, job, l, &there, why);
    /* First the names that the server has: a new name is the twin then. */
    for (size_t i = 0; i < there.count; i++)
        if (url_join(job->remote, there.entry[i].name, remote) == 0)
            names_twin(remote, false);
    while (r == 0 && !jobs_ended(&t->jobs) &&
           (e = tree_readdir(t, d, job->local)))
        if (!tree_is_dots(e->d_name) && !part_is_name(e->d_name))
            tree_up_entry(t, job, dirfd(d), e->d_name, &there);
    listing_release(&there);
    closedir(d);
    return r;
}

int tree_make_local(const struct tree *t, struct job *job, struct failure *why)
{
    const char *local = job->local;
    bool dry = t->client->options.dry_run, chosen = strlen(local) > job->named;
    const char *base = chosen ? url_base(local) : local;
    struct stat st;
    FD_CLEANUP int fd = chosen
                            ? names_open_above(local, job->named, O_PATH)
                            : names_open(".", job->named, O_PATH | O_DIRECTORY);
    int r = fd < 0 || dry ? -1 : mkdirat(fd, base, 0777);
    job->made |= r == 0;
    if (r == 0)
        return 0;
    if (fd >= 0 && (dry || errno == EEXIST))
        r = fstatat(fd, base, &st, chosen ? AT_SYMLINK_NOFOLLOW : 0);
    if (dry && r < 0 && errno == ENOENT)
        return 1;
    if (r < 0)
        return fail(why, EX_CANTCREAT, "%s", strerror(errno));
    if (S_ISLNK(st.st_mode))
        return fail(why, EX_CANTCREAT,
                    "is a link, which can lead out of the target; rename the "
                    "link, or download to where it leads");
    return S_ISDIR(st.st_mode) ? 0 : fail(why, EX_CANTCREAT, "is no directory");
}

/* Can this sync make FD, the local directory of JOB, like the server's? If the
 * disk ignores the case of names, another job may have the directory. Returns
 * 0, or -1 with the reason. */
static int tree_take_local(struct job *job, int fd, struct failure *why)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && names_keep(&st) == 1 && !job->made)
        return fail(why, EX_CANTCREAT,
                    "on this disk another directory of the server has this "
                    "name; rename one of them");
    job->made = true;
    return 0;
}

static void tree_down_entry(struct tree *t, struct job *dir,
                            const struct listing_entry *e)
{
    char remote[URL_PATH_MAX], local[PATH_MAX];
    bool directory = e->kind == LISTED_DIRECTORY;
    struct stat st;

    if (part_is_name(e->name) || !tree_paths(t, dir, e->name, local, remote))
        return;
    if (directory) {
        struct job below = tree_below(dir);

        if (t->use != TREE_SYNCS || lstat(local, &st) < 0 ||
            !S_ISREG(st.st_mode) || !sync_settled(t, &below, local, &st, e))
            jobs_add(&t->jobs, &below, local, remote);
    } else if (options_too_young(&t->client->options, e->modified, true)) {
        return;
    } else if (e->kind == LISTED_FILE) {
        struct job job = { .kind = JOB_GET,
                           .named = dir->named,
                           .known = e->sized,
                           .size = e->size,
                           .modified = e->modified,
                           .unique = e->unique,
                           .above = dir };
        bool found = t->use == TREE_SYNCS && lstat(local, &st) == 0;

        tree_file(t, &job, local, remote, found ? &st : NULL, e);
    } else {
        progress_note("/%s: not a regular file, left out", remote);
    }
}

static int tree_down_step(void *of, struct job *job, struct link *l,
                          struct failure *why)
{
    struct tree *t = of;
    struct listing there;

    if (tree_is_too_deep(t, job, job->remote))
        return 0;
    if (remote_list(l, job->remote, &there, why) < 0)
        return -1;
    int made = tree_make_local(t, job, why);
    FD_CLEANUP int fd =
        made == 0 ? names_open(job->local, job->named, O_PATH | O_DIRECTORY)
                  : -1;
    if (fd >= 0)
        tree_enter(job, fd);
    if (made == 0 && t->use == TREE_SYNCS)
        made = tree_take_local(job, fd, why);
    if (made < 0)
        tree_failed(t, job->local, why);
    for (size_t i = 0; made >= 0 && i < there.count && !jobs_ended(&t->jobs);
         i++)
        tree_down_entry(t, job, &there.entry[i]);
    if (made >= 0)
        tree_cut(t, job->remote, &there, true);
    listing_release(&there);
    return 0;
}

void tree_walk(struct tree *t, size_t named, const char *local,
               const char *remote, bool typed)
{
    const struct job job = { .kind = JOB_WALK,
                             .step = t->up ? tree_up_step : tree_down_step,
                             .named = named,
                             .typed = typed,
                             .twin =
                                 t->up && !typed && names_twin(remote, false) };

    jobs_add(&t->jobs, &job, local, remote);
}

enum presence tree_stat(struct client *c, const char *path,
                        const struct listing_entry *e,
                        struct listing_entry *ret, struct failure *why)
{
    if (!e || (e->kind == LISTED_FILE && !e->sized))
        return remote_look(&c->link, path, LOOK_KIND, ret, why);
    *ret = *e;
    ret->name = NULL;
    return PRESENT;
}

int tree_expand(struct client *c, const struct word *word, expand_each *each,
                void *of)
{
    const char *slash = strrchr(word->path, '/');
    char dir[URL_PATH_MAX], path[URL_PATH_MAX];
    struct retry retry = { 0 };
    struct listing all;
    struct failure why;
    size_t found = 0;
    int r, code = 0;

    if (!word->pattern.some)
        return each(c, word->path, NULL, of);
    snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - word->path) : 0,
             word->path);
    do
        r = remote_list(&c->link, dir, &all, &why);
    while (r < 0 && link_again(&c->link, &retry, dir[0] ? dir : "/", &why));
    if (r < 0)
        return client_error(dir, &why);
    /* Prefer a file with exactly this name to the pattern. */
    if (listing_find(&all, word->path)) {
        listing_release(&all);
        return each(c, word->path, NULL, of);
    }
    for (size_t i = 0; i < all.count && !link_is_over(); i++)
        /* "*" matches no dot at the beginning, and a pattern that ends in "/"
         * only directories. */
        if (!(word->directory && all.entry[i].kind != LISTED_DIRECTORY) &&
            fnmatch(word->pattern.text, all.entry[i].name, FNM_PERIOD) == 0 &&
            url_join(dir, all.entry[i].name, path) == 0) {
            r = each(c, path, &all.entry[i], of);
            found += r >= 0;
            tree_keep(&code, r > 0 ? r : 0);
        }
    if (all.cut || all.refused > 0)
        tree_keep(&code,
                  client_refuse(dir, EX_PROTOCOL, "%s",
                                all.cut ? LISTING_CUT : LISTING_REFUSED));
    listing_release(&all);
    return found || code != 0 || link_is_over()
               ? code
               : client_refuse(word->path, EX_NOINPUT, "nothing matches");
}
