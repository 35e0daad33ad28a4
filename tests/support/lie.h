/* Messages that no process of the server can send: values out of range. */
#ifndef SALLYPORT_TESTS_SUPPORT_LIE_H
#define SALLYPORT_TESTS_SUPPORT_LIE_H

#include "packet.h"
#include "sallyport/ipc/channel.h"

/* Sends BODY, the struct msg_NAME of KIND, without the checks of packet_send().
 * Returns 0 or -errno. */
int lie_send(struct channel *c, enum message_kind kind, const void *body);
int lie_packet(struct channel *c, const struct packet *p);

#endif
