/* Fails the Nth system call that touches a file, for N = 1, 2, … until the work
 * makes no Nth one: each error path of the work runs once. The work runs in a
 * fork of the test, as a function or as a program that it executes; sandboxes
 * of its own do no harm. The call doesn't happen: it returns an error, or the
 * process is killed before it.
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
 * A process that answers requests enters once by nth_enter(), and the test arms
 * the fault before a request.
 *
 * How: the process has a seccomp filter that asks another process, the guard,
 * about each of these calls. So it works for root and for other users, and for
 * any number of processes that the work forks. Syncs succeed without a disk, so
 * that such tests cost little: they show which calls there are, in which order,
 * and what follows if one fails. It counts calls on files,
 * directories and their names, also those that only look. It doesn't count
 * sockets' calls (sendmsg, recvmsg), close, lseek and mmap, which have no
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

/* In a fork of the test: from now on the guard sees this process's calls. Once
 * for each struct nth at a time; again when that process is gone. */
void nth_enter(struct nth *nth);

/* Counts from 1 from now on; the call AT fails with ERROR. 0: none fails.
 * UNDER: counts only calls on this directory, and on files and names below it,
 * such as a program's own files without those of its libraries; NULL: all. It
 * needs a process that may be traced, so don't use it in a sandbox of
 * Sallyport. */
void nth_arm(struct nth *nth, unsigned at, int error, const char *under);
/* No call fails any more. Returns whether one has failed since nth_arm(). */
bool nth_disarm(struct nth *nth);

/* Does a loop go on? True before the first nth_arm(), and if the last one has
 * met its call. */
bool nth_goes_on(const struct nth *nth);

/* The step of a loop over N in the release build, also in the short run: 1
 * there and in the long run, and 4 with sanitizers, which take several times as
 * long. Three errors in turn stay in turn. */
unsigned nth_stride(void);

/* The name of the call that failed, as "fsync"; "": none did. */
const char *nth_call(const struct nth *nth);
/* How many calls there were since nth_arm(), and the name of each. */
unsigned nth_count(const struct nth *nth);
const char *nth_name(const struct nth *nth, unsigned call);

/* Runs FUNCTION(ARGUMENT) in a fork that has entered, to its end. The fork
 * exits with what it returns, unless it executes a program. Returns the exit
 * status, or 128 + the signal that killed it. */
int nth_run(struct nth *nth, int (*function)(void *argument), void *argument);

#endif
