/* Packets to bytes and back, by the fields of the message's row. */
#ifndef SALLYPORT_SRC_IPC_CODEC_H
#define SALLYPORT_SRC_IPC_CODEC_H

#include "sallyport/ipc/channel.h"

/* A header of 8 bytes, then at most two paths or one block of bytes. */
#define PACKET_MAX 12288

/* The length, or -EINVAL where a value isn't what its field says. */
ssize_t packet_encode(const struct packet *p, const struct message_row *row,
                      char out[PACKET_MAX]);
/* 0, or -EPROTO: unknown message, bad field, bytes missing or left over. The
 * texts point into BYTES. */
int packet_decode(const char *bytes, size_t len, struct packet *ret);

#endif
