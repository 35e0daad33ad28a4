/* Messages: what follows from the list in sallyport/ipc/list.h. Each message
 * has a struct msg_NAME with its fields, and a row that says who may send it to
 * which process, and in which phase. */
#ifndef SALLYPORT_IPC_MESSAGE_H
#define SALLYPORT_IPC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/process.h"
#include "sallyport/base/slice.h"
#include "sallyport/domain/ending.h"
#include "sallyport/domain/entry.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/domain/unresolved.h"

/* MSG_conf, MSG_sandbox, … */
enum message_kind {
    MSG_NONE,
#define MESSAGE(name, ...) MSG_##name,
#define FIELD(c_type, type, name, count)
#define END
#include "sallyport/ipc/list.h"
    MSG_COUNT
};

/* struct msg_conf, … A request has a number from channel_next(), an answer
 * carries its request's; else it is 0. On sending, descriptors stay the
 * caller's. On receiving, they belong to the message: fd_take() them, or they
 * are closed after the handler. Received slices point into one buffer per
 * process that the next receive on any channel overwrites. */
#define MESSAGE(name, ...)                                                     \
    struct msg_##name {                                                        \
        uint32_t request;
#define FIELD(c_type, type, name, count) c_type name;
#define END                                                                    \
    }                                                                          \
    ;
#include "sallyport/ipc/list.h"

/* Any of them. */
struct message {
    enum message_kind kind;
    union {
        uint32_t request; /* every struct begins with it */
#define MESSAGE(name, ...) struct msg_##name name;
#define FIELD(c_type, type, name, count)
#define END
#include "sallyport/ipc/list.h"
    };
};

/* FIELDS_OF_conf, …: how many fields a message has. */
#define MESSAGE(name, ...)               enum { FIELDS_OF_##name = 0
#define FIELD(c_type, type, name, count) +1
#define END                                                                    \
    }                                                                          \
    ;
#include "sallyport/ipc/list.h"

#define MESSAGE_FIELDS_MAX 14

/* Most bytes of a field, without a NUL. A secret has at most SECRET_MAX. */
#define MESSAGE_WORD_MAX  255
#define MESSAGE_TEXT_MAX  1024
#define MESSAGE_PATH_MAX  4096
#define MESSAGE_BYTES_MAX 10240

/* The phases of a channel, as its receiver sees them. */
enum phase {
    PHASE_START = 1,    /* a child is being set up */
    PHASE_RUN = 2,      /* it works */
    PHASE_GREETED = 4,  /* session: nobody is logged in */
    PHASE_VERIFY = 8,   /* session: a password is being verified */
    PHASE_USER = 16,    /* session: logged in */
    PHASE_IDLE = 32,    /* files: no upload is open; master: ctl may ask */
    PHASE_WRITING = 64, /* files: an upload is open */
    PHASE_ASKED = 128,  /* session, ctl: waits for an answer */
};

/* Bits, so that a row can name several senders or receivers. */
#define PROCESS_BIT(p) (1u << (p))

enum field_type {
    TYPE_END, /* after the last field of a message */
    TYPE_NUMBER,
    TYPE_TIME,
    TYPE_FLAG,
    TYPE_ENUM,
    TYPE_ERRNO,
    TYPE_ADDRESS,
    TYPE_WORD,
    TYPE_TEXT,
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
    size_t offset;  /* in the struct; of TYPE_END: the struct's size */
    uint64_t count; /* of the values of an enum */
};

/* A row is the whole permission: what isn't in it can't be sent, and a channel
 * ends a peer that tries. */
struct message_row {
    const char *name;
    unsigned from, to; /* PROCESS_BIT()s */
    unsigned phases;   /* phases of the receiver's channel */
    bool once;         /* a second one on the same channel ends the peer */
    enum message_kind answers; /* the request that it answers, or MSG_NONE */
    const char *purpose;       /* for docs/messages.md */
    const struct message_field *(*fields)(void); /* up to TYPE_END */
};

/* A message begins with its number and that of its request; its fields follow.
 */
#define MESSAGE_HEAD 8
/* Safe in a signal handler. */
void message_head(char out[MESSAGE_HEAD], unsigned kind, uint32_t request);

/* NULL for a number out of range. */
const struct message_row *message_row(unsigned kind);
/* "login", or "?" */
const char *message_name(unsigned kind);
/* How many of its fields are of this type. */
size_t message_count(const struct message_row *row, enum field_type type);

#endif
