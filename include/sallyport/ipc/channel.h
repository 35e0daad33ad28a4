/* A channel: one end of a SOCK_SEQPACKET pair, held to the message list. */
#ifndef SALLYPORT_IPC_CHANNEL_H
#define SALLYPORT_IPC_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/complaint.h"
#include "sallyport/ipc/message.h"

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

/* SEND(&s->master, kick, 0, .why = ENDING_IDLE_TIME): the channel, the message,
 * the number of the request (0: it is neither a request nor an answer), and
 * every field of the list by its name: a missing one doesn't compile. The
 * result is channel_send()'s. */
#define SEND(channel, name, ...)                                               \
    channel_send(channel, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))

/* 0; -EAGAIN: the peer reads too slowly; -EPIPE: it is gone; -EINVAL: not in
 * the list for this sender, or a field too long. Never waits, never raises
 * SIGPIPE. BODY is the struct msg_NAME of KIND. */
int channel_send(struct channel *c, enum message_kind kind, const void *body);
/* The number of the next request on this channel. */
uint32_t channel_next(struct channel *c);

/* 1: *m is filled. 0: nothing there. -EPIPE: closed. -EPROTO: a message that
 * is unknown, not permitted from this peer or in this phase, a second one of
 * a kind that comes once, with wrong fields, length or descriptors; these are
 * closed, and c->wrong says it in words. */
int channel_receive(struct channel *c, struct message *m);
/* The same, waiting up to MS (-1: for ever): also -ETIMEDOUT. */
int channel_wait(struct channel *c, struct message *m, int ms);

/* A handler's result: 0, or a negative number that ends the dispatch. */
struct handler {
    enum message_kind kind;
    union {
#define MESSAGE(name, ...) int (*name)(void *owner, struct msg_##name *m);
#define FIELD(c_type, type, name, count)
#define END
#include "sallyport/ipc/list.h"
    } on;
};
/* A row of a table of handlers: ON(kick, control_on_kick). */
#define ON(name, function)                                                     \
    {                                                                          \
        .kind = MSG_##name, .on.name = (function)                              \
    }

/* Receives what is there (at most 64 messages a call) and calls the handlers.
 * A message without a handler is -EPROTO too. 0 when there is no more; else as
 * channel_receive() or the handler says. After each handler descriptors that
 * were not taken are closed, and secrets wiped. */
int channel_dispatch(struct channel *c, const struct handler *table, size_t n,
                     void *owner);
/* Calls the handler of one message that was received: its result, or -EPROTO
 * without one. Closes and wipes as channel_dispatch(). */
int channel_handle(struct channel *c, const struct handler *table, size_t n,
                   void *owner, struct message *m);

/* A child's set-up: one message at a time to its handler, until MSG_go (which
 * needs none); messages after it are left for the loop. 0; -ETIMEDOUT after MS
 * in all; else as channel_receive() or the handler says, with a complaint
 * unless the handler had one. */
int channel_setup(struct channel *c, const struct handler *table, size_t n,
                  void *owner, int ms, struct complaint *why);
/* And its end where the child can't work: reports it to master, best effort. */
void channel_failed(struct channel *c, const struct complaint *why);

/* Closes the descriptors left in it. */
void message_close(struct message *m);

/* The struct of a message, with the check that each field has a value. */
#define MESSAGE_BODY(name, ...)                                                \
    (MESSAGE_CHECK(FIELDS_OF_##name, MESSAGE_VALUES(__VA_ARGS__)),             \
     &(const struct msg_##name){ __VA_ARGS__ })
#define MESSAGE_CHECK(fields, values)                                          \
    ((void)sizeof(struct {                                                     \
        _Static_assert((values) == (fields) + 1,                               \
                       "SEND: the request and each field, once");              \
        int unused;                                                            \
    }))
#define MESSAGE_VALUES(...)                                                    \
    MESSAGE_VALUES_(__VA_ARGS__, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3,  \
                    2, 1, 0)
#define MESSAGE_VALUES_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, count,    \
                        ...)                                                   \
    count

#endif
