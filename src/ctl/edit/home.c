/* Homes and the directories of shares: may the server write there, do they
 * overlap, and their making. Runs as root in directories in which users may
 * rename things at the same time. So each step acts on a descriptor, and the
 * last component is never followed if it is a link. */
#include "ctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/quota/quota.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Homes and shares in which systemd doesn't let the service write. systemd is
 * only asked, never told. */

/* Another configuration isn't the unit's. */
static void ask_unit(const struct context *x, struct unit *u)
{
    if (geteuid() == 0 && strcmp(x->settings.file, SETTINGS_FILE) == 0)
        unit_ask(u);
}

void (*paths_unit)(const struct context *x, struct unit *u) = ask_unit;

/* Systemd is asked once, also for the forks of this process. */
static struct unit permitting;
static bool was_asked;

void paths_ask(const struct context *x)
{
    if (!was_asked)
        paths_unit(x, &permitting);
    was_asked = true;
}

bool paths_forbid(const struct context *x, const char *what, const char *path,
                  struct complaint *c)
{
    paths_ask(x);
    return unit_forbids(&permitting, what, path, c);
}

int paths_permit(struct context *x, const char *what, const char *path)
{
    struct complaint c = { "" };

    return paths_forbid(x, what, path, &c)
               ? ctl_fail(x, EX_CONFIG, "%s", c.text)
               : 0;
}

