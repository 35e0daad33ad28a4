/* Checks and makes homes and directories of shares: can the server write there,
 * and do they overlap? Root works here in directories in which users can rename
 * things at the same time. So each step acts on a descriptor, and no step
 * follows a link as the last component. */
#include "edit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/quota/quota.h"

/* Asks systemd where the service can't write. Asks only as root and with the
 * unit's own configuration, and changes nothing in systemd. */

static void ask_unit(struct unit *u)
{
    if (geteuid() == 0 && settings_is_default(ctl.settings.file))
        unit_look(u);
}

void (*paths_unit)(struct unit *u) = ask_unit;

static struct unit permitting = UNIT_UNKNOWN;

static const char *setting_of(const struct home *h)
{
    return h->share ? ctl.settings.shares : ctl.settings.homes;
}

static noreturn void home_fail(const char *path, int error)
{
    fail(ctl_exit_of(error) == EX_NOPERM ? EX_NOPERM : EX_CANTCREAT, "%s: %s%s",
         path, strerror(error),
         error == ENOENT ? "; make its parent directory first" : "");
}

static void find_canonical(void *data)
{
    const char *base[] = { ctl.settings.homes, ctl.settings.shares };
    char *path = data, *last = strrchr(path, '/');
    char parent[USER_HOME_MAX + 1], real[PATH_MAX], own[PATH_MAX];
    char out[2 * PATH_MAX];

    snprintf(parent, sizeof(parent), "%.*s", (int)(last - path), path);
    if (!realpath(parent[0] ? parent : "/", real))
        home_fail(path, errno);
    snprintf(out, sizeof(out), "%s%s", real[1] ? real : "", last);
    for (int i = 0; i < 2; i++)
        if (realpath(base[i], own) && user_path_within(real, own)) {
            snprintf(out, sizeof(out), "%s%s%s", base[i], real + strlen(own),
                     last);
            break;
        }
    if (slice_copy(slice_from(out), path, USER_HOME_MAX + 1))
        fail(EX_DATAERR, "%s: with its links resolved it is too long", path);
}

void home_canonical(char path[USER_HOME_MAX + 1])
{
    char was[USER_HOME_MAX + 1];

    if (user_path_within(path, ctl.settings.homes) ||
        user_path_within(path, ctl.settings.shares))
        return;
    snprintf(was, sizeof(was), "%s", path);
    disk_run(find_canonical, path, USER_HOME_MAX + 1, was);
}

static void tidy(const void *owner, const char *path, char out[PATH_MAX])
{
    (void)owner;
    if (place_tidy(slice_from(path), out, PATH_MAX))
        out[0] = '\0'; /* PATH is longer than any path of a row */
}

static struct places places;
static const struct users *places_of;
static const void *own_row; /* home_check_alone() was told so */

void home_forget_rows(void)
{
    places_release(&places);
    places_of = NULL;
}

void home_check_alone(const struct users *u, const void *own, const char *path,
                      const char *hint)
{
    const struct row_place *other;

    own_row = own;
    if (places_of != u) {
        home_forget_rows();
        places_of = u;
        if (!places_fill(&places, u, tidy, NULL))
            fail_no_memory();
    }
    other = places_overlap(&places, path, own);
    if (other)
        fail(EX_DATAERR, "%s:%zu: %s overlaps the %s %s; %s",
             ctl.settings.users, other->line, path,
             other->share ? "share" : "home of", other->name, hint);
}

bool home_may_meet(const char *a, const char *b)
{
    while (*a && strncasecmp(a, b, 1) == 0)
        a++, b++;
    return ((*a | *b) & 0x80) || (!*a && strchr("/", *b)) || (!*b && *a == '/');
}

static size_t depth(const char *path)
{
    size_t n = 0;

    for (; *path; path++)
        n += *path == '/';
    return n;
}

