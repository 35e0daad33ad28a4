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

/* What lookup has said of a row of the settings (settings_public()). */
enum host_state {
    HOST_NONE,   /* it has no host name */
    HOST_ASKED,  /* nothing yet */
    HOST_FAILED, /* the first try has failed, which was reported */
    HOST_FOUND,
};

/* The addresses themselves are in m->settings. */
struct hosts {
    enum host_state state[HOSTS_MAX];
    bool news[HOSTS_MAX]; /* gate hasn't heard its address */
    bool settled;         /* gate can start: no name is waited for any more */
    struct loop_timer timer; /* until settled */
};

/* The addresses that the generation before had: clients are told them until
 * lookup has an answer. Before succession_settle(). */
void hosts_inherit(struct master *m);
/* The supervisor keeps what is known, for the next generation. During a start
 * once, at its end: of two the supervisor takes the first. */
void hosts_keep(struct master *m);
/* Nothing where there is no host name. */
void hosts_init(struct master *m);

/* Of the process lookup; owner: struct child. The step sends it the names. */
int hosts_step_names(struct child *lookup);
void hosts_on_ready(struct child *c);
void hosts_on_gone(struct child *c);
/* Each host name has its address. */
bool hosts_is_done(const struct child *c);
int hosts_on_resolved(void *owner, struct msg_resolved *msg);
int hosts_on_unresolved(void *owner, struct msg_unresolved *msg);

/* A step of gate's set-up: the addresses that are known so far. */
int hosts_step(struct child *gate);
/* What gate has still to hear, as far as its channel can take it. */
void hosts_tell(struct master *m);

#endif
