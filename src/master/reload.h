/* A reload: the configuration and the certificates anew, as a whole or not at
 * all. */
#ifndef SALLYPORT_SRC_MASTER_RELOAD_H
#define SALLYPORT_SRC_MASTER_RELOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/complaint.h"
#include "sallyport/base/loop.h"
#include "sallyport/conf/settings.h"
#include "sallyport/ipc/channel.h"

struct child;
struct master;
struct pair_set;

struct reload {
    struct child *asked; /* keys, then gate; NULL: none is under way */
    size_t sent;         /* messages to it */
    struct settings *settings;
    int conf; /* their text, a sealed memfd */
    struct pair_set *set;
    char kept[1024]; /* settings that wait for a restart */
    bool again;      /* it was asked for while one was under way */
    bool silent;     /* the one that is asked hasn't answered in time */
    bool given_up;   /* and gate was told so */
    struct loop_timer deadline;
};

/* Begins one; what becomes of it is an event. Harmless at any time. */
void reload_begin(struct master *m);
/* Sends what can be sent. Harmless at any time. */
void reload_feed(struct master *m);
/* That child is gone. */
void reload_lost(struct child *c);
void reload_release(struct master *m);

/* Handlers: a child's answer. */
int reload_on_taken(void *owner, struct msg_taken *msg);
int reload_on_not_taken(void *owner, struct msg_not_taken *msg);

#endif
