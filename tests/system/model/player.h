/* Playing steps against a real server, beside the model. Whatever differs ends
 * the process that plays, with words on standard error. */
#ifndef TESTS_SYSTEM_MODEL_PLAYER_H
#define TESTS_SYSTEM_MODEL_PLAYER_H

#include "model.h"
#include "steps.h"
#include "support/session.h"

struct player {
    struct model model;
    const struct server *server;
    struct session session;
    bool open;         /* there is a connection */
    char from[64];     /* its address */
    unsigned port;     /* what the server told last */
    struct data early; /* a connection that has no transfer yet */
    bool is_early;
};

void play(struct player *p, const struct plan *plan);

/* player_data.c: what a line brought is a transfer, until its last reply. */
void play_transfer(struct player *p, const struct manner *m);
/* Says LINE: what the model expects must come. *E is what was expected. */
void play_line(struct player *p, const char *line, struct expected *e);
/* The next reply must be one of those. */
void play_reply(struct player *p, const struct expected *e);
/* The session has had its last reply. */
void play_end(struct player *p);

/* disk.c */
void disk_clear(const char *home);
/* The home is what the model says, byte for byte. */
void disk_check(const char *home, const struct tree *t);

#endif
