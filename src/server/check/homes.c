/* Checks the homes and uids of the users before a login needs them, and whether
 * the server can replace the users file. So a start and --check report a home
 * that is missing, or that its user can't enter. The kernel decides with the
 * user's ids, as at a login. Runs in check; changes nothing. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/stored.h"
#include "sallyport/sandbox/sandbox.h"
#include "sallyport/users/places.h"

#define ENTER (O_PATH | O_DIRECTORY | O_CLOEXEC)

/* Reports "FILE:LINE: TEXT". */
static void look_report(const struct look *l, size_t line, const char *text)
{
    struct complaint c = { "" };

    complain(&c, "%s:%zu: %s", l->check->settings.users, line, text);
    l->report(l->owner, c.text);
}

void look_mistake(const struct look *l, const char *who, const char *name,
                  size_t line, const char *format, ...)
{
    char text[COMPLAINT_MAX];
    int n = snprintf(text, sizeof(text), "%s %s: ", who, name);
    va_list args;

    va_start(args, format);
    complaint_list(text + n, sizeof(text) - (size_t)n, format, args);
    va_end(args);
    look_report(l, line, text);
}

const char *look_error(const struct look *l, int error)
{
    if (l->passing)
        *l->passing += fd_may_pass(error);
    return strerror(error);
}

#define MISTAKE(l, user, ...)                                                  \
    look_mistake(l, "user", (user)->name, (user)->line, __VA_ARGS__)

/* Finds the directory above the home that the user can't enter: the parent of
 * the first directory that can't be opened. */
static void closed_directory(const char *home, char out[USER_HOME_MAX + 1])
{
    size_t parent = 0;

    for (size_t i = 1; home[i] && i < USER_HOME_MAX; i++) {
        FD_CLEANUP int fd = -1;

        if (home[i] != '/')
            continue;
        snprintf(out, USER_HOME_MAX + 1, "%.*s", (int)i, home);
        fd = open(out, ENTER);
        if (fd < 0)
            break;
        parent = i;
    }
    snprintf(out, USER_HOME_MAX + 1, "%.*s", parent ? (int)parent : 1, home);
}

static void not_opened(const struct look *l, const struct user *user, int error)
{
    const char *or_hidden =
        l->check->in_unit ? "or systemd hides it (--check tells); " : "";
    char closed[USER_HOME_MAX + 1];

    if (error == ENOENT && l->lost)
        return;
    if (error == ENOENT && l->check->root)
        MISTAKE(l, user,
                "the home %s is missing; %sif its disk is mounted, run: "
                "install -d -m 0700 -o %u -g %u %s",
                user->home, or_hidden, (unsigned)user->uid, (unsigned)user->gid,
                user->home);
    else if (error == ENOENT)
        MISTAKE(l, user,
                "the home %s is missing; if its disk is mounted, run: install "
                "-d -m 0700 %s",
                user->home, user->home);
    else if (error == EACCES) {
        closed_directory(user->home, closed);
        MISTAKE(l, user,
                "the home %s can't be reached: uid %u can't enter %s; %srun: "
                "chmod o+x %s",
                user->home, (unsigned)user->uid, closed, or_hidden, closed);
    } else
        MISTAKE(l, user, "the home %s: %s", user->home, look_error(l, error));
}

