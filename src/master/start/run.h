/* Master's life: its start, its loop, its end. */
#ifndef SALLYPORT_SRC_MASTER_START_RUN_H
#define SALLYPORT_SRC_MASTER_START_RUN_H

struct master;

/* Loop, tables, children, which then are being set up. Everything that they get
 * must be open. 0 or -errno */
int master_start(struct master *m);
/* The loop, until it is over, and the end of all children: m->status. */
int master_run(struct master *m);
void master_release(struct master *m);

/* Hooks. All children are ready? Called when one has become so. */
void run_child_ready(struct master *m);
/* The hint about users whose certificate nobody asks for. */
void run_users_read(struct master *m);

#endif
