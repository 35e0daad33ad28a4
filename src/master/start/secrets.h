/* The keys that only master knows, and that are the same in all generations of
 * one service. */
#ifndef SALLYPORT_SRC_MASTER_START_SECRETS_H
#define SALLYPORT_SRC_MASTER_START_SECRETS_H

#include <stdbool.h>

struct master;

/* Takes the keys of the generation before. Returns false if there are none. The
 * keys of master_init() stay for those that it didn't have. */
bool secrets_inherit(struct master *m);
/* Asks the supervisor to keep master's keys for the next generation. Returns 0
 * or -errno. */
int secrets_keep(struct master *m);

#endif
