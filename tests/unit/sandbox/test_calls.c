/* Tests that each forbidden call of each process, by its name, ends as the
 * policy says, and that the calls that a process needs pass its filter and all
 * filters above it. */
#include "support/test.h"

#ifndef SALLYPORT_UNFILTERED

#include <linux/audit.h>
#include <linux/dqblk_xfs.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <linux/seccomp.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "child.h"
#include "sandbox/steps.h"
#include "support/long.h"

#ifndef SYS_open /* aarch64: rows with negative numbers are skipped */
#define SYS_open       -1
#define SYS_creat      -1
#define SYS_fork       -1
#define SYS_vfork      -1
#define SYS_epoll_wait -1
#define SYS_poll       -1
#define SYS_readlink   -1
#endif

#define BIT(p)  (1U << (p))
#define MASTER  BIT(PROCESS_MASTER)
#define GATE    BIT(PROCESS_GATE)
#define SESSION BIT(PROCESS_SESSION)
#define AUTH    BIT(PROCESS_AUTH)
#define FILES   BIT(PROCESS_FILES)
#define KEYS    BIT(PROCESS_KEYS)
#define LOG     BIT(PROCESS_LOG)
#define READER  BIT(PROCESS_READER)
#define CHECK   BIT(PROCESS_CHECK)
#define ALL     (BIT(PROCESS_SANDBOXED) - 1)

enum end { KILLED = 1, REFUSED, QUIET, PASSED, BROKEN, BEGUN };
static const char *const end_names[] = { "?",      "killed", "refused",
                                         "ENOSYS", "passed", "broken",
                                         "begun" };

struct row {
    unsigned who;
    enum end end;
    const char *name;
    long number;
    long arguments[6];
};

#define CALL(who, end, name, ...)                                              \
    {                                                                          \
        who, end, #name, SYS_##name,                                           \
        {                                                                      \
            __VA_ARGS__                                                        \
        }                                                                      \
    }
#define HIGH      (1L << 32)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define PATH      (long)"/etc/passwd"

/* The call passes in WHO. In all other processes below master it ends as END
 * says. */
#define ONLY(who, end, name, ...)                                              \
    CALL(who, PASSED, name, __VA_ARGS__),                                      \
        CALL(SANDBOXED & ~(who), end, name, __VA_ARGS__)

static char space[8192];
#define SPACE (long)space

#define ROWS_MAX 128

static int reports, reported;

static void on_refused(int number)
{
    reports++;
    reported = number;
}

/* Makes the call twice, since a refused call is reported once. */
static enum end make_call(const struct row *row)
{
    const long *a = row->arguments;
    bool refused = true;

    memset(space, 0, sizeof(space));
    sigsys_install(); /* it forgets what was reported */
    reports = 0;
    for (int i = 0; i < 2 && refused; i++) {
        errno = 0;
        refused =
            syscall(row->number, a[0], a[1], a[2], a[3], a[4], a[5]) == -1 &&
            errno == ENOSYS;
    }
    if (!refused)
        return reports == 0 ? PASSED : BROKEN;
    if (reports == 0)
        return QUIET;
    return reports == 1 && reported == row->number ? REFUSED : BROKEN;
}

/* The calls of one process, which children make: each goes on until a call ends
 * it. */
struct trial {
    enum process p;
    bool chain; /* enter the sandboxes above P, too */
    size_t count;
    const struct row *call[ROWS_MAX];
    enum end *ends; /* in memory that the children share */
};

/* Makes the calls that have no end yet. */
static int try_calls(const void *argument)
{
    const struct trial *t = argument;
    struct sandbox_plan plan = plain_plan();

    alarm(20); /* a call that waits must not hang the test */
    setpgid(0, 0);
    if (t->chain ? enter_chain(t->p) : enter(t->p, &plan))
        return BROKEN;
    sandbox_on_refused(on_refused);
    for (size_t i = 0; i < t->count; i++) {
        if (t->ends[i])
            continue;
        t->ends[i] = BEGUN;
        t->ends[i] = make_call(t->call[i]);
    }
    return 0;
}

static enum end end_of(int status)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? KILLED : BROKEN;
    return (enum end)WEXITSTATUS(status);
}

/* Makes the calls, in as many children as it takes. */
static void try_all(const struct trial *t)
{
    size_t i = 0;

    while (i < t->count) {
        enum end end = end_of(in_child(try_calls, t));

        while (i < t->count && t->ends[i] && t->ends[i] != BEGUN)
            i++;
        if (i < t->count) /* the child ended here, or before its first call */
            t->ends[i++] = end;
    }
    for (i = 0; i < t->count; i++)
        cr_expect_eq(t->ends[i], t->call[i]->end, "%s: %s %lx: %s and not %s",
                     process_name(t->p), t->call[i]->name,
                     t->call[i]->arguments[1], end_names[t->ends[i]],
                     end_names[t->call[i]->end]);
}

#ifdef __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

/* Returns what the filter says about the call, as the kernel reads it. */
static unsigned verdict(const struct sandbox_filter *f, const struct row *row)
{
    struct seccomp_data data = { .nr = (int)row->number, .arch = ARCH };
    unsigned a = 0;

    for (int i = 0; i < 6; i++)
        data.args[i] = (unsigned long)row->arguments[i];
    for (const struct sock_filter *at = f->code; at < f->code + f->len; at++) {
        const unsigned k = at->k;

        if (at->code == (BPF_LD | BPF_W | BPF_ABS))
            memcpy(&a, (const char *)&data + k, sizeof(a));
        else if (at->code == (BPF_ALU | BPF_AND | BPF_K))
            a &= k;
        else if (at->code == (BPF_JMP | BPF_JA))
            at += k;
        else if (at->code == (BPF_JMP | BPF_JEQ | BPF_K))
            at += a == k ? at->jt : at->jf;
        else if (at->code == (BPF_JMP | BPF_JGT | BPF_K))
            at += a > k ? at->jt : at->jf;
        else if (at->code == (BPF_JMP | BPF_JGE | BPF_K))
            at += a >= k ? at->jt : at->jf;
        else
            return at->code == (BPF_RET | BPF_K) ? k : 0;
    }
    return 0;
}

