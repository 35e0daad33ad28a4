/* The newest master, as a draining generation knows it: it gets the news of
 * each session, and decides which ones must go. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_NEWEST_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_NEWEST_H

#include <stdbool.h>

struct master;

/* Takes FD, the link to the newest master from now on. */
void newest_follow(struct master *m, int fd);
/* Functions of struct session_audience. */
bool newest_hears(struct master *m);
void newest_tell(struct master *m);

#endif
