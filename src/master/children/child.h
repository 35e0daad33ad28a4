/* The processes that master executes: gate, auth, keys, log, lookup. One table
 * says which, with what set-up, and what follows their start and end. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_CHILD_H
#define SALLYPORT_SRC_MASTER_CHILDREN_CHILD_H

#include <sys/types.h>

#include "sallyport/base/burst.h"
#include "sallyport/base/loop.h"
#include "sallyport/domain/limits.h"
#include "sallyport/ipc/channel.h"

/* So many restarts of a child may follow each other at once. */
#define CHILD_RESTARTS 5

struct master;
struct session;
struct child;
struct service_channel;

enum child_state {
    CHILD_OFF,   /* not running, perhaps waiting to be started again */
    CHILD_SETUP, /* started, being set up */
    CHILD_READY, /* sandboxed and working */
    CHILD_ENDING /* its channel is closed; to be reaped */
};

/* A verification that an auth worker was asked for. */
struct verification {
    uint64_t serial, generation;
    struct address peer;     /* of the session */
    struct session *session; /* NULL: nobody waits any more */
};

/* A step of the set-up: 0; -EAGAIN, to be called again when the channel can
 * take more; -EBUSY, to be called again by child_go_on(); else the start has
 * failed. */
typedef int child_step(struct child *c);

struct child_row {
    enum process process;
    bool once; /* it is never started again */
    const char *binary;
    child_step *const *steps; /* up to NULL */
    const struct handler *handlers;
    size_t handler_count;
    void (*on_ready)(struct child *c);
    void (*on_writable)(struct child *c); /* there was -EAGAIN before */
    void (*on_gone)(struct child *c);
    void (*on_reaped)(struct child *c, int status);
    void (*on_time)(struct child *c); /* its timer, while it is ready */
    /* Its work is done, and it ends with status 0. It isn't started again even
     * if it ends before: it needs more than master's filter permits. NULL: it
     * works as long as master. */
    bool (*is_done)(const struct child *c);
};

struct child {
    struct master *master;
    const struct child_row *row;
    enum child_state state;
    pid_t pid; /* 0: none */
    int status;
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* set-up; restart; stuck */
    bool started;            /* at least once */
    struct burst restarts;
    size_t step, index;
    bool released; /* it isn't started again */
    struct service_channel *log, *keys;
    struct verification verification[VERIFICATIONS_MAX]; /* auth */
    size_t verifications;
    uint64_t generation; /* auth: the newest users file that it was told */
    char failure[256];   /* what its FAILED said */
    bool other_build;    /* so it was refused */
};

void child_init(struct child *c, struct master *m, const struct child_row *row);
/* A restart comes at once, but after CHILD_RESTARTS of them only one in each
 * deadline `restart`. */
void child_start(struct child *c);
/* Closes its channel, kills it; it is started again when it was reaped. WHY
 * goes to the log. */
void child_end(struct child *c, const char *why);
/* It was reaped. */
void child_reaped(struct child *c, int status);
/* Ends it without a word and for good. */
void child_release(struct child *c);
/* It is ready, or its work is done. */
bool child_is_up(const struct child *c);
/* What its set-up waited for is there. Does nothing after the set-up. */
void child_go_on(struct child *c);
/* on_writable() when the channel takes more again. */
void child_wait_writable(struct child *c);

/* The first messages of each child; owner: struct child. */
int child_on_build(void *owner, struct msg_build *m);
int child_on_ready(void *owner, struct msg_ready *msg);
int child_on_failed(void *owner, struct msg_failed *msg);
#define CHILD_MESSAGES                                                         \
    ON(build, child_on_build), ON(ready, child_on_ready),                      \
        ON(failed, child_on_failed)
/* It is of another BUILD than master. */
void child_refuse_build(struct child *c, struct slice build);

/* How it ended, in words: STATUS is as wait(2) says it. */
void child_describe(const struct child *c, int status, char *out, size_t size);
/* It has ended before it was ready, and with it the start of master. */
void child_start_failed(struct child *c, int status);

#endif
