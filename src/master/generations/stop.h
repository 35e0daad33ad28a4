/* The end of the service. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_STOP_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_STOP_H

struct master;

/* Closes the door, kicks all, and ends the loop when all are gone. */
void stop_begin(struct master *m);
/* Hook: ends the loop if a service that stops, or a generation that drains, has
 * nothing left to do. */
void stop_settle(struct master *m);

/* After the loop: closes all channels, waits a moment for each process to go,
 * kills those that stay. The log goes last, so that it can write the rest. */
void stop_children(struct master *m);

#endif
