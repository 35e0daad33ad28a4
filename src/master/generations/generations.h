/* This generation's life: what the supervisor asks, how it drains, how it
 * ends. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "children/children.h"
#include "sallyport/base/loop.h"
#include "sallyport/ipc/channel.h"

/* The supervisor's messages, in master. */

/* Reads the supervisor's messages from now on. Returns 0 or -errno. */
int supervisor_listen(struct master *m);
/* Everything is ready: the supervisor answers with MSG_lead, perhaps after
 * MSG_take_over, and gate opens. */
void supervisor_up(struct master *m);
/* Handler; owner: struct child. Gate accepts now. */
int supervisor_on_serving(void *owner, struct msg_serving *msg);

/* heartbeat.c: master counts on the board, and looks whether gate and keys
 * count. */
void heartbeat_start(struct master *m);
void heartbeat_release(struct master *m);

/* A generation that drains: a newer one leads, or gate has ended. It accepts
 * nobody, and finishes the work of its sessions. */
struct drain {
    bool handing_over; /* gate gets MSG_hand_over */
    bool inherited;    /* each session's pid is that of a child of master */
    int next_gate;     /* for it, until gate has room; or -1 */
    struct loop_timer deadline; /* after it the sessions are kicked */
};

/* Frees the channel to the next gate, and the timer. */
void drain_release(struct master *m);
/* Starts draining. May be called again. */
void drain_begin(struct master *m);
/* Ends all sessions now: a recovery needs this generation's place. */
void drain_at_once(struct master *m);
/* Has gate hand over on FD and end. Takes FD. */
void drain_step_down(struct master *m, int fd);
/* Sends MSG_hand_over if gate had no room for it. */
void drain_hand_over(struct master *m);
/* Gate was reaped: its sessions are now children of master. */
void drain_on_gate_end(struct child *gate, int status);
/* PID was reaped. It may be a session of a gate that has ended. */
void drain_reaped(struct master *m, pid_t pid, int status);
/* Ends the loop if nothing is left to do. */
void drain_end_if_over(struct master *m);

/* The end of the service. */

/* Stops accepting, kicks all sessions, and ends the loop when all have gone. */
void stop_begin(struct master *m);
/* Ends the loop if a service that stops, or a generation that drains, has
 * nothing left to do. */
void stop_end_if_over(struct master *m);

/* Call it after the loop: closes all channels, waits a moment for each process
 * to end, and kills those that stay. The process log ends last, so that it
 * writes all events. */
void stop_children(struct master *m);

/* Signals as events of master's loop. */

/* TERM stops, INT stops or ends the sessions of a draining generation, CHLD
 * reaps. Returns 0 or -errno. */
int signals_watch(struct master *m);

#endif
