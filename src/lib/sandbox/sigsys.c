/* The SIGSYS handler of every process. It reports an unlisted call once, and
 * makes the call return ENOSYS, so that a newer libc tries another call. The
 * handler can interrupt any code, so it must never lock or allocate, and must
 * change only the register of the call's result. This file also tests, in the
 * process that has loaded a filter, whether the filter works. */
#include "steps.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "sallyport/base/pages.h"
#include "sallyport/base/stack.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1 /* a si_code, of <asm/siginfo.h> */
#endif

#if defined(__x86_64__)
#define RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define RESULT(context) (*(long long *)&(context)->uc_mcontext.regs[0])
#else
#error "which register holds the result of a system call here?"
#endif

/* Numbers of calls are below 500. Numbers from CALLS on share one bit. */
#define CALLS 1024

static atomic_uchar seen[CALLS / 8 + 1] IN_DATA; /* a bit for each number */
static void (*_Atomic report_refused)(int number) IN_DATA;

static void on_sigsys(int signal_number, siginfo_t *info, void *context)
{
    ucontext_t *interrupted = context;
    void (*report)(int) = report_refused;
    int saved = errno, number = info->si_syscall;
    unsigned call = number >= 0 && number < CALLS ? (unsigned)number : CALLS;
    unsigned char bit = (unsigned char)(1u << call % 8);

    (void)signal_number;
    if (info->si_code != SYS_SECCOMP)
        return;
    RESULT(interrupted) = -ENOSYS;
    /* Set the bit before the report, since the report can make a refused call,
     * too. */
    if (!(atomic_fetch_or(&seen[call / 8], bit) & bit) && report)
        report(number);
    errno = saved;
}

void sandbox_on_refused(void (*report)(int number))
{
    report_refused = report;
}

int sigsys_install(void)
{
    struct sigaction action = { .sa_sigaction = on_sigsys };
    sigset_t unblocked;

    /* No handler runs yet, so the order doesn't matter. */
    for (size_t i = 0; i < sizeof(seen); i++)
        atomic_store_explicit(&seen[i], 0, memory_order_relaxed);
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    if (sigaction(SIGSYS, &action, NULL))
        return -errno;
    /* Unblock SIGSYS: a blocked SIGSYS would kill the process. */
    sigemptyset(&unblocked);
    sigaddset(&unblocked, SIGSYS);
    return sigprocmask(SIG_UNBLOCK, &unblocked, NULL) ? -errno : 0;
}

int sigsys_probe(struct complaint *c)
{
    const int unlisted = SYS_sched_get_priority_max;
    void (*report)(int) = report_refused;
    bool refused;

    report_refused = NULL;
    refused = syscall(unlisted, 0) < 0 && errno == ENOSYS;
    /* When the signal came, the kernel saved all registers below this part of
     * the stack. In a fork of master, the registers can contain bytes of the
     * table of users. */
    stack_wipe_below();
    atomic_fetch_and(&seen[unlisted / 8], (unsigned char)~(1u << unlisted % 8));
    report_refused = report;
    if (!refused)
        return complain(c, "a refused call passes");
    if (syscall(SYS_getppid) < 0)
        return complain(c, "a permitted call fails");
    return 0;
}
