/* The clients of one case, step by step. All steps come from one number. */
#ifndef TESTS_SYSTEM_FUZZ_PROGRAM_H
#define TESTS_SYSTEM_FUZZ_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

#define FUZZ_CLIENTS 2 /* of the same user, from the same address */
#define FUZZ_SLOTS   2 /* data connections of a client at a time */
#define FUZZ_NAMES   4 /* of the files that they share */
#define FUZZ_OPS     400

extern const char *const fuzz_names[FUZZ_NAMES];

enum op_kind {
    OP_CONNECT,
    OP_LOGIN, /* AUTH, USER, PASS and so on, by the book or not */
    OP_LINE,
    OP_RAW,   /* bytes without a line's end */
    OP_BELOW, /* bytes that are no TLS, below it */
    OP_REPLY,
    OP_PORT, /* EPSV, PASV or EPRT */
    OP_DIAL,
    OP_SECURE, /* the handshake of a data connection */
    OP_STORE,
    OP_FETCH,
    OP_SEND,
    OP_FINISH, /* the rest, or nothing more, and close_notify */
    OP_CUT,    /* the end of a data connection without close_notify */
    OP_RECEIVE,
    OP_END, /* of the control connection */
    OP_PAUSE,
    OP_IDLE, /* nothing happens: no process may work */
    OP_KILL,
    OP_RESUME_ASK, /* SIZE; the next three go on with its answer */
    OP_RESUME_BEGIN,
    OP_RESUME_SEND,
    OP_RESUME_END,
    OP_COUNT
};

struct op {
    enum op_kind kind;
    unsigned client;
    uint64_t how, much; /* what they mean depends on the kind */
    struct slice line;
};

/* A program stores whole files of many contents (then nothing in it resumes),
 * or each name has one content, and its uploads are resumed. */
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