/* A short run has two or three of the processes killed that a call of all may
 * kill, and reads the filters of the others. */
static bool is_only_read(const struct row *row, size_t i, int p)
{
    return !is_long() && row->end == KILLED &&
           __builtin_popcount(row->who) >= 7 && (i + (size_t)p) % 4 != 0;
}

static void try_table(const struct row *rows, size_t n)
{
    const size_t size = n * sizeof(enum end);

    for (int turn = 0; turn < 2 * PROCESS_SANDBOXED; turn++) {
        const int p = turn / 2;
        struct trial t = { .p = (enum process)p, .chain = turn % 2 };

        cr_assert_leq(n, ROWS_MAX);
        t.ends = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        cr_assert_neq(t.ends, MAP_FAILED);
        for (size_t i = 0; i < n; i++) {
            const struct row *row = &rows[i];

            if (!(row->who & BIT(p)) || row->number < 0 ||
                t.chain != (row->end == PASSED))
                continue;
            if (is_only_read(row, i, p))
                cr_expect_eq(verdict(filter_of(t.p), row),
                             SECCOMP_RET_KILL_PROCESS, "%s, row %zu: %s",
                             process_name(t.p), i, row->name);
            else
                t.call[t.count++] = row;
        }
        try_all(&t);
        munmap(t.ends, size);
    }
}

#define TABLE(rows) try_table(rows, sizeof(rows) / sizeof((rows)[0]))
#define SANDBOXED   (ALL & ~MASTER)
#define LISTENS     (GATE | MASTER) /* gate inherits the filter of master */

Test(calls, nobody_may)
{
    static const struct row rows[] = {
        CALL(ALL, KILLED, execve, PATH),
        CALL(ALL, KILLED, connect, -1),
        CALL(ALL & ~LISTENS, KILLED, bind, -1),
        CALL(ALL & ~LISTENS, KILLED, listen, -1),
        CALL(ALL & ~LISTENS, KILLED, socket, AF_INET, SOCK_STREAM),
        CALL(ALL & ~LISTENS, KILLED, socket, AF_INET6, SOCK_DGRAM),
        CALL(ALL, KILLED, socket, AF_NETLINK, SOCK_RAW),
        CALL(ALL, KILLED, socket, AF_PACKET, SOCK_RAW),
        CALL(ALL, KILLED, socket, AF_UNIX, SOCK_STREAM),
        CALL(ALL, KILLED, socketpair, AF_INET, SOCK_STREAM),
        CALL(ALL, KILLED, socketpair, HIGH | AF_UNIX, SOCK_STREAM),
        CALL(ALL, KILLED, ptrace),
        CALL(ALL, KILLED, process_vm_readv),
        CALL(ALL, KILLED, process_vm_writev),
        CALL(ALL, KILLED, process_madvise, -1),
        CALL(ALL, KILLED, pidfd_getfd, -1),
        CALL(ALL, KILLED, kcmp),
        CALL(ALL, KILLED, tkill),
        CALL(ALL, KILLED, rt_sigqueueinfo),
        CALL(ALL, KILLED, rt_tgsigqueueinfo),
        CALL(ALL, KILLED, io_uring_setup),
        CALL(ALL, KILLED, io_uring_enter, -1),
        CALL(ALL, KILLED, io_uring_register, -1),
        CALL(ALL, KILLED, bpf, -1),
        CALL(ALL, KILLED, perf_event_open),
        CALL(ALL, KILLED, userfaultfd, -1),
        CALL(ALL, KILLED, keyctl, -1),
        CALL(ALL, KILLED, add_key),
        CALL(ALL, KILLED, request_key),
        CALL(ALL, KILLED, vmsplice, -1),
        CALL(ALL, KILLED, mount),
        CALL(ALL, KILLED, umount2),
        CALL(ALL, KILLED, pivot_root),
        CALL(ALL, KILLED, fsopen),
        CALL(ALL, KILLED, fsmount, -1),
        CALL(ALL, KILLED, open_tree, -1),
        CALL(ALL, KILLED, move_mount, -1),
        CALL(ALL, KILLED, mount_setattr, -1),
        CALL(ALL, KILLED, unshare, CLONE_NEWUSER),
        CALL(ALL, KILLED, unshare, 0),
        CALL(ALL, KILLED, setns, -1),
        CALL(ALL, KILLED, clone, CLONE_NEWUSER | SIGCHLD),
        CALL(ALL, KILLED, clone, CLONE_NEWNET | SIGCHLD),
        CALL(ALL, KILLED, clone, CLONE_NEWNS | SIGCHLD),
        CALL(ALL, KILLED, clone, CLONE_NEWPID | CLONE_NEWUSER | SIGCHLD),
        CALL(ALL, KILLED, clone, CLONE_NEWIPC | SIGCHLD),
        CALL(ALL, KILLED, clone, CLONE_NEWUTS | SIGCHLD),
        CALL(ALL, KILLED, clone, CLONE_NEWCGROUP | SIGCHLD),
        CALL(ALL & ~(GATE | MASTER), KILLED, clone, CLONE_PARENT | SIGCHLD),
        CALL(ALL, KILLED, init_module),
        CALL(ALL, KILLED, finit_module, -1),
        CALL(ALL, KILLED, delete_module),
        CALL(ALL, KILLED, kexec_load, 0, 99),
        CALL(ALL, KILLED, reboot),
        CALL(ALL, KILLED, settimeofday),
        CALL(ALL, KILLED, personality, 0xffffffff),
        CALL(ALL, KILLED, pkey_mprotect),
        CALL(ALL, KILLED, setfsuid, -1),
        CALL(ALL, KILLED, setreuid, -1, -1),
        CALL(ALL, KILLED, open_by_handle_at, -1),
        CALL(ALL, KILLED, name_to_handle_at, -1),
        CALL(ALL, KILLED, creat, (long)"/tmp/none/of/this"),
        CALL(ALL, KILLED, mknodat, -1),
        CALL(ALL, KILLED, symlinkat, PATH, -1),
#ifdef __x86_64__
        { ALL, KILLED, "getpid of x32", 0x40000000 | SYS_getpid, { 0 } },
        CALL(ALL, KILLED, modify_ldt),
        CALL(ALL, KILLED, iopl),
#endif
    };

    TABLE(rows);
}

