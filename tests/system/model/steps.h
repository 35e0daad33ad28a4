/* A case: sequences of steps, all made from one number. */
#ifndef TESTS_SYSTEM_MODEL_STEPS_H
#define TESTS_SYSTEM_MODEL_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

#define SEQUENCES_A_CASE 20
#define STEPS_A_SEQUENCE 6
#define STEPS_MAX        (SEQUENCES_A_CASE * (STEPS_A_SEQUENCE + 1) + 16)

/* A command that the client sends while a transfer waits for its connection or
 * moves bytes. */
enum talk {
    TALK_NONE,
    TALK_NOOP,
    TALK_STAT,
    TALK_STAT_PATH, /* refused during a transfer */
    TALK_PWD,       /* its reply waits for the end of the transfer */
    TALK_ABOR,
    TALK_URGENT, /* ABOR after IAC IP IAC DM */
    TALK_QUIT,   /* the transfer ends first */
    TALK_COUNT
};

enum bytes { BYTES_WHOLE, BYTES_CUT, BYTES_PLAIN, BYTES_NONE, BYTES_COUNT };

/* How a client makes a transfer. */
struct manner {
    const char *port; /* "EPSV", "PASV"; NULL: the last announced port, if there
                         is one */
    bool early;       /* connects before the command */
    bool in_flow;     /* sends the TALK after an upload's handshake */
    enum talk talk;
    enum bytes bytes;
    size_t len; /* bytes of an upload */
    uint64_t noise;
};

enum step_kind {
    STEP_LINE,
    STEP_CONNECT, /* connects again, without a login */
    STEP_LOG_IN,  /* connects again and logs in */
    STEP_GO_ON,   /* as STEP_LOG_IN, unless the client is logged in */
};

struct step {
    enum step_kind kind;
    struct slice line; /* without CRLF */
    bool joined;       /* in one packet with the next line */
    bool in_pieces;    /* one byte at a time */
    bool moves;        /* the command is a transfer */
    struct manner manner;
};

struct plan {
    uint64_t seed;
    struct step step[STEPS_MAX];
    size_t count;
    struct buf text; /* the text of the lines */
};

void plan_make(struct plan *p, uint64_t seed, const char *user);
void plan_release(struct plan *p);
/* Removes the steps from FROM up to, but not including, TO. */
void plan_drop(struct plan *p, size_t from, size_t to);
/* Adds a text to INTO that describes the step. */
void step_show(const struct step *s, struct buf *into);

#endif
