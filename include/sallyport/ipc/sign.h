/* A signer (sallyport/domain/tls.h) that asks the process keys through a
 * channel. */
#ifndef SALLYPORT_IPC_SIGN_H
#define SALLYPORT_IPC_SIGN_H

#include "sallyport/domain/tls.h"
#include "sallyport/ipc/channel.h"

struct sign_channel {
    struct channel keys; /* the channel of gate or session to keys; it outlives
                            a restart of keys */
    int ms;              /* the longest wait for a signature, in ms */
};

/* Asks for a signature and waits for it: a handshake can't continue without it.
 * After half of the time it asks again, since keys can have died. OWNER is a
 * struct sign_channel. Returns 0; -EPIPE: keys has gone; -ETIMEDOUT; -EPROTO:
 * keys broke the protocol; or the errno with which keys refused. */
int sign_ask(void *owner, const struct sign_request *r,
             struct sign_result *ret);

#endif
