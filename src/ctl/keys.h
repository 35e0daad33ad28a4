/* The keys of a user's last column that have an option of their own. */
#ifndef CTL_KEYS_H
#define CTL_KEYS_H

#include "ctl.h"
#include "edit.h"

#define KEYS_TEXT_MAX (CERTIFICATE_MAX + 160)

/* Those of type int return an exit code, with the complaint said. */

/* Each option that was given has a word that there is. */
int keys_check(struct context *x);
/* " key=value" for each of them, for a new row. */
void keys_text(const struct context *x, char out[KEYS_TEXT_MAX]);
/* In the user's row. */
int keys_set(struct context *x, struct edit *e, const struct user *user);

/* When all is done: says so if a certificate was given, and the server asks
 * nobody for one. */
void keys_hint(const struct context *x);

#endif