/* Is the directory FD the directory TOP, or in it? -1 is in none. */
static bool lies_in(int fd, int top)
{
    struct stat end, at = { .st_ino = 0 }, last;
    FD_CLEANUP int step = fstat(top, &end) ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);

    do { /* up to the root, which is its own parent */
        last = at;
        if (step < 0 || fstat(step, &at))
            return false;
        if (at.st_dev == end.st_dev && at.st_ino == end.st_ino)
            return true;
        FD_CLEANUP int below = step;
        step = openat(below, "..", DIRECTORY_FLAGS | O_PATH);
    } while (at.st_dev != last.st_dev || at.st_ino != last.st_ino);
    return false;
}

void home_check_case(const char *path, int parent, int fd, char opens[PATH_MAX])
{
    const struct settings *s = &ctl.settings;
    const struct row_place *p = places.all, *end = p + places.count;

    for (; p < end; p++) {
        const char *kind = p->share ? "share" : "home of";

        if (p->row == own_row ||
            ((!home_may_meet(p->path, path) ||
              (depth(p->path) < depth(path)) != (fd < 0)) &&
             (!ctl.args.purge || user_path_within(p->path, s->homes) ||
              user_path_within(p->path, s->shares))))
            continue;
        if (opens)
            snprintf(opens, PATH_MAX, "%s", p->path);
        FD_CLEANUP int row =
            home_open(p->path, p->share ? s->shares : s->homes);
        if (lies_in(row, fd))
            fail(EX_DATAERR, "%s:%zu: the %s %s is in %s, by another path",
                 s->users, p->line, kind, p->name, path);
        if (lies_in(parent, row))
            fail(EX_DATAERR, "%s:%zu: %s is in the %s %s, by another path",
                 s->users, p->line, path, kind, p->name);
    }
}

uid_t home_owner(uid_t uid)
{
    return geteuid() == 0 ? uid : geteuid();
}

/* Makes the directory of a setting, with mode 0711: each user passes through
 * it, but can't list the other homes. */
static void make_setting(const char *path)
{
    if (mkdir(path, 0711) == 0 ? chmod(path, 0711) < 0 : errno != EEXIST)
        home_fail(path, errno);
}

/* Follows no symbolic link beneath BELOW, since a user could have made it. */
int home_open_parent(const char *home, const char *below)
{
    const bool beneath =
        user_path_within(home, below) && strcmp(home, below) != 0;
    const struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
        .resolve = beneath ? RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS : 0
    };
    FD_CLEANUP int top =
        open(beneath ? below : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char parent[PATH_MAX];
    long fd;

    if (top < 0)
        return -errno;
    snprintf(parent, sizeof(parent), "./%s",
             home + (beneath ? strlen(below) + 1 : 1));
    *strrchr(parent, '/') = '\0';
    fd = syscall(SYS_openat2, top, parent, &how, sizeof(how));
    return fd < 0 ? -errno : (int)fd;
}

int home_open(const char *path, const char *below)
{
    char home[USER_HOME_MAX + 1];
    int fd;

    if (place_tidy(slice_from(path), home, sizeof(home)))
        return -ENAMETOOLONG;
    FD_CLEANUP int parent = home_open_parent(home, below);
    if (parent < 0)
        return parent;
    fd = openat(parent, strrchr(home, '/') + 1, DIRECTORY_FLAGS | O_PATH);
    return fd < 0 ? -errno : fd;
}

/* Refuses an existing directory of another owner, group or mode. A home of root
 * can be a system directory such as /etc: chown -R would give away all files in
 * it. So the message about a home has no command that somebody could paste in a
 * hurry. */
