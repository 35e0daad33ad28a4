/* This generation's life: what the supervisor asks, how it retires, how it
 * ends.
 *
 * The words for generations: the newest generation leads. Older generations
 * retire. A generation has inherited from the generation before, which may have
 * ended, and keeps descriptors for the next one. */
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
/* Handler; owner: struct child. Gate accepts now. */
int supervisor_on_serving(void *owner, struct msg_serving *msg);

/* From now on master counts on the board, looks whether gate and keys count,
 * and ends a process that doesn't. */
void heartbeat_start(struct master *m);

/* A generation that retires: another generation accepts, and this one finishes
 * the work of its sessions. */
struct retirement {
    bool told;                  /* gate was told to stop accepting */
    struct loop_timer late;     /* until gate must have said `shut` */
    struct loop_timer deadline; /* until the sessions are kicked */
};

/* Begins to retire. May be called again. */
void retire_begin(struct master *m);
/* Tells gate to stop accepting. Call it again if gate's channel was full. */
void retire_tell_gate(struct master *m);
/* Handler; owner: struct child. No further session begins. */
int retire_on_shut(void *owner, struct msg_shut *msg);
/* Ends the loop if nothing is left to do. */
void retire_end_if_over(struct master *m);

/* The end of the service. */

/* Stops accepting, kicks all sessions, and ends the loop when all have gone.
 * MASTER: a struct master. A signal calls it, too. */
void stop_begin(void *master);

/* Call it after the loop: closes all channels, waits a moment for each process
 * to end, and kills those that stay. The process log ends last, so that it
 * writes all events. */
void stop_children(struct master *m);

/* Signals as events of master's loop. */

/* TERM and INT stop, CHLD reaps. Returns 0 or -errno. */
int signals_watch(struct master *m);

#endif
