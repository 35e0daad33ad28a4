/* Messages to bytes and back, by the fields of the list. */
#ifndef SALLYPORT_SRC_IPC_CODEC_H
#define SALLYPORT_SRC_IPC_CODEC_H

#include <sys/types.h>

#include "sallyport/ipc/message.h"

/* A head, then at most two paths or one block of bytes. */
#define MESSAGE_MAX 12288

struct codec_head {
    uint16_t kind;
    uint16_t zero;
    uint32_t request;
};
_Static_assert(sizeof(struct codec_head) == MESSAGE_HEAD, "no padding");
_Static_assert(MSG_COUNT <= UINT16_MAX, "a message's number has two bytes");

/* BODY is the struct msg_NAME of that KIND, without its descriptors. The
 * length, or -EINVAL: no such message, or a value that its field can't hold. */
ssize_t codec_encode(enum message_kind kind, const void *body,
                     char out[MESSAGE_MAX]);
/* 0, or -EPROTO: unknown message, bad field, bytes missing or left over. Slices
 * point into BYTES; descriptors are -1. */
int codec_decode(const char *bytes, size_t len, struct message *ret);

/* Descriptors between the struct and an array, in the order of the list. */
size_t codec_fds(enum message_kind kind, const void *body,
                 int fd[MESSAGE_FIELDS_MAX]);
void codec_set_fds(struct message *m, const int fd[MESSAGE_FIELDS_MAX]);

#endif
