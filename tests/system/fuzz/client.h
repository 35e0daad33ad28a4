/* A client that plays the steps of a program against a server, whatever the
 * server answers. Each of its waits is short. */
#ifndef TESTS_SYSTEM_FUZZ_CLIENT_H
#define TESTS_SYSTEM_FUZZ_CLIENT_H

#include <stdatomic.h>

#include "oracle.h"
#include "program.h"
#include "support/server.h"
#include "support/tls_client.h"

/* Counts the work of all players. */
struct counts {
    atomic_ulong programs, sessions, logins, commands, replies, stored, files,
        kills;
};

/* A data connection. */
struct slot {
    int fd; /* -1: none */
    struct tls_client *tls;
    uint64_t content, at, len;
    bool stuck; /* can't send more: a write has failed, or the end was sent */
};

/* An upload that continues where the server has said. */
struct resume {
    enum { RESUME_NONE, RESUME_ASKED, RESUME_BEGUN } state;
    bool blind; /* didn't ask the server: sends the file from its start */
    uint64_t name, offset;
};

struct client {
    int fd; /* -1: not connected */
    struct tls_client *tls;
    int version; /* of TLS; 0: any */
    struct buf in;
    char reply[1024]; /* the last line of the last reply */
    bool broken;      /* some bytes that were sent aren't whole records */
    bool half;        /* the client has sent its FIN or close_notify */
    unsigned owed;    /* replies that must still come */
    unsigned port;    /* of the last 227 or 229 */
    struct slot slot[FUZZ_SLOTS];
    struct resume resume;
};

struct actor {
    const struct server *server;
    const char *user;
    char from[64]; /* the address of its clients */
    const struct program *program;
    struct client client[FUZZ_CLIENTS];
    struct oracle oracle;
    struct counts *counts;
    uint64_t contents; /* number of contents that were made */
};

/* Plays all steps, then closes. Any fault of the server fails the test. */
void play_program(struct actor *p);

/* control.c */
void client_init(struct client *c);
void client_connect(struct actor *p, struct client *c);
void client_login(struct actor *p, struct client *c, const struct op *o);
/* Sends the bytes. Returns false if the server doesn't take them. */
bool client_send(struct client *c, const void *bytes, size_t len);
bool client_line(struct actor *p, struct client *c, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Returns the code of the next reply; 0: none came within MS milliseconds; -1:
 * the connection has ended. */
int client_reply(struct actor *p, struct client *c, int ms);
/* Sends QUIT, and fails the test if the server doesn't end the connection. */
void client_quit(struct actor *p, struct client *c);
void client_end(struct actor *p, struct client *c, const struct op *o);
/* Returns a socket that is connected from the player's address; -1: the
 * connection fails. */
int actor_dial(const struct actor *p, unsigned port);

/* data.c */
void data_play(struct actor *p, struct client *c, const struct op *o);
void data_cut_slot(struct slot *s, uint64_t how);

/* server_state.c */
void server_idle(struct actor *p);
void server_hurt(struct actor *p, const struct op *o);
/* Waits until no session of the player is left. */
void server_left(struct actor *p);

#endif
