/* Forks, enters the sandbox and waits, for the tests of the sandbox. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

int words = STDERR_FILENO;

/* Copies standard error only once, since the limits of a sandboxed process
 * leave its child no descriptor for another copy. */
static void keep_words(void)
{
    if (words == STDERR_FILENO)
        words = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
}

int in_child(int (*body)(const void *), const void *argument)
{
    pid_t child;
    int status = -1;

    keep_words();
    child = fork();

    if (child == 0)
        _exit(body(argument));
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

void in_child_of_each(int (*body)(const void *))
{
    for (enum process p = 0; p < PROCESS_SANDBOXED; p++)
        cr_expect_eq(in_child(body, &p), 0, "%s", process_name(p));
}

struct sandbox_plan plain_plan(void)
{
    return (struct sandbox_plan){ .root_fd = -1 };
}

struct sandbox_plan root_plan(int root_fd)
{
    return (struct sandbox_plan){
        .root = true, .uid = A_UID, .gid = A_GID, .root_fd = root_fd
    };
}

const struct sandbox_filter *filter_of(enum process p)
{
    static const struct sandbox_filter *const filters[PROCESS_SANDBOXED] = {
        [PROCESS_MASTER] = &filter_master,   [PROCESS_GATE] = &filter_gate,
        [PROCESS_SESSION] = &filter_session, [PROCESS_AUTH] = &filter_auth,
        [PROCESS_KEYS] = &filter_keys,       [PROCESS_FILES] = &filter_files,
        [PROCESS_LOG] = &filter_log,         [PROCESS_READER] = &filter_reader,
        [PROCESS_CHECK] = &filter_check,
    };

    return filters[p];
}

/* Returns the process that starts P in its sandbox. Returns P itself for
 * master, and for check, which starts before master's sandbox. */
static enum process above(enum process p)
{
    if (p == PROCESS_CHECK)
        return p;
    return p == PROCESS_SESSION ? PROCESS_GATE : PROCESS_MASTER;
}

int enter(enum process p, const struct sandbox_plan *plan)
{
    struct sandbox_plan whole = *plan;
    struct complaint c = { "" };
    unsigned weaker;
    int r;

    if (!whole.filter)
        whole.filter = filter_of(p);
    r = sandbox_enter(p, &whole, &weaker, &c);

    if (r)
        dprintf(words, "%s\n", c.text);
    return r;
}

int enter_chain(enum process p)
{
    struct sandbox_plan plan = plain_plan();
    int r = above(p) == p ? 0 : enter_chain(above(p));

    plan.filter = filter_of(p);
    return r ? r : enter(p, &plan);
}

int be_ordinary(void)
{
    if (geteuid() != 0)
        return 0;
    HOLDS(setgroups(0, NULL) == 0);
    HOLDS(setresgid(NOBODY, NOBODY, NOBODY) == 0);
    HOLDS(setresuid(NOBODY, NOBODY, NOBODY) == 0);
    return 0;
}

char *scratch_folder(char name[64])
{
    strcpy(name, "/tmp/sallyport-sandbox-XXXXXX");
    if (!mkdtemp(name) || chmod(name, 0777))
        abort();
    return name;
}
