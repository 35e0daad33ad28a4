/* Makes the parts of master. */
#ifndef SALLYPORT_SRC_MASTER_START_PARTS_H
#define SALLYPORT_SRC_MASTER_START_PARTS_H

#include "children/certificates.h"
#include "children/children.h"
#include "children/hosts.h"
#include "children/listeners.h"
#include "control/control.h"
#include "generations/drain.h"
#include "generations/heartbeat.h"
#include "generations/older.h"
#include "sessions/access.h"
#include "sessions/userdb.h"

struct master_parts {
    struct certificates certificates;
    struct listeners listeners;
    struct hosts hosts;
    struct children children;
    struct services services;
    struct session_table sessions;
    struct guesses guesses;
    struct userdb users;
    struct access access;
    struct control control;
    struct older older[OLDER_MAX];
    struct drain drain;
    struct link newest;
    struct heartbeat heartbeat;
};

/* Gives the parts to M, and makes them empty. Call it after master_init(). */
void parts_attach(struct master *m, struct master_parts *parts);

#endif
