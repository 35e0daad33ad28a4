/* One event loop over epoll(7), for processes that wait on several things.
 * Watches and timers are in their owner's memory. A callback may remove any of
 * them, also one that is ready in the same round. */
#ifndef SALLYPORT_BASE_LOOP_H
#define SALLYPORT_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#define LOOP_BATCH 64

struct loop_watch {
    int fd;          /* not owned */
    uint32_t events; /* EPOLLIN, EPOLLOUT */
    void (*on_ready)(void *owner, uint32_t events);
    void *owner;
    bool added;
};

struct loop_timer {
    uint64_t at; /* clock_ms() */
    void (*on_time)(void *owner);
    void *owner;
    struct loop_timer *next, *prev;
    bool armed;
};

struct loop {
    int epoll_fd;
    bool stopped;
    struct loop_timer *timers; /* sorted by at */
    struct epoll_event batch[LOOP_BATCH];
    int batch_len;
};

int loop_init(struct loop *l); /* 0 or -errno */
void loop_release(struct loop *l);

/* Level-triggered. events may be 0 (then only errors and hang-ups). 0 or
 * -errno */
int loop_add(struct loop *l, struct loop_watch *w);
/* The same of FD, which ON_READY is to read from. */
int loop_add_reader(struct loop *l, struct loop_watch *w, int fd,
                    void (*on_ready)(void *owner, uint32_t events),
                    void *owner);
/* Makes no system call if nothing changes. */
int loop_change(struct loop *l, struct loop_watch *w, uint32_t events);
/* To be called before the descriptor is closed. Does nothing for a watch that
 * wasn't added. */
void loop_remove(struct loop *l, struct loop_watch *w);

/* Calls on_time once, MS from now. A timer that runs already is set again. */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t ms);
void loop_timer_clear(struct loop *l, struct loop_timer *t);

/* Returns after loop_stop(): 0 or -errno. */
int loop_run(struct loop *l);
/* One round. Waits at most MAX_MS (-1: without a limit). 0 or -errno */
int loop_once(struct loop *l, int max_ms);
void loop_stop(struct loop *l);

#endif
