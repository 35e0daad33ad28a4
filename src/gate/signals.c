/* Signals of gate: the death of a session comes as a readable descriptor; what
 * a terminal sends is master's business, which ends the sessions in order. */
#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "gate.h"
#include "sallyport/base/process.h"

int signals_take(void)
{
    sigset_t set;
    int fd;

    process_ignore_signals();
    signal(SIGCHLD, SIG_DFL); /* an inherited SIG_IGN would reap by itself */
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
        return -errno;
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void signals_drain(int fd)
{
    struct signalfd_siginfo info;

    while (read(fd, &info, sizeof(info)) > 0)
        ;
}

/* What a terminal or systemd sends to everybody stays ignored in sessions: they
 * end by master's word, in order, and not as if they had crashed. */
void signals_reset(void)
{
    sigset_t none;

    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
