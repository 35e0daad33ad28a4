/* A generation that drains: a newer one leads, or gate has ended. It accepts
 * nobody, finishes the work of its sessions, and reports each session to the
 * newest master. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_DRAIN_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_DRAIN_H

#include <stdbool.h>
#include <sys/types.h>

#include "sallyport/base/loop.h"

struct child;
struct master;
struct session;

struct drain {
    bool handing_over;          /* gate gets MSG_hand_over */
    int next_gate;              /* for it, until gate has room; or -1 */
    struct loop_timer deadline; /* after it the sessions are kicked */
};

/* Frees the link to the newest master, and the timer. */
void drain_release(struct master *m);
/* Starts draining. May be called again. */
void drain_begin(struct master *m);
/* Ends all sessions now: a recovery needs this generation's place. */
void drain_at_once(struct master *m);
/* Has gate hand over on FD and end. Takes FD. */
void drain_step_down(struct master *m, int fd);
/* Sends MSG_hand_over if gate had no room for it. */
void drain_hand_over(struct master *m);
/* Takes FD, the link to the newest master from now on. */
void drain_successor(struct master *m, int fd);
/* Gate was reaped: its sessions are now children of master. */
void drain_on_gate_end(struct child *gate, int status);
/* PID was reaped. It may be a session of a gate that has ended. */
void drain_reaped(struct master *m, pid_t pid, int status);
/* Ends the loop if nothing is left to do. May be called at any time. */
void drain_settle(struct master *m);

#endif
