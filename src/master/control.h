/* Those who are connected to the control socket: few, each for a while, one
 * request at a time. What they ask is answered in request.c. */
#ifndef SALLYPORT_SRC_MASTER_CONTROL_H
#define SALLYPORT_SRC_MASTER_CONTROL_H

#include "control_socket.h"
#include "home.h"
#include "master.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/ipc/channel.h"

enum control_state {
    CONTROL_FREE,
    CONTROL_IDLE,    /* may ask; perhaps a files works for it */
    CONTROL_OPENING, /* files was forked; READY is awaited */
    CONTROL_ENDED    /* its channel is closed; files isn't reaped yet */
};

struct control_peer {
    struct master *master;
    enum control_state state;
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* of the state */
    uint32_t request;        /* the one that is being served */
    uint32_t reloading;      /* the one that asked for a reload; 0: none */
    uint32_t renewal;        /* master's own number for that */
    struct home home;        /* pid 0: none works for it */
};

struct control {
    struct control_socket socket;
    struct loop_watch watch;
    struct loop_timer pause; /* accepting failed: a moment's rest */
    uint64_t told;           /* when a refusal was last reported */
    struct control_peer peer[MASTER_CALLERS];
};

void control_init(struct control *c, struct master *m);
/* Accepts from here on, if there is a socket of its own. One that was inherited
 * waits for control_lead(): until then the generation before answers, or, after
 * a crash, the callers wait in the backlog. 0 or -errno */
int control_start(struct control *c);
/* This generation leads. */
void control_lead(struct control *c);
/* Another generation leads: it has the socket. The peers that are connected
 * stay until they hang up. */
void control_step_down(struct control *c);
/* Ends all peers, kills what works for them, and closes the socket. Its name is
 * removed at the end of the service, or when a start has failed that made it.
 */
void control_stop(struct control *c);

/* Answers who asked for the reload of that number (succession_renew()); 0: it
 * is for the log alone. WRONG: why it failed; NULL: a new generation leads. */
void control_renewed(struct master *m, uint32_t number, const char *wrong);

/* Nobody is connected, and nothing works for anybody. */
bool control_is_idle(const struct control *c);

/* The process files of one of them, by its pid; or NULL. */
struct home *control_home(struct control *c, pid_t pid);

/* For request.c: the answer to the request was sent, and RESULT is SEND()'s.
 * The next request may come then. A peer that can't take the answer is ended.
 */
void control_answered(struct control_peer *p, int result);
/* The same of one of several messages before the last. */
void control_sent(struct control_peer *p, int result);
void control_refuse(struct control_peer *p, enum refusal why,
                    const char *words);
/* Closes its channel; what works for it leaves, or is killed. */
void control_end(struct control_peer *p);
/* (Re)arms the timer of the state. */
void control_wait(struct control_peer *p);

#endif
