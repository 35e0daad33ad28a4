/* Changes of names, times and modes, in the process files. MKD, RMD, DELE and
 * RNTO act on a name in an open directory and follow no link there. MFMT and
 * SITE CHMOD use only a descriptor that openat2 has opened in a mount: Landlock
 * doesn't check the system calls that take a name. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"

/* Opens the directory of PATH for reading, to lock and sync it. If the user
 * can't read it, opens it by O_PATH, without a lock: such a directory
 * takes no uploads, from which a lock protects. */
static int
change_find(const struct files *f, const struct path *path, unsigned needed,
            int (*resolve)(const struct files *f, const struct path *path,
                           unsigned needed, int flags, struct place *ret),
            struct place *ret)
{
    int r = resolve(f, path, needed, O_RDONLY, ret);

    return r == -EACCES ? resolve(f, path, needed, O_PATH, ret) : r;
}

int change_of_mount(const struct files *f, const struct path *path)
{
    const struct mount *m = mount_of(f, path_slice(path));

    if (path->len == 1) /* the home itself */
        return OUTCOME_DENIED;
    return mount_is_at(m, path_slice(path)) ? (int)OUTCOME_MOUNT : 0;
}

/* Syncs the directory, so that a new name in it survives a power cut: if a new
 * directory were lost, its files would be lost, too. The DELE of a file needs
 * no sync: at worst the file comes back. */
static int change_sync(const struct files *f, int directory)
{
    if (!f->rules.fsync || fsync(directory) == 0 || errno == EBADF)
        return 0;
    return -errno;
}

int change_on_directory_make(void *owner, struct msg_directory_make *m)
{
    struct files *f = owner;
    struct path path;
    PLACE_CLEANUP struct place at = PLACE_NONE;

    resolve_request(m->path, &path);
    int r = change_find(f, &path, RIGHT_DIRECTORY, resolve_new_place, &at);
    if (r != 0)
        return r;
    /* Calls no chmod, which would remove the inherited set-group-ID bit. */
    if (mkdirat(at.directory, at.name, (mode_t)at.mount->dir_mode) < 0)
        return quota_explain(f, at.mount, at.directory, true, -errno);
    r = change_sync(f, at.directory);
    return r != 0 ? quota_explain(f, at.mount, at.directory, true, r)
                  : ANSWER(f, done, m->request);
}

