/* The control socket: it takes few callers, each for a limited time. */
#ifndef SALLYPORT_SRC_MASTER_CONTROL_CONTROL_H
#define SALLYPORT_SRC_MASTER_CONTROL_CONTROL_H

#include "control_socket.h"
#include "core/master.h"
#include "peer.h"
#include "sallyport/base/burst.h"

struct control {
    struct control_socket socket;
    struct loop_watch watch;
    struct loop_timer pause; /* accepting failed: a short rest */
    struct burst reports;    /* of refusals */
    struct peer peer[MASTER_CALLERS];
};

void control_init(struct control *c, struct master *m);
/* Accepts from now on, if this master made the socket itself. An inherited
 * socket waits for control_lead(): until then the older generation answers or,
 * after a crash, the callers wait in the backlog. Returns 0 or -errno. */
int control_start(struct control *c);
/* This generation leads: it accepts on an inherited socket too. */
void control_lead(struct control *c);
/* Another generation leads and has the socket. Connected peers stay until they
 * hang up. */
void control_step_down(struct control *c);
/* Ends all peers, kills the process files of each, and closes the socket. Its
 * name is removed at the end of the service, or when the start that made it has
 * failed. */
void control_stop(struct control *c);

/* Answers the caller that asked for the reload of that number
 * (succession_renew()); 0: only the log gets the result. WRONG: why it failed;
 * NULL: a new generation leads. */
void control_renewed(struct master *m, uint32_t number, const char *wrong);

/* Is nobody connected, and does no process files work for a caller? */
bool control_is_idle(const struct control *c);

/* Returns the process files of a caller by its pid, or NULL. */
struct home *control_home(struct control *c, pid_t pid);

#endif
