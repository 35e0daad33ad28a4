/* Forking, caging and waiting, for the tests of the sandbox. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/filter.h"
#include "sandbox/processes.h"

int words = STDERR_FILENO;

/* Once: a child of a sandboxed one has not the limits for another. */
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

struct sandbox_plan plain_plan(void)
{
    return (struct sandbox_plan){ .root = false, .root_fd = -1 };
}

int enter(enum process p, const struct sandbox_plan *plan)
{
    struct complaint c = { "" };
    unsigned weaker;
    int r = sandbox_enter(p, plan, &weaker, &c);

    if (r)
        dprintf(words, "%s\n", c.text);
    return r;
}

int enter_chain(enum process p, bool connects)
{
    struct sandbox_plan plan = plain_plan();
    struct complaint c = { "" };
    enum process above = sandbox_above(p);
    int r = sandbox_prepare(p, &c);

    plan.connects = connects;
    if (r == 0)
        r = filter_prepare(p, (struct filter_choice){ .connects = connects });
    if (r == 0 && above != p)
        r = enter_chain(above, connects);
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
