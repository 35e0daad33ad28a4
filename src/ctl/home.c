/* Makes and removes homes and the directories of shares. Runs as root in
 * directories in which users may rename things at the same time. So each step
 * acts on a descriptor, and the last component is never followed if it is a
 * link. */
#include "ctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/quota/quota.h"

#define MOUNT_LINE      (16 * PATH_MAX)
#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int home_check_alone(struct context *x, const struct users *u, const void *own,
                     const char *path, const char *hint)
{
    const struct place *other;

    if (x->places_of != u) {
        places_release(&x->places);
        x->places_of = u;
        if (!places_fill(&x->places, u))
            return ctl_fail(x, EX_OSERR, "out of memory");
    }
    other = places_overlap(&x->places, path, own);
    return other
               ? ctl_fail(x, EX_DATAERR, "%s:%zu: %s overlaps the %s %s; %s",
                          x->settings.users, other->line, path,
                          other->share ? "share" : "home of", other->name, hint)
               : 0;
}

static int home_fail(struct complaint *c, const char *path, int error)
{
    complain(c, "%s: %s%s", path, strerror(error),
             error == ENOENT ? "; make its parent directory first" : "");
    return ctl_exit_of(error) == EX_NOPERM ? EX_NOPERM : EX_CANTCREAT;
}

static uid_t wanted_owner(uid_t uid)
{
    return geteuid() == 0 ? uid : geteuid();
}

/* 0711: each user passes through it, but can't list the other homes. */
int home_make_homes(const char *homes, struct complaint *c)
{
    if (mkdir(homes, 0711) == 0)
        return chmod(homes, 0711) ? home_fail(c, homes, errno) : 0;
    return errno == EEXIST ? 0 : home_fail(c, homes, errno);
}

/* Opens the directory that the home is in. Returns the descriptor, or -errno.
 * Beneath HOMES no component may be a symbolic link, since a user could have
 * made it. */
