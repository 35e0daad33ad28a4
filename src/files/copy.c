/* REST and APPE onto a finished file begin with a copy, in the process files:
 * shared blocks where the file system can (FICLONE), else a copy inside the
 * kernel, else through a buffer. */
#include "copy.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COPY_BLOCK   65536
#define COPY_AT_ONCE (1u << 30)

static bool clone_whole(int from, int into, uint64_t len)
{
    return ioctl(into, FICLONE, from) == 0 && ftruncate(into, (off_t)len) == 0;
}

static int write_at(int into, const char *bytes, size_t len, uint64_t at)
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

static int copy_by_buffer(int from, int into, uint64_t at, uint64_t len)
{
    char block[COPY_BLOCK];

    while (at < len) {
        size_t want = len - at < COPY_BLOCK ? (size_t)(len - at) : COPY_BLOCK;
        ssize_t n = pread(from, block, want, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EBUSY;
        int r = write_at(into, block, (size_t)n, at);
        if (r < 0)
            return r;
        at += (uint64_t)n;
    }
    return 0;
}

/* Not every pair of files can be copied by the kernel. */
static bool kernel_cannot(int error)
{
    return error == EXDEV || error == EINVAL || error == ENOSYS ||
           error == EOPNOTSUPP;
}

int copy_head(int from, int into, uint64_t len)
{
    uint64_t done = 0;
    off_t in = 0, out = 0;

    if (clone_whole(from, into, len))
        return 0;
    while (done < len) {
        size_t want =
            len - done < COPY_AT_ONCE ? (size_t)(len - done) : COPY_AT_ONCE;
        ssize_t n = copy_file_range(from, &in, into, &out, want, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && !kernel_cannot(errno))
            return -errno;
        if (n <= 0) /* 0: also what some file systems say for "can't" */
            return copy_by_buffer(from, into, done, len);
        done += (uint64_t)n;
    }
    return 0;
}
