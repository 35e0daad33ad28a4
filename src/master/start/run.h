/* Master's start, its loop, and its end. */
#ifndef SALLYPORT_SRC_MASTER_START_RUN_H
#define SALLYPORT_SRC_MASTER_START_RUN_H

struct master;

/* Sets up the loop, the tables and the children, whose set-up then begins.
 * Everything that they get must be open. Returns 0 or -errno. */
int master_start(struct master *m);
/* Runs the loop until its end, and then ends all children. Returns
 * m->status. */
int master_run(struct master *m);
void master_release(struct master *m);

/* Hook: a child has become ready. Are all of them? */
void run_child_ready(struct master *m);
/* Hook: gives the hint about users who need a certificate although the server
 * asks for none. */
void run_users_read(struct master *m);

#endif
