/* What an administrator most likely forgot to write. */
#ifndef SALLYPORT_SRC_MASTER_START_HINT_H
#define SALLYPORT_SRC_MASTER_START_HINT_H

#include <stdbool.h>

#include "sallyport/settings/settings.h"
#include "sallyport/users/users.h"

/* Are there users who are to show a certificate, and nobody is asked for one?
 * Then what to say of it. Those who are locked aren't meant. */
bool hint_unasked(const struct settings *s, const struct users *u,
                  struct complaint *into);

#endif
