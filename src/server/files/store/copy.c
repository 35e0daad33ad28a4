/* Copies the head of a finished file, in the process files, for REST or APPE
 * onto this file. Shares blocks if the file system can (FICLONE); otherwise the
 * kernel copies the bytes. Holes stay holes. */
#include "files.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/domain/outcome.h"

#define COPY_BLOCK 65536 /* a shorter run of data counts as so many bytes */
/* Bytes of one step, which takes a slow disk 100 ms. */
#define COPY_STEP (UINT64_C(8) << 20)

int copy_init(struct copy *c, int from, uint64_t len)
{
    FD_CLEANUP int fd = from;

    *c = (struct copy)COPY_NONE;
    int r = resolve_fresh(fd, &c->before);
    if (r < 0)
        return r;
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

/* Copies the next run of data. Returns how many bytes the run counts as in this
 * step, or -errno. A short run counts as a block, so that a step isn't long if
 * the file has many holes. */
static int64_t copy_run(struct copy *c, int into, uint64_t most)
{
    off_t data = lseek(c->from, (off_t)c->done, SEEK_DATA);
    off_t hole = -1;
    uint64_t begin = c->len, end = c->len;

    if (data < 0)
        begin = errno == ENXIO ? c->len : c->done;
    else if ((uint64_t)data < c->len)
        begin = (uint64_t)data;
    if (begin < c->len)
        hole = lseek(c->from, (off_t)begin, SEEK_HOLE);
    if (hole > (off_t)begin && (uint64_t)hole < c->len)
        end = (uint64_t)hole;
    c->done = begin;
    if (begin == end)
        return COPY_BLOCK;
    off_t in = (off_t)begin, out = in;
    uint64_t len = end - begin < most ? end - begin : most;
    ssize_t n = copy_file_range(c->from, &in, into, &out, (size_t)len, 0);
    if (n < 0 && errno == EINTR)
        return COPY_BLOCK;
    if (n <= 0)
        return n < 0 ? -errno : -ESTALE;
    c->done += (uint64_t)n;
    return n < COPY_BLOCK ? COPY_BLOCK : n;
}

int copy_step(struct copy *c, int into)
{
    uint64_t taken = 0;

    while (copy_left(c) > 0 && taken < COPY_STEP) {
        int64_t n = copy_run(c, into, COPY_STEP - taken);

        /* A link can lead to another disk, from which the kernel copies
         * nothing. */
        if (n < 0)
            return n == -ESTALE  ? (int)OUTCOME_CHANGED
                   : n == -EXDEV ? (int)OUTCOME_SEND_WHOLE
                                 : (int)n;
        taken += (uint64_t)n;
    }
    if (copy_left(c) > 0)
        return 0;
    /* Sets the length, since the head may end in a hole. */
    struct stat st;

    if (fstat(into, &st) < 0 ||
        ((uint64_t)st.st_size < c->len && ftruncate(into, (off_t)c->len) < 0))
        return -errno;
    return copy_unchanged(c);
}

int copy_unchanged(const struct copy *c)
{
    struct stat now;

    if (c->from < 0)
        return 0;
    int r = resolve_fresh(c->from, &now);
    if (r < 0)
        return r;
    return resolve_is_unchanged(&now, &c->before) ? 0 : (int)OUTCOME_CHANGED;
}
