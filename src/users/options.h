/* The last column of a users line. */
#ifndef USERS_OPTIONS_H
#define USERS_OPTIONS_H

#include "sallyport/users/users.h"

/* Sets the defaults, then the values of TEXT. 0, or -EINVAL with a complaint
 * without file and line. */
int options_read(struct user *user, struct slice text, struct complaint *c);

#endif
