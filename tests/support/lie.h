/* Sends messages that no process of the server can send: their values are out
 * of range. */
#ifndef SALLYPORT_TESTS_SUPPORT_LIE_H
#define SALLYPORT_TESTS_SUPPORT_LIE_H

#include "sallyport/ipc/channel.h"

/* Sends BODY, the struct msg_NAME of KIND, without the checks of
 * channel_send(). Returns 0 or -errno. */
int lie_send(struct channel *c, enum message_kind kind, const void *body);

#endif
