/* Signals, read from a descriptor. For master and the supervisor. */
#include "sallyport/base/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

static void signals_on_readable(void *owner, uint32_t events)
{
    struct signals *s = owner;
    struct signalfd_siginfo info;

    (void)events;
    while (read(s->watch.fd, &info, sizeof(info)) == sizeof(info))
        for (size_t i = 0; i < s->count; i++)
            if ((int)info.ssi_signo == s->row[i].number)
                s->row[i].handle(s->owner);
}

int signals_open(struct signals *s, struct loop *l,
                 const struct signals_row *row, size_t n, void *owner)
{
    sigset_t set;
    int fd, r;

    *s = (struct signals){ { .fd = -1 }, row, n, owner };
    signal(SIGPIPE, SIG_IGN); /* the reader of standard error may end */
    signal(SIGCHLD, SIG_DFL); /* an inherited SIG_IGN would reap unnoticed */
    sigemptyset(&set);
    for (size_t i = 0; i < n; i++)
        sigaddset(&set, row[i].number);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    r = loop_add_reader(l, &s->watch, fd, signals_on_readable, s);
    if (r < 0)
        fd_close(&s->watch.fd);
    return r;
}

void signals_close(struct signals *s, struct loop *l)
{
    loop_remove(l, &s->watch);
    fd_close(&s->watch.fd);
}
