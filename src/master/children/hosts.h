/* The host names among the public addresses (`address`): process lookup finds
 * their addresses once, at the start. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_HOSTS_H
#define SALLYPORT_SRC_MASTER_CHILDREN_HOSTS_H

#include <stdbool.h>

#include "sallyport/base/loop.h"
#include "sallyport/settings/settings.h"

struct child;
struct master;
struct msg_resolved;
struct msg_unresolved;

#define HOSTS_MAX (SETTINGS_ANNOUNCED_MAX + 1)

/* Lookup's answer for a row of the settings (settings_public()). */
enum host_state {
    HOST_NONE,   /* the row has no host name */
    HOST_ASKED,  /* no answer yet */
    HOST_FAILED, /* the first try failed, and was reported */
    HOST_FOUND,
};

/* The addresses themselves are in m->settings. */
struct hosts {
    enum host_state state[HOSTS_MAX];
    bool news[HOSTS_MAX];    /* gate hasn't got this address yet */
    bool settled;            /* gate can start: it waits for no name any more */
    struct loop_timer timer; /* until settled */
};

/* Takes the addresses of the generation before: PASV announces them until
 * lookup has an answer. Call it before succession_settle(). */
void hosts_inherit(struct master *m);
/* Asks the supervisor to keep the known addresses for the next generation. A
 * start calls it once, at its end, since the supervisor keeps the first of
 * two. */
void hosts_keep(struct master *m);
/* Call it also if there are no host names: it then does nothing. */
void hosts_init(struct master *m);

/* For the process lookup; owner: struct child. The step sends it the names. */
int hosts_step_names(struct child *lookup);
void hosts_on_ready(struct child *c);
void hosts_on_gone(struct child *c);
/* Has each host name its address? */
bool hosts_is_done(const struct child *c);
int hosts_on_resolved(void *owner, struct msg_resolved *msg);
int hosts_on_unresolved(void *owner, struct msg_unresolved *msg);

/* A step of gate's set-up: sends the addresses that are known so far. */
int hosts_step(struct child *gate);
/* Sends gate the addresses that it hasn't got yet, as far as its channel takes
 * them. */
void hosts_tell(struct master *m);

#endif
