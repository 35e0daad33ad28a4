/* Installs the filter in a process, and runs the guard that answers it. The
 * guard is a child of the test, and shares memory with it. */
#include "nth.h"

#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "cast.h"
#include "fail.h"
#include "sallyport/base/fd.h"
#include "support/long.h"
#include "test.h"
#include "wait.h"

#define CALLS_MAX 4096
#define PATH_SIZE 4096
#define RUN_MS    60000

/* A system call. FD and PATH are the positions of its arguments for a
 * descriptor and for a path below it, FD2 and PATH2 those for its second file;
 * -1: it has no such argument. */
struct call {
    int number;
    const char *name;
    int fd, path, fd2, path2;
};

#define CALL(name, ...)    { SYS_##name, #name, __VA_ARGS__ }
#define OF_FD(name)        CALL(name, 0, -1, -1, -1)
#define OF_PATH(name)      CALL(name, -1, 0, -1, -1)
#define OF_FD_PATH(name)   CALL(name, 0, 1, -1, -1)
#define OF_TWO_PATHS(name) CALL(name, -1, 0, -1, 1)

static const struct call calls[] = {
    OF_FD_PATH(openat),
    OF_FD_PATH(openat2),
    OF_FD(read),
    OF_FD(pread64),
    OF_FD(readv),
    OF_FD(preadv),
    OF_FD(write),
    OF_FD(pwrite64),
    OF_FD(writev),
    OF_FD(pwritev),
    CALL(copy_file_range, 0, -1, 2, -1),
    CALL(sendfile, 0, -1, 1, -1),
    OF_FD(fstat),
    OF_FD_PATH(newfstatat),
    OF_FD_PATH(statx),
    OF_FD_PATH(faccessat),
    OF_FD_PATH(faccessat2),
    OF_FD_PATH(readlinkat),
    OF_PATH(statfs),
    OF_FD(fstatfs),
    OF_FD(getdents64),
    OF_PATH(truncate),
    OF_FD(ftruncate),
    OF_FD(fallocate),
    OF_FD(fsync),
    OF_FD(fdatasync),
    OF_FD(sync_file_range),
    OF_FD(syncfs),
    CALL(renameat, 0, 1, 2, 3),
    CALL(renameat2, 0, 1, 2, 3),
    CALL(linkat, 0, 1, 2, 3),
    CALL(symlinkat, 1, 2, -1, -1),
    OF_FD_PATH(unlinkat),
    OF_FD_PATH(mkdirat),
    OF_FD_PATH(mknodat),
    OF_FD(fchmod),
    OF_FD_PATH(fchmodat),
    OF_FD(fchown),
    OF_FD_PATH(fchownat),
    OF_FD_PATH(utimensat),
    OF_FD(fgetxattr),
    OF_FD(fsetxattr),
    OF_FD(flistxattr),
    OF_FD(fremovexattr),
    OF_PATH(getxattr),
    OF_PATH(setxattr),
    OF_PATH(removexattr),
    OF_FD(flock),
    OF_FD(fcntl),
    OF_FD(ioctl),
#ifdef SYS_open /* calls that only the oldest ports of Linux have */
    OF_PATH(open),
    OF_PATH(creat),
    OF_PATH(stat),
    OF_PATH(lstat),
    OF_PATH(access),
    OF_PATH(readlink),
    OF_TWO_PATHS(rename),
    OF_TWO_PATHS(link),
    CALL(symlink, -1, 1, -1, -1),
    OF_PATH(unlink),
    OF_PATH(mkdir),
    OF_PATH(rmdir),
    OF_PATH(mknod),
    OF_PATH(chmod),
    OF_PATH(chown),
    OF_PATH(lchown),
#endif
};
#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))

/* Memory that the test and the guard share. The test writes to it only while
 * the process under test makes no calls. */
struct shared {
    _Atomic unsigned at, count;
    _Atomic bool armed, met;
    int error;
    char under[PATH_SIZE];
    uint8_t made[CALLS_MAX]; /* for each counted call, its index in `calls` */
};

struct nth {
    struct shared *shared;
    int guard; /* the socket by which the guard gets the listener */
    pid_t guard_id;
};

/* The guard */

static const struct call *find_call(int number)
{
    for (size_t i = 0; i < CALL_COUNT; i++)
        if (calls[i].number == number)
            return &calls[i];
    return NULL;
}

/* Does the call concern a disk? Most calls of ioctl and fcntl don't. */
static bool is_of_disk(const struct seccomp_notif *n)
{
    uint64_t what = n->data.args[1];

    if (n->data.nr == SYS_ioctl)
        return what == FICLONE;
    return n->data.nr != SYS_fcntl || what == F_SETLK || what == F_SETLKW ||
           what == F_OFD_SETLK || what == F_OFD_SETLKW || what == F_SETLEASE;
}