static void look_inside(const struct look *l, const struct user *user, int fd)
{
    uid_t owner = l->check->root ? user->uid : geteuid();
    FD_CLEANUP int own = openat(fd, ".", ENTER);
    struct statvfs system;
    struct stat s;

    if (fstat(fd, &s) < 0 || fstatvfs(fd, &system) < 0) {
        MISTAKE(l, user, "the home %s: %s", user->home, look_error(l, errno));
        return;
    }
    if (s.st_uid != owner)
        MISTAKE(l, user,
                "the home %s belongs to uid %u, not to uid %u; run: chown %u "
                "%s",
                user->home, (unsigned)s.st_uid, (unsigned)owner,
                (unsigned)owner, user->home);
    else if (own < 0)
        MISTAKE(l, user, "the home %s can't be entered; run: chmod u+rwx %s",
                user->home, user->home);
    else if ((user->limits.number[ROW_UPLOADS] > 0 ||
              user->limits.number[ROW_UPLOAD_BYTES] > 0) &&
             lgetxattr(user->home, STORED_ATTRIBUTE, NULL, 0) < 0 &&
             errno == EOPNOTSUPP)
        MISTAKE(l, user,
                "uploads= or upload_bytes=: the file system of the home %s "
                "stores no extended attributes, which hold the count; move the "
                "home to ext4, xfs or btrfs, or run: sallyportctl user change "
                "%s --uploads none --upload-bytes none",
                user->home, user->name);
    else if (system.f_flag & ST_RDONLY &&
             user->rights & ~(unsigned)(RIGHT_LIST | RIGHT_READ | RIGHT_MINE))
        MISTAKE(l, user,
                "the home %s is on a read-only file system, or systemd makes "
                "it one (ReadWritePaths=)",
                user->home);
}

/* Checks one home. If root runs the server, does it with the user's ids. */
static void look_at_home(const struct look *l, const struct user *user)
{
    struct complaint c = { "" };

    if (unit_forbids(&l->check->unit, "home", user->home, &c)) {
        MISTAKE(l, user, "%s", c.text);
        return;
    }
    int r = l->check->root ? sandbox_become(user->uid, user->gid, NULL, 0) : 0;
    if (r < 0) {
        MISTAKE(l, user, "uid %u and gid %u can't be taken: %s",
                (unsigned)user->uid, (unsigned)user->gid,
                r == -EINVAL ? "this container doesn't have them "
                               "(/proc/self/uid_map)"
                             : strerror(-r));
        return;
    }
    FD_CLEANUP int fd = open(user->home, ENTER);
    if (fd < 0)
        not_opened(l, user, errno);
    else
        look_inside(l, user, fd);
    if (l->check->root && sandbox_regain() < 0)
        die(EX_OSERR, "can't be root again: %s", strerror(errno));
}

static size_t lost_homes(const struct check *k, struct complaint *c)
{
    const char *below = k->settings.homes;
    struct buf homes;
    size_t n;

    if (places_homes(&k->users, below, &homes) < 0)
        die(EX_OSERR, "no memory to look at the homes");
    n = places_missing(buf_slice(&homes), below, c);
    buf_release(&homes);
    return n;
}

void check_lost(struct look *l)
{
    const struct check *k = l->check;
    struct complaint c = { "" };

    l->lost = lost_homes(k, &c) > 1;
    if (l->lost)
        l->report(l->owner, c.text);
}

void check_users(const struct look *l)
{
    const struct users *u = &l->check->users;

    for (size_t n = 0; n < u->count; n++) {
        const struct user *user = &u->row[n];
        struct complaint c = { "" };

        if (user_permitted(user, &l->check->settings, l->check->root, &c) < 0)
            look_report(l, user->line, c.text);
        else if (!user->locked)
            look_at_home(l, user);
    }
}

void check_places(const struct look *l)
{
    struct places places;

    if (!places_fill(&places, &l->check->users, NULL, NULL))
        die(EX_OSERR, "no memory to look at homes and shares");
    for (const struct row_place *p = places.all; p < places.all + places.count;
         p++) {
        const struct share *share = p->share ? p->row : NULL;
        const struct user *user = p->share ? NULL : p->row;
        const struct row_place *other =
            user && user->locked ? NULL
                                 : places_overlap(&places, p->path, p->row);

        if (other && share)
            look_mistake(l, "share", p->name, p->line,
                         "the directory %s overlaps the %s %s, line %zu; move "
                         "one of them",
                         share->path, other->share ? "share" : "home of user",
                         other->name, other->line);
        else if (other && !other->share && other->line < p->line)
            MISTAKE(l, user,
                    "the home %s is, contains or lies in the home of user %s, "
                    "line %zu; give each a home of its own",
                    user->home, other->name, other->line);
    }
    places_release(&places);
}

