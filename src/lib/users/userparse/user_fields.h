/* The last column of a line of the users file (user_fields.c). */
#ifndef USERSFILE_USER_FIELDS_H
#define USERSFILE_USER_FIELDS_H

#include "sallyport/userparse/userparse.h"

/* The kinds of lines; the last column of each has keys. */
enum line_kind { LINE_USER = 1, LINE_SHARE = 2, LINE_TEAM = 4 };

/* Takes the first word out of TEXT that only older versions permit. Returns
 * false if there is none. The complaint names the line, NAME, and ends with the
 * command that replaces the word. */
bool options_retired(enum line_kind kind, const char *name, char *text,
                     struct complaint *c);
/* Sets the defaults, then the values of TEXT, in USER, also the values of a
 * share or team. Writes NULs into TEXT. Returns 0, or -EINVAL with a complaint
 * without file and line. */
int options_read(struct user *user, enum line_kind kind, char *text,
                 struct complaint *c);

#endif