int change_on_directory_remove(void *owner, struct msg_directory_remove *m)
{
    struct files *f = owner;
    struct path path;
    PLACE_CLEANUP struct place at = PLACE_NONE;

    resolve_request(m->path, &path);
    int r = resolve_place(f, &path, RIGHT_DIRECTORY, O_PATH, &at);
    if (r == 0)
        r = change_of_mount(f, &path);
    if (r != 0)
        return r;
    if (unlinkat(at.directory, at.name, AT_REMOVEDIR) == 0)
        return ANSWER(f, done, m->request);
    if (errno != ENOTEMPTY && errno != EEXIST)
        return -errno;
    FD_CLEANUP int fd = resolve_in(at.directory, at.name,
                                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd == -EACCES ? -ENOTEMPTY : fd;
    r = sweep_all(f, at.mount, fd);
    if (r == 0 && unlinkat(at.directory, at.name, AT_REMOVEDIR) < 0)
        r = -errno;
    return r != 0 ? r : ANSWER(f, done, m->request);
}

static int change_delete(struct files *f, const struct path *path,
                         const struct place *at)
{
    LOCK_CLEANUP struct lock lock = LOCK_NONE;

    owner_note_disk(f, at->directory);
    int r = lock_place(f, at->mount, path, at->directory, &lock);
    if (r != 0)
        return r;
    struct stat st;

    if (fstatat(at->directory, at->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (resolve_hides(f, at->mount, &st))
        return -ENOENT;
    if (S_ISDIR(st.st_mode))
        return OUTCOME_IS_DIRECTORY;
    if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
        return OUTCOME_NOT_REGULAR;
    return unlinkat(at->directory, at->name, 0) < 0 ? -errno : 0;
}

int change_on_file_delete(void *owner, struct msg_file_delete *m)
{
    struct files *f = owner;
    struct path path;
    PLACE_CLEANUP struct place at = PLACE_NONE;

    resolve_request(m->path, &path);
    int r = change_find(f, &path, RIGHT_DELETE, resolve_place, &at);
    if (r != 0)
        return r;
    if (at.name[0] == 0)
        return OUTCOME_IS_DIRECTORY;
    r = change_delete(f, &path, &at);
    if (r != 0 && r != -ENOENT)
        return r;
    int partial;
    if (r == 0) {
        partial = partial_forget(f, at.directory, at.name);
    } else { /* no file: deletes the partial that SIZE shows, unless an upload
                is writing it */
        r = partial = partial_delete_of(f, at.directory, at.name);
    }
    /* A power cut must not bring the partial back: its confirmed bytes would
     * become the head of the next upload. */
    if (r == 0)
        resume_drop_answer(f, resume_key(f, &path));
    if (partial == 0)
        r = change_sync(f, at.directory);
    return r != 0 ? r : ANSWER(f, done, m->request);
}

/* Returns the file type; 0: nothing has that name, or the look failed. */
static mode_t change_kind_at(const struct place *at)
{
    struct stat st;

    return fstatat(at->directory, at->name, &st, AT_SYMLINK_NOFOLLOW) == 0
               ? st.st_mode & S_IFMT
               : 0;
}

static int change_rename_plain(const struct place *from, const struct place *to)
{
    if (renameat(from->directory, from->name, to->directory, to->name) == 0)
        return 0;
    /* EINVAL: a directory can't be moved into itself. */
    return errno == EINVAL ? OUTCOME_BAD_NAME : -errno;
}

static int change_give(const struct files *f, const struct place *from,
                       struct place *to, struct path *path,
                       const struct stat *file, enum conflict conflict)
{
    struct naming n = {
        .mount = to->mount,
        .source = from->directory,
        .from = from->name,
        .file = *file,
        .directory = to->directory,
        .name = to->name,
        .path = path,
        .conflict = conflict,
    };

    return naming_give(f, &n);
}

/* Are FROM and TO, names of one file, two entries? In one directory two
 * spellings can be one entry, so reads the directory. */
static bool change_are_two(const struct place *from, const struct place *to)
{
    struct directory d;
    const char *name;
    struct stat a, b;
    int found = 0;

    if (fstat(from->directory, &a) < 0 || fstat(to->directory, &b) < 0)
        return false;
    if (!resolve_is_same(&a, &b))
        return true;
    if (strcmp(from->name, to->name) == 0)
        return false;
    FD_CLEANUP int fd = resolve_in(from->directory, ".", O_DIRECTORY, 0);
    directory_begin(&d, fd);
    while (directory_next(&d, &name) == 1)
        found += strcmp(name, from->name) == 0 || strcmp(name, to->name) == 0;
    return found == 2;
}

/* Applies on_conflict: otherwise a client could evade it by an upload under
 * another name and a rename. FILE: the facts of FROM. */
static int change_rename_taken(const struct files *f, const struct place *from,
                               struct place *to, struct path *path,
                               const struct stat *file)
{
    mode_t taken = change_kind_at(to);
    int r = naming_permitted(to->mount, f->rules.on_conflict);

    if (!S_ISREG(file->st_mode) || (taken != S_IFREG && taken != S_IFLNK))
        return OUTCOME_EXISTS;
    /* Is it a rename onto itself, or onto another name of the same file? Then
     * the kernel does nothing, so the old name must be removed. */
    if (resolve_is_at(to->directory, to->name, file)) {
        if (file->st_nlink < 2 || !change_are_two(from, to))
            return change_rename_plain(from, to);
        return unlinkat(from->directory, from->name, 0) < 0 ? -errno : 0;
    }
    if (r != 0)
        return r;
    return change_give(f, from, to, path, file, f->rules.on_conflict);
}

/* Renames only files and directories. Landlock treats the rename of a link as
 * the making of a link, and forbids it; so we refuse it without Landlock,
 * too. */
static int change_rename_locked(const struct files *f, const struct place *from,
                                struct place *to, struct path *path, int moves)
{
    struct stat st, other;

    if (fstatat(from->directory, from->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (resolve_hides(f, from->mount, &st))
        return -ENOENT;
    if (from->mount->mine && S_ISDIR(st.st_mode))
        return OUTCOME_IN_DROP; /* it may contain other users' files */
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return OUTCOME_NOT_REGULAR;
    /* Did a directory that isn't locked get the name meanwhile? */
    if (S_ISDIR(st.st_mode) && moves != -EACCES &&
        (moves < 0 || fstat(moves, &other) < 0 ||
         !resolve_is_same(&st, &other)))
        return OUTCOME_BUSY;
    int r = change_give(f, from, to, path, &st, CONFLICT_REJECT);
    /* OUTCOME_ONLY_OVERWRITE: the file system has neither RENAME_NOREPLACE nor
     * links, or FROM is a directory, which can't be linked. Only ENOENT shows
     * that the new name is free. */
    if (r == OUTCOME_ONLY_OVERWRITE &&
        fstatat(to->directory, to->name, &other, AT_SYMLINK_NOFOLLOW) < 0 &&
        errno == ENOENT)
        r = change_rename_plain(from, to);
    else if (r == OUTCOME_NAME_TAKEN || r == OUTCOME_ONLY_OVERWRITE)
        r = change_rename_taken(f, from, to, path, &st);
    return r;
}

#define DEEP_MS 1000

static void change_measure(struct walk *w, int directory, const char *name)
{
    const size_t *most = w->owner;

    (void)directory;
    w->ends = w->path.len + 1 + strlen(name) > *most;
}

/* Refuses a rename that makes a path of more than FTP_PATH_MAX bytes: no client
 * could name it, and retention couldn't remove it. If the look through a large
 * tree takes longer than a second, permits the rename. */
static int change_check_depth(struct files *f, const struct place *from,
                              const struct path *old, const struct path *new)
{
    size_t most = FTP_PATH_MAX + old->len - new->len;
    struct walk w = {
        .f = f,
        .mount = from->mount,
        .owner = &most,
        .on_name = change_measure,
        .until = clock_ms() + DEEP_MS,
    };

    if (new->len > old->len && change_kind_at(from) == S_IFDIR)
        walk_below(&w, path_slice(old));
    return w.ends ? (int)OUTCOME_TOO_DEEP : 0;
}

/* Changes FROM and PATH from the name that the client gave its upload OWN to
 * the name that the file got. Returns 0; -ENOENT: the session has no such
 * upload; OUTCOME_WAITS: a program may have inspected it under its name. */
static int change_find_own(const struct own *own, struct place *from,
                           struct path *path)
{
    const size_t head = path->len - strlen(from->name);

    if (!own)
        return -ENOENT;
    if (own->held)
        return OUTCOME_WAITS;
    snprintf(from->name, sizeof(from->name), "%s", own->stored);
    path->len = head + strlen(own->stored);
    memcpy(path->bytes + head, own->stored, strlen(own->stored) + 1);
    return 0;
}

/* Sets OWN to NULL if the user sees another file by the name of AT, about which
 * RNFR has answered. Returns 0; OUTCOME_ELSEWHERE: RNFR has answered about OWN,
 * and the other file is new. */
static int change_see_other(struct files *f, const struct path *path,
                            const struct place *at, struct own **own)
{
    struct stat st;

    if (at->mount->drop ||
        fstatat(at->directory, at->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        resolve_hides(f, at->mount, &st))
        return 0;
    if (own_is_elsewhere(f, path, at, &st))
        return OUTCOME_ELSEWHERE;
    if ((*own)->held || !resolve_is_same(&st, &(*own)->st))
        *own = NULL;
    return 0;
}

int change_on_rename(void *owner, struct msg_rename *m)
{
    struct files *f = owner;
    struct path old, new;
    PLACE_CLEANUP struct place from = PLACE_NONE;
    PLACE_CLEANUP struct place to = PLACE_NONE;

    resolve_request(m->from, &old);
    struct own *own = own_find(f, &old);
    int r = change_find(f, &old, RIGHT_RENAME, resolve_place, &from);
    if (r == 0)
        r = change_of_mount(f, &old);
    if (r == 0 && own)
        r = change_see_other(f, &old, &from, &own);
    if (r == 0 && (from.mount->drop || own))
        r = change_find_own(own, &from, &old);
    if (r != 0)
        return r;
    resolve_request(m->to, &new);
    const uint64_t answer = resume_key(f, &new);
    char wanted[NAME_MAX + 1]; /* to.name before the rename */
    r = change_find(f, &new, RIGHT_RENAME, resolve_new_place, &to);
    snprintf(wanted, sizeof(wanted), "%s", to.name);
    if (r == 0)
        r = change_check_depth(f, &from, &old, &new);
    if (r != 0)
        return r;
    /* Refuses a rename between mounts, even on one file system: the file would
     * keep its old group and mode. */
    struct lock lock[LOCKS] = { LOCK_NONE, LOCK_NONE, LOCK_NONE };
    /* Locks a directory that moves, too, so that no upload in it gets its name
     * meanwhile. */
    FD_CLEANUP int moves = resolve_in(from.directory, from.name,
                                      O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    const int all[LOCKS] = { from.directory, to.directory, moves };

    owner_note_disk(f, to.directory);
    r = from.mount == to.mount ? lock_all(f, to.mount, all, lock)
                               : (int)OUTCOME_BETWEEN_MOUNTS;
    if (r == 0)
        r = resolve_leads(f, &old, from.directory);
    if (r == 0)
        r = resolve_leads(f, &new, to.directory);
    if (r == 0 && own && !own_is_at(from.directory, own))
        r = -ENOENT;
    if (r == 0)
        r = change_rename_locked(f, &from, &to, &new, moves);
    for (int i = 0; i < LOCKS; i++)
        lock_release(&lock[i]);
    if (r != 0)
        return quota_explain(f, to.mount, to.directory, true, r);
    if (own) { /* as at the end of an upload, a partial of this name goes */
        own->key = answer;
        own_name(f, own, wanted, to.name);
        resume_drop_answer(f, answer);
        partial_forget(f, to.directory, wanted);
    }
    /* Now this file is what the session has under that name. */
    if (!own && strcmp(wanted, to.name) == 0)
        own_forget(f, to.mount, answer);
    resume_drop_answer(f, resume_key(f, &old));
    resume_drop_answer(f, resume_key(f, &new));
    partial_forget(f, from.directory, from.name);
    partial_forget(f, to.directory, to.name);
    r = change_sync(f, to.directory);
    if (r == 0 && from.directory != to.directory)
        r = change_sync(f, from.directory);
    if (r != 0)
        return OUTCOME_STORED_UNSAFE;
    r = resolve_leads(f, &new, to.directory);
    if (r == (int)OUTCOME_MOVED || r == -ENOENT)
        return OUTCOME_STORED_MOVED;
    return ANSWER(f, renamed, m->request, .path = path_slice(&new),
                  .from = path_slice(&old));
}

#define MODE_MAX      0777u
#define YEAR_9999_END 253402300799

/* Opens a file or directory to change its facts: for reading, or for writing if
 * the user may only write. O_PATH would permit no change. */
static int change_open(struct files *f, const struct path *path,
                       unsigned needed)
{
    const int flags = O_NONBLOCK | O_NOCTTY;
    const struct own *own = own_find(f, path);
    PLACE_CLEANUP struct place at = PLACE_NONE;
    int r = resolve_look(f, path, needed);

    /* In a drop only the session's uploads can be opened, since clients set
     * their times; with `mine` they have another name. */
    if (r == -ENOENT && own) {
        if (own->held)
            return REFUSED(OUTCOME_WAITS);
        r = resolve_place(f, path, needed, O_PATH, &at);
        if (r == 0 && !own_is_at(at.directory, own))
            r = -ENOENT;
        return r != 0 ? r
                      : resolve_in(at.directory, own->stored,
                                   O_WRONLY | O_NOFOLLOW | flags, 0);
    }
    if (r < 0)
        return r;
    int fd = resolve_open(f, path_slice(path), needed, O_RDONLY | flags);

    if (fd == -EACCES)
        fd = resolve_open(f, path_slice(path), needed, O_WRONLY | flags);
    return fd;
}

/* Opens a file or directory only if the user owns it, as chmod(2) demands.
 * Checks this itself, since the kernel lets everybody who can write to a file
 * set its time to now. In a share many files belong to other members, so there
 * the reply names the rule. */
static int change_open_own(struct files *f, const struct path *path,
                           unsigned needed, bool directory, struct stat *st)
{
    const struct mount *m = mount_of(f, path_slice(path));
    FD_CLEANUP int fd = change_open(f, path, needed);

    if (fd < 0)
        return fd;
    if (m->at.len > 0 && mount_is_at(m, path_slice(path)))
        return REFUSED(OUTCOME_MOUNT);
    if (fstat(fd, st) < 0)
        return -errno;
    if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
        return -ENODEV;
    if (directory && !S_ISDIR(st->st_mode))
        return -ENOTDIR;
    if (st->st_uid != f->uid)
        return m->share ? REFUSED(OUTCOME_NOT_OWNER) : -EPERM;
    return fd_take(&fd);
}

/* Does an upload of this user wait for inspection under this name? MFMT and
 * SITE CHMOD mean this upload, even if an older file has the name. Returns the
 * same as held_waits(). */
static int change_waits(const struct files *f, const struct path *path)
{
    PLACE_CLEANUP struct place at = PLACE_NONE;

    return mount_of(f, path_slice(path))->inspect &&
                   resolve_place(f, path, RIGHT_WRITE, O_PATH, &at) == 0
               ? held_waits(f, &at)
               : 0;
}

int change_on_times(void *owner, struct msg_times *m)
{
    struct files *f = owner;
    struct path path;
    struct stat before, st;
    const struct timespec times[2] = { { .tv_sec = m->access },
                                       { .tv_sec = m->modify } };

    resolve_request(m->path, &path);
    if (m->access < 0 || m->access > YEAR_9999_END || m->modify < 0 ||
        m->modify > YEAR_9999_END)
        die(EX_PROTOCOL, "session: a time that no client can name");
    int r = change_waits(f, &path);
    if (r != 0)
        return r;
    FD_CLEANUP int fd =
        change_open_own(f, &path, RIGHT_WRITE, m->directory, &before);
    if (fd < 0)
        return fd;
    if (futimens(fd, times) < 0 || fstat(fd, &st) < 0)
        return -errno;
    resume_follow_change(f, &path, fd, &before);
    struct own *own = own_find(f, &path);
    if (own && st.st_mtim.tv_sec == m->modify)
        own->st.st_mtim = st.st_mtim;
    if (st.st_mtim.tv_sec == m->modify)
        return ANSWER(f, done, m->request);
    /* If a file system can't store a time, it silently stores another one. */
    const struct timespec old[2] = { before.st_atim, before.st_mtim };
    return futimens(fd, old) < 0 ? -errno : -ERANGE;
}

/* Changes the nine permission bits. A directory keeps its other bits, which an
 * administrator has set: users who share it need its set-group-ID bit. A file
 * never gets other bits. The home keeps the administrator's mode, since mode 0
 * would lock the user out. The owner keeps the right to read, since retention
 * needs it. */
int change_on_mode(void *owner, struct msg_mode *m)
{
    struct files *f = owner;
    struct path path;
    struct stat st, home;
    mode_t mode = (mode_t)m->mode;

    resolve_request(m->path, &path);
    if (m->mode > MODE_MAX)
        die(EX_PROTOCOL, "session: a mode with more than nine bits");
    /* Refuses to change a mode in a share: modes there decide what other
     * members can do, so the share sets them. */
    const unsigned needed = RIGHT_WRITE | RIGHT_REPLACE;
    const struct mount *in = mount_of(f, path_slice(&path));
    if (in->share && (needed & ~in->rights) == 0)
        return OUTCOME_SHARE_MODE;
    int r = change_waits(f, &path);
    if (r != 0)
        return r;
    FD_CLEANUP int fd = change_open_own(f, &path, needed, m->directory, &st);
    if (fd < 0)
        return fd;
    /* Compares by device and inode, since a link in the home can lead to the
     * home itself. */
    if (fstat(f->mount[0].fd, &home) < 0 || resolve_is_same(&st, &home))
        return -EPERM;
    /* If the directory's group isn't one of the user's groups, the kernel would
     * drop the set-group-ID bit, and new files would get another group. */
    bool in_group = st.st_gid == f->gid;
    for (int i = 0; i < f->group_count; i++)
        in_group |= f->groups[i] == st.st_gid;
    if (S_ISDIR(st.st_mode) && st.st_mode & S_ISGID && !in_group)
        return -EPERM;
    mode |= S_ISDIR(st.st_mode)
                ? DIR_MODE_NEEDED | (st.st_mode & (S_ISGID | S_ISVTX))
                : S_IRUSR;
    if (fchmod(fd, mode) < 0)
        return -errno;
    resume_follow_change(f, &path, fd, &st);
    return ANSWER(f, done, m->request);
}
