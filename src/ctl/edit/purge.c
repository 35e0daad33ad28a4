/* Removes a home or a share's directory, with everything in it, after its row
 * was removed. First the directory gets a reserved name in the setting's, so
 * that a new user or share of its name gets a new directory. Then rm(1)
 * empties the directory, which takes long. If the removal is interrupted,
 * "retention run" finds the directory by its reserved name. A command that
 * removes a directory holds its lock (flock(2)). */
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

#define MOUNT_LINE (16 * PATH_MAX)

#define REMOVED         ".sallyport-purged-" /* a number follows */
#define REMOVED_MS      (15 * 60 * 1000)     /* ms to empty a leftover */
#define REMOVED_LOCK_MS 5000 /* ms to wait for the directory's lock */

const char *removed_rm = "/bin/rm";

static const char *last_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

static noreturn void purge_refuse(const char *home, int error, const char *why)
{
    fail(EX_CANTCREAT,
         "%s can't be removed: %s; without --purge the command keeps the "
         "directory",
         home,
         why              ? why
         : error == EXDEV ? "something is mounted in it; unmount that first "
                            "(findmnt shows it)"
                          : strerror(error));
}

/* Looks for mounts, since rm --one-file-system doesn't see a bind mount of the
 * same file system. Returns 0; -EXDEV: something is mounted on the directory FD
 * or beneath it; another -errno: the mounts can't be read. */
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