/* Writes to OUT where the descriptor FD leads, as /proc names it. Returns false
 * if /proc doesn't show it. */
static bool get_place(pid_t pid, int fd, char out[PATH_SIZE])
{
    char link[64];

    if (fd == AT_FDCWD)
        snprintf(link, sizeof(link), "/proc/%d/cwd", pid);
    else
        snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
    ssize_t len = readlink(link, out, PATH_SIZE - 1);
    out[len < 0 ? 0 : len] = '\0';
    return len > 0;
}

/* Reads a string in pieces of at most 256 bytes that cross no page: it can end
 * just before a page that can't be read. */
static void get_text(pid_t pid, uint64_t from, char out[PATH_SIZE])
{
    size_t len = 0;

    out[0] = '\0';
    while (from != 0 && len + 256 < PATH_SIZE) {
        size_t rest = 256 - ((from + len) & 255);
        struct iovec there = { (void *)(uintptr_t)(from + len), rest };
        struct iovec here = { out + len, rest };

        if (process_vm_readv(pid, &here, 1, &there, 1, 0) <= 0 ||
            memchr(out + len, '\0', rest))
            return;
        len += rest;
    }
    out[0] = '\0';
}

static bool is_below(const char *path, const char *directory)
{
    size_t len = strlen(directory);

    return strncmp(path, directory, len) == 0 &&
           (path[len] == '\0' || path[len] == '/');
}

static bool is_under(const struct shared *s, const struct seccomp_notif *n,
                     int fd, int path)
{
    char name[PATH_SIZE] = "", place[PATH_SIZE], whole[2 * PATH_SIZE];
    pid_t pid = (pid_t)n->pid;
    int number = fd < 0 ? AT_FDCWD : (int)n->data.args[fd];

    if (path >= 0)
        get_text(pid, n->data.args[path], name);
    if (name[0] == '/')
        return is_below(name, s->under);
    if (!get_place(pid, number, place))
        return false;
    snprintf(whole, sizeof(whole), "%s/%s", place, name);
    return is_below(name[0] ? whole : place, s->under);
}

/* Does the call only look at a file? A signal never interrupts such a call. */
static bool only_looks(const struct call *c)
{
    return c->number == SYS_fstat || c->number == SYS_newfstatat ||
           c->number == SYS_statx;
}

static bool counts(const struct shared *s, const struct call *c,
                   const struct seccomp_notif *n)
{
    if (!atomic_load(&s->armed) || !is_of_disk(n))
        return false;
    if (s->error == EINTR && only_looks(c))
        return false;
    if (!s->under[0] || is_under(s, n, c->fd, c->path))
        return true;
    return (c->fd2 >= 0 || c->path2 >= 0) && is_under(s, n, c->fd2, c->path2);
}

static void decide(struct shared *s, const struct seccomp_notif *n,
                   struct seccomp_notif_resp *answer)
{
    const struct call *c = find_call(n->data.nr);
    unsigned number;

    if (n->data.nr != SYS_fsync && n->data.nr != SYS_fdatasync)
        answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (!c || !counts(s, c, n))
        return;
    number = atomic_load(&s->count) + 1;
    if (number <= CALLS_MAX)
        s->made[number - 1] = (uint8_t)(c - calls);
    atomic_store(&s->count, number);
    if (number != atomic_load(&s->at))
        return;
    atomic_store(&s->met, true);
    answer->flags = 0; /* the call doesn't happen */
    answer->error = s->error == NTH_KILL ? -EIO : -s->error;
    if (s->error == NTH_KILL)
        kill((pid_t)n->pid, SIGKILL);
}

/* Answers the calls of a process until it is gone. If a signal has interrupted
 * the process, the answer comes too late, and the process asks again. */
static void guard_process(struct shared *s, int listener)
{
    for (;;) {
        struct pollfd p = { .fd = listener, .events = POLLIN };
        struct seccomp_notif n = { 0 };
        struct seccomp_notif_resp answer = { 0 };

        if (poll(&p, 1, -1) < 0 || !(p.revents & POLLIN))
            return;
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n) < 0)
            continue;
        answer.id = n.id;
        decide(s, &n, &answer);
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

static int receive_listener(int from)
{
    int fd[RAW_FDS];
    char byte;
    size_t n;

    return raw_receive(from, &byte, 1, fd, &n) == 1 && n == 1 ? fd[0] : -1;
}

