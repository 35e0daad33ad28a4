/* A user's process files, as master sees it: its fork, its start, its end. Who
 * needs one (a session, an administrator's request) has a struct home in its
 * record, and hears of it by struct home_calls. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_HOME_H
#define SALLYPORT_SRC_MASTER_SESSIONS_HOME_H

#include <stdbool.h>
#include <sys/types.h>

#include "children/services.h"
#include "sallyport/event/event.h"

struct master;

struct home_calls {
    void (*ready)(void *owner); /* h->end can be handed over now */
    void (*lost)(void *owner);  /* of no use any more; it was closed */
    void (*gone)(void *owner);  /* it was reaped */
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
    pid_t pid;           /* 0: none */
    struct channel channel;
    struct loop_watch watch;
    struct service_channel *log;
    int end; /* of the pair to whom it serves, until that is handed over */
};

/* Empty: no process, no descriptor. */
void home_blank(struct home *h);
/* An event about its process: WHAT, with the user, the home and the serial. */
void home_report(const struct home *h, enum event e, const char *what);
/* May this row have a process at all? 0, or -EINVAL with the complaint. */
int home_permitted(const struct master *m, const struct user *user,
                   struct complaint *c);
/* Forks files for USER, as SERIAL in the log; the members master, calls and
 * owner are set. 0 or -errno; -EBUSY while an earlier one hasn't left yet.
 * `lost` may be called before it returns. */
int home_open(struct home *h, const struct user *user, uint64_t serial);
/* Its session was ended by a signal; nothing, if files is gone itself. */
void home_session_died(struct home *h, int signal);
/* Closes the channel, which makes files go. */
void home_close(struct home *h);
/* It hasn't gone by itself. */
void home_kill(struct home *h);
/* It was reaped. */
void home_reaped(struct home *h, int status);

#endif
