/* The removal of a home, or of a share's directory, and of all that is in it.
 * Runs as root in directories in which users may rename things at the same
 * time. So each step acts on a descriptor, no path is resolved twice, no link
 * is followed, and no mount is entered.
 *
 * First the directory gets a reserved name beside its own, before the row goes:
 * a new user or share of the name gets a new directory. Then it is emptied,
 * which takes long. One that was cut is found by that name later. Its lock
 * (flock(2)) says that somebody is at it. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <mntent.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/sandbox/sandbox.h"

#define MOUNT_LINE      (16 * PATH_MAX)
#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

#define REMOVED        ".sallyport-removed-" /* NAME, '-' and digits follow */
#define REMOVED_DIGITS 8
#define REMOVED_MS     (15 * 60 * 1000) /* to empty what was left over */

static const char *last_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

/* Is nothing mounted on the directory FD or beneath it? "user del --purge" must
 * know before it removes anything. Returns 0; -EXDEV: something is; another
 * -errno: it can't be found out. */
static int mounts_within(int fd)
{
    FILE *list = setmntent("/proc/self/mounts", "re");
    char name[64], directory[PATH_MAX], line[MOUNT_LINE];
    struct mntent m;
    ssize_t len;
    int r = list ? 0 : -errno;

    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    len = readlink(name, directory, sizeof(directory) - 1);
    directory[len > 0 ? len : 0] = '\0'; /* "": every mount counts */
    while (r == 0 && getmntent_r(list, &m, line, sizeof(line)))
        r = user_path_within(m.mnt_dir, directory) ? -EXDEV : 0;
    if (r == 0 && ferror(list))
        r = -EIO;
    if (list)
        endmntent(list);
    return r;
}

/* Deep directories are first moved up, so that depth needs no descriptors. */

#define DEPTH_MAX  32
#define ROUNDS_MAX 100000

struct purge {
    int top_fd;           /* the directory */
    unsigned depth;       /* of the one that is emptied, below it */
    bool changed;         /* something was removed or moved in this round */
    char entry[PATH_MAX]; /* the first one that can't be removed, or "" */
};

static int remove_entry(void *owner, int directory, const char *name);

/* Too deep: moves the directory up into the home, for the next round. */
static int move_up(struct purge *p, int directory, const char *name)
{
    char to[64];
    uint64_t number;

    random_bytes(&number, sizeof(number));
    snprintf(to, sizeof(to), ".sallyport-purge-%016llx",
             (unsigned long long)number);
    p->changed = true;
    return renameat(directory, name, p->top_fd, to) ? -errno : 0;
}

/* Only the kernel can detect each mount: one by mount --bind can have the
 * home's own device number. */
static int enter_directory(int directory, const char *name)
{
    const struct open_how how = { .flags = DIRECTORY_FLAGS,
                                  .resolve = RESOLVE_NO_XDEV };
    long fd = syscall(SYS_openat2, directory, name, &how, sizeof(how));

    return fd < 0 ? -errno : (int)fd;
}

static int remove_directory(struct purge *p, int directory, const char *name)
{
    FD_CLEANUP int fd = enter_directory(directory, name);
    int r;

    if (fd < 0)
        return fd;
    if (p->depth == DEPTH_MAX)
        return move_up(p, directory, name);
    p->depth++;
    r = home_each_entry(fd, remove_entry, p);
    p->depth--;
    if (r)
        return r;
    if (unlinkat(directory, name, AT_REMOVEDIR))
        return errno == ENOTEMPTY ? 0 : -errno; /* the next round removes it */
    p->changed = true;
    return 0;
}

/* Notes the path for the complaint. The directory may be gone already. */
static void note_entry(struct purge *p, int directory, const char *name)
{
    char link[64], path[PATH_MAX];
    ssize_t len;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
    len = readlink(link, path, sizeof(path) - 1);
    path[len > 0 ? len : 0] = '\0';
    if (snprintf(p->entry, sizeof(p->entry), "%s/%s", path, name) >= PATH_MAX)
        snprintf(p->entry, sizeof(p->entry), "%s", name);
}

/* EPERM: a file that is immutable, or a directory, on some file systems.
 * ENOENT: the user has removed it. */
static int remove_entry(void *owner, int directory, const char *name)
{
    struct purge *p = owner;
    int r = unlinkat(directory, name, 0) < 0 ? -errno : 0;

    if (r == 0)
        p->changed = true;
    if (r == -EISDIR || r == -EPERM) {
        int first = r;

        r = remove_directory(p, directory, name);
        if (r == -ENOTDIR || r == -ELOOP)
            r = first;
    }
    if (r && r != -ENOENT && !p->entry[0])
        note_entry(p, directory, name);
    return r == -ENOENT ? 0 : r;
}

