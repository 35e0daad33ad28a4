/* The control socket: master serves few callers at once, each for a limited
 * time. */
#ifndef SALLYPORT_SRC_MASTER_CONTROL_H
#define SALLYPORT_SRC_MASTER_CONTROL_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sessions/sessions.h"

/* The control socket: its name on disk and its descriptor. */
struct control_socket {
    int fd;                       /* listening; -1: there is none */
    int directory;                /* the directory of the socket */
    char path[SETTINGS_PATH_MAX]; /* for complaints */
    char name[NAME_MAX + 1];
    struct stat made; /* lstat(2) of the name after bind(2): shows if another
                       * file replaced it */
    bool inherited;   /* an earlier generation made it */
};

/* Opens the control socket at PATH. Makes its directory (0711) if only that
 * directory is missing. Uses an inherited socket as it is, with the connections
 * in its backlog; otherwise makes a socket, and replaces a socket that a killed
 * server has left. The supervisor keeps the socket for the next generation. H
 * may be NULL. Returns 0; -EINVAL: the administrator must mend something;
 * -EAGAIN: another server answers there, or another error that may pass. The
 * complaint is "PATH: WHY". */
int control_socket_open(struct control_socket *s, const char *path,
                        struct succession *h, struct complaint *c);
/* Checks that members of GROUP can reach the socket; GROUP 0 means no group.
 * Returns 0; -EINVAL, with the complaint "PATH: WHY": they can't. */
int control_socket_permits(const struct control_socket *s, gid_t group,
                           struct complaint *c);
/* Gives the socket, if it is open, to GROUP, so that only root, the socket's
 * owner and members of GROUP can connect. An older generation may use the same
 * socket, so call this when the start can't fail any more. Returns 0, or
 * -EINVAL with the complaint "PATH: control_group: WHY". */
int control_socket_admit(const struct control_socket *s, gid_t group,
                         struct complaint *c);
/* Returns true if a server listens at PATH, even if its queue of callers is
 * full. */
bool control_socket_answers(const char *path);
/* Closes the socket. REMOVE: also removes the name, if it still belongs to this
 * socket. */
void control_socket_close(struct control_socket *s, bool remove);

/* The most sessions in one answer about their work. The answer must fit into
 * the socket's buffer even if the peer doesn't read. */
#define LOOK_PAGE 32

/* A peer at the control socket: a sallyportctl, with one request at a time. */
struct peer {
    struct master *master;
    bool used, reads_only;
    struct channel channel;
    uid_t uid; /* as the kernel reports it */
    struct loop_watch watch;
    struct loop_timer timer;   /* the caller's time to send a request, or to
                                * wait for its reload */
    uint32_t request;          /* the request under way */
    uint32_t reload_number;    /* master's own number for the caller's reload;
                                * 0: none */
    uint64_t users_ticket;     /* access_ask() of the caller's change; 0:
                                * none */
    uint64_t looks[LOOK_PAGE]; /* serials of the sessions that the request
                                * asks */
    size_t looking;            /* how many of these sessions haven't answered */
    uint64_t look_next;        /* the place in the table where the next look
                                * begins */
    /* While sessions end: how many sessions the request has ended, and the
     * clock_ms() at which all must have ended; 0: it doesn't wait. */
    uint64_t ended, obeyed_by;
};

/* Call it after SEND() of the last message of an answer; RESULT is the result
 * of SEND(). Then the peer can send its next request. Ends a peer that couldn't
 * take the answer. */
void peer_answered(struct peer *p, int result);
/* Call it after SEND() of each message of an answer except the last message. */
void peer_sent(struct peer *p, int result);
void peer_refuse(struct peer *p, enum refusal why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Ends the peer: closes its channel, and frees its place. */
void peer_end(struct peer *p);

struct control {
    struct control_socket socket;
    struct loop_watch watch;
    struct loop_timer pause; /* after a failed accept */
    uint64_t reports;        /* debt_take(): log lines about callers */
    struct peer peer[MASTER_CALLERS];
};

void control_init(struct control *c, struct master *m);
/* Accepts from now on, if this master made the socket itself. An inherited
 * socket waits for control_lead(): until then the older generation answers or,
 * after a crash, the callers wait in the backlog. Returns 0 or -errno. */
int control_start(struct control *c);
/* Call it when this generation leads: accepts on an inherited socket, too,
 * unless this generation retires already. */
void control_lead(struct control *c);
/* Closes the socket, and with REMOVE also removes its name. Connected peers
 * stay until they hang up. */
void control_close(struct control *c, bool remove);
/* Ends all peers, and closes the socket. Removes the socket's name at the end
 * of the service, or if the start that made the socket has failed. */
void control_stop(struct control *c);

/* Answers the caller that asked for the reload NUMBER (its reload_number); 0:
 * only the log gets the result. WRONG: why it failed; NULL: a new generation
 * leads. */
void control_renewed(struct master *m, uint32_t number, const char *wrong);

/* Returns true if no caller is connected, except members of control_group. */
bool control_is_idle(const struct control *c);

/* gauges.c: the metrics. */

/* Returns the counters of log since the start of the service. */
struct metrics_totals gauges_total(const struct master *m);
/* Answers P with the metrics. */
void gauges_show(struct peer *p, uint64_t place);

/* The requests of sallyportctl: each has a row and a function. */

/* Serves the messages that have arrived. Returns what channel_dispatch()
 * returns. */
int request_dispatch(struct peer *p);
/* Call it when a request has come: until the answer, the peer's phase permits
 * no second request. Returns the peer. */
struct peer *request_begin(void *owner, uint32_t request);
/* Answers that the request was done, and has ended SESSIONS sessions. */
void request_done(struct peer *p, size_t sessions);
/* Call it on P's timer. Does P wait until sessions have ended? */
bool request_waits(struct peer *p);
/* Call it when a look at the users file is over: answers all callers that have
 * changed the file. */
void request_on_users_read(struct master *m);

/* show.c: the answers to `show`. */
int show_on_show(void *owner, struct msg_show *msg);
/* Call it when a session has said what it does: passes the answer to all
 * callers that look at the session. */
void show_on_doing(struct master *m, const struct msg_doing *msg);
/* Call it when P's time for a request is over. Returns true if P waits for a
 * look at sessions, and ends the look without the late answers. */
bool show_late(struct peer *p);

#endif
