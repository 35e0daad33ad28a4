/* Channels to the services: from each process to log, and from gate and
 * sessions to keys. Master holds the service's end of each channel until
 * nothing more can come out of it, and passes it to each log or keys that
 * starts. So a restart of a service loses nothing that waits in a channel, and
 * the process at the other end doesn't notice it. */
#ifndef SALLYPORT_SRC_MASTER_SERVICE_H
#define SALLYPORT_SRC_MASTER_SERVICE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "sallyport/base/loop.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/users/users.h"

struct master;

/* Describes the process at the other end. The service trusts master for this,
 * not the process itself. */
struct speaker {
    enum process process;
    uint64_t serial; /* 0: belongs to no session */
    struct address peer;
    char user[USER_NAME_MAX + 1]; /* the logged-in user; "": nobody */
};

struct service_channel {
    TAILQ_ENTRY(service_channel) next;
    enum process service; /* PROCESS_LOG or PROCESS_KEYS */
    struct speaker who;
    int end;
    bool given; /* passed to the service that runs now */
    bool held;  /* not passed before the client's address is known */
    bool ended; /* its process has ended, but unread messages may wait */
};

TAILQ_HEAD(service_list, service_channel);

/* The log or keys that is ready now. */
struct service_reader {
    struct channel *channel; /* NULL: none is ready */
    struct loop_watch *watch;
};

struct services {
    struct service_channel *all;
    size_t size;
    struct service_list free, open;
    struct service_reader log, keys;
    size_t ended_count, ended_max;
    uint64_t lost;           /* how many found no room since the last report */
    struct loop_timer sweep; /* armed while there are ended ones */
};

/* Returns how many channels of ended processes are kept at most. */
size_t services_ended_max(uint64_t max_sessions);
/* Makes room for the channels of SESSIONS records. Returns 0 or -ENOMEM. */
int services_init(struct master *m, size_t sessions);
/* Reports how many ended processes have left messages that no log took. */
void services_release(struct master *m);

/* Takes END, the service's end of a channel. Returns NULL if there is no room;
 * END is then closed. */
struct service_channel *service_open(struct master *m, enum process service,
                                     const struct speaker *who, int end);
/* The address of a proxied session's client is known: the channel may be passed
 * on. This function and the next two do nothing with NULL. */
void service_known(struct service_channel *c, const struct address *peer);
/* USER has logged in on the session of this channel. */
void service_named(struct service_channel *c, const char *user);
/* The process has ended or must end. For log, all that it has sent or still
 * sends is kept; if the channel is held, only what was sent already (a proxy's
 * health checks send nothing). Sessions without a login may fill half of the
 * places, other processes all. */
void service_end(struct master *m, struct service_channel **end);

/* Passes the services all channels that they take now. May be called at any
 * time. */
void services_flush(struct master *m);
/* SERVICE is ready, and reads CHANNEL with WATCH. */
void services_ready(struct master *m, enum process service,
                    struct channel *channel, struct loop_watch *watch);
/* SERVICE has ended: the next one gets all its channels. */
void services_gone(struct master *m, enum process service);

#endif
