/* A signer (sallyport/domain/sign.h) at the other end of a channel: the process
 * keys. */
#ifndef SALLYPORT_IPC_SIGN_H
#define SALLYPORT_IPC_SIGN_H

#include "sallyport/domain/sign.h"
#include "sallyport/ipc/channel.h"

struct sign_channel {
    struct channel keys; /* of gate or session; it outlives each keys */
    int ms;              /* a signature takes at most */
};

/* OWNER is a struct sign_channel. Waits: a handshake can't go on without it.
 * 0; -EPIPE: keys is gone; -ETIMEDOUT; -EPROTO: it lied; or the errno that keys
 * gave for not signing. */
int sign_ask(void *owner, const struct sign_request *r,
             struct sign_result *ret);

/* The same without waiting. 0, and the answer is that to *REQUEST. */
int sign_begin(struct sign_channel *s, const struct sign_request *r,
               uint32_t *request);
/* -EAGAIN: it isn't there yet; else as sign_ask(). */
int sign_end(struct sign_channel *s, uint32_t request, struct sign_result *ret);

#endif
