/* Work on a disk, with a deadline. A dead disk blocks its caller in the kernel,
 * where only SIGKILL ends the call, or nothing does; so a fork works. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

/* Another command waits 10 s for the lock. */
int disk_ms = 3000, disk_locked_ms = 7000;

void *disk_share(size_t size)
{
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return shared == MAP_FAILED ? NULL : shared;
}

/* The end of the pipe closes with the fork, whether it answers or dies. */
static int disk_wait(pid_t pid, int from, int ms)
{
    struct pollfd wait = { .fd = from, .events = POLLIN };
    int code = -EIO, n;

    do
        n = poll(&wait, 1, ms);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        code = -ETIMEDOUT;
    else if (read(from, &code, sizeof(code)) != sizeof(code))
        code = -EIO;
    kill(pid, SIGKILL);
    /* One that hangs is left to init. */
    waitpid(pid, NULL, code == -ETIMEDOUT ? WNOHANG : 0);
    return code;
}

/* A fork that hangs must not keep the lock, also if its parent is killed. */
static int disk_fork(int (*work)(void *shared), void *shared, int ms,
                     int lock_fd)
{
    int ends[2], code;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        if (lock_fd > 0)
            close(lock_fd);
        code = work(shared);
        _exit(write(ends[1], &code, sizeof(code)) != sizeof(code));
    }
    code = pid < 0 ? -errno : 0;
    fd_close(&ends[1]);
    if (pid > 0)
        code = disk_wait(pid, ends[0], ms);
    fd_close(&ends[0]);
    return code;
}

int disk_run(int (*work)(void *shared), void *shared, int ms)
{
    return disk_fork(work, shared, ms, 0);
}

/* In shared memory. */
struct disk_copy {
    struct context *x;
    disk_work *work;
    struct complaint complaint;
    max_align_t data[];
};

static int disk_do(void *shared)
{
    struct disk_copy *c = shared;
    int code = c->work(c->x, c->data);

    c->complaint = c->x->complaint;
    return code;
}

int disk_run_copy(struct context *x, disk_work *work, void *data, size_t size,
                  int ms)
{
    struct disk_copy *c = disk_share(sizeof(*c) + size);
    int code;

    if (!c)
        return -ENOMEM;
    c->x = x;
    c->work = work;
    if (size > 0)
        memcpy(c->data, data, size);
    code = disk_fork(disk_do, c, ms, x->lock_fd);
    if (size > 0)
        memcpy(data, c->data, size);
    if (!x->complaint.text[0])
        x->complaint = c->complaint;
    munmap(c, sizeof(*c) + size);
    return code;
}

int disk_run_locked(struct context *x, disk_work *work, void *data, size_t size,
                    const char *path)
{
    int code = disk_run_copy(x, work, data, size, disk_locked_ms);

    if (code == -ETIMEDOUT)
        return ctl_fail(x, EX_TEMPFAIL, "%s: the disk doesn't answer", path);
    return code < 0 ? ctl_fail(x, EX_OSERR, "%s: %s", path, strerror(-code))
                    : code;
}

struct disk_question {
    const char *path;
    struct statvfs room;
};

static int disk_ask(void *shared)
{
    struct disk_question *q = shared;

    return statvfs(q->path, &q->room) < 0 ? -errno : 0;
}

int disk_room(const char *path, struct statvfs *ret)
{
    struct disk_question *q = disk_share(sizeof(*q));
    int r;

    *ret = (struct statvfs){ 0 };
    if (!q)
        return -errno;
    q->path = path;
    r = disk_run(disk_ask, q, disk_ms);
    *ret = q->room;
    munmap(q, sizeof(*q));
    return r;
}
