/* The control socket: few may be connected, each for a while. */
#ifndef SALLYPORT_SRC_MASTER_CONTROL_CONTROL_H
#define SALLYPORT_SRC_MASTER_CONTROL_CONTROL_H

#include "control_socket.h"
#include "core/master.h"
#include "peer.h"
#include "sallyport/base/burst.h"

struct control {
    struct control_socket socket;
    struct loop_watch watch;
    struct loop_timer pause; /* accepting failed: a moment's rest */
    struct burst reports;    /* of refusals */
    struct peer peer[MASTER_CALLERS];
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

#endif
