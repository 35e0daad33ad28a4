/* A lock on the disk of the homes, for work that one of all machines with these
 * homes does at a time. A file is locked, since network file systems don't
 * carry the lock of a directory. A fork has the lock: it dies with the command,
 * and a disk that doesn't answer holds up only the fork. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/event/event.h"

/* What the fork says of the lock. */
struct turn_answer {
    int error;                    /* 0: it has the lock */
    char holder[TURN_HOLDER_MAX]; /* who has it, with EWOULDBLOCK */
};

/* Nobody else may make the file, or replace it. */
static int open_lock(const char *homes, const char *name)
{
    FD_CLEANUP int fd = open(homes, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    int lock;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
        return -EPERM;
    lock = openat(fd, name,
                  O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    return lock < 0 ? -errno : lock;
}

/* For the one that comes meanwhile. A full disk keeps nobody from the work. */
static void write_holder(int fd)
{
    char host[HOST_NAME_MAX + 1] = "?", text[TURN_HOLDER_MAX];
    int n;

    gethostname(host, sizeof(host) - 1);
    n = snprintf(text, sizeof(text), "%s, pid %d", host, (int)getppid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) < 0)
        return;
}

static void take_lock(const char *homes, const char *name,
                      struct turn_answer *ret)
{
    int fd = open_lock(homes, name);
    ssize_t n;

    if (fd < 0) {
        ret->error = -fd;
    } else if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        write_holder(fd);
    } else {
        ret->error = errno;
        n = pread(fd, ret->holder, sizeof(ret->holder) - 1, 0);
        ret->holder[n > 0 ? n : 0] = '\0';
    }
}

static void keep_lock(const char *homes, const char *name, int to, pid_t parent)
{
    struct turn_answer answer = { 0 };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    take_lock(homes, name, &answer);
    if (write(to, &answer, sizeof(answer)) == sizeof(answer) &&
        answer.error == 0)
        for (;;)
            pause();
    _exit(0);
}

static int wait_for_answer(int from, struct turn_answer *ret)
{
    struct pollfd one = { .fd = from, .events = POLLIN };
    int n;

    do
        n = poll(&one, 1, disk_ms);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return ETIMEDOUT;
    return read(from, ret, sizeof(*ret)) == sizeof(*ret) ? ret->error : EIO;
}

static int ask_keeper(struct turn *t, const char *homes, const char *name,
                      struct turn_answer *ret)
{
    const pid_t parent = getpid();
    int ends[2], error;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno;
    t->keeper = fork();
    if (t->keeper == 0)
        keep_lock(homes, name, ends[1], parent);
    error = t->keeper < 0 ? errno : 0;
    fd_close(&ends[1]);
    if (error == 0)
        error = wait_for_answer(ends[0], ret);
    fd_close(&ends[0]);
    return error;
}

enum turn_of turn_take(struct turn *t, const char *homes, const char *name)
{
    struct turn_answer answer = { 0 };
    struct buf holder;

    *t = (struct turn){ .keeper = 0 };
    t->error = ask_keeper(t, homes, name, &answer);
    if (t->error == 0)
        return TURN_MINE;
    turn_end(t);
    if (t->error != EWOULDBLOCK)
        return TURN_UNKNOWN;
    buf_init(&holder, 4 * TURN_HOLDER_MAX);
    event_escape(slice_from(answer.holder), &holder);
    slice_copy(buf_slice(&holder), t->holder, sizeof(t->holder));
    buf_release(&holder);
    return TURN_OF_ANOTHER;
}

/* One that hangs is left to init. */
void turn_end(struct turn *t)
{
    if (t->keeper <= 0)
        return;
    kill(t->keeper, SIGKILL);
    waitpid(t->keeper, NULL, t->error == ETIMEDOUT ? WNOHANG : 0);
    t->keeper = 0;
}
