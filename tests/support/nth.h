/* Makes the Nth system call that touches a file fail, for N = 1, 2, … until the
 * work makes fewer than N calls: so each error path of the work runs once. The
 * work runs in a fork of the test, as a function or as a program that the
 * function executes; it can enter its own sandbox. The kernel doesn't make the
 * call: it returns an error, or the process is killed before it.
 *
 *     struct nth *nth = nth_new();
 *
 *     if (!nth)
 *         cr_skip_test(NTH_MISSING);
 *     for (unsigned n = 1; nth_goes_on(nth); n++) {
 *         make_the_world();
 *         nth_arm(nth, n, ENOSPC, NULL);   // or NTH_KILL; for each kind a loop
 *         int status = nth_run(nth, work, argument);
 *         check(status, nth_call(nth));
 *     }
 *     nth_free(nth);
 *
 * A process that answers requests calls nth_enter() once, and the test arms the
 * fault before a request.
 *
 * A seccomp filter in the process asks another process, the guard, about each
 * of these calls. This works for root and for other users, and for any number
 * of processes that the work forks. fsync and fdatasync succeed without a disk,
 * so that such tests are fast: they show which calls there are, in which order,
 * and what follows if a call fails. The guard counts calls on files,
 * directories and their names, even calls that only look. It doesn't count
 * calls on sockets (sendmsg, recvmsg), close, lseek and mmap, which report no
 * errors of a disk. */
#ifndef TESTS_SUPPORT_NTH_H
#define TESTS_SUPPORT_NTH_H

#include <stdbool.h>

#define NTH_KILL    (-1) /* instead of an errno: SIGKILL */
#define NTH_MISSING "kernel feature missing: SECCOMP_RET_USER_NOTIF"

struct nth;

/* Returns NULL if the kernel has no user notifications of seccomp. */
struct nth *nth_new(void);
void nth_free(struct nth *nth);

/* Lets the guard see the calls of this process from now on. Call in a fork of
 * the test. Only one process at a time can enter NTH; when that process is
 * gone, another one can. */
void nth_enter(struct nth *nth);

/* Begins to count calls from 1. The call with the number AT fails with ERROR;
 * AT 0: no call fails. With UNDER, only calls on this directory and on files
 * and names below it count, for example a program's own files without those of
 * its libraries; UNDER NULL: all calls count. UNDER needs a process that can be
 * traced, so don't use it in a sandbox of Sallyport. */
void nth_arm(struct nth *nth, unsigned at, int error, const char *under);
/* Ends the counting, so that no call fails any more. Returns true if a call has
 * failed since nth_arm(). */
bool nth_disarm(struct nth *nth);

/* Must the loop over N go on? Returns true before the first nth_arm(), and if
 * the call that the last nth_arm() chose was made. */
bool nth_goes_on(const struct nth *nth);

/* Returns the step of a loop over N: 1 in the long run, and 4 in a short one.
 * If three errors take turns by N, they still do with a step of 4. */
unsigned nth_stride(void);

/* Returns the name of the call that failed, such as "fsync", or "" if no call
 * failed. */
const char *nth_call(const struct nth *nth);
/* Return the number of calls since nth_arm(), and the name of the call with the
 * number CALL. */
unsigned nth_count(const struct nth *nth);
const char *nth_name(const struct nth *nth, unsigned call);

/* Runs FUNCTION(ARGUMENT) in a fork that has entered NTH, and waits for the end
 * of the fork, which exits with the function's result unless it executes a
 * program. Returns the exit status, or 128 + the signal that killed the
 * fork. */
int nth_run(struct nth *nth, int (*function)(void *argument), void *argument);

#endif
