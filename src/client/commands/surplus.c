/* Finds the names that sync --delete removes: names that only the target has.
 * The removals come after all transfers. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>

#include "commands.h"

/* Seconds. A killed call leaves an unfinished file, which the next call
 * continues. After this time, the file counts as abandoned. */
#define PART_S (7 * 24 * 3600)

static bool surplus_is_part(const char *name, time_t modified)
{
    return part_is_name(name) &&
           (modified == 0 || modified > time(NULL) - PART_S);
}

void surplus_of_server(struct tree *t, struct job *dir, int here,
                       const struct listing *there)
{
    char local[PATH_MAX], remote[URL_PATH_MAX];
    struct stat st;

    if (!t->client->options.remove)
        return;
    /* If the listing lacks a local name, sync asks the server for that name. So
     * only removals need the whole listing. */
    tree_cut(t, dir->remote, there, true);
    for (size_t i = 0; i < there->count && !jobs_ended(&t->jobs); i++) {
        const struct listing_entry *e = &there->entry[i];

        if (!surplus_is_part(e->name, e->modified) &&
            fstatat(here, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
            errno == ENOENT && tree_paths(t, dir, e->name, local, remote) &&
            !tree_excludes(t, remote, dir->root, e->kind == LISTED_DIRECTORY))
            remove_hold_there(t, dir, local, remote, e);
    }
}

/* Do the names in DIR belong to the target of a link, which the server lists as
 * a directory? Asks before the first removal, also for the directories above.
 * Returns 0; 1: they do, which is printed; -1 with the reason. */
static int surplus_is_behind_link(struct tree *t, struct job *dir,
                                  struct link *l, struct failure *why)
{
    for (; dir->above && !dir->apart; dir = dir->above) {
        int r = remote_is_link(l, dir->remote, why);

        if (r > 0)
            jobs_fail(&t->jobs,
                      client_refuse(dir->remote, EX_CANTCREAT,
                                    "on the server it is a link, so nothing "
                                    "in it is removed"));
        if (r != 0)
            return r;
        dir->apart = true;
    }
    return 0;
}

/* Decides which surplus names of DIR may be removed after all transfers. If the
 * server has a local file but doesn't list its name, the server may have
 * changed the name: the case of its letters, or a blank at its end. Then each
 * surplus name in DIR may be this file, and stays. Names that begin with a dot
 * are decided apart, since many servers don't list them. */
int surplus_settle(void *of, struct job *dir, struct link *l,
                   struct failure *why)
{
    struct tree *t = of;
    struct job_list kept = { 0 };
    struct job *held;

    if (t->jobs.code != 0)
        return 0;
    int r = dir->held.first ? surplus_is_behind_link(t, dir, l, why) : 0;
    if (r != 0)
        return r < 0 ? -1 : 0;
    pthread_mutex_lock(&t->lock);
    while ((held = jobs_pop(&dir->held))) {
        bool stays = dir->unlisted[url_base(held->remote)[0] == '.'];

        if (stays)
            progress_note(
                "/%s isn't removed: the server has names here that "
                "it doesn't list, and this may be one of them under a "
                "changed name",
                held->remote);
        if (stays && held->after)
            jobs_fail(
                &t->jobs,
                client_refuse(held->local, EX_CANTCREAT,
                              "isn't uploaded, since the server's file or "
                              "directory of this name stays"));
        t->surplus -= stays;
        jobs_push(stays ? &kept : &t->jobs.later, held);
    }
    pthread_mutex_unlock(&t->lock);
    dir->held = kept;
    return 0;
}

/* Names that the server lists and that are here, too, sorted by device and
 * inode. */
struct surplus_listed {
    struct surplus_file {
        dev_t device;
        ino_t file;
        const char *name;
    } *file;
    size_t count;
};

static int surplus_compare(const void *a, const void *b)
{
    const struct surplus_file *one = a, *other = b;

    return one->device != other->device ? (one->device > other->device) * 2 - 1
           : one->file != other->file   ? (one->file > other->file) * 2 - 1
                                        : 0;
}

/* Fills LISTED when the first doubtful name comes. Returns false if memory is
 * short. */
static bool surplus_collect(struct surplus_listed *listed, int at,
                            const struct listing *there)
{
    struct stat st;

    if (listed->file)
        return true;
    listed->file = calloc(there->count + 1, sizeof(*listed->file));
    for (size_t i = 0; listed->file && i < there->count; i++)
        if (fstatat(at, there->entry[i].name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            listed->file[listed->count++] =
                (struct surplus_file){ st.st_dev, st.st_ino,
                                       there->entry[i].name };
    if (listed->count > 1)
        qsort(listed->file, listed->count, sizeof(*listed->file),
              surplus_compare);
    return listed->file;
}

/* Is NAME of the open directory AT the file ST? */
static bool surplus_is_same(int at, const char *name, const struct stat *st)
{
    struct stat other;

    return fstatat(at, name, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
           other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

/* Does the server list NAME of the open directory AT, or another name that is
 * the same file on this disk? */
static bool surplus_is_listed(int at, const char *name, const struct stat *st,
                              const struct listing *there,
                              struct surplus_listed *listed)
{
    const struct surplus_file key = { .device = st->st_dev,
                                      .file = st->st_ino };
    const struct surplus_file *same = NULL;
    char folded[NAME_MAX + 1];
    size_t letters = 0, len = strlen(name);

    if (listing_find(there, name))
        return true;
    /* Does the disk ignore the case of names? */
    for (size_t i = 0; i <= len; i++) {
        bool letter = isalpha((unsigned char)name[i]);

        letters += letter;
        folded[i] = (char)(letter ? name[i] ^ 0x20 : name[i]);
    }
    if (letters > 0 && !surplus_is_same(at, folded, st))
        return false;
    if (!surplus_collect(listed, at, there))
        return true;
    same = bsearch(&key, listed->file, listed->count, sizeof(*listed->file),
                   surplus_compare);
    if (same)
        progress_note("%s isn't removed: on this disk it is the file %s, which "
                      "the server lists",
                      name, same->name);
    return same;
}

/* Collects the local names that the server doesn't have. Returns 0, or -1 with
 * the reason: also if the account may not list the server's directory. */
int surplus_of_local(struct tree *t, const struct job *dir, struct link *l,
                     const struct listing *there, struct failure *why)
{
    char local[PATH_MAX], remote[URL_PATH_MAX];
    struct surplus_listed listed = { 0 };
    bool seen = false;
    struct dirent *e;
    struct stat st;
    int r = 0;

    if (!t->client->options.remove)
        return 0;
    DIR *d = tree_opendir(dir->local, dir->named);
    if (!d)
        tree_failed_errno(t, dir->local);
    while (r == 0 && d && !jobs_ended(&t->jobs) &&
           (e = tree_readdir(t, d, dir->local))) {
        if (tree_is_dots(e->d_name) ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            surplus_is_part(e->d_name, st.st_mtime) ||
            surplus_is_listed(dirfd(d), e->d_name, &st, there, &listed) ||
            !tree_paths(t, dir, e->d_name, local, remote))
            continue;
        if (!seen)
            r = remote_see(l, dir->remote, why);
        seen = true;
        if (r == 0)
            remove_hold_here(t, dir, local, remote);
    }
    if (d)
        closedir(d);
    free(listed.file);
    return r;
}
