/* Keys in the last column of a user's row that have an option. */
#ifndef CTL_KEYS_H
#define CTL_KEYS_H

#include "ctl.h"
#include "edit.h"

#define KEYS_TEXT_MAX (CERTIFICATE_MAX + 192)

/* Functions of type int return an exit code, with the complaint filled in. */

/* Checks that the value of each given option is a known word. */
int keys_check(struct context *x);
/* Writes " key=value" for each given option, for a new row. */
void keys_text(const struct context *x, char out[KEYS_TEXT_MAX]);
/* Sets the given options in the user's row. */
int keys_set(struct context *x, struct edit *e, const struct user *user);

/* At the end of a command: prints a hint if a certificate was given, but the
 * server never asks for one. */
void keys_hint(const struct context *x);

#endif