#define STREAM (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
#define PAIR   (SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC)

/* Tests the calls for the listeners that gate lends. A session accepts
 * connections there, and makes no listener. */
Test(calls, lent_listeners)
{
    static const struct row rows[] = {
        CALL(LISTENS, PASSED, socket, AF_INET, STREAM),
        CALL(LISTENS, PASSED, socket, AF_INET6, STREAM),
        CALL(GATE, REFUSED, socket, AF_INET, SOCK_STREAM),
        CALL(GATE, REFUSED, socket, AF_INET, SOCK_DGRAM),
        CALL(GATE, REFUSED, socket, AF_INET6, SOCK_RAW),
        CALL(GATE, REFUSED, socket, AF_INET, STREAM, IPPROTO_SCTP),
        CALL(GATE, REFUSED, socket, AF_INET6, STREAM, IPPROTO_MPTCP),
        CALL(GATE, KILLED, socket, AF_UNIX, STREAM),
        CALL(GATE, KILLED, socket, AF_NETLINK, SOCK_RAW),
        CALL(GATE, KILLED, socket, AF_PACKET, SOCK_RAW),
        CALL(LISTENS, PASSED, bind, -1, SPACE, sizeof(struct sockaddr_in)),
        CALL(LISTENS, PASSED, bind, -1, SPACE, sizeof(struct sockaddr_in6)),
        CALL(GATE, REFUSED, bind, -1, SPACE, sizeof(struct sockaddr_un)),
        CALL(LISTENS, PASSED, listen, -1),
        CALL(LISTENS, PASSED, setsockopt, -1, SOL_SOCKET, SO_REUSEADDR),
        CALL(LISTENS, PASSED, setsockopt, -1, IPPROTO_IPV6, IPV6_V6ONLY),
        CALL(GATE, REFUSED, setsockopt, -1, SOL_SOCKET, SO_REUSEPORT),
        CALL(GATE, KILLED, connect, -1, SPACE, sizeof(struct sockaddr_in)),
        CALL(SESSION, PASSED, accept4, -1, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC),
        CALL(SESSION, REFUSED, accept4, -1, 0, 0, SOCK_CLOEXEC),
        CALL(SESSION, REFUSED, accept, -1),
        CALL(SESSION, KILLED, socket, AF_INET, STREAM),
        CALL(SESSION, KILLED, bind, -1, SPACE, sizeof(struct sockaddr_in)),
        CALL(SESSION, KILLED, listen, -1),
        CALL(SESSION, KILLED, connect, -1, SPACE, sizeof(struct sockaddr_in)),
        CALL(SESSION, REFUSED, setsockopt, -1, SOL_SOCKET, SO_REUSEADDR),
    };

    TABLE(rows);
}

/* Reader needs only to read a file. */
Test(calls, reader)
{
    static const struct row rows[] = {
        CALL(READER, PASSED, pread64, -1),
        CALL(READER, REFUSED, pwrite64, -1),
        CALL(READER, KILLED, openat2, AT_FDCWD, PATH),
        CALL(READER, KILLED, socket, AF_INET, SOCK_STREAM),
        CALL(READER, KILLED, execve, PATH),
    };

    TABLE(rows);
}

/* Check takes the ids of users, and looks whether their homes can be
 * entered. */
Test(calls, check)
{
    static const struct row rows[] = {
        CALL(CHECK, PASSED, pread64, -1),
        CALL(CHECK, PASSED, openat, AT_FDCWD, (long)"/",
             O_PATH | O_DIRECTORY | O_CLOEXEC),
        CALL(CHECK, PASSED, fstatfs, -1, SPACE),
        CALL(CHECK, PASSED, readlink, PATH),
        CALL(CHECK, REFUSED, openat, AT_FDCWD, (long)"/",
             O_RDONLY | O_DIRECTORY | O_CLOEXEC),
        CALL(CHECK, REFUSED, quotactl_fd, -1,
             (unsigned)QCMD(Q_XGETQSTAT, USRQUOTA)),
        CALL(CHECK, PASSED, lgetxattr, (long)"/", (long)"user.x", 0, 0),
        CALL(CHECK, REFUSED, openat, AT_FDCWD, PATH, O_RDONLY),
        CALL(CHECK, REFUSED, openat, AT_FDCWD, PATH, O_PATH | O_CLOEXEC),
        CALL(CHECK, REFUSED, openat, AT_FDCWD, PATH, O_RDWR),
        CALL(CHECK, REFUSED, openat, AT_FDCWD, (long)"/tmp/x", O_CREAT),
        CALL(CHECK, REFUSED, newfstatat, AT_FDCWD, PATH, SPACE, 0),
        CALL(CHECK, REFUSED, getdents64, -1),
        CALL(CHECK, REFUSED, pwrite64, -1),
        CALL(CHECK, REFUSED, unlinkat, -1),
        CALL(CHECK, REFUSED, mkdirat, -1),
        CALL(CHECK, REFUSED, fchownat, -1),
        CALL(CHECK, REFUSED, prlimit64, 1),
        CALL(CHECK, KILLED, openat2, AT_FDCWD, PATH),
        CALL(CHECK, KILLED, socket, AF_INET, SOCK_DGRAM),
        CALL(CHECK, KILLED, capset),
        CALL(CHECK, KILLED, chroot, (long)"."),
        CALL(CHECK, KILLED, execve, PATH),
    };

    TABLE(rows);
}

