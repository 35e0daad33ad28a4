/* Listings: over a data connection, and STAT's over the control connection. */
#ifndef SALLYPORT_SRC_SESSION_LIST_H
#define SALLYPORT_SRC_SESSION_LIST_H

#include "session.h"

void list_begin(struct session *s, const struct call *call,
                enum list_format format);
void list_stat(struct session *s, const struct call *call);

#endif
