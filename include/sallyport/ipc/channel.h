/* A channel: one end of a SOCK_SEQPACKET pair, which follows the message
 * list. */
#ifndef SALLYPORT_IPC_CHANNEL_H
#define SALLYPORT_IPC_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/complain.h"
#include "sallyport/ipc/message.h"

struct channel {
    int fd; /* owned; -1 when closed */
    enum process self, peer;
    unsigned phase;       /* one PHASE_ bit; the owner changes it */
    bool seen[MSG_COUNT]; /* kinds received so far, for "once" */
    uint32_t last_request;
    const char *wrong; /* after -EPROTO: what the peer did wrong; after
                          -EMFILE: what is missing here */
};

/* Takes FD and makes it non-blocking. channel_close() closes it. */
void channel_init(struct channel *c, int fd, enum process self,
                  enum process peer, unsigned phase);
/* Closes the descriptor; a closed channel may be closed again. */
void channel_close(struct channel *c);

/* SEND(&s->master, kick, 0, .why = ENDING_IDLE_TIME): the channel, the message,
 * the request's number (0: neither a request nor an answer), and each field of
 * the list by its name. A missing field is a compile error. Returns the result
 * of channel_send(). */
#define SEND(channel, name, ...)                                               \
    channel_send(channel, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))

/* Sends BODY, the struct msg_NAME of KIND; its descriptors stay the caller's.
 * Returns 0; -EAGAIN: the peer reads too slowly; -EPIPE: the peer has gone;
 * -EINVAL: the list doesn't permit the message, or a field is too long. It
 * never waits and never raises SIGPIPE. */
int channel_send(struct channel *c, enum message_kind kind, const void *body);
/* Does the same, but waits for room until END (clock_ms()). */
int channel_send_by(struct channel *c, enum message_kind kind, const void *body,
                    uint64_t end);
/* Returns the number for the next request on this channel; never 0. */
uint32_t channel_next(struct channel *c);

/* Receives one message. Returns 1: *m is filled; 0: nothing has arrived;
 * -EPIPE: the peer has closed; -EPROTO: the message is unknown, not permitted
 * for this peer or in this phase, or repeated though it may come once, or it
 * has wrong fields, a wrong length or wrong descriptors. In that case its
 * descriptors are closed, and c->wrong says why. -EMFILE: this process has no
 * descriptor left for those of the message, so the message is lost and its
 * descriptors are closed; the next one may be received. */
int channel_receive(struct channel *c, struct message *m);
/* Does the same, but waits up to MS milliseconds. Also returns -ETIMEDOUT. */
int channel_wait(struct channel *c, struct message *m, int ms);

/* A function for one kind of message. It returns 0, or a negative number that
 * ends the dispatch. */
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

/* Receives messages, at most 64 in a call, and calls their handlers. A message
 * without a handler gives -EPROTO too. After each handler it closes the
 * descriptors that were not taken, and wipes secrets. Returns 0 if nothing more
 * has arrived; otherwise as channel_receive() or the handler. */
int channel_dispatch(struct channel *c, const struct handler *table, size_t n,
                     void *owner);
#define DISPATCH(c, table, owner)                                              \
    channel_dispatch((c), (table), sizeof(table) / sizeof((table)[0]), (owner))
/* Works as channel_dispatch() without that limit, for a peer that has ended. */
int channel_drain(struct channel *c, const struct handler *table, size_t n,
                  void *owner);
#define DRAIN(c, table, owner)                                                 \
    channel_drain((c), (table), sizeof(table) / sizeof((table)[0]), (owner))
/* For a handler whose message is wrong although its row permits it. Sets
 * c->wrong to WHY, and returns -EPROTO. */
int channel_refuse(struct channel *c, const char *why);
/* Calls the handler of a received message. Returns its result, or -EPROTO if
 * there is no handler. Closes and wipes as channel_dispatch() does. */
int channel_handle(struct channel *c, const struct handler *table, size_t n,
                   void *owner, struct message *m);

/* Sets up a child: gives each message to its handler until MSG_go, which needs
 * none. Later messages stay for the loop. Returns 0; -ETIMEDOUT after MS
 * milliseconds in all; otherwise as channel_receive() or the handler, with a
 * complaint unless the handler has made one. */
int channel_setup(struct channel *c, const struct handler *table, size_t n,
                  void *owner, int ms, struct complaint *why);
/* For a child that can't work: reports WHY to master, if that is still
 * possible. */
void channel_failed(struct channel *c, const struct complaint *why);

/* Closes the descriptors that are left in M. */
void message_close(struct message *m);

/* Makes the struct of a message, and checks that each field has a value. */
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