Test(calls, nobody_below_master_may)
{
    static const struct row rows[] = {
        CALL(SANDBOXED, KILLED, open, PATH),
        CALL(SANDBOXED & ~CHECK, KILLED, openat, AT_FDCWD, PATH),
        CALL(SANDBOXED & ~CHECK, KILLED, openat, AT_FDCWD, (long)"/tmp/x",
             O_CREAT | O_RDWR),
        CALL(SANDBOXED & ~FILES, KILLED, openat2, AT_FDCWD, PATH),
        CALL(ALL & ~MASTER, KILLED, execveat, -1, PATH),
        CALL(ALL & ~MASTER, KILLED, execveat, 0, PATH),
        CALL(ALL, KILLED, fork),
        CALL(ALL, KILLED, vfork),
        CALL(SANDBOXED & ~GATE, KILLED, clone, SIGCHLD),
        CALL(SANDBOXED & ~GATE, KILLED, socketpair, AF_UNIX, SOCK_STREAM),
        CALL(ALL, KILLED, sendto, -1, SPACE, 1, 0, SPACE, 16),
        CALL(ALL, KILLED, sendto, -1, SPACE, 1, 0, HIGH, 16),
        CALL(ALL, KILLED, sendto, -1, SPACE, 1, MSG_FASTOPEN, SPACE, 16),
        CALL(ALL, KILLED, sendto, -1, SPACE, 1, MSG_FASTOPEN),
        CALL(ALL, KILLED, sendmsg, -1, SPACE, MSG_FASTOPEN),
        CALL(ALL, KILLED, sendmsg, -1, SPACE, MSG_FASTOPEN | MSG_NOSIGNAL),
        CALL(ALL, KILLED, sendmsg, -1, SPACE, HIGH | MSG_FASTOPEN),
        CALL(SANDBOXED, KILLED, kill),
        CALL(SESSION | GATE, KILLED, shutdown, -1, SHUT_RD),
        CALL(SESSION | GATE, KILLED, shutdown, -1, SHUT_RDWR),
        CALL(ALL, KILLED, tgkill),
        CALL(ALL, KILLED, pidfd_send_signal, -1),
        CALL(MASTER, KILLED, kill, 0x7fffffff, 0),
        CALL(MASTER, KILLED, kill, 0x7fffffff, SIGSTOP),
        CALL(MASTER, KILLED, kill, 0x7fffffff, HIGH | SIGKILL),
        /* If one of these passed, it would reach only the child, which is in a
         * group of its own. */
        CALL(MASTER, KILLED, kill, 0, SIGKILL),
        CALL(MASTER, KILLED, kill, HIGH, SIGKILL),
        /* If one of these passed, it would find no process. */
        CALL(MASTER, KILLED, kill, -0x7fffffff, SIGKILL),
        CALL(MASTER, KILLED, kill, 0x80000001, SIGKILL),
        CALL(SANDBOXED, KILLED, mmap, 0, 4096, PROT_EXEC, ANONYMOUS, -1),
        CALL(SANDBOXED, KILLED, mprotect, 0, 4096,
             PROT_READ | PROT_WRITE | PROT_EXEC),
        CALL(ALL, KILLED, setuid, -1),
        CALL(ALL, KILLED, setgid, -1),
        CALL(SANDBOXED, KILLED, capset),
        CALL(SANDBOXED, KILLED, chroot, (long)"."),
    };

    TABLE(rows);
}