static _Noreturn void guard(struct shared *s, int socket)
{
    const int keep[] = { socket };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fd_close_others(0, keep, 1);
    for (;;) {
        FD_CLEANUP int listener = receive_listener(socket);

        if (listener < 0)
            _exit(0);
        guard_process(s, listener);
    }
}

/* The process */

static int make_listener(void)
{
    struct sock_filter code[4 + CALL_COUNT + 2];
    struct sock_fprog program = { .filter = code };
    unsigned short n = 0;

    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                             offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < CALL_COUNT; i++)
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                 (unsigned)calls[i].number,
                                                 (uint8_t)(CALL_COUNT - i), 0);
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    program.len = n;
    int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                          SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (fd >= 0 || errno != EACCES)
        return fd;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* ordinary users need it */
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                        SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static int send_listener(int to, int fd)
{
    return raw_send(to, "", 1, &fd, 1) == 1 ? 0 : -errno;
}

/* Also permits the guard to read this process's memory, since Yama permits it
 * only to ancestors by default. */
void nth_enter(struct nth *nth)
{
    prctl(PR_SET_PTRACER, nth->guard_id, 0, 0, 0);
    FD_CLEANUP int listener = make_listener();
    if (listener < 0 || send_listener(nth->guard, listener) < 0)
        _exit(99);
    fd_close(&nth->guard);
}

/* The test */

static bool kernel_has_it(void)
{
    uint32_t action = SECCOMP_RET_USER_NOTIF;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* Makes a call that must fail with EIO, and returns 7 if it does. The
 * supervisor of a container can prevent this. */
static int try(void *unused)
{
    (void)unused;
    return access("/", F_OK) < 0 && errno == EIO ? 7 : 0;
}

struct nth *nth_new(void)
{
    struct nth *nth;
    int ends[2];

    if (!kernel_has_it())
        return NULL;
    nth = malloc(sizeof(*nth));
    FAIL_IF(!nth, "no memory");
    nth->shared = mmap(NULL, sizeof(*nth->shared), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FAIL_IF(nth->shared == MAP_FAILED, "mmap: %d", errno);
    FAIL_IF(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0,
            "socketpair: %d", errno);
    nth->guard_id = fork();
    FAIL_IF(nth->guard_id < 0, "fork: %d", errno);
    if (nth->guard_id == 0)
        guard(nth->shared, ends[1]);
    close(ends[1]);
    nth->guard = ends[0];
    nth_arm(nth, 1, EIO, NULL);
    int status = nth_run(nth, try, NULL);
    nth_disarm(nth);
    FAIL_IF(status != 7, "seccomp gives no listener: status %d", status);
    *nth->shared = (struct shared){ 0 };
    return nth;
}

void nth_free(struct nth *nth)
{
    int status;

    fd_close(&nth->guard);
    FAIL_IF(!wait_exit(nth->guard_id, &status, WAIT_MS), "the guard lives");
    munmap(nth->shared, sizeof(*nth->shared));
    free(nth);
}

void nth_arm(struct nth *nth, unsigned at, int error, const char *under)
{
    struct shared *s = nth->shared;

    atomic_store(&s->armed, false);
    s->error = error;
    snprintf(s->under, sizeof(s->under), "%s", under ? under : "");
    atomic_store(&s->at, at);
    atomic_store(&s->count, 0);
    atomic_store(&s->met, false);
    atomic_store(&s->armed, true);
}

bool nth_disarm(struct nth *nth)
{
    atomic_store(&nth->shared->armed, false);
    return atomic_load(&nth->shared->met);
}

bool nth_goes_on(const struct nth *nth)
{
    const struct shared *s = nth->shared;

    return atomic_load(&s->met) || atomic_load(&s->at) == 0;
}

unsigned nth_stride(void)
{
    return is_long() ? 1 : 4;
}

const char *nth_name(const struct nth *nth, unsigned call)
{
    return call >= 1 && call <= nth_count(nth) && call <= CALLS_MAX
               ? calls[nth->shared->made[call - 1]].name
               : "";
}

const char *nth_call(const struct nth *nth)
{
    return atomic_load(&nth->shared->met)
               ? nth_name(nth, atomic_load(&nth->shared->at))
               : "";
}

unsigned nth_count(const struct nth *nth)
{
    return atomic_load(&nth->shared->count);
}

int nth_run(struct nth *nth, int (*function)(void *argument), void *argument)
{
    int status;
    pid_t pid = fork();

    FAIL_IF(pid < 0, "fork: %d", errno);
    if (pid == 0) {
        nth_enter(nth);
        _exit(function(argument));
    }
    FAIL_IF(!wait_exit(pid, &status, RUN_MS), "the process didn't end");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
