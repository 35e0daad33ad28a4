/* A user's process files, as master sees it: its fork, its start, its end. The
 * record of a session, or of a caller at the control socket, has a struct home,
 * and gets its events through struct home_calls. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_HOME_H
#define SALLYPORT_SRC_MASTER_SESSIONS_HOME_H

#include <stdbool.h>
#include <sys/types.h>

#include "children/services.h"
#include "sallyport/event/event.h"

struct master;

struct home_calls {
    void (*ready)(void *owner); /* h->end can be passed on now */
    void (*lost)(
        void *owner); /* it is of no use any more; its channel is closed */
    void (*gone)(void *owner); /* the process was reaped */
};

struct home {
    struct master *master;
    const struct home_calls *calls;
    void *owner;
    bool for_ctl; /* serves sallyportctl, not a session */
    char user[USER_NAME_MAX + 1];
    char path[USER_HOME_MAX + 1];
    uid_t uid;
    uint64_t serial;
    struct address peer; /* of its session */
    pid_t pid;           /* 0: no process */
    struct channel channel;
    struct loop_watch watch;
    struct service_channel *log;
    int end; /* for the peer that it serves, until it is passed on; then -1 */
};

/* Sets H to no process and no descriptors. */
void home_blank(struct home *h);
/* Sends an event about the process: WHAT, with the user, the home and the
 * serial. */
void home_report(const struct home *h, enum event e, const char *what);
/* May the user of this row have a process files? Returns 0, or -EINVAL with the
 * complaint. */
int home_permitted(const struct master *m, const struct user *user,
                   struct complaint *c);
/* Forks files for USER, with SERIAL in the log. The caller has set the members
 * master, calls and owner. Returns 0 or -errno; -EBUSY while an earlier process
 * hasn't left yet. It may call `lost` before it returns. */
int home_open(struct home *h, const struct user *user, uint64_t serial);
/* A signal has ended its session. Does nothing if files has gone itself. */
void home_session_died(struct home *h, int signal);
/* Closes the channel, so that files leaves. */
void home_close(struct home *h);
/* Kills a process that hasn't left by itself. */
void home_kill(struct home *h);
/* The process was reaped. */
void home_reaped(struct home *h, int status);

#endif
