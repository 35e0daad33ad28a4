/* A program: the steps of all clients of one case. They are made from one
 * number. */
#ifndef TESTS_SYSTEM_FUZZ_PROGRAM_H
#define TESTS_SYSTEM_FUZZ_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

#define FUZZ_CLIENTS 2 /* of the same user, from the same address */
#define FUZZ_SLOTS   2 /* data connections of a client at a time */
#define FUZZ_NAMES   4 /* names of the files that all clients use */
#define FUZZ_OPS     400

extern const char *const fuzz_names[FUZZ_NAMES];

enum op_kind {
    OP_CONNECT,
    OP_LOGIN, /* AUTH, USER, PASS and so on, in the usual way or not */
    OP_LINE,
    OP_RAW,   /* bytes without a line's end */
    OP_BELOW, /* plain bytes on the socket, below TLS */
    OP_REPLY,
    OP_PORT, /* EPSV or PASV */
    OP_DIAL,
    OP_SECURE, /* the handshake of a data connection */
    OP_STORE,
    OP_FETCH,
    OP_SEND,
    OP_FINISH, /* sends the rest or nothing, then close_notify */
    OP_CUT,    /* ends a data connection without close_notify */
    OP_RECEIVE,
    OP_END, /* ends the control connection */
    OP_PAUSE,
    OP_IDLE, /* no client acts, so no process may work */
    OP_KILL,
    OP_RESUME_ASK, /* SIZE; the next three kinds use its answer */
    OP_RESUME_BEGIN,
    OP_RESUME_SEND,
    OP_RESUME_END,
    OP_COUNT
};

struct op {
    enum op_kind kind;
    unsigned client;
    uint64_t how, much; /* their meaning depends on the kind */
    struct slice line;
};

/* A program resumes uploads or doesn't. If it does, each name has one content
 * only. If it doesn't, it stores whole files with many contents. */
struct program {
    uint64_t seed;
    bool resumes;
    unsigned clients;
    struct op op[FUZZ_OPS];
    size_t count;
    struct buf text;
};

void program_make(struct program *p, uint64_t seed, const char *user);
void program_release(struct program *p);
void program_drop(struct program *p, size_t from, size_t to);
void op_show(const struct op *o, struct buf *into);

#endif
