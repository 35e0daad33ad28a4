/* The removal of a home, or of a share's directory, with everything in it.
 * First the directory gets a reserved name beside its own, before the row goes:
 * a new user or share with that name gets a new directory. Then rm(1) empties
 * it, which takes long. If the removal is cut, "retention run" finds the
 * directory by the reserved name. Its lock (flock(2)) says that somebody is at
 * it. */
#include "edit.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "purge.h"
#include "sallyport/base/fd.h"
#include "sallyport/sandbox/sandbox.h"

#define MOUNT_LINE      (16 * PATH_MAX)
#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

#define REMOVED        ".sallyport-removed-" /* NAME, '-' and digits follow */
#define REMOVED_DIGITS 8
#define REMOVED_MS     (15 * 60 * 1000) /* to empty what was left over */

const char *removed_rm = "/bin/rm";

static const char *last_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

static noreturn void purge_refuse(const char *home, int error, const char *why)
{
    fail(EX_CANTCREAT, "%s was not removed: %s; or run it without --purge",
         home,
         why              ? why
         : error == EXDEV ? "something is mounted in it; unmount that first "
                            "(findmnt shows it)"
                          : strerror(error));
}

/* rm --one-file-system doesn't see a bind mount of the same file system.
 * Returns 0; -EXDEV: something is mounted on the directory FD or beneath it;
 * another -errno: it can't be found out. */
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

/* A removal that was killed before the row was gone: the row's directory gets
 * its name back. */
static int put_back(void *owner, int parent, const char *name)
{
    const struct removed *p = owner;
    struct stat st;

    if (!is_removed_name(name, last_of(p->path)))
        return 0;
    FD_CLEANUP int fd = openat(parent, name, DIRECTORY_FLAGS);
    return fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == p->uid &&
           flock(fd, LOCK_EX | LOCK_NB) == 0 &&
           renameat(parent, name, parent, last_of(p->path)) == 0;
}

