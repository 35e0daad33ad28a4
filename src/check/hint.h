/* A setting that the administrator has probably forgotten. */
#ifndef SALLYPORT_SRC_CHECK_HINT_H
#define SALLYPORT_SRC_CHECK_HINT_H

#include <stddef.h>

#include "sallyport/settings/settings.h"

#define HINT_OWN_MAX 64

/* The private address that PASV would tell clients from anywhere, where OWN are
 * the N addresses of this machine; NULL: there is none, a public one is told to
 * some at least, or the configuration says what to tell. */
const struct address *hint_private(const struct settings *s,
                                   const struct address *own, size_t n);
/* The addresses of this machine, how many: 0 if they can't be had, and then
 * there is no hint. */
size_t hint_own_addresses(struct address own[HINT_OWN_MAX]);
/* Says hint_private() in one line. */
void hint_tell(const struct settings *s, const struct address *own, size_t n);

#endif