/* Repeats until the directory is empty. Each round removes or moves
 * something; the user may still make new files. */
static int purge_rounds(struct purge *p)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        int r;

        p->changed = false;
        r = home_each_entry(p->top_fd, remove_entry, p);
        if (r || !p->changed)
            return r;
    }
    return -ENOTEMPTY;
}

static int purge_refuse(struct complaint *c, const char *home, const char *why)
{
    complain(c, "%s was not removed: %s", home, why);
    return EX_CANTCREAT;
}

static int refuse_error(struct complaint *c, const char *home, int error)
{
    if (error == EXDEV)
        return purge_refuse(c, home,
                            "something is mounted in it; unmount that first "
                            "(findmnt shows it)");
    return purge_refuse(c, home, strerror(error));
}

static int check_removed(const struct removed *p, uid_t uid,
                         struct complaint *c)
{
    uid_t owner = geteuid() == 0 ? uid : geteuid();
    struct stat st;
    int r;

    if (fstat(p->top_fd, &st))
        return refuse_error(c, p->path, errno);
    if (st.st_uid != owner)
        return purge_refuse(c, p->path,
                            "it belongs to another uid; look at it first");
    if (flock(p->top_fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
        return purge_refuse(c, p->path, "another command removes it just now");
    /* Checked here so that nothing is removed at all. Later the kernel checks
     * each directory. */
    r = mounts_within(p->top_fd);
    return r ? refuse_error(c, p->path, -r) : 0;
}

/* Is NAME the reserved name of the directory OF (NULL: of any)? */
static bool is_removed_name(const char *name, const char *of)
{
    const size_t len = strlen(name), least = strlen(REMOVED) + 2;

    if (strncmp(name, REMOVED, strlen(REMOVED)) != 0 ||
        len < least + REMOVED_DIGITS || name[len - REMOVED_DIGITS - 1] != '-')
        return false;
    name += strlen(REMOVED);
    return !of || (strlen(of) == len - strlen(REMOVED) - REMOVED_DIGITS - 1 &&
                   strncmp(name, of, strlen(of)) == 0);
}

/* A removal that was killed before the row was gone: the row's directory OF
 * gets its name back. */
static int put_back(void *of, int parent, const char *name)
{
    if (!is_removed_name(name, of))
        return 0;
    FD_CLEANUP int fd = openat(parent, name, DIRECTORY_FLAGS);
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
           renameat(parent, name, parent, of) == 0;
}

int removed_open(struct removed *p, const char *home, const char *below,
                 uid_t uid, struct complaint *c)
{
    char *name;

    *p = (struct removed){ .parent_fd = -1, .top_fd = -1 };
    slice_copy(slice_from(home), p->path, sizeof(p->path));
    name = strrchr(p->path, '/') + 1;
    if (!user_path_within(home, below) || !strcmp(home, below)) {
        complain(c, "%s was not removed: it isn't beneath %s", home, below);
        return EX_CANTCREAT;
    }
    p->parent_fd = home_open_parent(home, below);
    if (p->parent_fd < 0)
        return refuse_error(c, home, -p->parent_fd);
    p->top_fd = openat(p->parent_fd, name, DIRECTORY_FLAGS);
    if (p->top_fd < 0 && errno == ENOENT) {
        home_each_entry(p->parent_fd, put_back, name);
        p->top_fd = openat(p->parent_fd, name, DIRECTORY_FLAGS);
    }
    return p->top_fd < 0 ? refuse_error(c, home, errno)
                         : check_removed(p, uid, c);
}

/* Is the directory of that name still the one that was opened? */
static int check_same(const struct removed *p, const char *name)
{
    struct stat now, opened;

    if (fstatat(p->parent_fd, name, &now, AT_SYMLINK_NOFOLLOW) ||
        fstat(p->top_fd, &opened))
        return -errno;
    return now.st_ino == opened.st_ino && now.st_dev == opened.st_dev ? 0
                                                                      : -ESTALE;
}

int removed_rename(struct removed *p, struct complaint *c)
{
    const char *name = last_of(p->path);
    char to[NAME_MAX + 1];
    uint32_t number;
    int n, r = check_same(p, name);

    random_bytes(&number, sizeof(number));
    n = snprintf(to, sizeof(to), REMOVED "%s-%08x", name, (unsigned)number);
    if (r == 0 && n > NAME_MAX)
        r = -ENAMETOOLONG;
    if (r == 0 && renameat(p->parent_fd, name, p->parent_fd, to))
        r = -errno;
    if (r)
        return refuse_error(c, p->path, -r);
    memcpy(p->name, to, sizeof(to));
    if (fsync(p->parent_fd) == 0)
        return 0;
    r = errno;
    removed_undo(p);
    return refuse_error(c, p->path, r);
}

void removed_undo(struct removed *p)
{
    if (p->name[0] &&
        renameat(p->parent_fd, p->name, p->parent_fd, last_of(p->path)) == 0)
        p->name[0] = '\0';
}

const char *removed_path(const struct removed *p, char out[PATH_MAX])
{
    const int parent = (int)(last_of(p->path) - p->path);

    snprintf(out, PATH_MAX, "%.*s%s", parent, p->path,
             p->name[0] ? p->name : last_of(p->path));
    return out;
}

/* Says where the rest is. */
static int partly_removed(const struct removed *p, const struct purge *walk,
                          int error, struct complaint *c)
{
    char rest[PATH_MAX];

    complain(c,
             "%s is only partly removed: %s: %s; mend that, and run: "
             "sallyportctl retention run",
             removed_path(p, rest), walk->entry[0] ? walk->entry : "the rest",
             strerror(error));
    return EX_CANTCREAT;
}

/* A user's process may still make files in it. */
static int remove_top(const struct removed *p, struct purge *walk)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        int r;

        if (unlinkat(p->parent_fd, p->name, AT_REMOVEDIR) == 0)
            return 0;
        if (errno != ENOTEMPTY)
            return -errno;
        r = purge_rounds(walk);
        if (r)
            return r;
    }
    return -ENOTEMPTY;
}

