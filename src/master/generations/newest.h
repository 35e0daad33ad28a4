/* The newest master, as a generation that drains knows it: it hears of each
 * session, and decides who must go. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_NEWEST_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_NEWEST_H

#include <stdbool.h>

struct master;

/* FD, which it takes, leads to the newest master from here on. */
void newest_follow(struct master *m, int fd);
/* For struct session_audience. */
bool newest_hears(struct master *m);
void newest_tell(struct master *m);

#endif