static int open_parent(const char *home, const char *homes)
{
    char rest[PATH_MAX];
    FD_CLEANUP int fd = -1;
    char *at = rest, *slash;

    if (!user_path_within(home, homes) || !strcmp(home, homes)) {
        if (slice_copy(slice_from(home), rest, sizeof(rest)))
            return -ENAMETOOLONG;
        *strrchr(rest, '/') = '\0';
        fd = open(rest[0] ? rest : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd_take(&fd);
    }
    if (slice_copy(slice_from(home + strlen(homes) + 1), rest, sizeof(rest)))
        return -ENAMETOOLONG;
    fd = open(homes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (fd >= 0 && (slash = strchr(at, '/'))) {
        int next;

        *slash = '\0';
        next = openat(fd, at, DIRECTORY_FLAGS);
        fd_close(&fd);
        fd = next;
        at = slash + 1;
    }
    return fd < 0 ? -errno : fd_take(&fd);
}

int home_open(const char *path, const char *below)
{
    char home[USER_HOME_MAX + 1];

    if (place_tidy(slice_from(path), home, sizeof(home)))
        return -ENAMETOOLONG;
    FD_CLEANUP int parent = open_parent(home, below);
    if (parent < 0)
        return parent;
    int fd = openat(parent, strrchr(home, '/') + 1,
                    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* A home of root may be a system directory such as /etc, or was made by hand.
 */
static int not_the_owner(const struct home *h, uid_t owner, struct complaint *c)
{
    unsigned wanted = wanted_owner(h->uid);
    char offer[40] = "";

    if (h->offer)
        snprintf(offer, sizeof(offer), "--uid %u or ", (unsigned)owner);
    if (h->share)
        complain(c,
                 "%s exists and belongs to uid %u; give another --path DIR, "
                 "or, if it was made for this share, run: chown %u:%u %s && "
                 "chmod %o %s",
                 h->path, (unsigned)owner, wanted, (unsigned)h->gid, h->path,
                 (unsigned)h->mode, h->path);
    else if (owner == 0)
        complain(c,
                 "%s exists and belongs to root; give another --home DIR, or, "
                 "if it was made for this user, run: chown %u %s",
                 h->path, wanted, h->path);
    else
        complain(c,
                 "%s exists and belongs to uid %u; give %sanother --home DIR, "
                 "or run: chown %u %s",
                 h->path, (unsigned)owner, offer, wanted, h->path);
    return EX_CANTCREAT;
}

/* Keeps an existing directory if it belongs to the user; a home whose group
 * counts, and a share, also need that group and the mode. */
static int check_kept(int fd, const struct home *h, struct complaint *c)
{
    struct stat st;

    if (fstat(fd, &st))
        return home_fail(c, h->path, errno);
    if (st.st_uid != wanted_owner(h->uid))
        return not_the_owner(h, st.st_uid, c);
    if (!(h->mode & S_IRWXG) ||
        (st.st_gid == h->gid && (st.st_mode & 07777) == h->mode))
        return 0;
    complain(c,
             "%s exists with group %u and mode %o; if it was made for this, "
             "run: chgrp -R %u %s && chmod %o %s",
             h->path, (unsigned)st.st_gid, (unsigned)st.st_mode & 07777,
             (unsigned)h->gid, h->path, (unsigned)h->mode, h->path);
    return EX_CANTCREAT;
}

/* On btrfs with quotas it is a subvolume, which can have a limit. */
static int home_make_directory(int parent, const char *name)
{
    int r = quota_make_subvolume(parent, name);

    if (r == -ENOTSUP || r == -ENOTTY || r == -EPERM)
        r = mkdirat(parent, name, 0700) < 0 ? -errno : 0;
    return r;
}

static int set_group_failed(const struct home *h, struct complaint *c)
{
    if (errno != EPERM || geteuid() == 0)
        return home_fail(c, h->path, errno);
    complain(c,
             "%s: only root and members can give it to group %u; run it as "
             "root",
             h->path, (unsigned)h->gid);
    return EX_NOPERM;
}

static int home_set_owner(int fd, int parent, const struct home *h,
                          struct complaint *c)
{
    uid_t owner = geteuid() == 0 ? h->uid : (uid_t)-1;

    if ((geteuid() == 0 || h->mode & S_IRWXG) && fchown(fd, owner, h->gid))
        return set_group_failed(h, c);
    return fchmod(fd, h->mode) || fsync(parent) ? home_fail(c, h->path, errno)
                                                : 0;
}

int home_check(const struct home *h, struct complaint *c)
{
    FD_CLEANUP int parent = open_parent(h->path, h->below);
    FD_CLEANUP int fd = -1;

    if (parent == -ENOENT)
        return 0;
    if (parent < 0)
        return home_fail(c, h->path, -parent);
    fd = openat(parent, strrchr(h->path, '/') + 1, DIRECTORY_FLAGS);
    if (fd < 0)
        return errno == ENOENT ? 0 : home_fail(c, h->path, errno);
    return check_kept(fd, h, c);
}

int home_make(const struct home *h, bool *made, struct complaint *c)
{
    const char *name = strrchr(h->path, '/') + 1;
    FD_CLEANUP int parent = -1;
    FD_CLEANUP int fd = -1;
    int code =
        user_path_within(h->path, h->below) ? home_make_homes(h->below, c) : 0;

    if (code)
        return code;
    parent = open_parent(h->path, h->below);
    if (parent < 0)
        return home_fail(c, h->path, -parent);
    code = home_make_directory(parent, name);
    *made = code == 0;
    if (!*made && code != -EEXIST)
        return home_fail(c, h->path, -code);
    fd = openat(parent, name, DIRECTORY_FLAGS);
    code = fd < 0  ? home_fail(c, h->path, errno)
           : *made ? home_set_owner(fd, parent, h, c)
                   : check_kept(fd, h, c);
    if (code && *made)
        unlinkat(parent, name, AT_REMOVEDIR);
    return code;
}

/* Enters the directory NAME. If it is missing, it is made like its parent. */
static int enter_or_make(int parent, const char *name, const struct home *h)
{
    bool made = mkdirat(parent, name, 0700) == 0;
    FD_CLEANUP int fd = openat(parent, name, DIRECTORY_FLAGS);
    struct stat above, st;
    gid_t gid;

    if (fd < 0 || fstat(parent, &above) || fstat(fd, &st))
        return -errno;
    if (!made || st.st_uid != geteuid())
        return fd_take(&fd);
    gid = above.st_mode & S_ISGID ? above.st_gid : h->gid;
    if ((geteuid() == 0 && fchown(fd, h->uid, gid)) ||
        fchmod(fd, above.st_mode & 07777))
        return -errno;
    return fd_take(&fd);
}

int home_make_inside(const struct home *h, const char *path,
                     struct complaint *c)
{
    char parts[USER_HOME_MAX + 1], *at = parts, *name;
    FD_CLEANUP int parent = open_parent(h->path, h->below);
    FD_CLEANUP int fd = -1;

    if (parent < 0)
        return home_fail(c, h->path, -parent);
    fd = openat(parent, strrchr(h->path, '/') + 1, DIRECTORY_FLAGS);
    if (fd < 0 || slice_copy(slice_from(path), parts, sizeof(parts)))
        return home_fail(c, h->path, fd < 0 ? errno : ENAMETOOLONG);
    while ((name = strtok_r(at, "/", &at))) {
        int next = enter_or_make(fd, name, h);

        fd_close(&fd);
        fd = next;
        if (next < 0) {
            complain(c, "%s in %s: %s", path, h->path, strerror(-next));
            return EX_CANTCREAT;
        }
    }
    return 0;
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

/* The removal of a home and all that is in it, while its user may still change
 * it. It resolves no path twice, follows no link and enters no mount. Deep
 * directories are first moved up, so that depth needs no descriptors. */

#define DEPTH_MAX  32
#define ROUNDS_MAX 100000

struct purge {
    int top_fd;     /* the home */
    unsigned moved; /* number of directories moved up */
    bool changed;   /* something was removed or moved in this round */
};

static int empty_directory(struct purge *p, int fd, unsigned depth);

/* Too deep: moves the directory up into the home, for the next round. */
static int move_up(struct purge *p, int directory, const char *name)
{
    char to[64];

    snprintf(to, sizeof(to), ".sallyport-purge-%d-%u", (int)getpid(),
             p->moved++);
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

static int remove_directory(struct purge *p, int directory, const char *name,
                            unsigned depth)
{
    FD_CLEANUP int fd = enter_directory(directory, name);
    int r;

    if (fd < 0)
        return fd;
    if (depth == DEPTH_MAX)
        return move_up(p, directory, name);
    r = empty_directory(p, fd, depth + 1);
    if (r)
        return r;
    if (unlinkat(directory, name, AT_REMOVEDIR))
        return errno == ENOTEMPTY ? 0 : -errno; /* the next round removes it */
    p->changed = true;
    return 0;
}

static int remove_entry(struct purge *p, int directory, const char *name,
                        unsigned depth)
{
    if (unlinkat(directory, name, 0) == 0) {
        p->changed = true;
        return 0;
    }
    if (errno == EISDIR || errno == EPERM)
        return remove_directory(p, directory, name, depth);
    return errno == ENOENT ? 0 : -errno;
}

static int empty_directory(struct purge *p, int fd, unsigned depth)
{
    int copy = openat(fd, ".", DIRECTORY_FLAGS); /* closedir() closes it */
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    int r = 0;

    if (!dir) {
        r = -errno;
        fd_close(&copy);
        return r;
    }
    while (r == 0 && (entry = readdir(dir))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        r = remove_entry(p, fd, entry->d_name, depth);
        if (r == -ENOENT)
            r = 0; /* the user was faster */
    }
    closedir(dir);
    return r;
}

/* Repeats until the home is gone. Each round removes or moves something. */
static int purge_rounds(struct purge *p, int parent, const char *name)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        int r;

        p->changed = false;
        r = empty_directory(p, p->top_fd, 0);
        if (r)
            return r;
        if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
            return 0;
        if (errno != ENOTEMPTY || !p->changed)
            return -errno;
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

static int check_home(const struct purge *p, uid_t uid, const char *home,
                      struct complaint *c)
{
    uid_t owner = geteuid() == 0 ? uid : geteuid();
    struct stat st;
    int r;

    if (fstat(p->top_fd, &st))
        return refuse_error(c, home, errno);
    if (st.st_uid != owner)
        return purge_refuse(c, home,
                            "it belongs to another uid; look at it first");
    /* Checked here so that nothing is removed at all. Later the kernel checks
     * each directory. */
    r = mounts_within(p->top_fd);
    return r ? refuse_error(c, home, -r) : 0;
}

/* Opens the home, and the directory that it is in. */
static int purge_open(const char *home, const char *homes, uid_t uid,
                      int *parent, struct purge *p, struct complaint *c)
{
    if (!user_path_within(home, homes) || !strcmp(home, homes)) {
        complain(c, "%s was not removed: it isn't beneath %s", home, homes);
        return EX_CANTCREAT;
    }
    *parent = open_parent(home, homes);
    if (*parent < 0)
        return refuse_error(c, home, -*parent);
    p->top_fd = openat(*parent, strrchr(home, '/') + 1, DIRECTORY_FLAGS);
    return p->top_fd < 0 ? refuse_error(c, home, errno)
                         : check_home(p, uid, home, c);
}

int purge_check(const char *home, const char *homes, uid_t uid,
                struct complaint *c)
{
    FD_CLEANUP int parent = -1;
    struct purge p = { .top_fd = -1 };
    int code = purge_open(home, homes, uid, &parent, &p, c);

    fd_close(&p.top_fd);
    return code;
}

int purge_home(const char *home, const char *homes, uid_t uid,
               struct complaint *c)
{
    FD_CLEANUP int parent = -1;
    struct purge p = { .top_fd = -1 };
    int r, code = purge_open(home, homes, uid, &parent, &p, c);

    if (code == 0) {
        r = purge_rounds(&p, parent, strrchr(home, '/') + 1);
        code = r ? refuse_error(c, home, -r) : 0;
    }
    fd_close(&p.top_fd);
    return code;
}
