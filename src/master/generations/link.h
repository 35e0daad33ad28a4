/* A channel between the masters of two generations. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_LINK_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_LINK_H

#include "sallyport/base/loop.h"
#include "sallyport/ipc/channel.h"

struct link {
    struct loop *loop;
    struct channel channel; /* fd -1: not connected */
    struct loop_watch watch;
};

void link_init(struct link *l, struct loop *loop);
/* Takes FD and sends `hello` on it. Returns 0 or -errno. */
int link_open(struct link *l, int fd,
              void (*on_ready)(void *owner, uint32_t events), void *owner);
void link_close(struct link *l);
/* Handler of `hello`. Returns 0, or -EPROTO for another version. */
int link_greeted(struct link *l, const struct msg_hello *msg);
/* R is the result of the last SEND() on the link. After -EAGAIN ON_READY is
 * called when the link takes more. */
void link_sent(struct link *l, int r);

#endif
