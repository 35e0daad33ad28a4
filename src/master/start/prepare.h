/* Opens and checks everything before any process is started. */
#ifndef SALLYPORT_SRC_MASTER_START_PREPARE_H
#define SALLYPORT_SRC_MASTER_START_PREPARE_H

#include <stdbool.h>

#include "sallyport/base/complain.h"

struct master;
struct settings;

/* Each returns 0, or with the complaint -EINVAL for a mistake, or another
 * -errno (also -EAGAIN) for an error that may pass without a change of the
 * configuration. */
int prepare_users(struct master *m, struct complaint *c);
/* Asks the supervisor to keep them for a recovery. */
void prepare_keep_identities(struct master *m);
int prepare_identities(struct master *m, struct complaint *c);
int prepare_empty(struct master *m, struct complaint *c);
int prepare_state(struct master *m, struct complaint *c);
int prepare_control(struct master *m, struct complaint *c);
int prepare_limits(struct master *m, struct complaint *c);
int prepare_programs(struct master *m, struct complaint *c);
int prepare_listeners(struct master *m, struct complaint *c);
/* Takes the memory of the generation before, or makes an empty one: that of
 * gates, and that of guesses. */
int prepare_memory(struct master *m, struct complaint *c);
int prepare_sandbox(struct master *m, struct complaint *c);
/* Returns master's own filter, which depends on active mode. */
const struct sandbox_filter *prepare_filter(const struct master *m);

/* Returns how many descriptors master may have open at once. */
unsigned long long prepare_descriptors(const struct master *m);

#endif
