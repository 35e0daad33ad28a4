/* Errands: forks of master that touch a disk, and programs for which master
 * doesn't wait. An errand that only looks has a deadline. A disk can hang, and
 * then even SIGKILL has no effect: such a process keeps its place here until it
 * is reaped, and master doesn't wait for it. */
#include "core.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

/* If M is const, E points to const, too. */
#define ERRANDS_EACH(m, e)                                                     \
    for (__typeof__(&(m)->errand[0]) e = (m)->errand;                          \
         e < (m)->errand + ERRANDS_MAX; e++)

pid_t errand_fork(struct master *m, enum errand_kind kind,
                  int (*run)(void *arg), void *arg, const int *keep, size_t n)
{
    pid_t self = getpid(), pid = fork();
    sigset_t none;

    if (pid != 0)
        return pid < 0 ? -errno : pid;
    explicit_bzero(&m->secrets, sizeof(m->secrets));
    fd_close_others(3, keep, n);
    if (kind == ERRAND_WRITES)
        _exit(run(arg)); /* with all signals blocked, as in master */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != self)
        _exit(EX_OSERR);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    _exit(run(arg));
}

static void errand_end(struct errand *e, int status)
{
    void (*on_end)(void *, int) = e->on_end;

    kill(e->pid, SIGKILL);
    e->on_end = NULL;
    on_end(e->owner, status);
}

static void errand_on_timer(void *owner)
{
    errand_end(owner, -ETIMEDOUT);
}

void errand_cancel(struct master *m, void (*on_end)(void *owner, int status))
{
    ERRANDS_EACH(m, e)
        if (e->pid > 0 && e->on_end == on_end) {
            loop_timer_clear(&m->loop, &e->timer);
            errand_end(e, -ECANCELED);
            return;
        }
}

int errand_watch(struct master *m, pid_t pid, uint64_t wait_ms,
                 void (*on_end)(void *owner, int status), void *owner)
{
    ERRANDS_EACH(m, e) {
        if (e->pid > 0)
            continue;
        *e = (struct errand){ .pid = pid,
                              .on_end = on_end,
                              .owner = owner,
                              .finishes = wait_ms == 0,
                              .timer = { .on_timer = errand_on_timer,
                                         .owner = e } };
        if (!e->finishes)
            loop_timer_set(&m->loop, &e->timer, wait_ms);
        return 0;
    }
    kill(pid, SIGKILL); /* reap.c reaps it */
    return -EBUSY;
}

bool errands_have(const struct master *m, pid_t pid)
{
    ERRANDS_EACH(m, e)
        if (e->pid == pid)
            return true;
    return false;
}

bool errand_reaped(struct master *m, pid_t pid, int status)
{
    ERRANDS_EACH(m, e) {
        const struct errand ended = *e;

        if (e->pid != pid)
            continue;
        loop_timer_clear(&m->loop, &e->timer);
        e->pid = 0;
        if (ended.on_end)
            ended.on_end(ended.owner, status);
        return true;
    }
    return false;
}

size_t errands_hanging(const struct master *m, const void *owner)
{
    size_t n = 0;

    ERRANDS_EACH(m, e)
        n += e->pid > 0 && !e->on_end && e->owner == owner;
    return n;
}

void errands_stop(struct master *m)
{
    ERRANDS_EACH(m, e) {
        if (e->pid == 0 || e->finishes)
            continue;
        loop_timer_clear(&m->loop, &e->timer);
        kill(e->pid, SIGKILL); /* check may have lost its death signal */
        e->on_end = NULL;
    }
}

bool errands_finish(const struct master *m)
{
    ERRANDS_EACH(m, e)
        if (e->pid > 0 && e->finishes)
            return true;
    return false;
}
