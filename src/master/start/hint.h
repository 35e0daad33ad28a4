/* A hint about a setting that the administrator has probably forgotten. */
#ifndef SALLYPORT_SRC_MASTER_START_HINT_H
#define SALLYPORT_SRC_MASTER_START_HINT_H

#include <stdbool.h>

#include "sallyport/settings/settings.h"
#include "sallyport/users/users.h"

/* Must any user show a certificate although the server asks for none? Then
 * writes the hint to INTO. Locked users don't count. */
bool hint_unasked(const struct settings *s, const struct users *u,
                  struct complaint *into);

#endif
