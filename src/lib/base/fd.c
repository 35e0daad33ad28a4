/* Descriptors. */
#include "sallyport/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"

_Static_assert(sizeof(off_t) == 8 && sizeof(void *) == 8,
               "files above 2 GiB and the images in memory need 64 bits");

#define LOCK_STEP_MS 5

void fd_close(int *fd)
{
    int kept = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = kept;
}

int fd_take(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

int fd_set_nonblock(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return -errno;
    if (((flags & O_NONBLOCK) != 0) == on)
        return 0;
    flags ^= O_NONBLOCK;
    return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

int fd_set_cloexec(int fd, bool on)
{
    return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
}

int fd_pair(int ends[2])
{
    int type = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;

    return socketpair(AF_UNIX, type, 0, ends) < 0 ? -errno : 0;
}

int fd_write_all(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int fd_lock(int fd, uint64_t ms)
{
    uint64_t end = clock_ms() + ms;

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -errno;
        if (clock_ms() >= end)
            return -ETIMEDOUT;
        poll(NULL, 0, LOCK_STEP_MS);
    }
    return 0;
}

bool fd_on_network_disk(int fd)
{
    static const unsigned types[] = {
        FUSE_SUPER_MAGIC, /* GlusterFS */
        NFS_SUPER_MAGIC,  CEPH_SUPER_MAGIC, SMB_SUPER_MAGIC,
        CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,
    };
    struct statfs disk;

    if (fstatfs(fd, &disk) < 0)
        return true;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if ((unsigned)disk.f_type == types[i])
            return true;
    return false;
}

/* Returns true for EAGAIN of NFS and cifs, too: they grant a lease only if
 * their server has delegated the file to them. */
bool fd_has_no_leases(int fd, int error)
{
    struct statfs disk;

    if (error != EAGAIN || fstatfs(fd, &disk) < 0)
        return error == EINVAL || error == EOPNOTSUPP;
    const unsigned type = (unsigned)disk.f_type;
    return type == NFS_SUPER_MAGIC || type == SMB_SUPER_MAGIC ||
           type == CIFS_SUPER_MAGIC || type == SMB2_SUPER_MAGIC;
}

#define READ_CHUNK 65536

int fd_read_file(int fd, struct buf *into)
{
    /* Reserve the whole size at once: each time a buffer grows, its bytes are
     * copied and wiped. */
    size_t room = into->max - into->len;
    struct stat st;

    if (fstat(fd, &st) == 0 && st.st_size >= 0 &&
        (uint64_t)st.st_size + READ_CHUNK < room)
        room = (size_t)st.st_size + READ_CHUNK;
    int r = buf_reserve(into, room);

    while (r == 0) {
        size_t want = into->max - into->len;
        ssize_t n;

        if (want > READ_CHUNK)
            want = READ_CHUNK;
        if (want == 0) { /* the buffer is full: are there more bytes? */
            char one;

            n = pread(fd, &one, 1, (off_t)into->len);
            return n > 0 ? -EFBIG : n < 0 ? -errno : 0;
        }
        r = buf_reserve(into, want);
        if (r < 0)
            break;
        n = pread(fd, into->data + into->len, want, (off_t)into->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        into->len += (size_t)n;
    }
    return r;
}

int fd_seal(int fd)
{
    if (fcntl(fd, F_ADD_SEALS,
              F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        return -errno;
    return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

bool fd_is_sealed(int fd)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
              has = fcntl(fd, F_GET_SEALS);

    return has >= 0 && (has & seals) == seals;
}

int fd_sealed(const char *name, struct slice bytes)
{
    FD_CLEANUP int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int r;

    if (fd < 0)
        return -errno;
    r = fd_write_all(fd, bytes.ptr, bytes.len);
    if (r == 0)
        r = fd_seal(fd);
    return r < 0 ? r : fd_take(&fd);
}

int fd_copy(int to, int from, size_t most)
{
    ssize_t n = 1;

    for (off_t at = 0; n > 0 && (size_t)at < most;)
        n = sendfile(to, from, &at, most - (size_t)at);
    return n < 0 ? -errno : 0;
}

int fd_sealed_copy(const char *name, int from, size_t most)
{
    FD_CLEANUP int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int r = fd < 0 ? -errno : fd_copy(fd, from, most);

    if (r == 0)
        r = fd_seal(fd);
    return r < 0 ? r : fd_take(&fd);
}

static int by_number(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return (x > y) - (x < y);
}

void fd_close_others(int first, const int *keep, size_t n)
{
    int sorted[32];
    size_t count = 0;

    if (n > sizeof(sorted) / sizeof(sorted[0]))
        die(EX_SOFTWARE, "too many descriptors to keep");
    for (size_t i = 0; i < n; i++)
        if (keep[i] >= first)
            sorted[count++] = keep[i];
    qsort(sorted, count, sizeof(sorted[0]), by_number);
    for (size_t i = 0; i < count; i++) {
        if (sorted[i] > first)
            close_range((unsigned)first, (unsigned)sorted[i] - 1, 0);
        first = sorted[i] + 1;
    }
    if (close_range((unsigned)first, ~0U, 0) < 0)
        die(EX_OSERR, "close_range failed");
}

void fd_fill_standard(void)
{
    int fd;

    do
        fd = open("/dev/null",
                  (fcntl(STDIN_FILENO, F_GETFD) < 0 ? O_WRONLY : O_RDONLY) |
                      O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    fd_close(&fd);
}

bool fd_is_away(int error)
{
    return error == ENOTCONN || error == EIO || error == ESTALE ||
           error == ETIMEDOUT || error == EHOSTDOWN || error == EHOSTUNREACH;
}

bool fd_may_pass(int error)
{
    return fd_is_away(error) || error == ENOSPC || error == EDQUOT ||
           error == ENOMEM || error == EMFILE || error == ENFILE ||
           error == EINTR;
}
