/* Turns paths into descriptors, and checks the user's rights, in the process
 * files; no other file does either. The virtual path chooses the mount, and
 * openat2(2) resolves the rest beneath its directory. A home in which the user
 * sees all names is the root for the kernel, so that neither a link nor ".."
 * leads out of it. Elsewhere openat2(2) follows no link. Never compares or
 * joins paths of the server as strings. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/domain/rights.h"

/* The most calls of openat2, which returns EAGAIN if a rename elsewhere might
 * have changed where a ".." of a link leads. */
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
        if (path_name_is_reserved(component))
            return true;
    return false;
}

bool resolve_is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* Compares the ctime, which no user can set; and the mtime, since vfat has no
 * ctime. */
bool resolve_is_unchanged(const struct stat *a, const struct stat *b)
{
    return resolve_is_same(a, b) && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int resolve_statx(int fd, const char *name, int flags, struct stat *ret)
{
    struct statx facts;

    if (statx(fd, name, flags, STATX_BASIC_STATS, &facts) < 0)
        return -errno;
    *ret = (struct stat){
        .st_dev = makedev(facts.stx_dev_major, facts.stx_dev_minor),
        .st_ino = facts.stx_ino,
        .st_mode = facts.stx_mode,
        .st_nlink = facts.stx_nlink,
        .st_uid = facts.stx_uid,
        .st_gid = facts.stx_gid,
        .st_size = (off_t)facts.stx_size,
        .st_blocks = (blkcnt_t)facts.stx_blocks,
        .st_mtim = { facts.stx_mtime.tv_sec, facts.stx_mtime.tv_nsec },
        .st_ctim = { facts.stx_ctime.tv_sec, facts.stx_ctime.tv_nsec },
    };
    return 0;
}

int resolve_fresh(int fd, struct stat *ret)
{
    return resolve_statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, ret);
}

int resolve_known(int fd, struct stat *ret)
{
    return resolve_statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, ret);
}

/* Asks a network disk for the name only, not for the facts as well. */
bool resolve_is_at(int directory, const char *name, const struct stat *file)
{
    struct stat st;

    return resolve_statx(directory, name,
                         AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, &st) == 0 &&
           resolve_is_same(&st, file);
}

static int resolve_how(int directory, const char *path, int flags,
                       unsigned mode, uint64_t resolve)
{
    const struct open_how how = { .flags = (unsigned)flags | O_CLOEXEC,
                                  .mode = mode,
                                  .resolve = resolve };

    for (int tries = 0; tries < RESOLVE_TRIES; tries++) {
        long fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));
        if (fd >= 0)
            return (int)fd;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EBUSY;
}