Test(calls, unlisted_calls_are_refused_and_reported_once)
{
    static const struct row rows[] = {
        CALL(ALL, REFUSED, sched_get_priority_max),
        CALL(ALL, REFUSED, shmget, -1),
        CALL(ALL, REFUSED, msgget, -1),
        CALL(ALL, REFUSED, inotify_init1, -1),
        CALL(ALL, REFUSED, eventfd2, 0, -1),
        CALL(ALL, REFUSED, splice, -1),
        CALL(ALL, REFUSED, sendfile, -1),
        CALL(ALL, REFUSED, linkat, -1, PATH, -1, PATH, AT_EMPTY_PATH),
        CALL(ALL, REFUSED, sendmmsg, -1),
        CALL(ALL, REFUSED, prctl, PR_SET_MM),
        CALL(ALL, REFUSED, prctl, PR_SET_SECUREBITS),
        CALL(ALL, REFUSED, fcntl, 0, F_SETOWN),
        CALL(ALL, REFUSED, ioctl, 0, TIOCSTI),
        CALL(ALL, REFUSED, ioctl, 0, FS_IOC_SETFLAGS),
        CALL(SANDBOXED, REFUSED, wait4, -1),
        CALL(GATE, REFUSED, clone, SIGCHLD),
        CALL(GATE, REFUSED, clone, CLONE_PARENT | CLONE_VM | SIGCHLD),
        CALL(SANDBOXED & ~GATE, REFUSED, prlimit64),
        CALL(SANDBOXED & ~GATE, REFUSED, seccomp, -1),
        CALL(GATE, REFUSED, prlimit64, 1),
        CALL(GATE, REFUSED, seccomp, 2),
        CALL(SANDBOXED & ~FILES, REFUSED, ioctl, 0, FICLONE),
        CALL(ALL, REFUSED, fcntl, 0, F_OFD_SETLKW),
        CALL(SANDBOXED & ~FILES, REFUSED, fchmod, -1),
        CALL(SANDBOXED & ~FILES, REFUSED, utimensat, -1, 0, SPACE, 0),
        CALL(SANDBOXED, REFUSED, utimensat, -1, (long)"", SPACE, AT_EMPTY_PATH),
        CALL(SANDBOXED, REFUSED, utimensat, -1, 0, SPACE, AT_EMPTY_PATH),
        CALL(ALL & ~MASTER, REFUSED, fchmodat, AT_FDCWD, PATH, 0644),
        CALL(ALL & ~MASTER, REFUSED, fchownat, AT_FDCWD, PATH, -1, 0),
        CALL(ALL, REFUSED, fchownat, AT_FDCWD, PATH, 0, -1),
        CALL(ALL, REFUSED, utimensat, AT_FDCWD, PATH),
        CALL(ALL, REFUSED, fallocate, -1),
        CALL(ALL, REFUSED, sync_file_range, -1),
        CALL(ALL, REFUSED, fadvise64, -1),
        CALL(ALL, REFUSED, statfs, PATH, SPACE),
        CALL(SANDBOXED, REFUSED, statx, AT_FDCWD, PATH, 0, 0, SPACE),
        CALL(SANDBOXED & ~FILES, REFUSED, statx, -1, PATH,
             AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, 0, SPACE),
        CALL(ALL, REFUSED, preadv, -1),
        CALL(ALL, REFUSED, pwritev, -1),
        CALL(ALL, REFUSED, getpeername, -1),
        CALL(ALL, REFUSED, waitid, P_ALL, 0, 0, WNOHANG | WEXITED),
        CALL(SANDBOXED, REFUSED, getsockopt, -1, SOL_SOCKET, SO_ERROR),
        CALL(SANDBOXED & ~FILES, REFUSED, newfstatat, AT_FDCWD, PATH, SPACE, 0),
        CALL(ALL, REFUSED, setxattr, PATH, PATH, SPACE, 0, 0),
        CALL(SANDBOXED, REFUSED, dup3, -1),
        CALL(ALL, REFUSED, fchown, -1),
        CALL(SANDBOXED, REFUSED, fchdir, -1),
        CALL(SANDBOXED, REFUSED, setsockopt, -1, SOL_SOCKET, SO_OOBINLINE),
        CALL(SANDBOXED, REFUSED, setsockopt, -1, SOL_SOCKET, SO_KEEPALIVE),
        CALL(ALL, REFUSED, setsockopt, -1, SOL_SOCKET, SO_LINGER),
        CALL(ALL, REFUSED, setsockopt, -1, IPPROTO_TCP, TCP_ULP),
        CALL(ALL, REFUSED, setsockopt, -1, SOL_TLS, TLS_TX),
        CALL(ALL, REFUSED, setsockopt, -1, IPPROTO_TCP, TCP_NOTSENT_LOWAT),
        CALL(ALL, REFUSED, setsockopt, -1, SOL_TLS, TLS_RX),
        CALL(ALL, REFUSED, setsockopt, -1, IPPROTO_TCP, TCP_FASTOPEN_CONNECT),
        CALL(ALL, REFUSED, setsockopt, -1, IPPROTO_TCP, TCP_REPAIR),
        CALL(ALL, REFUSED, setsockopt, -1, SOL_SOCKET, SO_ATTACH_FILTER),
        CALL(ALL, REFUSED, setsockopt, -1, IPPROTO_IP, TCP_NODELAY),
        CALL(LOG | KEYS | FILES | AUTH, REFUSED, pread64, -1),
        CALL(LOG | AUTH | FILES, REFUSED, pwrite64, -1),
        /* not reported, since libc tries it at each fork */
        CALL(ALL, QUIET, clone3),
    };

    TABLE(rows);
}

Test(calls, everybody_may)
{
    static const struct row rows[] = {
        CALL(ALL, PASSED, brk),
        CALL(ALL, PASSED, mmap, 0, 16L << 20, PROT_READ | PROT_WRITE, ANONYMOUS,
             -1),
        CALL(ALL, PASSED, mprotect, 0, 0, PROT_READ),
        CALL(ALL, PASSED, munmap, 0, 0),
        CALL(ALL, PASSED, mremap, 1),
        CALL(ALL, PASSED, madvise, 0, 0, MADV_DONTNEED),
        CALL(ALL, PASSED, getrandom, SPACE, 16),
        CALL(ALL, PASSED, futex, SPACE, 1, 1),
        CALL(ALL, PASSED, sysinfo, SPACE),
        CALL(ALL, PASSED, rt_sigaction, SIGABRT, 0, 0, 8),
        CALL(ALL, PASSED, rt_sigprocmask, 0, 0, 0, 8),
        CALL(ALL, PASSED, sigaltstack),
        CALL(ALL, PASSED, clock_gettime, CLOCK_MONOTONIC, SPACE),
        CALL(ALL, PASSED, gettimeofday, SPACE),
        CALL(ALL, PASSED, getpid),
        CALL(ALL, PASSED, geteuid),
        CALL(ALL, PASSED, prctl, PR_SET_NAME, (long)"x"),
        CALL(ALL, PASSED, setitimer, -1),
        CALL(ALL, PASSED, read, -1),
        CALL(ALL, PASSED, readv, -1),
        CALL(ALL, PASSED, write, -1),
        CALL(ALL, PASSED, writev, -1),
        CALL(ALL, PASSED, close, -1),
        CALL(ALL, PASSED, close_range, 1000, 1001),
        CALL(ALL, PASSED, fstat, -1),
        CALL(ALL, PASSED, newfstatat, 0, (long)"", SPACE, AT_EMPTY_PATH),
        CALL(ALL, PASSED, lseek, -1),
        CALL(ALL, PASSED, fcntl, 0, F_GETFL),
        CALL(ALL, PASSED, fcntl, 0, F_GETFD),
        CALL(ALL, PASSED, fcntl, 0, F_DUPFD_CLOEXEC, 3),
        CALL(ALL, PASSED, fcntl, 0, F_GET_SEALS),
        CALL(ALL, PASSED, sendmsg, -1),
        CALL(ALL, PASSED, recvmsg, -1),
        CALL(ALL, PASSED, sendto, -1),
        CALL(ALL, PASSED, recvfrom, -1),
        CALL(ALL, PASSED, poll, 0, 0, 0),
        CALL(ALL, PASSED, ppoll, 0, 0, SPACE),
        CALL(ALL, PASSED, epoll_create1),
        CALL(ALL, PASSED, epoll_ctl, -1),
        CALL(ALL, PASSED, epoll_wait, -1),
        CALL(ALL, PASSED, epoll_pwait, -1),
        CALL(ALL, PASSED, exit_group, PASSED),
        CALL(ALL, PASSED, exit, PASSED),
    };

    TABLE(rows);
}

