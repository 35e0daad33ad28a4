/* What an administrator most likely forgot to write. */
#ifndef SALLYPORT_SRC_CHECK_HINT_H
#define SALLYPORT_SRC_CHECK_HINT_H

#include <stddef.h>

#include "sallyport/settings/settings.h"

/* The private address that PASV would tell clients from anywhere, where OWN are
 * the N addresses of this machine; NULL: there is none, a public one is told to
 * some at least, or the configuration says what to tell. */
const struct address *hint_private(const struct settings *s,
                                   const struct address *own, size_t n);
/* Says so, in one line. */
void hint_tell(const struct settings *s);

#endif
