/* Short-lived children try each policy when master starts. So one sentence
 * reports a kernel or a container on which a policy fails, instead of sessions
 * that die. Runs in master, before its own sandbox. */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter.h"
#include "processes.h"
#include "sallyport/sandbox/sandbox.h"
#include "sigsys.h"

/* Exit statuses of the child. Lower ones are an errno. */
enum verdict { FINE = 0, PERMITTED_FAILS = 200, REFUSED_PASSES = 201 };

/* Loads the filters that P runs under, the outermost first, its own last. All
 * are compiled before the first is loaded. */
static int load_all(enum process p, bool connects)
{
    enum process chain[3];
    int n = 0, r = 0;

    chain[n++] = p;
    while (sandbox_above(chain[n - 1]) != chain[n - 1]) {
        chain[n] = sandbox_above(chain[n - 1]);
        n++;
    }
    struct filter_choice choice = { .connects = connects };

    for (int i = 0; i < n && r == 0; i++)
        r = filter_prepare(chain[i], choice);
    for (int i = n - 1; i >= 0 && r == 0; i--)
        r = filter_load(chain[i], choice);
    return r;
}

static int try_policy(enum process p, bool connects)
{
    int r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : sigsys_install();

    if (r == 0)
        r = load_all(p, connects);
    if (r > 0)
        return FINE; /* this build has no filters */
    if (r < 0)
        return -r;
    if (syscall(SYS_getppid) < 0)
        return PERMITTED_FAILS;
    /* On no list, and harmless. */
    if (syscall(SYS_sched_get_priority_max, 0) >= 0 || errno != ENOSYS)
        return REFUSED_PASSES;
    return FINE;
}

static const char *words_for(int status)
{
    if (WIFSIGNALED(status))
        return strsignal(WTERMSIG(status));
    if (WEXITSTATUS(status) == PERMITTED_FAILS)
        return "a permitted call fails";
    if (WEXITSTATUS(status) == REFUSED_PASSES)
        return "a refused call passes";
    return strerrordesc_np(WEXITSTATUS(status));
}

static int try_in_child(enum process p, bool connects, struct complaint *c)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        sandbox_on_refused(NULL);
        _exit(try_policy(p, connects));
    }
    while (child > 0 && waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            child = -1;
    }
    if (child < 0)
        return complain(c, "the seccomp policy of %s can't be tried: %s",
                        process_name(p), strerrordesc_np(errno));
    if (status == 0)
        return 0;
    return complain(c,
                    "the seccomp policy of %s doesn't hold on this kernel: %s "
                    "(to go on without it: allow_weaker = seccomp)",
                    process_name(p), words_for(status));
}

int sandbox_self_test(struct complaint *c)
{
    int r = 0;

    for (int p = 0; p < PROCESS_SANDBOXED && r == 0; p++)
        r = try_in_child((enum process)p, false, c);
    return r ? r : try_in_child(PROCESS_GATE, true, c);
}