int removed_empty(struct removed *p, struct complaint *c)
{
    struct purge walk = { .top_fd = p->top_fd };
    int r = purge_rounds(&walk);

    if (r == 0)
        r = remove_top(p, &walk);
    return r ? partly_removed(p, &walk, -r, c) : 0;
}

void removed_close(struct removed *p)
{
    fd_close(&p->top_fd);
    fd_close(&p->parent_fd);
}

/* What earlier removals have left over. */

struct leftovers {
    struct context *x;
    const char *parent; /* the directory in which they are looked for */
    char **own; /* and in those beneath it, except these, of rows; NULL: no */
    size_t owns;
    bool as_owner; /* root here has no right to change users' directories */
    unsigned failed;
};

/* The ids of a user, or of a share's directory, which belongs to root. */
static int become_owner(const struct removed *p)
{
    struct stat st;
    uid_t uid;

    if (fstat(p->top_fd, &st))
        return -errno;
    uid = st.st_uid ? st.st_uid : st.st_gid;
    if (uid < SHARE_GID_MIN || st.st_gid < SHARE_GID_MIN)
        return -EPERM;
    return sandbox_become(uid, st.st_gid, &st.st_gid, 1);
}

static int empty_as_owner(struct context *x, void *data)
{
    struct purge *walk = data;
    const struct removed p = { .top_fd = walk->top_fd };
    int r = become_owner(&p);

    (void)x;
    return r ? r : purge_rounds(walk);
}

static int leftover_empty(const struct leftovers *l, struct removed *p,
                          struct complaint *c)
{
    struct purge walk = { .top_fd = p->top_fd };
    int r;

    if (!l->as_owner || geteuid() != 0)
        return removed_empty(p, c);
    r = disk_run_copy(l->x, empty_as_owner, &walk, sizeof(walk), REMOVED_MS);
    if (r == -EACCES || r == -EPERM) /* others have made a part of it */
        return removed_empty(p, c);
    if (r == 0 && unlinkat(p->parent_fd, p->name, AT_REMOVEDIR))
        r = -errno;
    return r ? partly_removed(p, &walk, -r, c) : 0;
}

/* Has a row that directory? The table is read after the lock was taken: while
 * another command is between the new name and the new table, it has the lock.
 * Returns -1 if it isn't known. */
static int is_of_row(const struct context *x, const char *path)
{
    struct complaint why = { "" };
    char tidy[PATH_MAX];
    struct users u;
    int found = edit_load_users(&u, x->settings.users, NULL, &why) ? -1 : 0;

    for (size_t i = 0; i < u.count && found == 0; i++)
        found =
            place_tidy(slice_from(u.row[i].home), tidy, sizeof(tidy)) == 0 &&
            strcmp(tidy, path) == 0;
    for (size_t i = 0; i < u.shares && found == 0; i++)
        found =
            place_tidy(slice_from(u.share[i].path), tidy, sizeof(tidy)) == 0 &&
            strcmp(tidy, path) == 0;
    users_release(&u);
    return found;
}

