/* The running server, through its control socket. */
#ifndef CTL_SERVER_H
#define CTL_SERVER_H

#include "sallyport/ipc/channel.h"

struct context;

#define SERVER_ANSWER_MS 30000 /* a process files may take 10 s to start */

struct server {
    struct context *x;
    struct channel channel;
    uint32_t request; /* number of the last request */
    char version[256];
    uint64_t pid;
    int patience; /* ms for an answer */
    bool busy;    /* it has no free place now */
};

/* The functions below return an exit code, with the complaint filled in. In any
 * case the caller calls server_close(). */

/* Connects and waits for the server's welcome. If the server is busy, it
 * retries for a while. EX_UNAVAILABLE: no server runs. */
int server_open(struct server *s, struct context *x);
void server_close(struct server *s);
/* The number for a new request. */
uint32_t server_request(struct server *s);
/* Waits for the first answer to the request that SEND() has sent with
 * RESULT. */
int server_asked(struct server *s, int result, struct message *answer);
/* Waits for the next answer to the same request. */
int server_next(struct server *s, struct message *answer);
/* Waits on any channel for an answer to REQUEST, up to MS milliseconds. A
 * refusal, or an answer to another request, is an error. */
int server_wait(struct context *x, struct channel *c, uint32_t request,
                struct message *answer, int ms);
/* Escapes TEXT of the server for printing. Returns 0, or -ENAMETOOLONG: it
 * doesn't fit into OUT. */
int server_escape(struct slice text, char *out, size_t size);
/* Returns EX_PROTOCOL, with the complaint that the server sent WHAT, which is
 * not permitted. */
int server_lies(struct context *x, const char *what);

#endif
