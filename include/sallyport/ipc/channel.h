/* Channels between processes, and the messages that go through them. */
#ifndef SALLYPORT_IPC_CHANNEL_H
#define SALLYPORT_IPC_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/process.h"
#include "sallyport/base/slice.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/outcome.h"

/* Types that follow from the list in sallyport/ipc/list.h. Each message has a
 * struct msg_NAME with its fields. The message's row says which process may
 * send it to which process, and in which phase. */

/* MSG_hello, MSG_keep, … */
enum message_kind {
    MSG_NONE,
#define MESSAGE(name, ...) MSG_##name,
#define RETIRED(name)      MSG_##name##_retired,
#define FIELD(c_type, type, name, count)
#define END
#include "sallyport/ipc/list.h"
    MSG_COUNT
};

/* struct msg_hello, … A request has a number from channel_next() in .request,
 * and an answer has its request's number; all other messages have 0.
 * Descriptors that are sent stay the caller's. Descriptors that are received
 * belong to the message: the handler takes a descriptor by fd_take(), and
 * channel_dispatch() closes the others after the handler. Received slices point
 * into one buffer of the process, which the next receive on any channel
 * overwrites. */
#define MESSAGE(name, ...)                                                     \
    struct msg_##name {                                                        \
        uint32_t request;
#define FIELD(c_type, type, name, count) c_type name;
#define END                                                                    \
    }                                                                          \
    ;
#include "sallyport/ipc/list.h"

/* A message of any kind. */
struct message {
    enum message_kind kind;
    union {
        uint32_t request; /* each struct begins with it */
#define MESSAGE(name, ...) struct msg_##name name;
#define FIELD(c_type, type, name, count)
#define END
#include "sallyport/ipc/list.h"
    };
};

/* FIELDS_OF_hello, …: the number of fields. */
#define MESSAGE(name, ...)               enum { FIELDS_OF_##name = 0
#define FIELD(c_type, type, name, count) +1
#define END                                                                    \
    }                                                                          \
    ;
#include "sallyport/ipc/list.h"

#define MESSAGE_FIELDS_MAX 14

/* The most bytes of a field, without a NUL. A secret has at most SECRET_MAX
 * bytes. */
#define MESSAGE_WORD_MAX  255
#define MESSAGE_TEXT_MAX  1024
#define MESSAGE_PATH_MAX  4096
#define MESSAGE_BYTES_MAX 10240

/* The phases of a channel, from the receiver's point of view. */
enum phase {
    PHASE_START = 1,   /* the child is being set up */
    PHASE_RUN = 2,     /* the child works */
    PHASE_GREETED = 4, /* session: before the login */
    PHASE_VERIFY = 8,  /* session: auth verifies the password */
    PHASE_USER = 16,   /* session: after the login */
    PHASE_IDLE = 32, /* files: no upload is open; master: sallyportctl may send
                        a request */
    PHASE_WRITING = 64, /* files: an upload is open */
    PHASE_ASKED = 128,  /* session, ctl: waits for an answer */
};

/* A bit, so that a row can name several senders or receivers. */
#define PROCESS_BIT(p) (1u << (p))

enum field_type {
    TYPE_END, /* marks the end of the fields */
    TYPE_NUMBER,
    TYPE_TIME,
    TYPE_FLAG,
    TYPE_ENUM,
    TYPE_ERRNO,
    TYPE_ADDRESS,
    TYPE_WORD,
    TYPE_TEXT,
    TYPE_WHY,
    TYPE_PATH,
    TYPE_SECRET,
    TYPE_KEY,
    TYPE_BYTES,
    TYPE_FD,
    TYPE_TYPES
};

struct message_field {
    const char *name;
    enum field_type type;
    size_t offset;  /* in the struct; for TYPE_END: the struct's size */
    uint64_t count; /* how many values the enum has */
};

/* A row is the permission for its message: channel_send() refuses a message
 * that no row permits, and channel_receive() returns -EPROTO for it. */
struct message_row {
    const char *name;
    unsigned from, to; /* bits of PROCESS_BIT() */
    unsigned phases;   /* of the receiver's channel */
    bool once; /* a second such message on the same channel is a mistake of the
                  peer */
    enum message_kind
        answers; /* the request that this message answers; or MSG_NONE */
    const struct message_field *(*fields)(void); /* ends with TYPE_END */
};

#define MESSAGE_HEAD 8
/* Writes the bytes with which each message begins: its kind and its request's
 * number. */
void message_head(char out[MESSAGE_HEAD], unsigned kind, uint32_t request);

/* Returns the row of KIND, or NULL if no message has this number. */
const struct message_row *message_row(unsigned kind);
/* Returns "login" and so on; "?" if no message has this number. */
const char *message_name(unsigned kind);
/* Returns the number of the message's fields of that type. */
size_t message_count(const struct message_row *row, enum field_type type);

