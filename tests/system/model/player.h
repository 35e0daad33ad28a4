/* Plays steps against a real server and the model. Any difference ends the
 * playing process with a message on standard error. */
#ifndef TESTS_SYSTEM_MODEL_PLAYER_H
#define TESTS_SYSTEM_MODEL_PLAYER_H

#include "model.h"
#include "steps.h"
#include "support/session.h"

struct player {
    struct model model;
    const struct server *server;
    struct session session;
    bool open;         /* there is a control connection */
    char from[64];     /* the local address of its connections */
    unsigned port;     /* the last port that the server announced */
    struct data early; /* a data connection before its transfer */
    bool is_early;
};

void play(struct player *p, const struct plan *plan);

/* Plays a transfer that a line has begun, up to its last reply. In
 * player_data.c. */
void play_transfer(struct player *p, const struct manner *m);
/* Sends LINE and checks the replies. *E becomes what the model expects. */
void play_line(struct player *p, const char *line, struct expected *e);
/* Reads a reply, which must be one of the expected ones. */
void play_reply(struct player *p, const struct expected *e);
/* Checks that the session ends after its last reply. */
void play_end(struct player *p);

/* disk.c */
void disk_clear(const char *home);
/* Compares the home with the model, byte for byte. */
void disk_check(const char *home, const struct tree *t);

#endif
