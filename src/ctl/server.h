/* The running server, by its control socket. */
#ifndef CTL_SERVER_H
#define CTL_SERVER_H

#include "sallyport/ipc/channel.h"

struct context;

#define SERVER_ANSWER_MS 30000 /* it gives a files 10 s to come up */

struct server {
    struct context *x;
    struct channel channel;
    char version[256];
    uint64_t pid;
    int patience; /* ms for an answer */
    bool busy;    /* it has no place for us just now */
};

/* Below, an exit code with the complaint said. Release it in any case. */

/* Connects and is welcomed; tries again for a while where the server is busy.
 * EX_UNAVAILABLE: no server runs. */
int server_open(struct server *s, struct context *x);
void server_close(struct server *s);
/* Sends REQUEST, and waits for what comes first. */
int server_ask(struct server *s, struct packet *request, struct packet *answer);
/* What comes next as an answer to the same REQUEST. */
int server_next(struct server *s, const struct packet *request,
                struct packet *answer);
/* Of any peer that can lie: waits for an answer to REQUEST on C. */
int server_wait(struct context *x, struct channel *c, uint32_t request,
                struct packet *answer, int ms);

#endif
