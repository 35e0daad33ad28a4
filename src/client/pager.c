/* Long output of a session goes through the user's PAGER. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "sallyport/base/fd.h"

/* An output shorter than the screen stays on it, without a question. */
#define PAGER_LESS                                                             \
    "if command -v less >/dev/null; then exec less; else exec cat; fi"

/* The text comes from a server: less then starts no program and opens no file
 * at a key. */
static void pager_become(const char *command, int in)
{
    dup2(in, STDIN_FILENO);
    setenv("LESSSECURE", "1", 1);
    setenv("LESS", "FX", 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static bool pager_is_wanted(const struct client *c,
                            const struct client_command *row)
{
    return row->modes & PAGED && c->interactive && !c->options.no_pager &&
           isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

void pager_begin(struct pager *p, const struct client *c,
                 const struct client_command *row)
{
    const char *command = getenv("PAGER");
    int ends[2];

    *p = (struct pager){ .pid = -1, .out = -1, .err = -1 };
    if (!pager_is_wanted(c, row) || pipe2(ends, O_CLOEXEC) < 0)
        return;
    fflush(stdout);
    p->pid = fork();
    if (p->pid == 0)
        pager_become(command && command[0] ? command : PAGER_LESS, ends[0]);
    if (p->pid > 0) {
        p->out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        p->err = isatty(STDERR_FILENO)
                     ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
                     : -1;
        dup2(ends[1], STDOUT_FILENO);
        if (p->err >= 0)
            dup2(ends[1], STDERR_FILENO);
    }
    fd_close(&ends[0]);
    fd_close(&ends[1]);
}

/* Gives FD back what it was before. */
static void pager_restore(int *kept, int fd)
{
    if (*kept >= 0)
        dup2(*kept, fd);
    fd_close(kept);
}

/* What the pager didn't read must not come on the terminal. */
static void pager_drop_rest(void)
{
    FD_CLEANUP int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    dup2(nowhere, STDOUT_FILENO);
    fflush(stdout);
    clearerr(stdout);
}

void pager_end(struct pager *p)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN }, kept;

    if (p->pid < 0)
        return;
    sigaction(SIGINT, &ignore, &kept); /* Ctrl-C is a key of the pager now */
    if (fflush(stdout) == EOF || ferror(stdout))
        pager_drop_rest();
    pager_restore(&p->out, STDOUT_FILENO);
    pager_restore(&p->err, STDERR_FILENO);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    sigaction(SIGINT, &kept, NULL);
    p->pid = -1;
}

bool pager_has_ended(void)
{
    return ferror(stdout) != 0;
}
