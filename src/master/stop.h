/* The end of the service. */
#ifndef SALLYPORT_SRC_MASTER_STOP_H
#define SALLYPORT_SRC_MASTER_STOP_H

struct master;

/* After the loop: closes all channels, waits a moment for each process to go,
 * kills those that stay. The log goes last, so that it can write the rest. */
void stop_children(struct master *m);

#endif