void removed_open(struct removed *p, const char *below)
{
    struct stat st;
    int r;

    if (geteuid() != 0)
        p->uid = geteuid();
    if (!user_path_within(p->path, below) || !strcmp(p->path, below))
        fail(EX_CANTCREAT,
             "%s was not removed: it isn't beneath %s; or run it without "
             "--purge",
             p->path, below);
    p->parent_fd = home_open_parent(p->path, below);
    if (p->parent_fd < 0)
        purge_refuse(p->path, -p->parent_fd, NULL);
    p->top_fd = openat(p->parent_fd, last_of(p->path), DIRECTORY_FLAGS);
    if (p->top_fd < 0 && errno == ENOENT) {
        home_each_entry(p->parent_fd, put_back, p);
        p->top_fd = openat(p->parent_fd, last_of(p->path), DIRECTORY_FLAGS);
    }
    if (p->top_fd < 0 || fstat(p->top_fd, &st))
        purge_refuse(p->path, errno, NULL);
    if (st.st_uid != p->uid)
        purge_refuse(p->path, 0, "it belongs to another uid; look at it first");
    if (flock(p->top_fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
        purge_refuse(p->path, 0, "another command removes it just now");
    r = mounts_within(p->top_fd);
    if (r)
        purge_refuse(p->path, -r, NULL);
}

static bool is_same(const struct removed *p)
{
    struct stat now, opened;

    return fstatat(p->parent_fd, last_of(p->path), &now, AT_SYMLINK_NOFOLLOW) ==
               0 &&
           fstat(p->top_fd, &opened) == 0 && now.st_ino == opened.st_ino &&
           now.st_dev == opened.st_dev;
}

static void rename_on_disk(void *data)
{
    struct removed *p = data;
    char to[NAME_MAX + 1];
    uint32_t number;
    int n;

    random_bytes(&number, sizeof(number));
    n = snprintf(to, sizeof(to), REMOVED "%s-%08x", last_of(p->path),
                 (unsigned)number);
    if (!is_same(p) || n > NAME_MAX ||
        renameat(p->parent_fd, last_of(p->path), p->parent_fd, to))
        purge_refuse(p->path, n > NAME_MAX ? ENAMETOOLONG : ESTALE, NULL);
    memcpy(p->name, to, sizeof(to));
    fsync(p->parent_fd);
}

void removed_rename(struct removed *p)
{
    disk_run(rename_on_disk, p, sizeof(*p), p->path);
}

static void undo_on_disk(void *data)
{
    struct removed *p = data;

    if (renameat(p->parent_fd, p->name, p->parent_fd, last_of(p->path)) == 0)
        p->name[0] = '\0';
}

void removed_undo(struct removed *p)
{
    char path[PATH_MAX];
    struct complaint why;

    if (p->name[0])
        disk_try(undo_on_disk, p, sizeof(*p), &why);
    if (p->name[0])
        stderr_print("%s is now %s; this gives it its name back: sallyportctl "
                     "retention run",
                     p->path, removed_path(p, path));
}

const char *removed_path(const struct removed *p, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%.*s%s", (int)(last_of(p->path) - p->path),
             p->path, p->name[0] ? p->name : last_of(p->path));
    return out;
}

/* The ids of a user, or of a share's directory, which belongs to root. */
static bool become_owner(const struct removed *p)
{
    struct stat st;
    uid_t uid;

    if (fstat(p->top_fd, &st))
        return false;
    uid = st.st_uid ? st.st_uid : st.st_gid;
    return uid >= SHARE_GID_MIN && st.st_gid >= SHARE_GID_MIN &&
           sandbox_become(uid, st.st_gid, &st.st_gid, 1) == 0;
}

struct emptying {
    const struct removed *p;
    bool as_owner;
};

/* rm(1) walks by descriptors, and follows no link. */
static void run_rm(void *data)
{
    const struct emptying *e = data;
    char name[NAME_MAX + 3];

    snprintf(name, sizeof(name), "./%s", e->p->name);
    pid_t pid = fork();
    if (pid == 0) {
        if ((e->as_owner && !become_owner(e->p)) || fchdir(e->p->parent_fd))
            _exit(1);
        execl(removed_rm, "rm", "-rf", "--one-file-system", "--", name,
              (char *)NULL);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
    unlinkat(e->p->parent_fd, e->p->name, AT_REMOVEDIR);
}

static bool is_gone(const struct removed *p)
{
    struct stat st;

    return fstatat(p->parent_fd, p->name, &st, AT_SYMLINK_NOFOLLOW) < 0;
}

/* In the retention root has no right to change users' directories; and others
 * may have made a part of one. */
int removed_empty(struct removed *p, bool as_owner, struct complaint *why)
{
    struct emptying e = { p, as_owner && geteuid() == 0 };
    const int ms = as_owner ? REMOVED_MS : -1;
    struct complaint late;
    char rest[PATH_MAX];

    if (mounts_within(p->top_fd) == 0) {
        if (e.as_owner)
            disk_fork(run_rm, &e, sizeof(e), ms, true, &late);
        e.as_owner = false;
        if (!is_gone(p))
            disk_fork(run_rm, &e, sizeof(e), ms, false, &late);
    }
    if (is_gone(p))
        return 0;
    complain(why,
             "%s is only partly removed; mend that, and run: sallyportctl "
             "retention run",
             removed_path(p, rest));
    return EX_CANTCREAT;
}

/* The leftovers of earlier removals. */

struct leftovers {
    const char *parent;
    unsigned failed;
};

/* Has a row that directory? The table is read after the lock was taken: while
 * another command is between the new name and the new table, it has the lock.
 * Returns -1 if it isn't known. */
static int is_of_row(const char *path)
{
    struct complaint why = { "" };
    char tidy[PATH_MAX];
    struct users u;
    int found = edit_load_users(&u, ctl.settings.users, NULL, &why) ? -1 : 0;

    for (size_t i = 0; i < u.count + u.shares && found == 0; i++)
        found = place_tidy(slice_from(i < u.count ? u.row[i].home
                                                  : u.share[i - u.count].path),
                           tidy, sizeof(tidy)) == 0 &&
                strcmp(tidy, path) == 0;
    users_release(&u);
    return found;
}

static int leftover_take(void *owner, int parent, const char *name)
{
    struct leftovers *l = owner;
    const size_t len = strlen(name) - strlen(REMOVED) - REMOVED_DIGITS - 1;
    struct removed p = { .parent_fd = parent };
    struct complaint c = { "" };
    char now[PATH_MAX];
    struct stat st;
    int of_row;

    if (!is_removed_name(name, NULL))
        return 0;
    FD_CLEANUP int fd = openat(parent, name, DIRECTORY_FLAGS);
    p.top_fd = fd;
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) ||
        snprintf(p.path, sizeof(p.path), "%s/%.*s", l->parent, (int)len,
                 name + strlen(REMOVED)) >= (int)sizeof(p.path))
        return 0;
    slice_copy(slice_from(name), p.name, sizeof(p.name));
    removed_path(&p, now);
    of_row = is_of_row(p.path);
    if (of_row < 0)
        return 0;
    if (of_row && fstatat(parent, last_of(p.path), &st, AT_SYMLINK_NOFOLLOW)) {
        undo_on_disk(&p);
        if (!p.name[0])
            stderr_print("%s: its removal was cut; it is there again", p.path);
    } else if (removed_empty(&p, true, &c)) {
        stderr_print("%s", c.text);
        l->failed++;
    } else {
        stderr_print("%s: removed, the rest of an earlier removal", now);
        syslog(LOG_DAEMON | LOG_NOTICE,
               "removed %s, the rest of an earlier removal", now);
    }
    return 0;
}

/* Only where nobody else can give a directory such a name. */
static void leftovers_take(struct leftovers *l)
{
    FD_CLEANUP int fd = open(l->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
        !(st.st_mode & (S_IWGRP | S_IWOTH)))
        home_each_entry(fd, leftover_take, l);
}

int removed_leftovers(const char *parent)
{
    struct leftovers l = { .parent = parent };

    leftovers_take(&l);
    return l.failed > 0 ? EX_IOERR : 0;
}

int removed_all_leftovers(void)
{
    int code = removed_leftovers(ctl.settings.homes);

    return removed_leftovers(ctl.settings.shares) ? EX_IOERR : code;
}
