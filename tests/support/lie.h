/* Messages that no process of the server can send: values out of their range.
 */
#ifndef SALLYPORT_TESTS_SUPPORT_LIE_H
#define SALLYPORT_TESTS_SUPPORT_LIE_H

#include "packet.h"
#include "sallyport/ipc/channel.h"

/* Sends a message without any of the checks of packet_send(): 0 or -errno.
 * BODY is the struct msg_NAME of KIND. */
int lie_send(struct channel *c, enum message_kind kind, const void *body);
int lie_packet(struct channel *c, const struct packet *p);

#endif
