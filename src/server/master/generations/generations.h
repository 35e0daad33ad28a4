/* This generation's life: what the supervisor asks, how it retires, how it
 * ends.
 *
 * The words for generations: the newest generation leads. Older generations
 * retire. Each generation inherits descriptors from the previous generation,
 * which may have ended, and lets the supervisor keep descriptors for the next
 * generation. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "children/children.h"
#include "sallyport/base/loop.h"
#include "sallyport/ipc/channel.h"

/* The supervisor's messages, in master. */

/* Reads the supervisor's messages from now on. Returns 0 or -errno. */
int supervisor_listen(struct master *m);
/* Call it when everything is ready: sends `up`. The supervisor answers with
 * MSG_lead, and gate opens. */
void supervisor_up(struct master *m);
/* Handles gate's message that it accepts now. OWNER: the struct child of
 * gate. */
int supervisor_on_serving(void *owner, struct msg_serving *msg);

/* Starts the heartbeat: master counts on the board, looks whether gate and keys
 * count, and ends a gate or a keys that doesn't count. */
void heartbeat_start(struct master *m);

/* A generation that retires: another generation accepts, and this generation
 * finishes the work of its sessions. */
struct retirement {
    bool told;                  /* gate was told to stop accepting */
    struct loop_timer late;     /* until gate must have said `shut`, or until
                                 * the next look at what is left */
    struct loop_timer deadline; /* until master kicks the sessions */
};

/* Begins to retire. A second call has no effect. */
void retire_begin(struct master *m);
/* Tells gate to stop accepting. Call it again if gate's channel was full. */
void retire_tell_gate(struct master *m);
/* Handles gate's message that it begins no further session. OWNER: the struct
 * child of gate. */
int retire_on_shut(void *owner, struct msg_shut *msg);
/* Ends the loop if nothing is left to do. */
void retire_end_if_over(struct master *m);

/* The end of the service. */

/* Stops accepting, kicks all sessions, and ends the loop when nothing is
 * left. A second call doesn't wait. MASTER: a struct master. SIGTERM and SIGINT
 * also call this function. */
void stop_begin(void *master);
/* Ends the loop of a stop if nothing is left. */
void stop_end_if_over(void *master);

/* Call it after the loop: closes all channels, waits a moment for each process
 * to end, and kills the processes that stay. The process log ends last, so that
 * it writes all events. */
void stop_children(struct master *m);

/* Signals as events of master's loop. */

/* From now on SIGTERM and SIGINT stop the service; after SIGCHLD master reaps
 * processes. Returns 0 or -errno. */
int signals_watch(struct master *m);

#endif