static noreturn void refuse_kept(const struct home *h, const struct stat *st)
{
    const unsigned wanted = home_owner(h->uid), owner = st->st_uid,
                   gid = h->gid, mode = h->mode;

    if (h->share)
        fail(EX_CANTCREAT,
             "%s exists with uid %u, gid %u and mode %o; give another --path "
             "DIR, or, if it was made for this share, run: chgrp -R %u %s && "
             "install -d -m %o -o %u -g %u %s",
             h->path, owner, (unsigned)st->st_gid,
             (unsigned)st->st_mode & 07777, gid, h->path, mode, wanted, gid,
             h->path);
    if (h->imports) /* the next run can give another uid */
        fail(EX_CANTCREAT,
             "%s exists and belongs to %s%.0u; if it was made for this user, "
             "move it away, import again, and put its files back with the new "
             "uid (chown -Rh)",
             h->path, owner ? "uid " : "root", owner);
    fail(EX_CANTCREAT,
         "%s exists and belongs to %s%.0u; if it was made for this user, give "
         "it and all in it to uid and gid %u (chown -Rh)",
         h->path, owner ? "uid " : "root", owner, wanted);
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
    do {
        errno = 0;
        entry = readdir(dir);
        if (!entry)
            r = -errno;
        else if (strcmp(entry->d_name, ".") != 0 &&
                 strcmp(entry->d_name, "..") != 0)
            r = on ? on(owner, directory, entry->d_name) : 1;
    } while (entry && r == 0);
    closedir(dir);
    return r;
}

static void set_owner(int fd, int parent, const struct home *h)
{
    uid_t owner = geteuid() == 0 ? h->uid : (uid_t)-1;

    if ((geteuid() == 0 || h->mode & S_IRWXG) && fchown(fd, owner, h->gid)) {
        if (errno == EPERM && geteuid() != 0)
            fail(EX_NOPERM,
                 "%s: only root or a member of the group can give the "
                 "directory to group %u; run the command as root",
                 h->path, (unsigned)h->gid);
        home_fail(h->path, errno);
    }
    /* The owner must be on the disk before a row names the home. */
    if (fchmod(fd, h->mode) || fsync(fd) || fsync(parent))
        home_fail(h->path, errno);
}

/* Can the directory be taken over? It must be empty, and left by a removed user
 * or by a killed command, or made by hand for this row. Beneath the setting an
 * empty directory of root has no other use. The directory of another row stays,
 * by whatever path the disk finds it. */
static bool may_adopt(int fd, const struct home *h, const struct stat *st)
{
    const bool unowned = st->st_uid == geteuid() &&
                         user_path_within(h->path, setting_of(h)) &&
                         strcmp(h->path, setting_of(h)) != 0;

    return ((h->adopt && st->st_uid >= ctl.settings.uid_first &&
             st->st_uid <= ctl.settings.uid_last) ||
            unowned) &&
           !ids_line(&ctl.users, h->share ? st->st_gid : st->st_uid) &&
           home_each_entry(fd, NULL, NULL) == 0;
}

/* Accepts an existing directory if it belongs to the user; a share also needs
 * its group and mode. Otherwise fails, unless the directory can be taken
 * over; MAKES: takes it over. */
static void check_kept(int fd, const struct home *h, bool makes)
{
    struct stat st;

    home_check_case(h->path, -1, fd, NULL);
    if (fstat(fd, &st))
        home_fail(h->path, errno);
    if (st.st_uid == home_owner(h->uid) &&
        (!(h->mode & S_IRWXG) ||
         (st.st_gid == h->gid && (st.st_mode & 07777) == h->mode)))
        return;
    if (!may_adopt(fd, h, &st))
        refuse_kept(h, &st);
    if (makes)
        set_owner(fd, fd, h);
}

