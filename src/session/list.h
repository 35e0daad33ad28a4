/* Listings: over a data connection, and STAT's over the control connection. */
#ifndef SALLYPORT_SRC_SESSION_LIST_H
#define SALLYPORT_SRC_SESSION_LIST_H

#include "transfer.h"

extern const struct step list_steps[];

void list_stat(struct session *s, const struct call *call);

#endif
