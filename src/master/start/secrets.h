/* The keys that only master knows, and that all generations of one service must
 * have alike. */
#ifndef SALLYPORT_SRC_MASTER_START_SECRETS_H
#define SALLYPORT_SRC_MASTER_START_SECRETS_H

#include <stdbool.h>

struct master;

/* The keys of the generation before become master's. False: there are none, and
 * those that master_init() has made stay. */
bool secrets_inherit(struct master *m);
/* The supervisor keeps master's keys for the next generation. 0 or -errno */
int secrets_keep(struct master *m);

#endif
