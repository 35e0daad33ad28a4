/* REST and APPE onto a finished file begin with a copy of its head, in the
 * process files: by shared blocks if the file system can (FICLONE), else by a
 * copy inside the kernel, else through a buffer. Holes stay holes. */
#include "files.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/domain/outcome.h"

#define COPY_BLOCK 65536
/* Bytes of one step. A slow disk takes 100 ms for it. */
#define COPY_STEP (UINT64_C(8) << 20)

int copy_init(struct copy *c, int from, uint64_t len)
{
    FD_CLEANUP int fd = from;

    *c = (struct copy)COPY_NONE;
    if (fstat(fd, &c->before) < 0)
        return -errno;
    if (!S_ISREG(c->before.st_mode) || (uint64_t)c->before.st_size < len)
        return -EBUSY;
    c->from = fd_take(&fd);
    c->len = len;
    return 0;
}

void copy_release(struct copy *c)
{
    fd_close(&c->from);
    *c = (struct copy)COPY_NONE;
}

uint64_t copy_left(const struct copy *c)
{
    return c->len - c->done;
}

uint64_t copy_cost(const struct copy *c)
{
    uint64_t held = (uint64_t)c->before.st_blocks * 512;

    return held < copy_left(c) ? held : copy_left(c);
}

bool copy_by_clone(struct copy *c, int into)
{
    if (ioctl(into, FICLONE, c->from) < 0 || ftruncate(into, (off_t)c->len) < 0)
        return false;
    c->done = c->len;
    return true;
}

static int copy_write_at(int into, const char *bytes, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t n = pwrite(into, bytes, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

static ssize_t copy_by_buffer(const struct copy *c, int into, uint64_t len)
{
    char block[COPY_BLOCK];
    size_t want = len < COPY_BLOCK ? (size_t)len : COPY_BLOCK;
    ssize_t n = pread(c->from, block, want, (off_t)c->done);

    if (n <= 0)
        return n < 0 ? -errno : -ESTALE;
    int r = copy_write_at(into, block, (size_t)n, c->done);
    return r < 0 ? r : n;
}

/* Not every pair of files can be copied by the kernel. */
static bool copy_kernel_cannot(int error)
{
    return error == EXDEV || error == EINVAL || error == ENOSYS ||
           error == EOPNOTSUPP;
}

/* Copies up to LEN bytes: how many, or -errno. */
static ssize_t copy_piece(const struct copy *c, int into, uint64_t len)
{
    off_t in = (off_t)c->done, out = in;
    ssize_t n = copy_file_range(c->from, &in, into, &out, (size_t)len, 0);

    if (n < 0 && !copy_kernel_cannot(errno))
        return -errno;
    /* 0: how some file systems refuse */
    return n > 0 ? n : copy_by_buffer(c, into, len);
}

/* The next run of data at or after the place that was reached: its beginning
 * and end. */
static void copy_find_data(const struct copy *c, uint64_t *begin, uint64_t *end)
{
    off_t data = lseek(c->from, (off_t)c->done, SEEK_DATA);
    off_t hole = -1;

    *begin = *end = c->len;
    if (data < 0)
        *begin = errno == ENXIO ? c->len : c->done;
    else if ((uint64_t)data < c->len)
        *begin = (uint64_t)data;
    if (*begin < c->len)
        hole = lseek(c->from, (off_t)*begin, SEEK_HOLE);
    if (hole > (off_t)*begin && (uint64_t)hole < c->len)
        *end = (uint64_t)hole;
}

/* Copies a run of data; returns what it counts as in this step. A short run
 * counts as a block, so that a file of many holes makes no long step. */
static int64_t copy_run(struct copy *c, int into, uint64_t most)
{
    uint64_t begin, end;

    copy_find_data(c, &begin, &end);
    c->done = begin;
    if (begin == end)
        return COPY_BLOCK;
    ssize_t n = copy_piece(c, into, end - begin < most ? end - begin : most);
    if (n < 0)
        return n == -EINTR ? COPY_BLOCK : n;
    c->done += (uint64_t)n;
    return n < COPY_BLOCK ? COPY_BLOCK : n;
}

int copy_step(struct copy *c, int into)
{
    uint64_t taken = 0;

    while (copy_left(c) > 0 && taken < COPY_STEP) {
        int64_t n = copy_run(c, into, COPY_STEP - taken);

        if (n < 0)
            return n == -ESTALE ? (int)OUTCOME_CHANGED : (int)n;
        taken += (uint64_t)n;
    }
    return copy_left(c) > 0 ? 0 : copy_unchanged(c);
}

static bool copy_is_same_time(const struct timespec *a,
                              const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

int copy_unchanged(const struct copy *c)
{
    const struct stat *was = &c->before;
    struct stat is;

    if (c->from < 0)
        return 0;
    if (fstat(c->from, &is) < 0)
        return -errno;
    return is.st_size == was->st_size &&
                   copy_is_same_time(&is.st_mtim, &was->st_mtim) &&
                   copy_is_same_time(&is.st_ctim, &was->st_ctim)
               ? 0
               : (int)OUTCOME_CHANGED;
}
