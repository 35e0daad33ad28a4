/* The event loop. It uses level-triggered epoll, and keeps timers in a sorted
 * list. Most processes arm a few dozen timers at a time. Gate arms a timer for
 * each session that hasn't logged in, up to 20,000. To set a timer, gate can
 * then have to walk the whole list, but gate seldom sets a session's timer. */
#include "sallyport/base/loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

int loop_init(struct loop *l)
{
    *l = (struct loop){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
    return l->epoll_fd < 0 ? -errno : 0;
}

void loop_release(struct loop *l)
{
    fd_close(&l->epoll_fd);
}

static int epoll_change(struct loop *l, int operation, struct loop_watch *w)
{
    struct epoll_event e = { .events = w->events, .data.ptr = w };

    return epoll_ctl(l->epoll_fd, operation, w->fd, &e) < 0 ? -errno : 0;
}

int loop_add(struct loop *l, struct loop_watch *w)
{
    int r = epoll_change(l, EPOLL_CTL_ADD, w);

    w->added = r == 0;
    return r;
}

int loop_add_reader(struct loop *l, struct loop_watch *w, int fd,
                    void (*on_ready)(void *owner, uint32_t events), void *owner)
{
    *w = (struct loop_watch){
        .fd = fd, .events = EPOLLIN, .on_ready = on_ready, .owner = owner
    };
    return loop_add(l, w);
}

int loop_change(struct loop *l, struct loop_watch *w, uint32_t events)
{
    if (w->events == events)
        return 0;
    w->events = events;
    return w->added ? epoll_change(l, EPOLL_CTL_MOD, w) : 0;
}

void loop_remove(struct loop *l, struct loop_watch *w)
{
    if (!w->added)
        return;
    epoll_change(l, EPOLL_CTL_DEL, w);
    w->added = false;
    for (int i = 0; i < l->batch_len; i++)
        if (l->batch[i].data.ptr == w)
            l->batch[i].data.ptr = NULL;
}

void loop_timer_clear(struct loop *l, struct loop_timer *t)
{
    if (!t->armed)
        return;
    t->armed = false;
    if (t->prev)
        t->prev->next = t->next;
    else
        l->timers = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->next = t->prev = NULL;
}

/* Searches from the first timer: a search from the last timer wouldn't be
 * faster, since deadlines differ too much. */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t ms)
{
    struct loop_timer **at = &l->timers;
    struct loop_timer *before = NULL;

    loop_timer_clear(l, t);
    t->at = clock_ms() + ms;
    while (*at && (*at)->at <= t->at) {
        before = *at;
        at = &before->next;
    }
    t->next = *at;
    t->prev = before;
    if (t->next)
        t->next->prev = t;
    *at = t;
    t->armed = true;
}

int loop_once(struct loop *l, int max_ms)
{
    uint64_t now, left;
    int n;

    if (l->timers) {
        now = clock_ms();
        left = l->timers->at > now ? l->timers->at - now : 0;
        if (left > INT_MAX)
            left = INT_MAX;
        if (max_ms < 0 || (uint64_t)max_ms > left)
            max_ms = (int)left;
    }
    n = epoll_wait(l->epoll_fd, l->batch, LOOP_BATCH, max_ms);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    l->batch_len = n;
    now = clock_ms();
    for (int i = 0; i < n && !l->stopped; i++) {
        struct loop_watch *w = l->batch[i].data.ptr;

        if (w)
            w->on_ready(w->owner, l->batch[i].events);
    }
    l->batch_len = 0;
    /* Runs the timers that were due before the descriptors. If a handler takes
     * long and sets a timer with 0 ms, or a timer sets itself again, the timer
     * waits for the next turn, or no other descriptor would be served. */
    while (l->timers && l->timers->at <= now && !l->stopped) {
        struct loop_timer *t = l->timers;

        loop_timer_clear(l, t);
        t->on_timer(t->owner);
        if (l->timers == t)
            break;
    }
    if (l->on_turn_over)
        l->on_turn_over(l->owner);
    return 0;
}

int loop_run(struct loop *l)
{
    int r = 0;

    l->stopped = false;
    while (!l->stopped && r == 0)
        r = loop_once(l, -1);
    return r;
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}

static void signals_on_readable(void *owner, uint32_t events)
{
    struct signals *s = owner;
    struct signalfd_siginfo info;

    /* EPOLLIN is level-triggered: the loop calls again for the next signal. */
    (void)events;
    if (read(s->watch.fd, &info, sizeof(info)) == sizeof(info))
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
    signal(SIGPIPE, SIG_IGN); /* the reader of standard error can end */
    signal(SIGCHLD, SIG_DFL); /* with an inherited SIG_IGN the kernel would reap
                                 the children */
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
