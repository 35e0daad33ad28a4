/* The end of the service. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_STOP_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_STOP_H

struct master;

/* Stops accepting, kicks all sessions, and ends the loop when all have gone. */
void stop_begin(struct master *m);
/* Hook: ends the loop if a service that stops, or a generation that drains, has
 * nothing left to do. */
void stop_settle(struct master *m);

/* Call it after the loop: closes all channels, waits a moment for each process
 * to end, and kills those that stay. The process log ends last, so that it
 * writes all events. */
void stop_children(struct master *m);

#endif
