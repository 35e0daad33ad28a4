/* Tries the seccomp filters and Landlock at the start, in check and in gate. If
 * the kernel or the container lacks them, the server says so at once, in one
 * sentence; otherwise each session would fail later. A short-lived child loads
 * the filters. */
#include "steps.h"

#include <errno.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit status of the child if the filter doesn't work. A lower status above 0
 * is an errno. */
#define DOES_NOT_HOLD 200

static int try_filters(const struct sandbox_filter *const filters[])
{
    struct complaint c;
    int r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : sigsys_install();

    for (size_t i = 0; filters[i] && r == 0; i++)
        r = filter_load(filters[i]);
    if (r > 0)
        return 0; /* this build has no filters */
    if (r < 0)
        return -r;
    return sigsys_probe(&c) < 0 ? DOES_NOT_HOLD : 0;
}

int sandbox_try_filters(enum process p,
                        const struct sandbox_filter *const filters[],
                        struct complaint *c)
{
    const char *words;
    pid_t child = fork();
    int status;

    if (child == 0) {
        sandbox_on_refused(NULL);
        _exit(try_filters(filters));
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
    words = WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
            : WEXITSTATUS(status) == DOES_NOT_HOLD
                ? "it permits or refuses the wrong calls"
                : strerrordesc_np(WEXITSTATUS(status));
    return complain(c,
                    "the seccomp policy of %s doesn't hold on this kernel: %s "
                    "(to go on without it: allow_weaker = seccomp)",
                    process_name(p), words);
}

int sandbox_landlock_test(struct complaint *c)
{
    if (syscall(SYS_landlock_create_ruleset, NULL, 0,
                LANDLOCK_CREATE_RULESET_VERSION) > 0)
        return 0;
    return complain(c,
                    "Landlock can't be used here: %s; no user could log in. "
                    "Switch it on in the kernel or the container (to go on "
                    "without it: allow_weaker = landlock)",
                    strerrordesc_np(errno));
}
