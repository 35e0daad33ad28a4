/* Types that follow from the list in sallyport/ipc/list.h. Each message has a
 * struct msg_NAME with its fields. Its row says which process may send it to
 * which, and in which phase. */
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

/* struct msg_conf, … The number of a request comes from channel_next(), and an
 * answer carries its request's number; otherwise it is 0. When sending,
 * descriptors stay the caller's. When receiving, they belong to the message:
 * fd_take() takes one, and the others are closed after the handler. Received
 * slices point into one buffer of the process, which the next receive on any
 * channel overwrites. */
#define MESSAGE(name, ...)                                                     \
    struct msg_##name {                                                        \
        uint32_t request;
#define FIELD(c_type, type, name, count) c_type name;
#define END                                                                    \
    }                                                                          \
    ;
#include "sallyport/ipc/list.h"

/* Any message. */
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

/* FIELDS_OF_conf, …: the number of fields. */
#define MESSAGE(name, ...)               enum { FIELDS_OF_##name = 0
#define FIELD(c_type, type, name, count) +1
#define END                                                                    \
    }                                                                          \
    ;
#include "sallyport/ipc/list.h"

#define MESSAGE_FIELDS_MAX 14

/* The most bytes of a field, without a NUL. The limit of a secret is
 * SECRET_MAX. */
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
    PHASE_IDLE =
        32, /* files: no upload is open; master: sallyportctl may ask */
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
    uint64_t count; /* of values of an enum */
};

/* A row is the whole permission: nothing else can be sent, and a channel ends a
 * peer that tries. */
struct message_row {
    const char *name;
    unsigned from, to; /* bits of PROCESS_BIT() */
    unsigned phases;   /* of the receiver's channel */
    bool once;         /* a second one on the same channel ends the peer */
    enum message_kind answers;                   /* the request; or MSG_NONE */
    const char *purpose;                         /* for docs/messages.md */
    const struct message_field *(*fields)(void); /* ends with TYPE_END */
};

#define MESSAGE_HEAD 8
/* Writes the bytes with which each message begins: its kind and its request's
 * number. */
void message_head(char out[MESSAGE_HEAD], unsigned kind, uint32_t request);

/* Returns the row of KIND, or NULL if KIND is out of range. */
const struct message_row *message_row(unsigned kind);
/* Returns "login" and so on; "?" if KIND is out of range. */
const char *message_name(unsigned kind);
/* Returns the number of the message's fields of that type. */
size_t message_count(const struct message_row *row, enum field_type type);

#endif
