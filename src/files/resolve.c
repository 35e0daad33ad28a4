/* Paths become descriptors here and nowhere else, in the process files.
 * openat2(2) resolves them beneath the home, which the kernel treats as the
 * root, so that no link and no ".." leads out. Paths of the server are never
 * compared or joined as strings. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/sandbox/sandbox.h"

/* openat2 returns EAGAIN when a rename elsewhere might have moved a ".." of a
 * link; then it is tried again. */
#define RESOLVE_TRIES 32

void resolve_request(struct slice text, struct path *ret)
{
    if (!path_is_normal(text) ||
        slice_copy(text, ret->bytes, sizeof(ret->bytes)) != 0)
        die(EX_PROTOCOL, "session: a path that isn't normal");
    ret->len = text.len;
    ret->directory = false;
}

bool resolve_is_reserved(struct slice path)
{
    struct slice component;

    while (slice_cut(&path, '/', &component))
        if (slice_starts(component, SLICE(PATH_RESERVED)))
            return true;
    return false;
}

bool resolve_is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

static bool resolve_is_same_time(const struct timespec *a,
                                 const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* No user can set the ctime. Where that isn't kept (vfat), the mtime helps. */
bool resolve_is_unchanged(const struct stat *a, const struct stat *b)
{
    return resolve_is_same(a, b) && a->st_size == b->st_size &&
           resolve_is_same_time(&a->st_mtim, &b->st_mtim) &&
           resolve_is_same_time(&a->st_ctim, &b->st_ctim);
}

bool resolve_is_at(int directory, const char *name, const struct stat *file)
{
    struct stat st;

    return fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           resolve_is_same(&st, file);
}

static int resolve_how(int directory, const char *path, struct open_how *how)
{
    how->flags |= O_CLOEXEC;
    for (int tries = 0; tries < RESOLVE_TRIES; tries++) {
        long fd = syscall(SYS_openat2, directory, path, how, sizeof(*how));
        if (fd >= 0)
            return (int)fd;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EBUSY;
}

int resolve_open(const struct files *f, const char *path, int flags)
{
    struct open_how how = {
        .flags = (unsigned)flags,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };

    if (resolve_is_reserved(slice_from(path)))
        return -ENOENT;
    return resolve_how(f->root, path, &how);
}

int resolve_in(int directory, const char *name, int flags, unsigned mode)
{
    struct open_how how = {
        .flags = (unsigned)flags,
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };

    return resolve_how(directory, name, &how);
}

/* A link that leads out of DIRECTORY is -EXDEV. */
static int resolve_beneath(int directory, const char *path, int flags)
{
    struct open_how how = {
        .flags = (unsigned)flags,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };

    return resolve_how(directory, path, &how);
}

/* The home's own descriptor serves for "/", unless it is to be read. */
static int resolve_directory(const struct files *f, struct slice path,
                             int flags, struct place *ret)
{
    char directory[FTP_PATH_MAX + 1];

    if (path.len == 1 && flags == O_PATH) {
        ret->directory = f->root;
        return 0;
    }
    if (slice_copy(path, directory, sizeof(directory)) != 0)
        return -ENAMETOOLONG;
    int fd = resolve_open(f, directory, flags | O_DIRECTORY);
    if (fd < 0)
        return fd;
    ret->directory = ret->owned = fd;
    return 0;
}

int resolve_place(const struct files *f, const struct path *path, int flags,
                  struct place *ret)
{
    struct slice directory, name;

    path_split(path_slice(path), &directory, &name);
    if (resolve_is_reserved(name))
        return -ENOENT;
    if (slice_copy(name, ret->name, sizeof(ret->name)) != 0)
        return -ENAMETOOLONG;
    return resolve_directory(f, directory, flags, ret);
}

int resolve_new_place(const struct files *f, const struct path *path, int flags,
                      struct place *ret)
{
    struct slice directory, name;

    path_split(path_slice(path), &directory, &name);
    if (name.len == 0)
        return OUTCOME_EXISTS;
    if (!path_name_ok(name))
        return OUTCOME_BAD_NAME;
    return resolve_place(f, path, flags, ret);
}

void resolve_release_place(struct place *p)
{
    fd_close(&p->owned);
    p->directory = -1;
}

/* Asks the kernel whether the user may search the home: one that can't be
 * entered is reported at login. */
static int resolve_searchable(int fd)
{
    return fd < 0 ? fd : resolve_in(fd, ".", O_PATH | O_DIRECTORY, 0);
}

static int resolve_home_path(const char *home)
{
    FD_CLEANUP int fd = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return resolve_searchable(fd < 0 ? -errno : fd);
}

static int resolve_home_as_user(const struct files_start *start)
{
    int r = sandbox_become(start->uid, start->gid, NULL, 0);

    if (r < 0)
        return r;
    FD_CLEANUP int fd = resolve_home_path(start->home);
    r = sandbox_regain();
    if (r < 0)
        return r;
    return fd < 0 ? fd : fd_take(&fd);
}

/* The only comparison of strings: it finds the end of the homes' directory in
 * the home's path. The kernel decides whether the rest stays beneath it. */
static const char *resolve_beneath_homes(const char *homes, const char *home)
{
    size_t len = strlen(homes);

    while (len > 0 && homes[len - 1] == '/')
        len--;
    if (strncmp(home, homes, len) != 0 || home[len] != '/')
        return NULL;
    home += len;
    while (*home == '/')
        home++;
    return *home ? home : NULL;
}

/* Without root, a users file that somebody else may edit could name any of the
 * caller's directories; so all homes lie in one place. */
static int resolve_home_as_caller(const struct files_start *start)
{
    const char *rest = resolve_beneath_homes(start->homes, start->home);

    if (!rest)
        return -EXDEV;
    FD_CLEANUP int homes = open(start->homes, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (homes < 0)
        return -errno;
    FD_CLEANUP int fd = resolve_beneath(homes, rest, O_PATH | O_DIRECTORY);
    return resolve_searchable(fd);
}

int resolve_home(const struct files_start *start)
{
    return start->root ? resolve_home_as_user(start)
                       : resolve_home_as_caller(start);
}
