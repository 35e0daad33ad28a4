/* The parts that gate, auth, keys and log have in common: title, channel to
 * master, set-up, sandbox, `ready`, loop, end. Each process has a struct
 * frame_row, with its functions and its table of handlers, and a struct that
 * begins with a struct frame. */
#ifndef SALLYPORT_PROCESS_FRAME_H
#define SALLYPORT_PROCESS_FRAME_H

#include <errno.h>
#include <stdbool.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/loop.h"
#include "sallyport/event/event.h"
#include "sallyport/ipc/board.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/ipc/setup.h"
#include "sallyport/sandbox/sandbox.h"

/* The first member of the process's own struct, which each handler gets as its
 * owner. */
struct frame {
    struct loop loop;
    struct channel master;
    struct loop_watch master_watch;
    struct event_sender log; /* log itself has no such channel */
    struct loop_watch log_watch;
    struct beat *
        beat; /* the process's page of counts, if master looks at it; or NULL */
    struct loop_timer beats;
    struct setup setup; /* its descriptors are -1 once the set-up is over */
    struct sandbox_plan plan;
    bool was_short; /* a message of master was lost, since no descriptor was
                       free */
    struct complaint why; /* why the set-up has failed */
    const struct frame_row *row;
};

struct frame_row {
    enum process process;
    const struct sandbox_filter *filter;
    const struct handler *handlers; /* of master's messages */
    size_t handler_count;
    /* true: the process ends if a message of master is lost since no descriptor
     * was free. So its successor gets the newest data. */
    bool needs_each;
    void (*init)(void *owner); /* sets members that don't begin as 0; or NULL */
    /* Takes the descriptors and values that the process needs from frame.setup,
     * and completes the sandbox's plan. Returns 0, or a negative number with
     * the complaint in frame.why. */
    int (*set_up)(void *owner);
    /* Called after `ready`. NULL: nothing to do. */
    void (*begin)(void *owner);
    /* Called when master can take messages again, if the process waits for
     * EPOLLOUT in frame.master_watch. */
    void (*on_writable)(void *owner);
    /* Called when the sandbox has refused a system call; must be
     * async-signal-safe. NULL: the frame sends an event. */
    void (*on_refused)(int number);
    /* Called when master has gone. NULL: the frame stops the loop. */
    void (*on_orphaned)(void *owner);
    /* Called after the loop. */
    void (*release)(void *owner);
};

/* Sets the table of a row. */
#define FRAME_HANDLERS(table)                                                  \
    .handlers = (table), .handler_count = sizeof(table) / sizeof((table)[0])

/* Does the whole work of main() in a program that master executes. Returns the
 * exit status: 0, even after a failed set-up, since master has received the
 * reason and decides what to do; EX_TEMPFAIL: the set-up has failed by no
 * mistake in the configuration; EX_SOFTWARE: master is of another build;
 * EX_OSERR: the loop failed. */
int frame_main(const struct frame_row *row, struct frame *f, int argc,
               char **argv);
/* The steps of frame_main(), for tests. frame_init() takes FD, the channel to
 * master. */
void frame_init(struct frame *f, const struct frame_row *row, int fd);
/* Runs the set-up by f->setup, and closes the descriptors in f->setup that
 * nobody has taken. Returns 0, or a negative number with the complaint in
 * f->why, which channel_failed() can send. */
int frame_set_up(struct frame *f);
int frame_enter_sandbox(struct frame *f);
/* Runs the loop until master has gone. Returns 0 or -errno. */
int frame_work(struct frame *f);
void frame_release(struct frame *f);

/* Sends an event. If log can't take it now, it is sent later. */
void frame_report(struct frame *f, const struct event_record *r);

#endif
