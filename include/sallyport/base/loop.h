/* One event loop over epoll(7), for processes that wait on several things.
 * Watches and timers are in their owner's memory. A callback can remove any
 * watch or timer, even if it is ready in the same turn. */
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
    void (*on_timer)(void *owner);
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
    /* The loop calls this function with OWNER at the end of each turn, when no
     * callback runs, so that the owner can free the records that callbacks have
     * marked. NULL: nothing to do. */
    void (*on_turn_over)(void *owner);
    void *owner;
};

int loop_init(struct loop *l); /* returns 0 or -errno */
void loop_release(struct loop *l);

/* Adds a level-triggered watch. A watch with 0 events reports only errors and
 * hang-ups. Returns 0 or -errno. */
int loop_add(struct loop *l, struct loop_watch *w);
/* Sets up W to call ON_READY when FD can be read, and adds it. Returns 0 or
 * -errno. */
int loop_add_reader(struct loop *l, struct loop_watch *w, int fd,
                    void (*on_ready)(void *owner, uint32_t events),
                    void *owner);
/* Changes the events of W. Makes no system call if the events are the same. */
int loop_change(struct loop *l, struct loop_watch *w, uint32_t events);
/* Removes the watch. Call it before the descriptor is closed. Does nothing if W
 * wasn't added. */
void loop_remove(struct loop *l, struct loop_watch *w);

/* Calls on_timer once, after MS milliseconds. A timer that is running already
 * starts again. */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t ms);
void loop_timer_clear(struct loop *l, struct loop_timer *t);

/* Runs until loop_stop(). Returns 0 or -errno. */
int loop_run(struct loop *l);
/* Runs one turn. It waits at most MAX_MS milliseconds (-1: without a limit).
 * Returns 0 or -errno. */
int loop_once(struct loop *l, int max_ms);
void loop_stop(struct loop *l);

/* Signals as events of a loop, so that no code runs inside a signal handler. */
struct signals_row {
    int number;
    void (*handle)(void *owner);
};

struct signals {
    struct loop_watch watch; /* fd -1: not open */
    const struct signals_row *row;
    size_t count;
    void *owner;
};

/* Blocks the signals of the N rows, and calls the rows' functions from L. In a
 * fork the signals stay blocked until the fork unblocks them. Also ignores
 * SIGPIPE. ROW must outlive S. Returns 0 or -errno. */
int signals_open(struct signals *s, struct loop *l,
                 const struct signals_row *row, size_t n, void *owner);
void signals_close(struct signals *s, struct loop *l);

#endif
