/* Encodes and decodes messages by the fields of the list. */
#ifndef SALLYPORT_SRC_IPC_CODEC_H
#define SALLYPORT_SRC_IPC_CODEC_H

#include <sys/types.h>

#include "sallyport/ipc/channel.h"

/* Bytes of the longest message: a header of 8 bytes, then at most two paths, or
 * one block of bytes, or the claims and the proof of a client's certificate. */
#define MESSAGE_MAX 16384

struct codec_head {
    uint16_t kind;
    uint16_t zero;
    uint32_t request;
};
_Static_assert(sizeof(struct codec_head) == MESSAGE_HEAD, "no padding");
_Static_assert(MSG_COUNT <= UINT16_MAX, "a message's number has two bytes");

/* Encodes BODY, the struct msg_NAME of KIND, without its descriptors. Returns
 * the length; -EINVAL: there is no such message, or a field doesn't permit its
 * value. */
ssize_t codec_encode(enum message_kind kind, const void *body,
                     char out[MESSAGE_MAX]);
/* Decodes a message. Returns 0; -EPROTO: unknown message, bad field, bytes
 * missing or left over. Slices in *ret point into BYTES; descriptors are -1. */
int codec_decode(const char *bytes, size_t len, struct message *ret);

/* codec_fds() copies the descriptors of BODY to FD, in the order of the list,
 * and returns their number; codec_set_fds() copies them back. The descriptors
 * stay the caller's. */
size_t codec_fds(enum message_kind kind, const void *body,
                 int fd[MESSAGE_FIELDS_MAX]);
void codec_set_fds(struct message *m, const int fd[MESSAGE_FIELDS_MAX]);

#endif