/* PATH is that of the directory PARENT. */
static void leftover_take(struct leftovers *l, int parent, const char *path,
                          const char *name)
{
    FD_CLEANUP int fd = openat(parent, name, DIRECTORY_FLAGS);
    const size_t len = strlen(name) - strlen(REMOVED) - REMOVED_DIGITS - 1;
    struct removed p = { .parent_fd = parent, .top_fd = fd };
    struct complaint c = { "" };
    struct stat st;
    char now[PATH_MAX];
    int of_row;

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) ||
        snprintf(p.path, sizeof(p.path), "%s/%.*s", path, (int)len,
                 name + strlen(REMOVED)) >= (int)sizeof(p.path))
        return;
    slice_copy(slice_from(name), p.name, sizeof(p.name));
    removed_path(&p, now);
    of_row = is_of_row(l->x, p.path);
    if (of_row < 0)
        return;
    if (of_row && fstatat(parent, last_of(p.path), &st, AT_SYMLINK_NOFOLLOW)) {
        removed_undo(&p);
        if (p.name[0] == '\0')
            stderr_print("%s: its removal was cut; it is there again", p.path);
        return;
    }
    if (leftover_empty(l, &p, &c)) {
        stderr_print("%s", c.text);
        l->failed++;
        return;
    }
    stderr_print("%s: removed, the rest of an earlier removal", now);
    syslog(LOG_DAEMON | LOG_NOTICE,
           "removed %s, the rest of an earlier removal", now);
}

/* Only where nobody else can give a directory such a name. */
static bool is_safe(int parent)
{
    struct stat st;

    return fstat(parent, &st) == 0 && st.st_uid == geteuid() &&
           !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A directory in which they are looked for. */
struct leftover_place {
    struct leftovers *l;
    const char *path;
    unsigned depth;
};

static int leftover_entry(void *owner, int parent, const char *name);

static void leftovers_in(struct leftover_place *at, int fd)
{
    if (is_safe(fd))
        home_each_entry(fd, leftover_entry, at);
}

/* A directory that is no user's, no share's and not removed may have homes in
 * it. Those of rows aren't opened: their disks may be dead. */
static int leftover_entry(void *owner, int parent, const char *name)
{
    const struct leftover_place *at = owner;
    const struct leftovers *l = at->l;
    char path[PATH_MAX], *key = path;
    struct leftover_place inner = { at->l, path, at->depth + 1 };

    if (is_removed_name(name, NULL)) {
        leftover_take(at->l, parent, at->path, name);
        return 0;
    }
    if (!l->own || at->depth == DEPTH_MAX ||
        snprintf(path, sizeof(path), "%s/%s", at->path, name) >=
            (int)sizeof(path) ||
        bsearch(&key, l->own, l->owns, sizeof(*l->own), compare_paths))
        return 0;
    FD_CLEANUP int fd = openat(parent, name, DIRECTORY_FLAGS);
    if (fd >= 0)
        leftovers_in(&inner, fd);
    return 0;
}

static int leftovers_take(struct context *x, void *data)
{
    struct leftovers *l = data;
    FD_CLEANUP int fd = open(l->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)x;
    if (fd >= 0)
        leftovers_in(&(struct leftover_place){ l, l->parent, 0 }, fd);
    return 0;
}

static void leftovers_run(struct leftovers *l)
{
    if (disk_run_copy(l->x, leftovers_take, l, sizeof(*l), REMOVED_MS))
        stderr_print("%s: what earlier removals have left over there could not "
                     "be removed: it doesn't answer",
                     l->parent);
}

void removed_leftovers(struct context *x, const char *parent)
{
    leftovers_run(&(struct leftovers){ .x = x, .parent = parent });
}

static size_t add_own(char **own, size_t n, const char *path)
{
    char tidy[PATH_MAX];

    if (place_tidy(slice_from(path), tidy, sizeof(tidy)) == 0)
        own[n] = strdup(tidy);
    return n + (own[n] != NULL);
}

int removed_all_leftovers(struct context *x)
{
    const struct users *u = &x->users;
    struct leftovers l = { .x = x, .as_owner = true };

    l.own = calloc(u->count + u->shares + 1, sizeof(*l.own));
    if (!l.own)
        return 0;
    for (size_t i = 0; i < u->count; i++)
        l.owns = add_own(l.own, l.owns, u->row[i].home);
    for (size_t i = 0; i < u->shares; i++)
        l.owns = add_own(l.own, l.owns, u->share[i].path);
    qsort(l.own, l.owns, sizeof(*l.own), compare_paths);
    l.parent = x->settings.homes;
    leftovers_run(&l);
    l.parent = x->settings.shares;
    if (!user_path_within(x->settings.shares, x->settings.homes))
        leftovers_run(&l);
    for (size_t i = 0; i < l.owns; i++)
        free(l.own[i]);
    free(l.own);
    return l.failed > 0 ? EX_IOERR : 0;
}