Test(calls, each_may)
{
    static const struct row rows[] = {
        CALL(MASTER | SESSION, PASSED, pread64, -1),
        CALL(SESSION, PASSED, pwrite64, -1),
        CALL(SESSION | GATE, PASSED, shutdown, -1, SHUT_WR),
        ONLY(GATE | SESSION, REFUSED, getsockopt, -1, SOL_SOCKET, SO_MEMINFO),
        ONLY(GATE, REFUSED, getsockname, -1),
        CALL(MASTER, PASSED, getsockopt, -1),
        ONLY(MASTER, REFUSED, pidfd_open, -1),
        ONLY(MASTER, REFUSED, fcntl, -1, F_SETSIG),
        ONLY(FILES | MASTER, REFUSED, fcntl, -1, F_SETLEASE),
        ONLY(FILES | MASTER, REFUSED, fcntl, -1, F_OFD_SETLK),
        ONLY(FILES | MASTER, REFUSED, fcntl, -1, F_OFD_GETLK),
        ONLY(GATE, REFUSED, setsockopt, -1, IPPROTO_TCP, TCP_NODELAY),
        ONLY(GATE | SESSION, REFUSED, setsockopt, -1, IPPROTO_TCP,
             TCP_QUICKACK),
        ONLY(GATE, REFUSED, accept4, -1),
        CALL(GATE | MASTER, PASSED, socketpair, AF_UNIX, PAIR, 0, SPACE),
        CALL(GATE | MASTER, REFUSED, socketpair, AF_UNIX,
             SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, SPACE),
        CALL(GATE | MASTER, REFUSED, socketpair, AF_UNIX, STREAM, 0, SPACE),
        CALL(MASTER, PASSED, wait4, -1, 0, WNOHANG),
        CALL(MASTER, PASSED, signalfd4, -1, 0, 8),
        CALL(MASTER, PASSED, kill, 0x7fffffff, SIGKILL),
        CALL(GATE | MASTER, PASSED, prlimit64, 0, 7),
        CALL(GATE | MASTER, PASSED, prctl, PR_SET_DUMPABLE),
        ONLY(GATE | MASTER, REFUSED, prctl, PR_SET_PDEATHSIG, 0),
        CALL(GATE | MASTER, PASSED, seccomp, 1, -1),
        CALL(FILES | MASTER, PASSED, openat2, -1),
        ONLY(FILES, REFUSED, mkdirat, -1),
        ONLY(FILES, REFUSED, unlinkat, -1),
        ONLY(FILES, REFUSED, renameat2, -1),
        ONLY(FILES | MASTER, REFUSED, linkat, -1, PATH, -1, PATH, 0),
        CALL(FILES, PASSED, newfstatat, -1, PATH, SPACE, AT_SYMLINK_NOFOLLOW),
        CALL(FILES, PASSED, statx, -1, PATH,
             AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, 0, SPACE),
        CALL(FILES | SESSION, PASSED, statx, -1, (long)"",
             AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, SPACE),
        CALL(FILES, PASSED, statx, -1, (long)"",
             AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, 0, SPACE),
        ONLY(FILES, REFUSED, getdents64, -1),
        CALL(FILES, PASSED, readlinkat, -1),
        CALL(FILES, PASSED, fstatfs, -1),
        CALL(FILES, PASSED, quotactl_fd, -1,
             (unsigned)QCMD(Q_GETQUOTA, USRQUOTA)),
        CALL(FILES, PASSED, quotactl_fd, -1,
             (unsigned)QCMD(Q_GETQUOTA, GRPQUOTA)),
        CALL(ALL, REFUSED, quotactl_fd, -1,
             (unsigned)QCMD(Q_SETQUOTA, USRQUOTA)),
        CALL(FILES, PASSED, copy_file_range, -1),
        CALL(FILES, PASSED, ioctl, -1, FICLONE),
        ONLY(FILES, REFUSED, ftruncate, -1),
        ONLY(FILES | LOG, REFUSED, fsync, -1),
        CALL(FILES | LOG, PASSED, fdatasync, -1),
        ONLY(FILES, REFUSED, fgetxattr, -1, PATH, SPACE, 0),
        ONLY(FILES, REFUSED, fsetxattr, -1, PATH, SPACE, 0, 0),
        ONLY(FILES, REFUSED, flistxattr, -1, SPACE, 0),
        ONLY(FILES, REFUSED, fremovexattr, -1, PATH),
        CALL(FILES, PASSED, flock, -1),
        ONLY(FILES, REFUSED, pipe2, SPACE),
        CALL(MASTER, PASSED, openat, AT_FDCWD, PATH),
        ONLY(MASTER, REFUSED, memfd_create, (long)"x"),
        ONLY(MASTER, KILLED, mmap, 0, 4096, PROT_READ | PROT_EXEC, ANONYMOUS,
             -1),
        CALL(MASTER, PASSED, chroot, (long)"/none"),
        ONLY(MASTER | CHECK, KILLED, setresuid, -1, -1, -1),
        ONLY(CHECK, KILLED, setresgid, -1, -1, -1),
        ONLY(CHECK, KILLED, setgroups, -1),
        CALL(MASTER, PASSED, capget),
        CALL(MASTER, PASSED, landlock_create_ruleset),
    };

    TABLE(rows);
}

