/* Checks the uids and the homes of the users' rows. */
#ifndef SALLYPORT_SRC_CHECK_INSPECT_H
#define SALLYPORT_SRC_CHECK_INSPECT_H

#include <stddef.h>

struct check;
struct unit;

typedef void inspect_tell(void *owner, const char *mistake);

/* Calls TELL once for each mistake, with "FILE:LINE: user NAME: WHY"; returns
 * their number. Homes of locked users aren't looked at. UNIT is what systemd
 * forbids, or NULL. Run by root it takes each user's ids for a while, so call
 * it in a process that does nothing else. A home on a network can block it. */
size_t inspect_users(const struct check *k, const struct unit *unit,
                     inspect_tell *tell, void *owner);

#endif
