/* A channel: one end of a SOCK_SEQPACKET pair, held to the message list. */
#ifndef SALLYPORT_IPC_CHANNEL_H
#define SALLYPORT_IPC_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/complaint.h"
#include "sallyport/base/slice.h"
#include "sallyport/ipc/message.h"

#define PACKET_VALUES 8
#define PACKET_FDS    3

struct value {
    uint64_t number;
    struct slice text;
    struct address address;
};

#define NUMBER(n)                                                              \
    {                                                                          \
        .number = (uint64_t)(n)                                                \
    }
#define TEXT(s)                                                                \
    {                                                                          \
        .text = (s)                                                            \
    }
#define ADDRESS(a)                                                             \
    {                                                                          \
        .address = (a)                                                         \
    }

/* One message. On sending, descriptors stay the caller's. On receiving, they
 * belong to the packet (fd_take() them; channel_dispatch closes the rest), and
 * texts point into one buffer per process that the next receive on any channel
 * overwrites. */
struct packet {
    enum message message;
    uint32_t request; /* an answer carries its request's number */
    struct value value[PACKET_VALUES];
    int fd[PACKET_FDS];
};

struct channel {
    int fd; /* owned; -1 when closed */
    enum process self, peer;
    unsigned phase;       /* one PHASE_ bit; the owner moves it */
    bool seen[MSG_COUNT]; /* what has come, for messages that may come once */
    uint32_t last_request;
    const char *wrong; /* after -EPROTO: what the peer did wrong */
};

/* Takes the descriptor, makes it non-blocking. */
void channel_init(struct channel *c, int fd, enum process self,
                  enum process peer, unsigned phase);
void channel_close(struct channel *c);

/* 0; -EAGAIN: the peer reads too slowly; -EPIPE: it is gone; -EINVAL: not in
 * the list for this sender, or a field too long. Never waits, never raises
 * SIGPIPE. For a request set p->request = channel_next(c). */
int channel_send(struct channel *c, const struct packet *p);
uint32_t channel_next(struct channel *c);

/* 1: *p is filled. 0: nothing there. -EPIPE: closed. -EPROTO: a message that
 * is unknown, not permitted from this peer or in this phase, a second one of
 * a kind that comes once, with wrong fields, length or descriptors; these are
 * closed, and c->wrong says it in words. */
int channel_receive(struct channel *c, struct packet *p);
/* The same, waiting up to MS (-1: for ever): also -ETIMEDOUT. */
int channel_wait(struct channel *c, struct packet *p, int ms);

/* A handler's result: 0, or a negative number that ends the dispatch. */
struct handler {
    enum message message;
    int (*handle)(void *owner, struct packet *p);
};

/* Receives what is there (at most 64 messages a call) and calls the handlers.
 * A listed message without a handler is -EPROTO too. 0 when there is no more;
 * else as channel_receive() or the handler says. After each handler
 * descriptors that were not taken are closed, and secrets wiped. */
int channel_dispatch(struct channel *c, const struct handler *table, size_t n,
                     void *owner);

/* A child's set-up: one message at a time to its handler, until MSG_GO (which
 * needs none); what comes behind it is left for the loop. 0; -ETIMEDOUT after
 * MS in all; else as channel_receive() or the handler says, with a complaint
 * unless the handler had one. */
int channel_setup(struct channel *c, const struct handler *table, size_t n,
                  void *owner, int ms, struct complaint *why);
/* And its end where the child can't work: tells master, best effort. */
void channel_failed(struct channel *c, const struct complaint *why);

void packet_close(struct packet *p); /* the descriptors left in it */

#endif
