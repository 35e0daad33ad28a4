/* The running server, by its control socket. */
#ifndef CTL_SERVER_H
#define CTL_SERVER_H

#include "sallyport/ipc/channel.h"

struct context;

#define SERVER_ANSWER_MS 30000 /* it gives a files 10 s to come up */

struct server {
    struct context *x;
    struct channel channel;
    uint32_t request; /* the number of the last one */
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
/* The number for a new request. */
uint32_t server_request(struct server *s);
/* That request was sent with RESULT, which is SEND()'s: waits for the first
 * answer. */
int server_asked(struct server *s, int result, struct message *answer);
/* Waits for the next answer to the same request. */
int server_next(struct server *s, struct message *answer);
/* On any channel: waits for an answer to REQUEST. A refusal and an answer to
 * something else are errors. */
int server_wait(struct context *x, struct channel *c, uint32_t request,
                struct message *answer, int ms);
/* EX_PROTOCOL: the server said WHAT it may not say. */
int server_lies(struct context *x, const char *what);

#endif
