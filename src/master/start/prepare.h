/* What is opened and checked before any process is started. */
#ifndef SALLYPORT_SRC_MASTER_START_PREPARE_H
#define SALLYPORT_SRC_MASTER_START_PREPARE_H

#include <stdbool.h>

#include "sallyport/base/complain.h"

struct master;
struct settings;

/* Each 0, or with the complaint -EINVAL, or -EAGAIN and other -errno for what
 * may be better later, when nobody has changed anything. */
int prepare_users(struct master *m, struct complaint *c);
int prepare_identities(struct master *m, struct complaint *c);
int prepare_empty(struct master *m, struct complaint *c);
int prepare_state(struct master *m, struct complaint *c);
int prepare_control(struct master *m, struct complaint *c);
int prepare_limits(struct master *m, struct complaint *c);
int prepare_programs(struct master *m, struct complaint *c);
int prepare_listeners(struct master *m, struct complaint *c);
/* That of the generation before, or an empty one: gate's, and of guesses. */
int prepare_memory(struct master *m, struct complaint *c);
int prepare_sandbox(struct master *m, struct complaint *c);
/* Master's own, which also depends on active mode. */
const struct sandbox_filter *prepare_filter(const struct master *m);

/* Descriptors that master may have open at once. */
unsigned long long prepare_descriptors(const struct master *m);

#endif
