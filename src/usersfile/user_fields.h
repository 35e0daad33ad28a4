/* The last column of a users line (user_fields.c). */
#ifndef USERSFILE_USER_FIELDS_H
#define USERSFILE_USER_FIELDS_H

#include "sallyport/usersfile/usersfile.h"

/* Sets the defaults, then the values of TEXT. Returns 0, or -EINVAL with a
 * complaint without file and line. */
int options_read(struct user *user, struct slice text, struct complaint *c);

#endif
