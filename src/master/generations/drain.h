/* A generation that drains: a newer one leads, or gate has ended. Nobody new
 * comes in; what has begun is finished, and the newest master hears of each
 * session. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_DRAIN_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_DRAIN_H

#include <stdbool.h>
#include <sys/types.h>

#include "sallyport/base/loop.h"

struct child;
struct master;
struct session;

struct drain {
    bool handing_over;          /* gate was told to */
    struct loop_timer deadline; /* then the sessions are kicked */
};

/* Frees what leads to the newest master. */
void drain_release(struct master *m);
/* From here on this generation drains. Harmless when it does already. */
void drain_begin(struct master *m);
/* Its sessions end now: a recovery needs the place of this generation. */
void drain_at_once(struct master *m);
/* Gate hands over on FD, which it takes, and ends. */
void drain_step_down(struct master *m, int fd);
/* FD, which it takes, leads to the newest master from here on. */
void drain_successor(struct master *m, int fd);
/* Gate was reaped: its sessions are children of master now. */
void drain_on_gate_end(struct child *gate, int status);
/* PID was reaped: a session of a gate that has ended, or none. */
void drain_reaped(struct master *m, pid_t pid, int status);
/* Ends the loop if nothing is left to do. Harmless at any time. */
void drain_settle(struct master *m);

#endif
