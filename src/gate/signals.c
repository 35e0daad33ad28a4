/* The signals of gate. The end of a session makes a descriptor readable. gate
 * ignores the signals of a terminal: master gets them too, and ends the
 * sessions in order. */
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

/* Sessions still ignore the signals that a terminal or systemd sends to all
 * processes: master ends them in order, and not as if they had crashed. */
void signals_reset(void)
{
    sigset_t none;

    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
