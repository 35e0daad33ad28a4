/* Calls that every sandboxed process may make, to use its memory and its
 * descriptors, and to end. No call here opens a name or reaches another
 * process. Calls of error paths are here, too: a process that fails must report
 * its own error, not die of this filter. */
#include "sallyport/seccomp/policy.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static const struct permission may[] = {
    MAY(brk, "malloc"),
    MAY_IF(mmap, WITHOUT(2, PROT_EXEC), "malloc, mapped files; never code"),
    MAY_IF(mprotect, WITHOUT(2, PROT_EXEC), "guard pages; never code"),
    MAY(munmap, "malloc, mapped files"),
    MAY(mremap, "realloc"),
    MAY(madvise, "malloc and pages_advise() give memory back"),
    MAY(futex, "locks inside libc and OpenSSL"),
    MAY(sysinfo, "qsort asks how much memory there is"),
    MAY(getrandom, "nonces, salts, serials"),

    MAY(exit, "the end"),
    MAY(exit_group, "the end"),
    MAY(rt_sigreturn, "the return from any signal handler"),
    MAY(rt_sigaction, "handlers; abort() resets its own"),
    MAY(rt_sigprocmask, "signals held back for a moment"),
    MAY(sigaltstack, "a handler with its own stack"),
    MAY(setitimer, "the end, when the parent has gone"),
    MAY(restart_syscall, "a wait goes on after SIGSTOP and SIGCONT"),

    MAY(clock_gettime, "deadlines, where the vDSO has no clock"),
    MAY(clock_getres, "the same"),
    MAY(gettimeofday, "the same"),
    MAY(getpid, "OpenSSL notices a fork by it"),
    MAY(gettid, "libc"),
    MAY(getppid, "is the parent still there"),
    MAY(getuid, "the own uid, for libraries"),
    MAY(geteuid, "the same"),
    MAY(getgid, "the same"),
    MAY(getegid, "the same"),
    MAY_IF(prctl, IS(0, PR_SET_NAME), "the title that ps shows"),

    MAY(read, "descriptors it was given"),
    MAY(readv, "descriptors it was given"),
    MAY(write, "the same; standard error"),
    MAY(writev, "the same; the last words of abort()"),
    MAY(close, "descriptors it no longer needs"),
    MAY(close_range, "descriptors it no longer needs"),
    MAY(lseek, "stdio"),
    MAY(fstat, "type and size of an open file"),
    MAY_IF(ioctl, IS(1, TCGETS), "stdio: is it a terminal"),
    /* glibc's fstat(3). A filter can't see the path: with a path, the call does
       what stat(2) does. In an empty root directory it finds nothing, but
       reader and check don't have such a root directory. */
    MAY_IF(newfstatat, IS(3, AT_EMPTY_PATH), "fstat of glibc 2.33 to 2.38"),
    /* Each command of fcntl(2) has a row, since F_SETOWN and F_SETSIG could
       make the kernel send signals. */
    MAY_IF(fcntl, IS(1, F_GETFL), "blocking or not"),
    MAY_IF(fcntl, IS(1, F_SETFL), "blocking or not"),
    MAY_IF(fcntl, IS(1, F_GETFD), "close-on-exec"),
    MAY_IF(fcntl, IS(1, F_SETFD), "close-on-exec"),
    MAY_IF(fcntl, IS(1, F_DUPFD_CLOEXEC), "a second handle"),
    MAY_IF(fcntl, IS(1, F_GET_SEALS), "whether master's memory file is sealed"),

    /* A filter can't see an address inside msghdr. That does no harm: the
       sockets of a sandboxed process are connected, and it can make only pairs
       of SOCK_SEQPACKET and sockets of TCP. Only MSG_FASTOPEN could connect a
       socket of TCP without connect(2). */
    MAY_IF(sendmsg, WITHOUT(2, MSG_FASTOPEN), "channels"),
    MAY(recvmsg, "channels"),
    MAY_IF_BOTH(sendto, IS(4, 0), WITHOUT(3, MSG_FASTOPEN),
                "send(2): only where the socket is connected to"),
    MAY(recvfrom, "recv(2)"),
    MAY(poll, "waiting"),
    MAY(ppoll, "waiting"),
    MAY(epoll_create1, "the loop"),
    MAY(epoll_ctl, "the loop"),
    MAY(epoll_wait, "the loop"),
    MAY(epoll_pwait, "the loop; epoll_wait(2) on aarch64"),
    END_OF_LIST,
};

const struct policy policy_common = { may, { NULL } };
