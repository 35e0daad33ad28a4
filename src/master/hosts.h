/* The host names among the public addresses (`address`): process lookup looks
 * them up, one at a time, at the start and then every address_refresh. */
#ifndef SALLYPORT_SRC_MASTER_HOSTS_H
#define SALLYPORT_SRC_MASTER_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/loop.h"
#include "sallyport/conf/settings.h"

struct child;
struct master;
struct msg_resolved;
struct msg_unresolved;

/* While one has no address, its next look is no later than this. */
#define HOSTS_RETRY_MS 30000

struct hosts {
    bool settled; /* each had its first answer, or no more time for it */
    bool asked;
    size_t at; /* the public address that is looked up */
    uint32_t request;
    bool
        failed[SETTINGS_ANNOUNCED_MAX + 1]; /* its last lookup; that was told */
    bool news[SETTINGS_ANNOUNCED_MAX + 1];  /* gate is to hear of it */
    struct loop_timer timer;
};

/* Nothing where there is no host name. */
void hosts_init(struct master *m);

/* Of the process lookup; owner: struct child. */
void hosts_on_ready(struct child *c);
void hosts_on_gone(struct child *c);
int hosts_on_resolved(void *owner, struct msg_resolved *msg);
int hosts_on_unresolved(void *owner, struct msg_unresolved *msg);

/* A step of gate's set-up: what is known so far. */
int hosts_step(struct child *gate);
/* What gate has still to be told, as far as it can take it. */
void hosts_tell(struct master *m);

#endif
