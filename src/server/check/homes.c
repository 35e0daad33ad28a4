/* Checks the homes and uids of the users before a login needs them, and whether
 * the users file can be replaced. So a home that is missing, or that its user
 * can't enter, is reported at the start and by --check. The kernel decides with
 * the user's ids, as at a login. Runs in check; changes nothing. */
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
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/stored.h"
#include "sallyport/sandbox/sandbox.h"
#include "sallyport/users/places.h"

#define ENTER (O_PATH | O_DIRECTORY | O_CLOEXEC)

struct home_look {
    const struct check *check;
    check_report *report;
    void *owner;
    size_t mistakes;
};

static void mistake(struct home_look *i, const struct user *user,
                    const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void mistake_at(struct home_look *i, const struct user *user,
                       const char *text)
{
    struct complaint c = { "" };

    complain(&c, "%s:%zu: %s", i->check->settings.users, user->line, text);
    i->report(i->owner, c.text);
    i->mistakes++;
}

static void mistake(struct home_look *i, const struct user *user,
                    const char *format, ...)
{
    char text[COMPLAINT_MAX];
    int n = snprintf(text, sizeof(text), "user %s: ", user->name);
    va_list args;

    va_start(args, format);
    vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
    va_end(args);
    mistake_at(i, user, text);
}

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

static void not_opened(struct home_look *i, const struct user *user, int error)
{
    const char *or_hidden =
        i->check->in_unit ? "; or systemd hides it: run: sallyportd --check"
                          : "";
    char closed[USER_HOME_MAX + 1];

    if (error == ENOENT && i->check->root)
        mistake(i, user,
                "the home %s is missing; run: install -d -m 0700 -o %u -g %u "
                "%s%s",
                user->home, (unsigned)user->uid, (unsigned)user->gid,
                user->home, or_hidden);
    else if (error == ENOENT)
        mistake(i, user, "the home %s is missing; run: install -d -m 0700 %s",
                user->home, user->home);
    else if (error == EACCES) {
        closed_directory(user->home, closed);
        mistake(i, user,
                "the home %s can't be reached: uid %u can't enter %s; run: "
                "chmod o+x %s%s",
                user->home, (unsigned)user->uid, closed, closed, or_hidden);
    } else
        mistake(i, user, "the home %s: %s", user->home, strerror(error));
}

static uid_t owner_wanted(const struct home_look *i, const struct user *user)
{
    return i->check->root ? user->uid : geteuid();
}

static int errno_of_count(const char *home)
{
    return lgetxattr(home, STORED_ATTRIBUTE, NULL, 0) < 0 ? errno : 0;
}

static void look_inside(struct home_look *i, const struct user *user, int fd)
{
    uid_t owner = owner_wanted(i, user);
    FD_CLEANUP int own = openat(fd, ".", ENTER);
    struct statvfs system;
    struct stat s;

    if (fstat(fd, &s) < 0 || fstatvfs(fd, &system) < 0) {
        mistake(i, user, "the home %s: %s", user->home, strerror(errno));
        return;
    }
    if (s.st_uid != owner)
        mistake(i, user,
                "the home %s belongs to uid %u, not to uid %u; run: chown %u "
                "%s",
                user->home, (unsigned)s.st_uid, (unsigned)owner,
                (unsigned)owner, user->home);
    else if (own < 0)
        mistake(i, user, "the home %s can't be entered; run: chmod u+rwx %s",
                user->home, user->home);
    else if ((user->limits.number[ROW_UPLOADS] > 0 ||
              user->limits.number[ROW_UPLOAD_BYTES] > 0) &&
             errno_of_count(user->home) == EOPNOTSUPP)
        mistake(i, user,
                "uploads= or upload_bytes=: the file system of the home %s "
                "stores no extended attributes, which hold the count; move the "
                "home to ext4, xfs or btrfs, or run: sallyportctl user change "
                "%s --uploads none --upload-bytes none",
                user->home, user->name);
    else if (system.f_flag & ST_RDONLY)
        mistake(i, user,
                "the home %s is on a read-only file system, or systemd makes "
                "it one (ReadWritePaths=)",
                user->home);
}

/* Checks one home, as root with the user's ids. */
static void look_at_home(struct home_look *i, const struct user *user)
{
    struct complaint c = { "" };

    if (unit_forbids(&i->check->unit, "home", user->home, &c)) {
        mistake(i, user, "%s", c.text);
        return;
    }
    int r = i->check->root ? sandbox_become(user->uid, user->gid, NULL, 0) : 0;
    if (r < 0) {
        mistake(i, user, "uid %u and gid %u can't be taken: %s",
                (unsigned)user->uid, (unsigned)user->gid,
                r == -EINVAL ? "this container doesn't have them "
                               "(/proc/self/uid_map)"
                             : strerror(-r));
        return;
    }
    FD_CLEANUP int fd = open(user->home, ENTER);
    if (fd < 0)
        not_opened(i, user, errno);
    else
        look_inside(i, user, fd);
    if (i->check->root && sandbox_regain() < 0)
        die(EXIT_FAILURE, "can't be root again: %s", strerror(errno));
}

/* Finds homes that lie in each other, also by two paths. */
static void look_for_overlaps(struct home_look *i)
{
    const struct users *u = &i->check->users;
    struct places places;

    if (!places_fill(&places, u, NULL, NULL))
        die(EXIT_FAILURE, "no memory to look at the homes");
    for (size_t n = 0; n < u->count; n++) {
        const struct user *user = &u->row[n];
        const struct row_place *other =
            user->locked ? NULL : places_overlap(&places, user->home, user);

        if (other && !other->share && other->line < user->line)
            mistake(i, user,
                    "the home %s is, contains or lies in the home of user %s, "
                    "line %zu; give each a home of its own",
                    user->home, other->name, other->line);
    }
    places_release(&places);
}

size_t check_users(const struct check *k, check_report *report, void *owner)
{
    const struct users *u = &k->users;
    struct home_look i = { .check = k, .report = report, .owner = owner };

    for (size_t n = 0; n < u->count; n++) {
        const struct user *user = &u->row[n];
        struct complaint c = { "" };

        if (user_permitted(user, &k->settings, k->root, &c) < 0)
            mistake_at(&i, user, c.text);
        else if (!user->locked)
            look_at_home(&i, user);
    }
    look_for_overlaps(&i);
    return i.mistakes;
}

/* Does `homes` lead nowhere? Each row has a path of its own, so no row shows
 * the mistake: "user add" would make the next home beside the others, or not at
 * all. Before there are users it makes this directory, but not its parents. */
bool hint_homes(const struct check *k, struct complaint *c)
{
    const struct settings *s = &k->settings;
    char above[SETTINGS_PATH_MAX];
    FD_CLEANUP int fd = open(s->homes, ENTER);

    if (fd >= 0 || (errno != ENOENT && errno != ENOTDIR))
        return false;
    snprintf(above, sizeof(above), "%s", s->homes);
    for (size_t n = strlen(above); n > 1 && above[n - 1] == '/'; n--)
        above[n - 1] = '\0';
    strrchr(above, '/')[1] = '\0';
    FD_CLEANUP int parent = open(above, ENTER);
    if (parent >= 0 && k->users.count == 0)
        return false;
    settings_blame(
        s, "homes", c,
        "there is no such directory; unless that is a typing error, run: "
        "install -d -m 0711 %s",
        s->homes);
    return true;
}

/* Checks the directory, in which the server writes with its own ids. */
static void look_at_users_directory(int fd, const char *directory, bool root,
                                    struct complaint *c)
{
    struct statvfs system;
    struct stat s;

    if (fd < 0 || fstat(fd, &s) < 0 || fstatvfs(fd, &system) < 0)
        complain(c, "%s: %s", directory, strerror(errno));
    else if (!root && s.st_uid != geteuid())
        complain(c, "%s belongs to uid %u", directory, (unsigned)s.st_uid);
    else if (system.f_flag & ST_RDONLY)
        complain(c, "%s is on a read-only file system", directory);
}

/* Checks the file. A new file must have the old one's owner and group, and no
 * process of the server may give files away. It must have one name only. */
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

static const struct user *first_that_must_change(const struct users *u)
{
    for (size_t i = 0; i < u->count; i++)
        if (u->row[i].must_change)
            return &u->row[i];
    return NULL;
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

void check_users_file(const struct check *k, check_report *report, void *owner)
{
    const struct settings *s = &k->settings;
    const struct user *must = first_that_must_change(&k->users);
    struct complaint why = { "" }, c = { "" };
    char path[PATH_MAX], directory[PATH_MAX];

    if (!s->password_change && !must)
        return;
    check_users_path(s, path, directory);
    FD_CLEANUP int fd = open(directory, ENTER);
    if (!unit_forbids(&k->unit, "directory", directory, &why))
        look_at_users_directory(fd, directory, k->root, &why);
    if (!why.text[0])
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
    report(owner, c.text);
}
