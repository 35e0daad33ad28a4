/* Times, modes and free space, in the process files. Times and modes are
 * changed through an open descriptor only, of what openat2 found inside the
 * home: Landlock doesn't check the system calls that take a name. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sysexits.h>

#include "idle.h"
#include "request.h"
#include "resolve.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "space.h"

#define MODE_MAX      0777u
#define YEAR_9999_END 253402300799

/* The other end of a FIFO or a device notices when it is opened, so its kind is
 * looked at first. */
static int attributes_look(const struct files *f, const struct path *path)
{
    struct stat st;
    FD_CLEANUP int fd = resolve_open(f, path->bytes, O_PATH);

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? 0 : -ENODEV;
}

/* Opens a file or directory to change its facts: for reading, or for writing
 * where the user may only write. With O_PATH nothing could be changed. */
static int attributes_open(const struct files *f, const struct path *path)
{
    int r = attributes_look(f, path);

    if (r < 0)
        return r;
    int fd = resolve_open(f, path->bytes, O_RDONLY | O_NONBLOCK | O_NOCTTY);

    if (fd == -EACCES)
        fd = resolve_open(f, path->bytes, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    return fd;
}

/* Only the owner may change these, as with chmod(2). It is checked here too,
 * since the kernel lets everybody who may write set the time to now. */
static int attributes_open_own(const struct files *f, const struct path *path,
                               bool directory, struct stat *st)
{
    FD_CLEANUP int fd = attributes_open(f, path);

    if (fd < 0)
        return fd;
    if (fstat(fd, st) < 0)
        return -errno;
    if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
        return -ENODEV;
    if (directory && !S_ISDIR(st->st_mode))
        return -ENOTDIR;
    if (st->st_uid != f->uid)
        return -EPERM;
    return fd_take(&fd);
}

/* A file system silently cuts off what it can't store. Then the old times are
 * restored. */
static int attributes_set_times(int fd, const struct timespec times[2],
                                const struct stat *before)
{
    const struct timespec old[2] = { before->st_atim, before->st_mtim };
    struct stat st;

    if (futimens(fd, times) < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (st.st_mtim.tv_sec == times[1].tv_sec)
        return 0;
    return futimens(fd, old) < 0 ? -errno : -ERANGE;
}

static bool attributes_is_time(int64_t time)
{
    return time >= 0 && time <= YEAR_9999_END;
}

int attributes_on_times(void *owner, struct msg_times *m)
{
    struct files *f = owner;
    struct path path;
    struct stat st;
    const struct timespec times[2] = { { .tv_sec = m->access },
                                       { .tv_sec = m->modify } };

    resolve_request(m->path, &path);
    if (!attributes_is_time(m->access) || !attributes_is_time(m->modify))
        die(EX_PROTOCOL, "session: a time that no client can name");
    FD_CLEANUP int fd = attributes_open_own(f, &path, m->directory, &st);
    if (fd < 0)
        return fd;
    int r = attributes_set_times(fd, times, &st);
    return r < 0 ? r : ANSWER(f, done, m->request);
}

/* The kernel decides, since links in the home may lead to it. */
static bool attributes_is_home(const struct files *f, const struct stat *st)
{
    struct stat home;

    return fstat(f->root, &home) < 0 ||
           (st->st_ino == home.st_ino && st->st_dev == home.st_dev);
}

/* A directory keeps the bits that an administrator set beyond the nine: users
 * who share it need its set-group-ID bit. A file never gets any of them. The
 * mode of the home itself is the administrator's: 0 would lock the user out. */
int attributes_on_mode(void *owner, struct msg_mode *m)
{
    struct files *f = owner;
    struct path path;
    struct stat st;
    mode_t mode = (mode_t)m->mode;

    resolve_request(m->path, &path);
    if (m->mode > MODE_MAX)
        die(EX_PROTOCOL, "session: a mode with more than nine bits");
    FD_CLEANUP int fd = attributes_open_own(f, &path, m->directory, &st);
    if (fd < 0)
        return fd;
    if (attributes_is_home(f, &st))
        return -EPERM;
    if (S_ISDIR(st.st_mode))
        mode |= st.st_mode & (S_ISGID | S_ISVTX);
    return fchmod(fd, mode) < 0 ? -errno : ANSWER(f, done, m->request);
}

int attributes_on_space(void *owner, struct msg_space *m)
{
    struct files *f = owner;
    struct path path;
    struct statvfs disk;
    struct stat st;

    resolve_request(m->path, &path);
    FD_CLEANUP int fd = resolve_open(f, path.bytes, O_PATH | O_DIRECTORY);
    if (fd < 0)
        return fd;
    if (fstatvfs(fd, &disk) < 0 || fstat(fd, &st) < 0)
        return -errno;
    uint64_t bytes = space_free(&disk);
    if (bytes < m->wanted) /* only then, since this walks the home */
        bytes = space_sum(bytes, idle_bytes(f, st.st_dev));
    return ANSWER(f, space_is, m->request, .bytes = bytes);
}