/* Returns true, with the hint in *c, if the directory `homes` is missing. Each
 * row has its own path, so no row shows the mistake: "user add" would make the
 * next home in another place than the others, or not at all. Before there are
 * users, "user add" makes this directory, but not its parents. */
bool hint_homes(const struct check *k, struct complaint *c)
{
    const struct settings *s = &k->settings;
    struct complaint lost = { "" };
    char above[SETTINGS_PATH_MAX];
    FD_CLEANUP int fd = open(s->homes, ENTER);

    if (fd >= 0 || (errno != ENOENT && errno != ENOTDIR))
        return false;
    snprintf(above, sizeof(above), "%s", s->homes);
    for (size_t n = strlen(above); n > 1 && above[n - 1] == '/'; n--)
        above[n - 1] = '\0';
    strrchr(above, '/')[1] = '\0';
    FD_CLEANUP int parent = open(above, ENTER);
    if ((parent >= 0 && k->users.count == 0) || lost_homes(k, &lost) > 0)
        return false;
    settings_blame(
        s, "homes", c,
        "there is no such directory; unless that is a typing error, run: "
        "install -d -m 0711 %s",
        s->homes);
    return true;
}

/* Checks whether a new file can replace the users file PATH. The new file must
 * have the same owner and group as the old file, and no process of the server
 * can give a file away. The old file must have only one name. */
static void look_at_users_file(int directory, const char *path,
                               struct complaint *c)
{
    struct stat file, above;
    gid_t gid;

    if (stat(path, &file) < 0 || fstat(directory, &above) < 0)
        return; /* there are no users yet */
    gid = above.st_mode & S_ISGID ? above.st_gid : getegid();
    if (file.st_uid != geteuid() || file.st_gid != gid)
        complain(c,
                 "%s belongs to %u:%u, and the server gives no file away; run: "
                 "chown %u:%u %s",
                 path, (unsigned)file.st_uid, (unsigned)file.st_gid,
                 (unsigned)geteuid(), (unsigned)gid, path);
    else if (file.st_nlink > 1)
        complain(c,
                 "%s has %lu names (hard links), and the others would keep the "
                 "old hashes; remove them",
                 path, (unsigned long)file.st_nlink);
}

void check_users_path(const struct settings *s, char path[PATH_MAX],
                      char directory[PATH_MAX])
{
    char *slash;

    if (!realpath(s->users, path))
        slice_copy(slice_from(s->users), path, PATH_MAX);
    memcpy(directory, path, PATH_MAX);
    slash = strrchr(directory, '/');
    slash[slash == directory] = '\0';
}

void check_users_file(const struct look *l)
{
    const struct check *k = l->check;
    const struct settings *s = &k->settings;
    const struct user *must = NULL;
    struct complaint why = { "" }, c = { "" };
    char path[PATH_MAX], directory[PATH_MAX];

    for (size_t i = 0; i < k->users.count && !must; i++)
        must = k->users.row[i].must_change ? &k->users.row[i] : NULL;
    if (!s->password_change && !must)
        return;
    check_users_path(s, path, directory);
    FD_CLEANUP int fd = open(directory, ENTER);
    struct statvfs system;
    struct stat st;
    /* WHY keeps the first complaint. */
    unit_forbids(&k->unit, "directory", directory, &why);
    if (fd < 0 || fstat(fd, &st) < 0 || fstatvfs(fd, &system) < 0)
        complain(&why, "%s: %s", directory, strerror(errno));
    else if (!k->root && st.st_uid != geteuid()) /* the server writes there */
        complain(&why, "%s belongs to uid %u", directory, (unsigned)st.st_uid);
    else if (system.f_flag & ST_RDONLY)
        complain(&why, "%s is on a read-only file system", directory);
    look_at_users_file(fd, path, &why);
    if (!why.text[0])
        return;
    if (s->password_change)
        settings_blame(s, "password_change", &c,
                       "the server can't replace the users file: %s", why.text);
    else
        complain(&c,
                 "%s:%zu: must_change: the server can't replace the users "
                 "file: %s",
                 s->users, must->line, why.text);
    l->report(l->owner, c.text);
}