int resolve_in(int directory, const char *name, int flags, unsigned mode)
{
    return resolve_how(directory, name, flags, mode,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

int resolve_unmounted(int directory, const char *name)
{
    return resolve_how(directory, name, O_RDONLY | O_DIRECTORY, 0,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

int resolve_beneath(int directory, const char *path, int flags)
{
    return resolve_how(directory, path, flags, 0,
                       RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

/* Writes to RET the part of PATH after the path of its mount, or "." for the
 * mount itself. Returns 0; -ENOENT: PATH is in a drop, where no name is ever
 * looked up; -EIO: the mount couldn't be opened (after -ENOENT a client would
 * remove its copies); -ENAMETOOLONG. */
static int resolve_rest(const struct mount *m, struct slice path,
                        char ret[FTP_PATH_MAX + 1])
{
    struct slice rest = { path.ptr + m->at.len, path.len - m->at.len };

    while (rest.len > 0 && rest.ptr[0] == '/')
        rest = (struct slice){ rest.ptr + 1, rest.len - 1 };
    if (m->fd < 0)
        return -EIO;
    if (m->drop && rest.len > 0)
        return -ENOENT;
    return slice_copy(rest.len > 0 ? rest : SLICE("."), ret, FTP_PATH_MAX + 1)
               ? -ENAMETOOLONG
               : 0;
}

bool resolve_hides(const struct files *f, const struct mount *m,
                   const struct stat *st)
{
    return m->mine && !S_ISDIR(st->st_mode) && st->st_uid != f->uid;
}

static int resolve_own(const struct files *f, const struct mount *m,
                       const char *rest, int flags)
{
    FD_CLEANUP int fd = resolve_in(m->fd, rest, flags, 0);
    struct stat st;

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    return resolve_hides(f, m, &st) ? -ENOENT : fd_take(&fd);
}

int resolve_open(const struct files *f, struct slice path, unsigned needed,
                 int flags)
{
    const struct mount *m = mount_of(f, path);
    char rest[FTP_PATH_MAX + 1];

    if (needed & ~m->rights)
        return mount_refusal(m);
    if (resolve_is_reserved(path))
        return -ENOENT;
    int r = resolve_rest(m, path, rest);
    if (r < 0)
        return r;
    if (m->mine) {
        /* Looks at the file by O_PATH first: an error of the open itself would
         * show that another user's file has the name. The second call then
         * checks the file that it has opened. */
        FD_CLEANUP int seen = resolve_own(f, m, rest, O_PATH);

        if (seen < 0)
            return seen == -ENOTDIR ? -ENOENT : seen;
        return resolve_own(f, m, rest, flags);
    }
    return m->follows ? resolve_how(m->fd, rest, flags, 0,
                                    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
                      : resolve_in(m->fd, rest, flags, 0);
}

int resolve_look(const struct files *f, const struct path *path,
                 unsigned needed)
{
    struct stat st;
    FD_CLEANUP int fd = resolve_open(f, path_slice(path), needed, O_PATH);

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? 0 : -ENODEV;
}

int resolve_place(const struct files *f, const struct path *path,
                  unsigned needed, int flags, struct place *ret)
{
    struct slice directory = path_slice(path), name = SLICE("");

    ret->mount = mount_of(f, directory);
    if (needed & ~ret->mount->rights)
        return mount_refusal(ret->mount);
    if (!mount_is_at(ret->mount, directory))
        path_split(path_slice(path), &directory, &name);
    if (ret->mount->drop && !mount_is_at(ret->mount, directory))
        return -ENOENT;
    if (resolve_is_reserved(name))
        return -ENOENT;
    if (slice_copy(name, ret->name, sizeof(ret->name)) != 0)
        return -ENAMETOOLONG;
    /* If the directory is the mount itself, uses the mount's own descriptor,
     * unless the directory must be read. */
    if (ret->mount->fd >= 0 && mount_is_at(ret->mount, directory) &&
        flags == O_PATH) {
        ret->directory = ret->mount->fd;
    } else {
        int fd = resolve_open(f, directory, 0, flags | O_DIRECTORY);

        if (fd < 0)
            return fd;
        ret->directory = ret->owned = fd;
    }
    return 0;
}

int resolve_new_place(const struct files *f, const struct path *path,
                      unsigned needed, int flags, struct place *ret)
{
    const struct mount *m = mount_of(f, path_slice(path));
    struct slice directory, name;

    if (mount_is_at(m, path_slice(path)))
        return m->at.len == 0 ? (int)OUTCOME_EXISTS : (int)OUTCOME_MOUNT;
    path_split(path_slice(path), &directory, &name);
    if (!path_name_ok(name))
        return OUTCOME_BAD_NAME;
    return resolve_place(f, path, needed, flags, ret);
}

void resolve_release_place(struct place *p)
{
    fd_close(&p->owned);
    p->directory = -1;
}

int resolve_leads(const struct files *f, const struct path *path, int directory)
{
    PLACE_CLEANUP struct place at = PLACE_NONE;
    struct stat there, open;
    int r = resolve_place(f, path, 0, O_PATH, &at);

    if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
        return fstat(directory, &open) == 0 && open.st_nlink > 0
                   ? (int)OUTCOME_MOVED
                   : r;
    if (r == 0)
        r = resolve_known(directory, &open);
    if (r == 0)
        r = resolve_known(at.directory, &there);
    if (r != 0)
        return r;
    return resolve_is_same(&there, &open) ? 0 : (int)OUTCOME_MOVED;
}