int home_check_alone(struct context *x, const struct users *u, const void *own,
                     const char *path, const char *hint)
{
    const struct row_place *other;

    if (x->lock_fd == 0 && !known_of(x, path))
        known_fill(x, u, &path, 1);
    if (x->lock_fd == 0 && !x->known)
        return ctl_no_memory(x);
    if (x->places_of != u) {
        places_release(&x->places);
        x->places_of = u;
        if (!places_fill(&x->places, u, known_resolve, x))
            return ctl_no_memory(x);
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

/* Beneath BELOW no component may be a symbolic link, since a user could have
 * made it. */
int home_open_parent(const char *home, const char *below)
{
    char rest[PATH_MAX];
    FD_CLEANUP int fd = -1;
    char *at = rest, *slash;

    if (!user_path_within(home, below) || !strcmp(home, below)) {
        if (slice_copy(slice_from(home), rest, sizeof(rest)))
            return -ENAMETOOLONG;
        *strrchr(rest, '/') = '\0';
        fd = open(rest[0] ? rest : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd_take(&fd);
    }
    if (slice_copy(slice_from(home + strlen(below) + 1), rest, sizeof(rest)))
        return -ENAMETOOLONG;
    fd = open(below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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

static int open_home(const char *home, const char *below, int flags)
{
    FD_CLEANUP int parent = home_open_parent(home, below);
    int fd;

    if (parent < 0)
        return parent;
    fd = openat(parent, strrchr(home, '/') + 1, DIRECTORY_FLAGS | flags);
    return fd < 0 ? -errno : fd;
}

int home_open(const char *path, const char *below)
{
    char home[USER_HOME_MAX + 1];

    return place_tidy(slice_from(path), home, sizeof(home))
               ? -ENAMETOOLONG
               : open_home(home, below, O_PATH);
}

/* A home of root may be a system directory such as /etc, or was made by hand.
 * With the user's uid all files in it are the user's. So this offers no command
 * that somebody could paste in a hurry. */
static int not_the_owner(const struct home_wanted *h, uid_t owner,
                         struct complaint *c)
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
                 "if it was made for this user, give it and all in it to %u:%u "
                 "(chown -Rh)",
                 h->path, wanted, (unsigned)h->gid);
    else
        complain(c,
                 "%s exists and belongs to uid %u; give %sanother --home DIR, "
                 "or run: chown -Rh %u:%u %s",
                 h->path, (unsigned)owner, offer, wanted, (unsigned)h->gid,
                 h->path);
    return EX_CANTCREAT;
}

int home_each_entry(int directory, home_entry *on, void *owner)
{
    int copy = openat(directory, ".", DIRECTORY_FLAGS);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy); /* closedir() closes it */
    const struct dirent *entry;
    int r = 0;

    if (!dir) {
        r = -errno;
        fd_close(&copy);
        return r;
    }
    while (r == 0 && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = on(owner, directory, entry->d_name);
    closedir(dir);
    return r;
}

static int is_an_entry(void *owner, int directory, const char *name)
{
    (void)owner;
    (void)directory;
    (void)name;
    return 1;
}

bool home_is_empty(int directory, const char *name)
{
    FD_CLEANUP int fd = openat(directory, name, DIRECTORY_FLAGS);

    return fd >= 0 && home_each_entry(fd, is_an_entry, NULL) == 0;
}

static int set_group_failed(const struct home_wanted *h, struct complaint *c)
{
    if (errno != EPERM || geteuid() == 0)
        return home_fail(c, h->path, errno);
    complain(c,
             "%s: only root and members can give it to group %u; run it as "
             "root",
             h->path, (unsigned)h->gid);
    return EX_NOPERM;
}

static int home_set_owner(int fd, int parent, const struct home_wanted *h,
                          struct complaint *c)
{
    uid_t owner = geteuid() == 0 ? h->uid : (uid_t)-1;

    if ((geteuid() == 0 || h->mode & S_IRWXG) && fchown(fd, owner, h->gid))
        return set_group_failed(h, c);
    /* Its owner must be durable before a row that names it. */
    return fchmod(fd, h->mode) || fsync(fd) || fsync(parent)
               ? home_fail(c, h->path, errno)
               : 0;
}

/* Nobody's: left by a removed user or by a command that was killed, or made by
 * hand for this one. Beneath the setting no empty directory of root is needed
 * for anything else. */
static bool may_adopt(int fd, const struct home_wanted *h,
                      const struct stat *st)
{
    const bool unowned = st->st_uid == geteuid() &&
                         user_path_within(h->path, h->below) &&
                         strcmp(h->path, h->below) != 0;

    return (h->offer || unowned) && home_is_empty(fd, ".");
}

/* Keeps an existing directory if it belongs to the user; a home whose group
 * counts, and a share, also need that group and the mode. */
static int check_kept(int fd, const struct home_wanted *h, struct complaint *c)
{
    struct stat st;

    if (fstat(fd, &st))
        return home_fail(c, h->path, errno);
    const bool owned = st.st_uid == wanted_owner(h->uid);
    if (owned && (!(h->mode & S_IRWXG) ||
                  (st.st_gid == h->gid && (st.st_mode & 07777) == h->mode)))
        return 0;
    if (may_adopt(fd, h, &st))
        return h->only_check ? 0 : home_set_owner(fd, fd, h, c);
    if (!owned)
        return not_the_owner(h, st.st_uid, c);
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

int home_check(const struct home_wanted *h, struct complaint *c)
{
    FD_CLEANUP int fd = open_home(h->path, h->below, 0);

    if (fd < 0)
        return fd == -ENOENT ? 0 : home_fail(c, h->path, -fd);
    return check_kept(fd, h, c);
}

int home_make(const struct home_wanted *h, bool *made, struct complaint *c)
{
    const char *name = strrchr(h->path, '/') + 1;
    FD_CLEANUP int parent = -1;
    FD_CLEANUP int fd = -1;
    int code =
        user_path_within(h->path, h->below) ? home_make_homes(h->below, c) : 0;

    if (code)
        return code;
    parent = home_open_parent(h->path, h->below);
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
static int enter_or_make(int parent, const char *name,
                         const struct home_wanted *h)
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

int home_make_inside(const struct home_wanted *h, const char *path,
                     struct complaint *c)
{
    char parts[USER_HOME_MAX + 1], *at = parts, *name;
    FD_CLEANUP int fd = open_home(h->path, h->below, 0);

    if (fd < 0 || slice_copy(slice_from(path), parts, sizeof(parts)))
        return home_fail(c, h->path, fd < 0 ? -fd : ENAMETOOLONG);
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

int stored_in(const char *home, struct stored *ret)
{
    char text[STORED_TEXT_MAX];
    ssize_t len = lgetxattr(home, STORED_ATTRIBUTE, text, sizeof(text));

    *ret = (struct stored){ 0 };
    if (len < 0)
        return errno == ENODATA ? 0 : -errno;
    return stored_parse((struct slice){ text, (size_t)len }, ret);
}
