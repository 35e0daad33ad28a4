/* The processes that master executes: gate, auth, keys, log, lookup. A table
 * has each one's set-up, and what follows its start and its end. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_CHILD_H
#define SALLYPORT_SRC_MASTER_CHILDREN_CHILD_H

#include <sys/types.h>

#include "sallyport/base/burst.h"
#include "sallyport/base/loop.h"
#include "sallyport/domain/limits.h"
#include "sallyport/ipc/channel.h"

/* This many restarts of a child may follow each other at once. */
#define CHILD_RESTARTS 5

struct master;
struct session;
struct child;
struct service_channel;

enum child_state {
    CHILD_OFF,   /* not running; perhaps waiting for a restart */
    CHILD_SETUP, /* started, being set up */
    CHILD_READY, /* sandboxed and working */
    CHILD_ENDING /* its channel is closed; to be reaped */
};

/* A password verification that an auth worker has under way. */
struct verification {
    uint64_t serial, generation;
    struct address peer;     /* of the session */
    struct session *session; /* NULL: no session waits for it any more */
};

/* A step of the set-up. Returns 0: it is over; 1: call it again, with the next
 * c->index, for a further message; -EAGAIN: call it again when the channel
 * takes more; -EBUSY: child_go_on() will call it again; any other number: the
 * start has failed. */
typedef int child_step(struct child *c);
/* Returns the result of a step that has sent one of several messages; RESULT is
 * SEND()'s. */
int child_more(int result);

struct child_row {
    enum process process;
    bool once; /* never started again */
    const char *binary;
    child_step *const *steps; /* ends with NULL */
    const struct handler *handlers;
    size_t handler_count;
    void (*on_ready)(struct child *c);
    void (*on_writable)(
        struct child *c); /* the channel takes more after -EAGAIN */
    void (*on_gone)(struct child *c);
    void (*on_reaped)(struct child *c, int status);
    void (*on_time)(struct child *c); /* the timer of a ready child */
    /* Its work is done, and it ends with status 0. It isn't started again even
     * if it ends earlier, since it needs more than master's filter permits.
     * NULL: it works as long as master. */
    bool (*is_done)(const struct child *c);
};

struct child {
    struct master *master;
    const struct child_row *row;
    enum child_state state;
    pid_t pid; /* 0: no process */
    int status;
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer
        timer;    /* for the set-up, a restart, or a child that hangs */
    bool started; /* it was started at least once */
    struct burst restarts;
    struct burst shortages; /* of descriptors, for its messages */
    size_t step, index;
    bool released; /* it isn't started again */
    struct service_channel *log, *keys;
    struct verification verification[VERIFICATIONS_MAX]; /* auth */
    size_t verifications;
    uint64_t generation; /* auth: the newest users file that was sent to it */
    char failure[256];   /* the reason in its FAILED */
    bool other_build;    /* master refused it because of its build */
};

void child_init(struct child *c, struct master *m, const struct child_row *row);
/* Starts C. A restart comes at once; after CHILD_RESTARTS of them there is only
 * one in each deadline `restart`. */
void child_start(struct child *c);
/* Closes the channel of C and kills it. C is started again once it was reaped.
 * WHY goes to the log. */
void child_end(struct child *c, const char *why);
/* C was reaped. */
void child_reaped(struct child *c, int status);
/* Ends C without a message and for good. */
void child_release(struct child *c);
/* Is C ready, or is its work done? */
bool child_is_up(const struct child *c);
/* Continues the set-up of C, when the thing that it waited for is there. Does
 * nothing after the set-up. */
void child_go_on(struct child *c);
/* Calls on_writable() when the channel takes more again. */
void child_wait_writable(struct child *c);

/* Handlers of the first messages of each child; owner: struct child. */
int child_on_build(void *owner, struct msg_build *m);
int child_on_ready(void *owner, struct msg_ready *msg);
int child_on_failed(void *owner, struct msg_failed *msg);
#define CHILD_MESSAGES                                                         \
    ON(build, child_on_build), ON(ready, child_on_ready),                      \
        ON(failed, child_on_failed)
/* C is of another BUILD than master: refuses it. */
void child_refuse_build(struct child *c, struct slice build);

/* Describes in words how C ended; STATUS is from wait(2). */
void child_describe(const struct child *c, int status, char *out, size_t size);
/* C ended before it was ready: the start of master fails. */
void child_start_failed(struct child *c, int status);

#endif