void removed_open(struct removed *p, const char *below)
{
    struct stat st;
    int r;

    if (geteuid() != 0)
        p->uid = geteuid();
    if (!user_path_within(p->path, below) || !strcmp(p->path, below))
        fail(EX_CANTCREAT,
             "%s can't be removed: it isn't beneath %s; without --purge the "
             "command keeps the directory",
             p->path, below);
    snprintf(p->now, sizeof(p->now), "%s", p->path);
    p->below = below;
    p->below_fd = open(below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    p->parent_fd = home_open_parent(p->path, below);
    if (p->parent_fd < 0)
        purge_refuse(p->path, -p->parent_fd, NULL);
    p->top_fd = openat(p->parent_fd, last_of(p->path), DIRECTORY_FLAGS);
    if (p->top_fd < 0 || fstat(p->top_fd, &st))
        purge_refuse(p->path, errno, NULL);
    if (st.st_uid != p->uid)
        purge_refuse(p->path, 0, "it belongs to another uid; look at it first");
    home_check_case(p->path, -1, p->top_fd, p->now);
    home_check_case(p->path, p->parent_fd, -1, p->now);
    snprintf(p->now, sizeof(p->now), "%s", p->path);
    /* The server holds this lock while it commits an upload. */
    if (fd_lock(p->top_fd, REMOVED_LOCK_MS) == -ETIMEDOUT)
        purge_refuse(p->path, 0, "another command is removing it");
    r = mounts_within(p->top_fd);
    if (r)
        purge_refuse(p->path, -r, NULL);
}

static void rename_on_disk(void *data)
{
    struct removed *p = data;
    const char *last = last_of(p->path);
    const int from = p->parent_fd, to[] = { p->below_fd, from };
    char name[sizeof(REMOVED) + 16];
    struct stat now, opened;
    uint64_t number;

    random_bytes(&number, sizeof(number));
    snprintf(name, sizeof(name), REMOVED "%016llx", (unsigned long long)number);
    if (fstatat(from, last, &now, AT_SYMLINK_NOFOLLOW) ||
        fstat(p->top_fd, &opened) || now.st_ino != opened.st_ino ||
        now.st_dev != opened.st_dev)
        return;
    for (int i = 0; i < 2 && !p->renamed; i++) {
        if (renameat(from, last, to[i], name))
            continue;
        p->renamed = true;
        p->parent_fd = to[i];
        snprintf(p->now, sizeof(p->now), "%.*s/%s",
                 (int)(i ? last - 1 - p->path : PATH_MAX),
                 i ? p->path : p->below, name);
        fsync(from);
        fsync(to[i]);
    }
}

void removed_rename(struct removed *p)
{
    struct complaint why;

    disk_try(rename_on_disk, p, sizeof(*p), &why);
}

/* Takes the uid and gid of the user who owns the directory. A share's directory
 * belongs to root: takes its gid as uid and gid. */
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

/* Runs rm(1), which walks by descriptors, and follows no link. */
static void run_rm(void *data)
{
    const struct removed *p = data;
    char name[NAME_MAX + 3];

    snprintf(name, sizeof(name), "./%s", last_of(p->now));
    pid_t pid = fork();
    if (pid == 0) {
        if ((p->as_owner && !become_owner(p)) || fchdir(p->parent_fd))
            _exit(1);
        execl(removed_rm, "rm", "-rf", "--one-file-system", "--", name,
              (char *)NULL);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
    unlinkat(p->parent_fd, last_of(p->now), AT_REMOVEDIR);
}

static bool is_gone(const struct removed *p)
{
    struct stat st;

    return fstatat(p->parent_fd, last_of(p->now), &st, AT_SYMLINK_NOFOLLOW) < 0;
}

/* Writes why the directory REST is still there. MOUNTS is the result of
 * mounts_within(), CODE is from disk_fork(). */
static void complain_about_rest(const char *rest, int mounts, int code,
                                struct complaint *why)
{
    const char *cause = mounts == -EXDEV     ? "something is mounted in it"
                        : mounts             ? strerror(-mounts)
                        : code == -ETIMEDOUT ? "the removal took too long"
                                             : "";

    complain(why,
             "%s is not removed, or only partly%s%s; %s, then run: rm -r "
             "--one-file-system %s",
             rest, cause[0] ? ": " : "", cause,
             mounts == -EXDEV ? "unmount it" : "find the cause", rest);
}

/* Runs rm(1) up to twice. In the retention unit root has no right to change
 * users' directories, so AS_OWNER tries it with the owner's rights first. Then
 * rm(1) runs with the caller's rights, since other users can own parts of the
 * directory. */
int removed_empty(struct removed *p, bool as_owner, struct complaint *why)
{
    const int ms = as_owner ? REMOVED_MS : -1;
    const int mounts = p->renamed ? mounts_within(p->top_fd) : 0;
    struct complaint late;
    int code = 0;

    if (p->renamed && mounts == 0) {
        p->as_owner = as_owner && geteuid() == 0;
        if (p->as_owner)
            disk_fork(run_rm, p, sizeof(*p), ms, true, &late);
        p->as_owner = false;
        if (!is_gone(p))
            code = disk_fork(run_rm, p, sizeof(*p), ms, false, &late);
    }
    if (p->renamed && is_gone(p))
        return 0;
    if (!p->renamed)
        complain(why, "%s can't be renamed, so it was not removed", p->now);
    else
        complain_about_rest(p->now, mounts, code, why);
    return EX_CANTCREAT;
}

/* The leftovers of earlier removals. */

struct leftovers {
    const char *parent;
    unsigned failed;
};

static int leftover_take(void *owner, int parent, const char *name)
{
    struct leftovers *l = owner;
    FD_CLEANUP int fd = strncmp(name, REMOVED, strlen(REMOVED)) == 0
                            ? openat(parent, name, DIRECTORY_FLAGS)
                            : -1;
    struct removed p = { .parent_fd = parent, .top_fd = fd, .renamed = true };
    struct complaint c = { "" };

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB))
        return 0;
    snprintf(p.now, sizeof(p.now), "%s/%s", l->parent, name);
    if (removed_empty(&p, true, &c)) {
        stderr_print("%s", c.text);
        l->failed++;
    } else {
        stderr_print("%s: removed; an earlier removal had left it", p.now);
        syslog(LOG_DAEMON | LOG_NOTICE,
               "removed %s, which an earlier removal had left", p.now);
    }
    return 0;
}

/* Removes the leftovers only where nobody but the caller can give a directory
 * such a name. Leaves those on a disk that hangs to the next run. */
int removed_leftovers(void)
{
    const char *parents[] = { ctl.settings.homes, ctl.settings.shares };
    struct leftovers l = { .failed = 0 };

    for (int i = 0; i < 2; i++) {
        struct statvfs room;
        FD_CLEANUP int fd =
            disk_room(parents[i], &room) == -ETIMEDOUT
                ? -1
                : open(parents[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct stat st;

        l.parent = parents[i];
        if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
            !(st.st_mode & (S_IWGRP | S_IWOTH)))
            home_each_entry(fd, leftover_take, &l);
    }
    return l.failed > 0 ? EX_IOERR : 0;
}
