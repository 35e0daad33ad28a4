/* What is opened and checked before any process is started. */
#ifndef SALLYPORT_SRC_MASTER_PREPARE_H
#define SALLYPORT_SRC_MASTER_PREPARE_H

#include "sallyport/base/complaint.h"

struct master;

/* Each 0, or -EINVAL with the complaint. */
int prepare_keypair(struct master *m, struct complaint *c);
int prepare_users(struct master *m, struct complaint *c);
int prepare_identities(struct master *m, struct complaint *c);
int prepare_empty(struct master *m, struct complaint *c);
int prepare_limits(struct master *m, struct complaint *c);
int prepare_programs(struct master *m, struct complaint *c);
int prepare_listeners(struct master *m, struct complaint *c);
int prepare_cage(struct master *m, struct complaint *c);

/* Descriptors that master may have open at once. */
unsigned long long prepare_descriptors(const struct master *m);

/* One line on what is weaker than promised, and why. */
void prepare_tell_weaker(const struct master *m);

/* An account, a name or a number, that isn't root's; KEY is the setting. */
struct identity;
int identity_find(const char *account, const char *key, struct identity *ret,
                  struct complaint *c);
/* Opens the empty folder, and makes it where it is missing. The descriptor or
 * -EINVAL */
int empty_folder_open(const char *path, struct complaint *c);

#endif