/* A channel: one end of a SOCK_SEQPACKET pair. It sends and receives only what
 * the message list permits. */
struct channel {
    int fd; /* owned; -1 when closed */
    enum process self, peer;
    unsigned phase;       /* one PHASE_ bit; the owner changes it */
    bool seen[MSG_COUNT]; /* kinds received so far, for "once" */
    uint32_t last_request;
    const char *wrong; /* after -EPROTO: the mistake of the peer; after -EMFILE:
                          the thing that this process lacks */
};

/* Takes FD. No call on it waits, even if it is blocking. channel_close() closes
 * it. */
void channel_init(struct channel *c, int fd, enum process self,
                  enum process peer, unsigned phase);
/* Closes the descriptor; a closed channel can be closed again. */
void channel_close(struct channel *c);
/* Returns 1: a message waits at FD, the end of a channel; 0: the peer has
 * closed the channel, and no message waits; -1: no message waits now. */
int channel_waits(int fd);
/* Wipes the bytes that messages have left in this process's two buffers. Call
 * it in the child of a fork, which must not see its parent's messages. */
void channel_forget(void);

/* SEND(&s->master, kick, 0, .why = ENDING_IDLE_TIME): the channel, the message,
 * the request's number (0: neither a request nor an answer), and each field of
 * the list by its name. A missing field is a compile error. Returns the result
 * of channel_send(). */
#define SEND(channel, name, ...)                                               \
    channel_send(channel, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))

/* Sends BODY, the struct msg_NAME of KIND; its descriptors stay the caller's.
 * Returns 0; -EAGAIN: the peer reads too slowly; -EPIPE: the peer has gone;
 * -EINVAL: the list doesn't permit the message, or a field is too long. The
 * call never waits and never raises SIGPIPE. */
int channel_send(struct channel *c, enum message_kind kind, const void *body);
/* Does the same, but waits until END (clock_ms()) while the channel is full. */
int channel_send_by(struct channel *c, enum message_kind kind, const void *body,
                    uint64_t end);
/* Returns the number for the next request on this channel; never 0. */
uint32_t channel_next(struct channel *c);

/* Receives one message. Returns 1: *m is filled; 0: nothing has arrived;
 * -EPIPE: the peer has closed; -EPROTO: the message is unknown, isn't permitted
 * for this peer or in this phase, has come before although it is ONCE, or has
 * wrong fields, a wrong length or wrong descriptors; its descriptors are
 * closed, and c->wrong says why; -EMFILE: this process has no free descriptor,
 * so the message is lost and its descriptors are closed, but the next message
 * can be received. */
int channel_receive(struct channel *c, struct message *m);
/* Does the same, but waits up to MS milliseconds. Also returns -ETIMEDOUT. */
int channel_wait(struct channel *c, struct message *m, int ms);

/* A function that handles one kind of message. It returns 0, or a negative
 * number, which ends the dispatch. */
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
#define ON(name, function) { .kind = MSG_##name, .on.name = (function) }

/* Receives messages, at most MOST in a call, and calls their handlers. For a
 * message without a handler the result is -EPROTO. After each handler the call
 * closes the descriptors that the handler hasn't taken, and wipes secrets.
 * Returns 0 if nothing more has arrived, or after MOST messages; or the
 * negative number of channel_receive() or of a handler. */
int channel_dispatch(struct channel *c, const struct handler *table, size_t n,
                     void *owner, int most);
#define DISPATCH_MOST(c, table, owner, most)                                   \
    channel_dispatch((c), (table), sizeof(table) / sizeof((table)[0]),         \
                     (owner), (most))
#define DISPATCH(c, table, owner) DISPATCH_MOST(c, table, owner, DISPATCH_MAX)
/* Handles one message. If another message waits, the loop calls again at once.
 * On a channel where seldom more than one message waits, this saves a second
 * recvmsg(2) that would find nothing. */
#define DISPATCH_ONE(c, table, owner) DISPATCH_MOST(c, table, owner, 1)
#define DISPATCH_MAX                  64
#define DISPATCH_ALL                  4096 /* more than a socket holds */
/* Refuses a message that its row permits: a handler calls it. Sets c->wrong to
 * WHY, and returns -EPROTO, which the handler must return. */
int channel_refuse(struct channel *c, const char *why);
/* Calls the handler of a received message. Returns its result, or -EPROTO if
 * there is no handler. Then closes descriptors and wipes secrets, as
 * channel_dispatch() does. */
int channel_handle(struct channel *c, const struct handler *table, size_t n,
                   void *owner, struct message *m);

/* Sends WHY to master by the message `failed`, if that is still possible. A
 * child calls it if it can't begin its work. */
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
