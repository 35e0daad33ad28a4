/* TIMES, MODE and SPACE in the process files. Times and modes are changed by an
 * open descriptor only, of what openat2 found inside the home: the kernel's
 * calls that take a name would ask Landlock nothing. */
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
#define YEAR_9999_END 253402300799u

/* Opening a FIFO or a device is felt at its other end: a look comes first. */
static int look(const struct files *f, const struct path *path)
{
    struct stat st;
    FD_CLEANUP int fd = resolve_open(f, path->bytes, O_PATH);

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? 0 : -ENODEV;
}

/* A file or folder, for its facts. Reading it is what is asked for first; who
 * may only write it may open it too. O_PATH would not do: what can be opened so
 * can't be changed. */
static int open_either(const struct files *f, const struct path *path)
{
    int r = look(f, path);

    if (r < 0)
        return r;
    int fd = resolve_open(f, path->bytes, O_RDONLY | O_NONBLOCK | O_NOCTTY);

    if (fd == -EACCES)
        fd = resolve_open(f, path->bytes, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    return fd;
}

/* Only what belongs to the user, as chmod(2) has it; said here too, since the
 * kernel lets everybody who may write set the time to now. */
static int open_own(const struct files *f, const struct path *path,
                    struct stat *st)
{
    FD_CLEANUP int fd = open_either(f, path);

    if (fd < 0)
        return fd;
    if (fstat(fd, st) < 0)
        return -errno;
    if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
        return -ENODEV;
    if (st->st_uid != f->uid)
        return -EPERM;
    return fd_take(&fd);
}

/* What a file system can't keep it cuts off without a word: then the old times
 * come back. */
static int set_times(int fd, const struct timespec times[2],
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

int serve_times(struct files *f, const struct packet *p)
{
    struct path path;
    struct stat st;
    uint64_t access = p->value[1].number, modify = p->value[2].number;
    const struct timespec times[2] = { { .tv_sec = (time_t)access },
                                       { .tv_sec = (time_t)modify } };

    request_path(p->value[0].text, &path);
    if (access > YEAR_9999_END || modify > YEAR_9999_END)
        die(EX_PROTOCOL, "session: a time that no client can name");
    FD_CLEANUP int fd = open_own(f, &path, &st);
    if (fd < 0)
        return fd;
    int r = set_times(fd, times, &st);
    return r < 0 ? r : answer_done(f, p);
}

/* A folder keeps what an administrator gave it beyond the nine bits: those who
 * share one live on its set-group-ID bit. A file never has or gets any. The
 * home's own mode is the administrator's: 0 would lock the user out. */
int serve_mode(struct files *f, const struct packet *p)
{
    struct path path;
    struct stat st;
    mode_t mode = (mode_t)p->value[1].number;

    request_path(p->value[0].text, &path);
    if (p->value[1].number > MODE_MAX)
        die(EX_PROTOCOL, "session: a mode with more than nine bits");
    if (path.len == 1)
        return -EPERM;
    FD_CLEANUP int fd = open_own(f, &path, &st);
    if (fd < 0)
        return fd;
    if (S_ISDIR(st.st_mode))
        mode |= st.st_mode & (S_ISGID | S_ISVTX);
    return fchmod(fd, mode) < 0 ? -errno : answer_done(f, p);
}

int serve_space(struct files *f, const struct packet *p)
{
    struct path path;
    struct statvfs disk;
    struct stat st;

    request_path(p->value[0].text, &path);
    FD_CLEANUP int fd = resolve_open(f, path.bytes, O_PATH | O_DIRECTORY);
    if (fd < 0)
        return fd;
    if (fstatvfs(fd, &disk) < 0 || fstat(fd, &st) < 0)
        return -errno;
    uint64_t bytes = space_free(&disk);
    if (bytes < p->value[1].number) /* only then: it is a walk */
        bytes = space_sum(bytes, idle_bytes(f, st.st_dev));
    answer(f, p,
           &(struct packet){
               .message = MSG_SPACE_IS,
               .value = { NUMBER(bytes) },
           });
    return 0;
}
