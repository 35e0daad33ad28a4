/* Channels to the services: from every process to log, from gate and sessions
 * to keys. Master keeps the service's end of each until nothing more can come
 * out of it, and gives it to each log or keys that starts. So a restart of a
 * service loses nothing that waits in a channel, and the process at the other
 * end doesn't notice it. */
#ifndef SALLYPORT_SRC_MASTER_SERVICE_H
#define SALLYPORT_SRC_MASTER_SERVICE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "sallyport/base/loop.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/users/users.h"

struct master;

/* The process at the other end: the service believes master, not the process,
 * who that is. */
struct speaker {
    enum process process;
    uint64_t serial; /* 0: not of one session */
    struct address peer;
    char user[USER_NAME_MAX + 1]; /* whose password was right; "": nobody's */
};

struct service_channel {
    TAILQ_ENTRY(service_channel) next;
    enum process service; /* PROCESS_LOG or PROCESS_KEYS */
    struct speaker who;
    int end;
    bool given; /* to the service that runs now */
    bool held;  /* not given before it is known whose client speaks */
};

TAILQ_HEAD(service_list, service_channel);

/* Log or keys, while it is ready. */
struct service_reader {
    struct channel *channel; /* NULL: it isn't */
    struct loop_watch *watch;
};

struct services {
    struct service_channel *all;
    size_t size;
    struct service_list free, open;
    struct service_reader log, keys;
    struct service_channel *own; /* master's to log; NULL: not yet */
    struct service_list ended;   /* their process is gone, their words aren't */
    size_t ended_count, ended_max;
    uint64_t lost;           /* that found no place, since that was reported */
    struct loop_timer sweep; /* armed while there are ended ones */
};

/* How many channels of processes that have ended are kept at most. */
size_t services_ended_max(uint64_t max_sessions);
/* For so many records of sessions. 0 or -ENOMEM */
int services_init(struct master *m, size_t sessions);
/* Reports how many have ended whose words no log took. */
void services_release(struct master *m);

/* Takes END, the service's. NULL: no room, and it is closed. */
struct service_channel *service_open(struct master *m, enum process service,
                                     const struct speaker *who, int end);
/* The client of a proxied session is known: the channel needn't be held any
 * more. All of these do nothing with NULL. */
void service_known(struct service_channel *c, const struct address *peer);
/* Somebody has logged in there. */
void service_named(struct service_channel *c, const char *user);
/* The process has ended or has to. What it has sent log, or still sends, is
 * kept for log; of a channel that is held only what was sent already (a proxy's
 * health checks send nothing). Processes of users may have all places, sessions
 * of nobody half of them. */
void service_end(struct master *m, struct service_channel **end);

/* Gives the services what waits for them, as far as they take it. Harmless at
 * any time. */
void services_flush(struct master *m);
/* SERVICE is ready, and reads CHANNEL, which WATCH watches. */
void services_ready(struct master *m, enum process service,
                    struct channel *channel, struct loop_watch *watch);
/* It has ended: the next one gets all its channels. */
void services_gone(struct master *m, enum process service);

#endif
