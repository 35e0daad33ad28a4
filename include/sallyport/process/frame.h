/* What auth, keys, log and lookup do alike: title, channel to master, set-up
 * messages, sandbox, `ready`, loop, end. Each is a row of functions and tables,
 * and a struct that begins with a struct frame. */
#ifndef SALLYPORT_PROCESS_FRAME_H
#define SALLYPORT_PROCESS_FRAME_H

#include <stdbool.h>

#include "sallyport/base/complaint.h"
#include "sallyport/base/loop.h"
#include "sallyport/event/event.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/sandbox/sandbox.h"

/* The first member of the process's own struct, which all handlers get as their
 * owner. */
struct frame {
    struct loop loop;
    struct channel master;
    struct loop_watch master_watch;
    struct event_sender log; /* of log itself: events vanish */
    struct loop_watch log_watch;
    struct sandbox_plan plan;
    bool has_sandbox;
    struct complaint why; /* of the set-up: why the process can't work */
    const struct frame_row *row;
};

struct frame_row {
    enum process process;
    /* The messages of master before `go`, FRAME_SETUP among them, and those
     * after `ready`. */
    const struct handler *setup, *work;
    size_t setup_count, work_count;
    void (*init)(void *owner); /* the rest of the struct */
    /* All set-up messages have come: is anything missing? Completes the plan of
     * the sandbox. 0, or -EINVAL with the complaint in frame.why. */
    int (*complete)(void *owner);
    /* A system call was refused; async-signal-safe. NULL: it is an event. */
    void (*on_refused)(int number);
    /* Master is gone. NULL: the loop stops. */
    void (*on_orphaned)(void *owner);
    /* After the loop. */
    void (*release)(void *owner);
};

/* For the table of set-up messages. */
#define FRAME_SETUP ON(sandbox, frame_on_sandbox)
/* The same of a process that sends events. */
#define FRAME_SETUP_WITH_LOG FRAME_SETUP, ON(log, frame_on_log)
/* The two tables of a row. */
#define FRAME_HANDLERS(before, after)                                          \
    .setup = (before), .setup_count = sizeof(before) / sizeof((before)[0]),    \
    .work = (after), .work_count = sizeof(after) / sizeof((after)[0])

int frame_on_sandbox(void *owner, struct msg_sandbox *m);
int frame_on_log(void *owner, struct msg_log *m);

/* main() of a program that master executes, with its channel as descriptor 3:
 * the exit status. It is 0 also after a set-up that has failed: master has
 * heard why, and decides what that means. */
int frame_main(const struct frame_row *row, struct frame *f, int argc,
               char **argv);
/* Its steps, for tests. Takes FD, the channel to master. */
void frame_init(struct frame *f, const struct frame_row *row, int fd);
/* 0; negative with the complaint in f->why, which channel_failed() sends. */
int frame_set_up(struct frame *f);
int frame_enter_sandbox(struct frame *f);
/* Until master is gone: 0 or -errno. */
int frame_work(struct frame *f);
void frame_release(struct frame *f);

/* Sends an event; what log can't take now is sent when it can. */
void frame_report(struct frame *f, const struct event_record *r);

#endif