/* ---- sequences of calls ---- */

static int compare(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

/* Calls ordinary functions of libc. The filters must permit their system
 * calls. */
static int use_libc(const void *argument)
{
    const enum process *p = argument;
    time_t now = 1700000000;
    char *memory, text[64];
    struct tm fields;

    HOLDS(enter_chain(*p) == 0);
    sandbox_on_refused(on_refused);
    memory = calloc(1, 3 << 20);
    HOLDS(memory);
    memory = realloc(memory, 5 << 20);
    HOLDS(memory);
    qsort(memory, (3 << 20) / 32, 32, compare);
    free(memory);
    HOLDS(gmtime_r(&now, &fields) && fields.tm_year == 123);
    HOLDS(strftime(text, sizeof(text), "%Y", &fields) == 4);
    HOLDS(dprintf(2, "%s", "") == 0);
    HOLDS(reports == 0);
    return 0;
}

Test(calls, libc_works_in_every_sandbox)
{
    in_child_of_each(use_libc);
}

static int abort_in(const void *argument)
{
    HOLDS(enter_chain(*(const enum process *)argument) == 0);
    abort();
}

Test(calls, abort_ends_every_process)
{
    for (enum process p = 0; p < PROCESS_SANDBOXED; p++)
        cr_expect(WIFSIGNALED(in_child(abort_in, &p)), "%s", process_name(p));
}

/* Gate forks a session, as a child of gate's own parent. The session enters its
 * sandbox under gate's filter. */
static int session_body(void)
{
    struct sandbox_plan plan = plain_plan();

    plan.max_files = 20;
    HOLDS(enter(PROCESS_SESSION, &plan) == 0);
    HOLDS(syscall(SYS_wait4, -1, 0, 0, 0) == -1 && errno == ENOSYS);
    return 7;
}

static int gate_body(const void *argument)
{
    long pid;

    (void)argument;
    HOLDS(enter_chain(PROCESS_GATE) == 0);
    sandbox_on_refused(on_refused);
    pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(session_body());
    HOLDS(pid > 0 && reports == 0);
    return 0;
}

Test(calls, gate_forks_a_session)
{
    int status = 0;

    cr_expect_eq(in_child(gate_body, NULL), 0);
    cr_assert_gt(waitpid(-1, &status, 0), 0);
    cr_expect_eq(status, 7 << 8);
}

static int executed_body(const void *program)
{
    static char name[] = "false";
    static char *const arguments[] = { name, NULL };
    static char *const environment[] = { NULL };

    syscall(SYS_execveat, *(const int *)program, "", arguments, environment,
            AT_EMPTY_PATH);
    return 7;
}

/* ld.so and libc must be able to start under master's filter, while the program
 * has no handler yet. */
ChildTest(calls, master_executes_programs_by_their_descriptors)
{
    struct sandbox_plan plan = plain_plan();
    int program = open("/bin/false", O_PATH | O_CLOEXEC);

    HOLDS(program > 0);
    HOLDS(enter(PROCESS_MASTER, &plan) == 0);
    HOLDS(in_child(executed_body, &program) == W_EXITCODE(1, 0));
    return 0;
}

/* A filter can't see the address in a msghdr, so this test shows that the
 * kernel refuses or ignores it. */
struct stray {
    int unix_pair[2], packets[2], tcp[2];
    struct sockaddr_un elsewhere; /* another process's listener */
    struct sockaddr_in port;
};

static ssize_t send_to(int fd, const void *address, socklen_t len)
{
    struct sockaddr_storage copy = { 0 };
    struct iovec part = { (char[]){ "x" }, 1 };
    struct msghdr m = {
        .msg_name = &copy, .msg_namelen = len, .msg_iov = &part, .msg_iovlen = 1
    };

    memcpy(&copy, address, len);
    return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int has_come(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) == 1;
}

static int stray_body(const void *argument)
{
    const struct stray *s = argument;

    HOLDS(enter_chain(PROCESS_SESSION) == 0);
    HOLDS(send_to(s->unix_pair[0], &s->elsewhere, sizeof(s->elsewhere)) == -1 &&
          errno == EISCONN);
    HOLDS(send_to(s->packets[0], &s->elsewhere, sizeof(s->elsewhere)) == 1 &&
          has_come(s->packets[1]));
    HOLDS(send_to(s->tcp[0], &s->port, sizeof(s->port)) == 1);
    return 0;
}

static int listener_at(int family, void *address, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    cr_assert_eq(bind(fd, address, len), 0);
    cr_assert_eq(listen(fd, 4), 0);
    cr_assert_eq(getsockname(fd, address, &len), 0);
    return fd;
}

static void connect_pair(int pair[2])
{
    struct sockaddr_in at = { .sin_family = AF_INET };

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = listener_at(AF_INET, &at, sizeof(at));
    pair[0] = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(pair[0], (struct sockaddr *)&at, sizeof(at)), 0);
    pair[1] = accept(listener, NULL, NULL);
    cr_assert_geq(pair[1], 0);
    close(listener);
}

Test(calls, a_session_reaches_nobody_by_sendmsg)
{
    struct stray s = { .elsewhere = { .sun_family = AF_UNIX },
                       .port = { .sin_family = AF_INET } };
    int listener[2];
    char byte;

    snprintf(s.elsewhere.sun_path + 1, sizeof(s.elsewhere.sun_path) - 1,
             "sallyport-test-%d", (int)getpid());
    s.port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener[0] = listener_at(AF_UNIX, &s.elsewhere, sizeof(s.elsewhere));
    listener[1] = listener_at(AF_INET, &s.port, sizeof(s.port));
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s.unix_pair), 0);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s.packets), 0);
    connect_pair(s.tcp);
    cr_expect_eq(in_child(stray_body, &s), 0);
    cr_expect_eq(recv(s.tcp[1], &byte, 1, 0), 1, "it went to its peer");
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(accept(listener[i], NULL, NULL), -1);
        cr_expect_eq(errno, EAGAIN);
    }
}

