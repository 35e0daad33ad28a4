/* The states of a session, and what each of them allows.
 *
 * Three things happen at once, and each has one enum and one table (state.c):
 *
 * - The control connection: HEADER and ENTERING if a proxy brings it, PLAIN,
 *   SECURING, SECURED, then VERIFYING, GRANTED and LOGGED_IN. At the end
 *   CLOSING, FINISHED and PARTED send the last reply, our close_notify and FIN,
 *   and wait for the client's. GONE, DECIDED and ABANDONED are ends that still
 *   wait for files: a rename, or another change, can't be undone. GONE also
 *   waits for an upload whose client has said QUIT.
 * - The data connection: from PASV (PACED, ASKED, EXPECTED) or PORT (ACTIVE,
 *   CONNECTING) to CONNECTED. REFUSED: its transfer got a 5xx.
 * - The transfer: each of its steps (transfer.h) names one of these states.
 *
 * Facts stay beside the states: who the user is, whether the stream speaks TLS,
 * what files was asked last. */
#ifndef SALLYPORT_SRC_SESSION_STATE_H
#define SALLYPORT_SRC_SESSION_STATE_H

#include <stdbool.h>

struct session;

enum control_state {
    CONTROL_HEADER,    /* the PROXY header is read */
    CONTROL_ENTERING,  /* gate decides about the client that the header names */
    CONTROL_PLAIN,     /* plain text: AUTH is all that leads on */
    CONTROL_SECURING,  /* the TLS handshake runs */
    CONTROL_SECURED,   /* TLS is up, nobody is logged in */
    CONTROL_VERIFYING, /* PASS was given, master decides */
    CONTROL_GRANTED,   /* accepted by master, without ticket keys yet */
    CONTROL_LOGGED_IN,
    CONTROL_QUITTING,  /* QUIT was given, the transfer ends first */
    CONTROL_GONE,      /* the client is gone; an upload that may still ends */
    CONTROL_DECIDED,   /* the end is decided, files still has to answer */
    CONTROL_ABANDONED, /* DECIDED, and the client is gone */
    CONTROL_CLOSING,   /* the last reply is on its way */
    CONTROL_FINISHED,  /* our close_notify and FIN are sent */
    CONTROL_PARTED,    /* the client's end came, data connections linger */
    CONTROL_STATES
};

enum data_state {
    DATA_CLOSED,
    DATA_PACED,      /* PASV waits: gate was asked too often this second */
    DATA_ASKED,      /* gate is asked for a port */
    DATA_ACTIVE,     /* PORT: the client awaits us, once there is a transfer */
    DATA_CONNECTING, /* gate connects to the client */
    DATA_EXPECTED,   /* the client knows the port */
    DATA_HEADER,     /* a proxy has connected: the PROXY header is read */
    DATA_DOUBTED,    /* connected, perhaps by another user's client */
    DATA_CONNECTED,
    DATA_REFUSED, /* its transfer was refused, it serves no other */
    DATA_STATES
};

enum transfer_state {
    TRANSFER_NONE,
    TRANSFER_ASKED,      /* files is asked; no 1xx yet */
    TRANSFER_HASHING,    /* a checksum; there is no data connection */
    TRANSFER_CONNECTING, /* 150 is sent, the data connection is awaited */
    TRANSFER_HANDSHAKE,
    TRANSFER_FLOWING,
    TRANSFER_FLUSHING,   /* the stream has all bytes, the client not yet */
    TRANSFER_COPYING,    /* upload: all came, files copies the head */
    TRANSFER_SUMMING,    /* upload: its checksum is completed */
    TRANSFER_COMPLETE,   /* upload: files answers, and is then asked to sync */
    TRANSFER_PREPARING,  /* upload: files was asked to sync all of it */
    TRANSFER_COMMITTING, /* upload: files was asked to make it visible */
    TRANSFER_CLOSING,    /* its reply is decided: log and files still work */
    TRANSFER_STATES
};

struct control_row {
    const char *name;
    bool lines;  /* the client's lines are read */
    bool user;   /* commands of a logged-in user are served */
    bool verify; /* an answer to PASS is awaited */
    bool ends;   /* the end is decided: no second one */
    bool gone;   /* no client reads replies any more */
    bool closes; /* the last reply is sent or on its way */
    unsigned next;
};

struct data_row {
    const char *name;
    bool serves;  /* a transfer may begin: the client comes, or is here */
    bool pending; /* PASV isn't answered: no other line is read */
    bool gate;   /* gate has a port or a socket for it, and must know the end */
    bool socket; /* there is a socket of the client's, which lingers */
    unsigned next;
};

/* What it takes that a transfer continues when the client goes away. */
enum transfer_stays {
    STAYS_NEVER,
    STAYS_ALONE, /* an upload, and the client has said QUIT, or may go without
                    it: upload_eof = lenient */
    STAYS_ALWAYS
};

enum transfer_clock { CLOCK_NONE, CLOCK_CONNECT, CLOCK_HASH, CLOCK_STALL };

struct transfer_row {
    const char *name;
    bool lines;     /* the client's lines are read, whatever files is asked */
    bool abortable; /* ABOR ends it; else ABOR waits for the end */
    bool decided;   /* its end is decided: no other event of it is sent */
    bool whole;     /* of an upload: all its bytes are here */
    enum transfer_stays stays;
    enum transfer_clock clock; /* which time-out holds */
    unsigned next;
};

/* The rows of the states that the session is in. */
const struct control_row *state_of_control(const struct session *s);
const struct data_row *state_of_data(const struct session *s);
const struct transfer_row *state_of_transfer(const struct session *s);

/* The next state. One that the table doesn't allow ends the session, and the
 * log says from which state to which it would have gone. */
void state_control(struct session *s, enum control_state next);
void state_data(struct session *s, enum data_state next);
void state_transfer(struct session *s, enum transfer_state next);

#endif
