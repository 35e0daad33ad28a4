/* One event loop over epoll(7), for processes that wait on several things.
 * Watches and timers live in their owner's memory; removing one inside a
 * callback is safe at any time, also one that is ready in the same round. */
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
/* No system call when nothing changes. */
int loop_change(struct loop *l, struct loop_watch *w, uint32_t events);
/* Harmless for one that isn't added. Do it before closing the descriptor. */
void loop_remove(struct loop *l, struct loop_watch *w);

/* (Re)arms: on_time is called once, MS from now. */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t ms);
void loop_timer_clear(struct loop *l, struct loop_timer *t);

/* Until loop_stop(): 0 or -errno. */
int loop_run(struct loop *l);
/* One round, waiting at most MAX_MS (-1: as long as needed). 0 or -errno */
int loop_once(struct loop *l, int max_ms);
void loop_stop(struct loop *l);

#endif