/* After shutdown(2), sendmsg(2) with MSG_FASTOPEN connects a listener like a
 * new socket. So the filter must kill sendmsg(2) with this flag, although it
 * permits the call. */
struct hole {
    int listener;
    struct sockaddr_in to;
};

static int fastopen_body(const void *argument)
{
    const struct hole *h = argument;
    struct sockaddr_in to = h->to;
    struct iovec part = { (char[]){ "x" }, 1 };
    struct msghdr m = { .msg_name = &to,
                        .msg_namelen = sizeof(to),
                        .msg_iov = &part,
                        .msg_iovlen = 1 };

    HOLDS(shutdown(h->listener, SHUT_RDWR) == 0);
    HOLDS(enter_chain(PROCESS_GATE) == 0);
    sendmsg(h->listener, &m, MSG_FASTOPEN | MSG_NOSIGNAL);
    return 0;
}

Test(calls, a_listener_connects_to_nobody)
{
    struct sockaddr_in own = { .sin_family = AF_INET };
    struct hole h = { .to = { .sin_family = AF_INET } };
    int target;

    own.sin_addr.s_addr = h.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    target = listener_at(AF_INET, &h.to, sizeof(h.to));
    h.listener = listener_at(AF_INET, &own, sizeof(own));
    cr_expect_eq(end_of(in_child(fastopen_body, &h)), KILLED);
    cr_expect_eq(accept(target, NULL, NULL), -1);
    close(h.listener);
    close(target);
}

/* Plays filters that a faulty kernel gets or applies wrongly. */
static const struct sock_filter everything[] = {
    { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
};
static const struct sock_filter nothing[] = {
    { BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr) },
    { BPF_JMP | BPF_JEQ | BPF_K, 1, 0, SYS_getppid },
    { BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_sched_get_priority_max },
    { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS },
    { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
};

static const struct broken {
    struct sandbox_filter filter;
    const char *words;    /* a part of the complaint of the process */
    const char *in_child; /* a part of sandbox_try_filters()'s complaint */
} broken[] = {
    { { everything, 0 }, "Invalid argument", "Invalid argument" },
    { { everything, 1 },
      "a refused call passes",
      "it permits or refuses the wrong calls" },
    { { nothing, 5 },
      "a permitted call fails",
      "it permits or refuses the wrong calls" },
};
#define BROKEN_FILTERS (sizeof(broken) / sizeof(broken[0]))

static int broken_body(const void *argument)
{
    const struct broken *b = argument;
    struct sandbox_plan plan = plain_plan();
    struct complaint c = { "" };
    unsigned weaker = 99;

    plan.filter = &b->filter;
    HOLDS(sandbox_enter(PROCESS_SESSION, &plan, &weaker, &c) == -EINVAL);
    HOLDS(weaker == 99);
    HOLDS(strstr(c.text, "sandbox of session: seccomp: "));
    HOLDS(strstr(c.text, b->words));
    HOLDS(strstr(c.text, "allow_weaker = seccomp"));
    plan.allow_weaker = SANDBOX_SECCOMP;
    HOLDS(sandbox_enter(PROCESS_SESSION, &plan, &weaker, &c) == 0);
    HOLDS(weaker == SANDBOX_SECCOMP);
    return 0;
}

Test(calls, a_filter_that_fails_is_an_error_unless_excused)
{
    for (size_t i = 0; i < BROKEN_FILTERS; i++)
        cr_expect_eq(in_child(broken_body, &broken[i]), 0, "row %zu", i);
}

Test(calls, a_filter_that_fails_is_found_in_a_child)
{
    for (size_t i = 0; i < BROKEN_FILTERS; i++) {
        const struct sandbox_filter *filters[] = { &broken[i].filter, NULL };
        struct complaint c = { "" };

        cr_expect_eq(sandbox_try_filters(PROCESS_FILES, filters, &c), -EINVAL);
        cr_expect(strstr(c.text, "the seccomp policy of files doesn't hold on "
                                 "this kernel: "));
        cr_expect(strstr(c.text, broken[i].in_child), "%s", c.text);
        cr_expect(strstr(c.text, "allow_weaker = seccomp"));
    }
}

/* The probe of a filter that works leaves no trace: if the process makes the
 * probe's call later, the call is reported. */
ChildTest(calls, the_probe_is_not_reported)
{
    sandbox_on_refused(on_refused);
    HOLDS(enter_chain(PROCESS_SESSION) == 0);
    HOLDS(reports == 0);
    HOLDS(syscall(SYS_sched_get_priority_max, 0) < 0 && errno == ENOSYS);
    HOLDS(reports == 1);
    return 0;
}

#else

#include "child.h"

static int weaker_body(const void *argument)
{
    struct sandbox_plan plan = plain_plan();
    struct complaint c = { "" };
    unsigned weaker = 0;

    HOLDS(sandbox_enter(*(const enum process *)argument, &plan, &weaker, &c) ==
          0);
    HOLDS(weaker == SANDBOX_SECCOMP);
    return 0;
}

Test(calls, a_build_without_filters_says_so)
{
    in_child_of_each(weaker_body);
}

#endif

Test(calls, our_filters_hold)
{
    for (enum process p = 0; p < PROCESS_SANDBOXED; p++) {
        const struct sandbox_filter *filters[] = { filter_of(p), NULL };
        struct complaint c = { "" };

        cr_expect_eq(sandbox_try_filters(p, filters, &c), 0, "%s", c.text);
    }
}