static void check_on_disk(void *data)
{
    const struct arguments *a = &ctl.args;
    const struct home *h = data;
    const char *setting = setting_of(h);
    struct complaint c = { "" };
    /* Asked before the open: another command can make it meanwhile. */
    const bool missing = access(setting, F_OK) < 0;
    FD_CLEANUP int parent = home_open_parent(h->path, setting);
    FD_CLEANUP int fd = -1;

    home_check_case(h->path, parent, -1, NULL);
    if (unit_forbids(&permitting, h->share ? "share" : "home", h->path, &c))
        fail(EX_CONFIG, "%s", c.text);
    /* For a home directly in the setting's directory, home_make() also makes
     * that directory. */
    if (parent == -ENOENT && user_path_within(h->path, setting) &&
        !strchr(h->path + strlen(setting) + 1, '/') && missing)
        return;
    if (parent < 0)
        home_fail(h->path, -parent);
    fd = openat(parent, strrchr(h->path, '/') + 1, DIRECTORY_FLAGS);
    if (fd < 0 && errno != ENOENT)
        home_fail(h->path, errno);
    if (fd < 0 && faccessat(parent, ".", W_OK, AT_EACCESS) < 0)
        home_fail(h->path, errno);
    if (fd >= 0)
        check_kept(fd, h, false);
    /* Checks that the home's directory can hold the count of --uploads and
     * --upload-bytes. */
    if ((a->uploads || a->upload_bytes) && !h->share &&
        fgetxattr(fd >= 0 ? fd : parent, STORED_ATTRIBUTE, NULL, 0) < 0 &&
        errno == EOPNOTSUPP)
        fail(EX_CONFIG,
             "--%s: %s: its file system stores no extended attributes, which "
             "hold the count; give a --home DIR on ext4, xfs or btrfs",
             a->uploads ? "uploads" : "upload-bytes", h->path);
}

static size_t homes_size;

static void look_for_homes(void *homes)
{
    struct complaint c = { "" };

    if (places_missing((struct slice){ homes, homes_size }, ctl.settings.homes,
                       &c) > 0)
        fail(EX_CONFIG, "%s", c.text);
}

void home_check_mounted(const char *path)
{
    struct buf homes;

    if (!user_path_within(path, ctl.settings.homes))
        return;
    if (places_homes(&ctl.users, ctl.settings.homes, &homes) < 0)
        fail_no_memory();
    homes_size = homes.len;
    if (homes.len > 0)
        disk_run(look_for_homes, homes.data, homes.len, ctl.settings.homes);
    buf_release(&homes);
}

void home_check(const struct home *h)
{
    static bool has_asked;
    struct home copy = *h;

    if (!has_asked)
        paths_unit(&permitting);
    has_asked = true;
    disk_run(check_on_disk, &copy, sizeof(copy), h->path);
}

/* Makes the directory; on btrfs with quotas makes a subvolume, which can have a
 * limit. */
static void make_on_disk(void *data)
{
    struct home *h = data;
    const char *name = strrchr(h->path, '/') + 1;
    FD_CLEANUP int parent = -1;
    int r;

    if (user_path_within(setting_of(h), ctl.settings.homes))
        make_setting(ctl.settings.homes);
    if (user_path_within(h->path, setting_of(h)))
        make_setting(setting_of(h));
    parent = home_open_parent(h->path, setting_of(h));
    if (parent < 0)
        home_fail(h->path, -parent);
    home_check_case(h->path, parent, -1, NULL);
    r = quota_make_subvolume(parent, name);
    if (r == -ENOTSUP || r == -ENOTTY || r == -EPERM)
        r = mkdirat(parent, name, 0700) < 0 ? -errno : 0;
    if (r && r != -EEXIST)
        home_fail(h->path, -r);
    h->made = r == 0;
    FD_CLEANUP int fd = openat(parent, name, DIRECTORY_FLAGS);
    if (fd < 0)
        home_fail(h->path, errno);
    if (h->made)
        set_owner(fd, parent, h);
    else
        check_kept(fd, h, true);
}

void home_make(struct home *h)
{
    struct complaint why;
    int code = disk_try(make_on_disk, h, sizeof(*h), &why);

    if (h->made)
        edit_made(h->path);
    if (code == -ETIMEDOUT)
        fail(EX_TEMPFAIL, "%s: %s", h->path, why.text);
    if (code)
        fail(code, "%s", why.text);
}
